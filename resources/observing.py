"""Observing an archive: from `sessions.db` into the observation store, only what changed.

The order of trust: an unchanged file holds nothing new; a session whose row agentsview has moved
is read again; and when the file moved in a way that session rows do not explain (rows edited by
another program), everything is read and compared by content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources import archive_schema as source
from agentsview_assets.resources import succession
from agentsview_assets.resources.archive import ArchiveReader
from agentsview_assets.resources.cleaning import cleaned
from agentsview_assets.resources.held_rows import note_held
from agentsview_assets.resources.mirror_reader import MirrorReader
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.odd_values import arrow_schema
from agentsview_assets.resources.price_tables import all_prices
from agentsview_assets.resources.run_notes import Reading
from agentsview_assets.resources.sources import FileSource, Source
from agentsview_assets.resources.succession import Taken
from agentsview_assets.transforms import landing
from agentsview_assets.transforms.identities import ProjectObservation
from agentsview_assets.transforms.julian import julian_day, utc_date
from agentsview_assets.transforms.machines import machines
from agentsview_assets.transforms.paths import file_directory
from agentsview_assets.transforms.remotes import presentable_remote
from agentsview_assets.transforms.secrets import clean_identifier
from agentsview_assets.transforms.timestamps import parse_rfc3339
from agentsview_assets.transforms.token_usage import clamp_message_tokens, parse_token_usage
from agentsview_assets.transforms.worktrees import worktrees_of

BATCH_MESSAGES = 120_000
"""Messages read in one transaction: a fraction of the three seconds that a reader may hold one."""
PARTIAL_SHARE = 0.2
_ATTEMPTS = 5

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it goes."""


class Observed(NamedTuple):
    """What an observation found.

    Attributes:
        archive_id: Identity of the archive.
        sessions: Sessions that were read again or removed.
        is_unchanged: The file had not moved; nothing was read.
        unread: Archives that were not read, with the reason, where others were.
        archive_ids: Identities of all that were read, where there may be several.
        taken: What was taken over from other archives that were at these places before.
        readings: What came of reading each of them, where there may be several.
        held: Rows of those archives that cannot be read and are left out, a line each.
        cleaned: Texts that held credentials, which were taken out.
    """

    archive_id: str
    sessions: int
    is_unchanged: bool
    unread: tuple[tuple[str, str], ...] = ()
    archive_ids: tuple[str, ...] = ()
    taken: tuple[Taken, ...] = ()
    readings: tuple[Reading, ...] = ()
    held: tuple[str, ...] = ()
    cleaned: int = 0


class _Plan(NamedTuple):
    """Sessions to read: each with its stored message count, in id order."""

    sessions: list[tuple[str, int]]
    is_partial: bool


def observe(
    archive: Path | Source,
    store: ObservationStore,
    *,
    with_titles: bool = True,
    progress: Progress | None = None,
    force: bool = False,
) -> Observed:
    """Brings the store up to date with an archive, in one transaction of the store.

    Args:
        archive: The archive file, or a source of another kind.
        store: The open store.
        with_titles: Whether session titles may fall back to first messages.
        progress: Told how far the reading is.
        force: Read and compare everything, whatever the signatures say.

    Raises:
        ArchiveError: The archive cannot be read, or is written to without pause.
        ConfigError: Its `config.toml` cannot be used.
    """
    origin = FileSource(archive) if isinstance(archive, Path) else archive
    known = store.archive_at(origin.key)
    if (
        known is not None
        and not force
        and known["signature"] == origin.stamp(with_titles=with_titles)
    ):
        return Observed(known["archive_id"], 0, is_unchanged=True)
    changed, taken = 0, dict[str, Taken]()
    predecessor = known["archive_id"] if known is not None else None
    with store.transaction():
        for attempt in range(_ATTEMPTS):
            before, seen = origin.state(), origin.stamp(with_titles=with_titles)
            with origin.open() as reader:
                landed = _Landing(origin, store, reader, with_titles=with_titles, known=known)
                landed.predecessor = predecessor
                found = landed.run(progress or _silent, force=force and attempt == 0)
            changed += found.sessions
            for more in found.taken:
                before_that = taken[more.old].moved if more.old in taken else 0
                taken[more.old] = more._replace(moved=before_that + more.moved)
            if landed.is_whole(before, origin.state()):
                landed.note(seen)
                return found._replace(sessions=changed, taken=tuple(taken.values()))
            # What was landed stays, so that the next reading takes only what moved meanwhile.
            known = landed.known_so_far()
        raise ArchiveError(
            f"archive {origin.key}: written to during each of {_ATTEMPTS} readings; try again "
            "when agentsview has finished syncing"
        )


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


class _Landing:
    """One pass over an archive, inside a store transaction."""

    def __init__(
        self,
        origin: Source,
        store: ObservationStore,
        reader: ArchiveReader | MirrorReader,
        *,
        with_titles: bool,
        known: dict[str, str] | None,
    ) -> None:
        self.origin = origin
        self.store = store
        self.db = store.connection
        self.reader = reader
        self.with_titles = with_titles
        self.known = known
        self.predecessor: str | None = None
        self.archive_id = ""
        self.database_id = ""
        self._is_snapshot = False
        self._cleaned = 0
        self._stored_ids: dict[str, str] = {}

    def run(self, progress: Progress, *, force: bool) -> Observed:
        with self.reader.transaction():
            self._identify()
            sessions = self._sessions()
            small = {t.name: self._read(t) for t in _SMALL_TABLES}
            machine_state = self._read(source.SYNC_STATE, source.MACHINE_KEYS)
            plan = self._plan(force=force)
            batches = list(_batches(plan.sessions))
            # All in one transaction where it fits into one; longer ones would hold up agentsview.
            whole = [self._read_batch(batch, plan) for batch in batches if len(batches) == 1]
        self._is_snapshot = len(batches) <= 1 and not self.reader.is_immutable
        self._remove_gone()
        changed = self._read_sessions(plan, batches, whole, progress)
        self._land_cursor_events(small[source.CURSOR_USAGE_EVENTS.name])
        taken = self._take_over()
        self._settle()
        self._land_projects(small)
        self._land_machines(machine_state)
        self._land_stars(small[source.STARRED_SESSIONS.name])
        self._land_prices(small[source.MODEL_PRICING.name])
        read = {session for session, _ in plan.sessions} if plan.is_partial else None
        note_held(self.db, self.archive_id, self.reader.held, read)
        self._version_days()
        progress("observed sessions", sessions, sessions)
        return Observed(
            self.archive_id, changed, is_unchanged=False, taken=taken, cleaned=self._cleaned
        )

    def is_whole(self, before: object, after: object) -> bool:
        """Whether all that was read belongs together: one snapshot, or what nobody wrote to."""
        return self.origin.is_same(before, after, is_snapshot=self._is_snapshot)

    def known_so_far(self) -> dict[str, str]:
        """What the next reading may take as known, after one that was disturbed."""
        version = str(self.reader.user_version)
        return {"archive_id": self.archive_id, "signature": "", "user_version": version}

    def note(self, seen: str) -> None:
        """Records that the store now holds the archive as it was at this signature."""
        # Copies of an archive share its id and its rows here: only the last one read is held.
        self.db.execute("DELETE FROM archive WHERE archive_id = ?", [self.archive_id])
        self.db.execute(
            "INSERT INTO archive VALUES (?, ?, ?, ?, ?, now())",
            [
                self.archive_id,
                self.origin.key,
                seen,
                self.database_id,
                self.reader.user_version,
            ],
        )

    def _read(self, table: source.SourceTable, where: str = "", order: str = "") -> pa.Table:
        """Reads a table without the credentials in it: nothing behind this sees one."""
        found = cleaned(self.reader.read(table, where, order))
        self._cleaned += found.texts
        return found.table

    def _identify(self) -> None:
        self.archive_id, self.database_id = self.reader.identity()

    def _take_over(self) -> tuple[Taken, ...]:
        """Takes over what is held here, too, from the archives that were at this place before."""
        succession.is_here(self.db, self.archive_id)
        earlier = succession.predecessors(self.db, self.archive_id)
        if self.predecessor not in (None, self.archive_id, *earlier):
            earlier.insert(0, str(self.predecessor))
            earlier += [
                name
                for name in succession.predecessors(self.db, earlier[0])
                if name not in (self.archive_id, *earlier)
            ]
        taken = tuple(
            succession.take_over(self.db, self.origin.key, old, self.archive_id) for old in earlier
        )
        succession.record(self.db, taken)
        # What was told of a predecessor before is told again only when something moved.
        return tuple(found for found in taken if found.moved or found.old == self.predecessor)

    def _sessions(self) -> int:
        raw = self.reader.read(source.SESSIONS if self.with_titles else source.UNTITLED_SESSIONS)
        held = {row.session_id for row in self.reader.held if row.table == source.SESSIONS.name}
        is_held = pc.is_in(raw.column("id"), pa.array(sorted(held), pa.string()))
        found, texts = cleaned(raw)
        self._cleaned += texts
        # An id with a credential in it is another one here; reading goes by the archive's own.
        ids = zip(found.column("id").to_pylist(), raw.column("id").to_pylist(), strict=True)
        self._stored_ids = {here: there for here, there in ids if here != there} if texts else {}
        self._register("seen_session", self._owned(found.append_column("is_held", is_held)))
        self.db.execute(f"""
            CREATE OR REPLACE TEMP TABLE candidate AS
            SELECT s.id, s.message_count,
                o.fingerprint IS DISTINCT FROM {landing.RAW_SESSION_HASH} AS is_changed,
                o.session_id IS NULL OR o.local_modified_at IS DISTINCT FROM s.local_modified_at
                    AS is_signed
            FROM seen_session s LEFT JOIN session o
                ON o.archive_id = s.archive_id AND o.session_id = s.id""")
        return int(found.num_rows)

    def _owned(self, table: pa.Table) -> pa.Table:
        owner = pa.array([self.archive_id] * table.num_rows, pa.string())
        return table.append_column("archive_id", owner)

    def _register(self, name: str, table: pa.Table) -> None:
        self.db.register(name, table)

    def _gone(self) -> list[str]:
        return [
            row[0]
            for row in self.db.execute(
                "SELECT session_id FROM session WHERE archive_id = ? AND session_id NOT IN "
                "(SELECT id FROM candidate)",
                [self.archive_id],
            ).fetchall()
        ]

    def _plan(self, *, force: bool) -> _Plan:
        """Decides what to read: signed changes alone when they explain everything, else all."""
        everything = self.db.execute(
            "SELECT id, message_count FROM candidate ORDER BY id"
        ).fetchall()
        changed = self.db.execute(
            "SELECT id, message_count FROM candidate WHERE is_changed ORDER BY id"
        ).fetchall()
        if self._stored_ids:
            everything, changed = (
                sorted((self._stored_ids.get(session, session), n) for session, n in listed)
                for listed in (everything, changed)
            )
        unsigned = _count(self.db, "candidate WHERE is_changed AND NOT is_signed")
        same_generation = self.known is not None and self.known["user_version"] == str(
            self.reader.user_version
        )
        explained = bool(changed) and unsigned == 0
        few = len(changed) <= max(100, PARTIAL_SHARE * len(everything))
        if same_generation and explained and few and not force:
            return _Plan(changed, is_partial=True)
        return _Plan(everything, is_partial=False)

    def _remove_gone(self) -> None:
        self.db.execute("CREATE OR REPLACE TEMP TABLE touched_key (dedup_key TEXT)")
        self._forget("SELECT unnest(?::TEXT[])", [self._gone()])

    def _forget(self, sessions: str, parameters: list[object]) -> None:
        """Removes sessions from the store, noting the duplicate keys that they held."""
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE forgotten(id) AS {sessions}", parameters)
        mine = "archive_id = ? AND session_id IN (SELECT id FROM forgotten)"
        self.db.execute(
            f"INSERT INTO touched_key SELECT DISTINCT dedup_key FROM usage WHERE {mine} "
            "AND dedup_key IS NOT NULL",
            [self.archive_id],
        )
        self.db.execute(
            f"DELETE FROM verdict WHERE number IN (SELECT number FROM usage WHERE {mine})",
            [self.archive_id],
        )
        for table in landing.SESSION_TABLES:
            self.db.execute(f"DELETE FROM {table} WHERE {mine}", [self.archive_id])

    def _read_sessions(
        self,
        plan: _Plan,
        batches: list[list[tuple[str, int]]],
        found: list[tuple[pa.Table, pa.Table]],
        progress: Progress,
    ) -> int:
        """Lands batch after batch, reading the next one (unless it is found) while one lands."""
        changed = done = 0
        found = found or [self._read_batch(batch, plan) for batch in batches[:1]]
        with ThreadPoolExecutor(max_workers=1) as ahead:
            for number, batch in enumerate(batches):
                pending = [
                    ahead.submit(self._read_batch, b, plan)
                    for b in batches[number + 1 : number + 2]
                ]
                changed += self._land_batch(batch, *found.pop())
                found = [reading.result() for reading in pending]
                done += len(batch)
                progress("reading sessions", done, len(plan.sessions))
        return changed

    def _read_batch(self, batch: list[tuple[str, int]], plan: _Plan) -> tuple[pa.Table, pa.Table]:
        if plan.is_partial:
            where = self.reader.among([session for session, _ in batch])
        else:
            where = self.reader.between(batch[0][0], batch[-1][0])
        with self.reader.transaction():
            return (
                self._read(source.MESSAGES, where, "session_id, ordinal"),
                self._read(source.USAGE_EVENTS, where, "session_id, id"),
            )

    def _land_batch(
        self, batch: list[tuple[str, int]], messages: pa.Table, events: pa.Table
    ) -> int:
        """Lands the sessions of a batch whose row or content differs from the store's."""
        sessions = [session for session, _ in batch]
        if self._stored_ids:
            sessions = [clean_identifier(session) for session in sessions]
        self._register("raw_message", messages)
        self._register("raw_event", events)
        self._register("raw_cursor_event", arrow_schema(source.CURSOR_USAGE_EVENTS).empty_table())
        self.db.execute(landing.CONTENT_HASHES)
        self.db.execute(
            """CREATE OR REPLACE TEMP TABLE landing_session AS
            SELECT c.id FROM candidate c
            LEFT JOIN raw_content r ON r.session_id = c.id
            LEFT JOIN session o ON o.archive_id = ? AND o.session_id = c.id
            WHERE c.id IN (SELECT unnest(?::TEXT[]))
                AND (c.is_changed OR o.content IS DISTINCT FROM coalesce(r.content, 0))""",
            [self.archive_id, sessions],
        )
        changed = _count(self.db, "landing_session")
        if changed == 0:
            return 0
        if changed < len(batch):
            self._narrow("raw_message", "session_id")
            self._narrow("raw_event", "session_id")
        landing_rows = "SELECT * FROM seen_session WHERE id IN (SELECT id FROM landing_session)"
        self._register("raw_session", self.db.sql(landing_rows).to_arrow_table())
        self._forget("SELECT id FROM landing_session", [])
        self.db.execute(landing.MESSAGES)
        self._scan_odd_texts()
        for step in landing.LANDING_STEPS:
            self.db.execute(step)
        if self.known is not None:  # a first reading settles every key anyway
            self.db.execute(
                "INSERT INTO touched_key SELECT DISTINCT dedup_key FROM usage WHERE archive_id = ? "
                "AND session_id IN (SELECT id FROM landing_session) AND dedup_key IS NOT NULL",
                [self.archive_id],
            )
        return changed

    def _narrow(self, relation: str, column: str) -> None:
        kept = self.db.sql(
            f"SELECT * FROM {relation} WHERE {column} IN (SELECT id FROM landing_session)"
        ).to_arrow_table()
        self._register(relation, kept)

    def _scan_odd_texts(self) -> None:
        """Reads the few texts that plain SQL cannot with the exact scanners."""
        texts = [row[0] for row in self.db.execute(landing.ODD_USAGE_TEXTS).fetchall()]
        counts = [clamp_message_tokens(parse_token_usage(text)) for text in texts]
        columns = zip(*counts, strict=True) if counts else ([], [], [], [], [])
        names = (
            "input_tokens",
            "output_tokens",
            "cache_creation_tokens",
            "cache_read_tokens",
            "reasoning_tokens",
        )
        usage = {
            name: pa.array(list(c), pa.int64()) for name, c in zip(names, columns, strict=True)
        }
        self._register("odd_usage", pa.table({"text": pa.array(texts, pa.string()), **usage}))
        times = [row[0] for row in self.db.execute(landing.ODD_TIME_TEXTS).fetchall()]
        parsed = [parse_rfc3339(text) for text in times]
        self._register(
            "odd_time",
            pa.table(
                {
                    "text": pa.array(times, pa.string()),
                    "epoch": pa.array([p and p.epoch_seconds for p in parsed], pa.int64()),
                    "nanosecond": pa.array([p and p.nanosecond for p in parsed], pa.int64()),
                    "julian": pa.array([julian_day(text) for text in times], pa.float64()),
                    "utc_date": pa.array([utc_date(text) for text in times], pa.string()),
                }
            ),
        )

    def _land_cursor_events(self, events: pa.Table) -> None:
        mine = "archive_id = ? AND row_kind = 'cursor_event'"
        keys = f"SELECT DISTINCT dedup_key FROM usage WHERE {mine} AND dedup_key IS NOT NULL"
        self.db.execute(f"INSERT INTO touched_key {keys}", [self.archive_id])
        self.db.execute(
            f"DELETE FROM verdict WHERE number IN (SELECT number FROM usage WHERE {mine})",
            [self.archive_id],
        )
        self.db.execute(f"DELETE FROM usage WHERE {mine}", [self.archive_id])
        if events.num_rows == 0:
            return
        for name, table in (
            ("raw_message", source.MESSAGES),
            ("raw_event", source.USAGE_EVENTS),
            ("raw_session", source.SESSIONS),
        ):
            self._register(name, self._owned(arrow_schema(table).empty_table()))
        self._register("raw_cursor_event", self._owned(events))
        self.db.execute(landing.MESSAGES)
        self._scan_odd_texts()
        self.db.execute(landing.CURSOR_USAGE)
        self.db.execute(f"INSERT INTO touched_key {keys}", [self.archive_id])

    def _settle(self) -> None:
        """Decides anew which row counts, for the duplicate keys that were touched."""
        if self.known is None:
            self.db.execute("DELETE FROM verdict")
            self.db.execute(landing.VERDICTS.format(only=""))
            return
        self.db.execute(
            "DELETE FROM verdict WHERE number IN (SELECT number FROM usage "
            "WHERE dedup_key IN (SELECT dedup_key FROM touched_key))"
        )
        only = "AND dedup_key IN (SELECT dedup_key FROM touched_key)"
        self.db.execute(landing.VERDICTS.format(only=only))

    def _land_projects(self, small: dict[str, pa.Table]) -> None:
        seen = small[source.PROJECT_OBSERVATIONS.name].to_pylist()
        rows = [
            ("observation", r["project"], r["machine"], r["root_path"],
             presentable_remote(r["git_remote"]), r["worktree_name"], r["worktree_root_path"], "")
            for r in seen
        ]  # fmt: skip
        rows += [
            (
                "worktree_mapping",
                r["project"],
                r["machine"],
                r["path_prefix"],
                "",
                "",
                "",
                r["layout"],
            )
            for r in small[source.WORKTREE_MAPPINGS.name].to_pylist()
            if r["enabled"] == 1
        ]
        places = self.db.execute(
            "SELECT DISTINCT project, machine, cwd, file_path FROM session "
            "WHERE archive_id = ? AND deleted_at_text IS NULL",
            [self.archive_id],
        ).fetchall()
        rows += {
            ("session_place", project, machine, cwd, "", "", file_directory(file_path), "")
            for project, machine, cwd, file_path in places
        }
        # Remotes that differ in their credentials alone have become the same row.
        distinct = {(*row[:5], row[6]): (self.archive_id, *row) for row in sorted(rows)}
        self._replace("project_observations", list(distinct.values()))
        self._land_worktrees(places, [ProjectObservation(**r) for r in seen])

    def _land_worktrees(
        self, places: list[tuple[str, str, str, str]], seen: list[ProjectObservation]
    ) -> None:
        found = worktrees_of({place[:3] for place in places}, seen)
        rows = [(self.archive_id, *place, *worktree) for place, worktree in sorted(found.items())]
        self._replace("worktree", rows)

    def _land_machines(self, state: pa.Table) -> None:
        found = self.db.execute(
            "SELECT DISTINCT machine FROM session WHERE archive_id = ?", [self.archive_id]
        ).fetchall()
        known = {row["key"]: row["value"] for row in state.to_pylist()}
        rows = [(self.archive_id, *row) for row in machines((m for (m,) in found), known)]
        self._replace("machines", rows)

    def _land_stars(self, starred: pa.Table) -> None:
        rows = [(self.archive_id, *row.values()) for row in starred.to_pylist()]
        self._replace("starred", rows)

    def _land_prices(self, stored: pa.Table) -> None:
        rows = all_prices(self.archive_id, stored.to_pylist(), self.origin.config_dir)
        self._replace("model_pricing", rows)

    def _replace(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        self.store.replace(table, self.archive_id, rows)

    def _version_days(self) -> None:
        for table, statement in landing.DAY_FACTS.items():
            self.db.execute(f"DELETE FROM {table}")
            self.db.execute(statement)


_SMALL_TABLES = (
    source.CURSOR_USAGE_EVENTS,
    source.MODEL_PRICING,
    source.PROJECT_OBSERVATIONS,
    source.WORKTREE_MAPPINGS,
    source.STARRED_SESSIONS,
)


def _batches(sessions: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    batch: list[tuple[str, int]] = []
    messages = 0
    for session in sessions:
        batch.append(session)
        messages += max(1, session[1])
        if messages >= BATCH_MESSAGES:
            yield batch
            batch, messages = [], 0
    if batch:
        yield batch


def _count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
