"""One look at an archive: what it holds now, against what the ledger says that it held.

What belongs here: a pass over one archive, and what was found in it. What does not: writing to a
warehouse, and several archives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from agentsview_assets.resources.asked import Known, Needed, Options
from agentsview_assets.resources.content import Content, Wanted, owned, read_batch
from agentsview_assets.resources.known import LeftOut
from agentsview_assets.resources.ledger import LEDGER, Entry, Finding
from agentsview_assets.resources.reading import CleanReader
from agentsview_assets.resources.small_tables import PROJECT_TABLES, SmallTables
from agentsview_assets.resources.store import Archive
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms import entries, versions
from agentsview_assets.transforms.secrets import clean, clean_identifier
from agentsview_assets.transforms.staleness import DAILY, PRICES, PROJECTS, ExpectedRow
from agentsview_assets.transforms.windows import days_between

if TYPE_CHECKING:
    from agentsview_assets.resources.archive import ArchiveReader
    from agentsview_assets.resources.mirror_reader import MirrorReader
    from agentsview_assets.resources.scratch import Scratch
    from agentsview_assets.resources.sources import Source
    from agentsview_assets.transforms.windows import DayWindow


_FEW_DAYS = 40


class Look:
    """One pass over an open archive."""

    def __init__(
        self,
        origin: Source,
        reader: ArchiveReader | MirrorReader,
        scratch: Scratch,
        options: Options,
    ) -> None:
        self._origin = origin
        self._reader = CleanReader(reader)
        self._scratch = scratch
        self._options = options
        self._read: set[str] = set()
        self._is_whole = False
        self.archive_id = ""
        self.database_id = ""
        self.is_snapshot = False
        self.changed = 0
        self.kept: tuple[ExpectedRow, ...] = ()

    @property
    def texts(self) -> int:
        """How many texts held credentials."""
        return self._reader.texts

    def run(
        self,
        known: Callable[[str], Known],
        stamp: str,
        host: str,
        needed: Needed | None,
        window: DayWindow,
    ) -> Finding:
        """Lands what is new, changed or needed, and says what of it the ledger lacks.

        Args:
            known: What the warehouse knows of an archive.
            stamp: What moves when anyone writes to it.
            host: Name of this machine.
            needed: Days of which all sessions are needed.
            window: The days that partitions exist for.
        """
        archive, scratch = self._reader.archive, self._scratch
        with archive.transaction():
            self.archive_id, self.database_id = archive.identity()
            sessions = self._reader.read_sessions(with_titles=self._options.with_titles)
            small = SmallTables.read(self._reader.read)
            scratch.db.register("seen_session", owned(sessions, self.archive_id))
            before = known(self.archive_id)
            self._take_in(before.entries)
            small.land(scratch, self.archive_id, self._origin.config_dir)
            wanted = self._wanted(needed, before)
            batches = list(wanted.batches())
            # All in one transaction where it fits into one; longer ones would hold up agentsview.
            first = (
                read_batch(self._reader, batches[0], are_few=wanted.are_few)
                if len(batches) == 1
                else None
            )
            is_landed = needed is None and first is not None and wanted.are_soon_landed
            if is_landed:
                self._land(wanted, first, small.cursor_events)
                self._land_days(window)
        self.is_snapshot = len(batches) <= 1 and not archive.is_immutable
        if not is_landed:
            self._land(wanted, first, small.cursor_events)
        return self._finding(before, stamp, host, sessions.num_rows)

    def _land_days(self, window: DayWindow) -> None:
        """Lands what else the days hold that were touched, as the run is going to ask for them.

        All in the transaction in which their sessions were read: the archive is not opened again.
        """
        days = sorted(window.clamp(day) for day in self._touched())
        if not days or len(days_between(days[0], days[-1])) > _FEW_DAYS:
            return
        span = window.span([days[0], days[-1]])
        need_sessions(self._scratch, self.archive_id, Needed(span, window))
        rest = self._chosen("id IN (SELECT id FROM needed) AND id NOT IN (SELECT id FROM landed)")
        if rest.sessions and rest.are_soon_landed:
            self._land(rest, read_batch(self._reader, rest.sessions, are_few=rest.are_few), None)

    def _touched(self) -> set[str]:
        """The days that what has landed touches, or touched, otherwise than the ledger has it."""
        gone = self._scratch.rows(
            "SELECT l.days FROM ledger l WHERE archive_id = $archive AND session_id <> '' AND "
            "session_id NOT IN (SELECT id FROM candidate WHERE archive_id = $archive)",
            {"archive": self.archive_id},
        )
        left = {day for (text,) in gone for day in days_of(text)}
        return left | changed_entries(self._scratch, self.archive_id).days

    def _take_in(self, entries: Sequence[Entry]) -> None:
        """Puts the ledger beside the sessions seen, unless this run has it there already."""
        db = self._scratch.db
        self._is_whole = not entries
        db.execute("DELETE FROM ledger WHERE archive_id = ?", [self.archive_id])
        if not entries:
            return
        columns = dict(zip(Entry._fields, zip(*entries, strict=True), strict=True))
        db.register("incoming", pa.table({name: pa.array(v) for name, v in columns.items()}))
        db.execute("INSERT INTO ledger BY NAME SELECT * FROM incoming")
        db.unregister("incoming")

    def _wanted(self, needed: Needed | None, before: Known) -> Wanted:
        db, mine = self._scratch.db, [self.archive_id]
        for table in ("candidate", "entry"):
            db.execute(f"DELETE FROM {table} WHERE archive_id = ?", mine)
        db.execute(entries.CANDIDATES, {"landing": versions.rules().digests["landing"]})
        name_landed(self._scratch, self.archive_id)
        if before.entries:
            db.execute(entries.KNOWN_ENTRIES, {"archive": self.archive_id})
        db.execute("CREATE OR REPLACE TEMP TABLE needed (id TEXT)")
        if needed is not None:
            need_sessions(self._scratch, self.archive_id, needed)
        # What could not be read may have been mended, which no session row shows.
        spoiled = sorted({row.session_id for row in before.left_out if row.session_id})
        db.execute(
            "INSERT INTO needed SELECT unnest($ids) EXCEPT SELECT id FROM landed",
            {"ids": spoiled},
        )
        self._read = set()
        return self._chosen(
            "true" if self._options.is_verified else "is_changed OR id IN (SELECT id FROM needed)"
        )

    def _chosen(self, condition: str) -> Wanted:
        """The sessions to read that satisfy a condition on their row in `candidate`."""
        found = self._scratch.rows(
            "SELECT id, message_count FROM candidate WHERE archive_id = $archive "
            f"AND ({condition})",
            {"archive": self.archive_id},
        )
        sessions = sorted((self._reader.stored(session), count) for session, count in found)
        self._read |= {session for session, _ in found}
        count = self._scratch.rows(
            "SELECT count(*) FROM candidate WHERE archive_id = ?", [self.archive_id]
        )
        return Wanted(sessions, int(count[0][0]))

    def _land(self, wanted: Wanted, first: Any, cursor_events: pa.Table | None) -> None:
        content = Content(self._scratch, self.archive_id, is_all_compared=self._options.is_verified)
        told = self._options.progress or _silent
        for done in content.land(self._reader, wanted, first):
            told("reading sessions", done, len(wanted.sessions))
        if cursor_events is not None:
            content.land_cursor_events(cursor_events)
        gone = (
            "SELECT session_id FROM session WHERE archive_id = $1 AND session_id NOT IN "
            "(SELECT id FROM candidate WHERE archive_id = $1)"
        )
        self._scratch.db.execute(
            f"CREATE OR REPLACE TEMP TABLE left_session AS {gone}", [self.archive_id]
        )
        content.forget("SELECT session_id FROM left_session")
        enter(self._scratch, self.archive_id)

    def _finding(self, before: Known, stamp: str, host: str, sessions: int) -> Finding:
        moved = changed_entries(self._scratch, self.archive_id)
        seen = {
            row[0]
            for row in self._scratch.rows(
                "SELECT id FROM candidate WHERE archive_id = ?", [self.archive_id]
            )
        }
        known = {entry.session_id: entry.days for entry in before.entries}
        has_cursor = bool(
            self._scratch.rows(
                "SELECT 1 FROM entry WHERE archive_id = ? AND session_id = '' LIMIT 1",
                [self.archive_id],
            )
        )
        gone = sorted(known.keys() - seen - ({""} if has_cursor else set()))
        days = moved.days | {day for name in gone for day in days_of(known[name])}
        self.changed = moved.sessions + len([name for name in gone if name])
        (self._options.progress or _silent)("observed sessions", sessions, sessions)
        return Finding(
            Archive(
                self.archive_id,
                self.database_id,
                self._reader.archive.user_version,
                self._origin.key,
                host,
                stamp,
            ),
            moved.rows,
            gone,
            [*expected_days(self._scratch, self.archive_id, days), *self._parts()],
            days,
            self._left_out(before.left_out, seen),
            self._is_whole,
        )

    def _parts(self) -> list[ExpectedRow]:
        versions = (
            (PROJECTS, self._scratch.version(PROJECT_TABLES, self.archive_id)),
            (PRICES, self._scratch.version(("model_pricing",), self.archive_id)),
        )
        return [ExpectedRow(self.archive_id, part, "", version) for part, version in versions]

    def _left_out(self, before: Sequence[LeftOut], seen: set[str]) -> list[LeftOut]:
        """The rows that cannot be read: those met now, and those of sessions not read now."""
        kept = [
            row
            for row in before
            if row.source_table in ("messages", "usage_events")
            and row.session_id in seen
            and row.session_id not in self._read
        ]
        met = [
            LeftOut(
                self.archive_id,
                row.table,
                clean_identifier(row.session_id),
                clean(row.row),
                clean(row.reason),
            )
            for row in dict.fromkeys(self._reader.archive.held)
        ]
        return list(dict.fromkeys([*kept, *met]))


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


def need_sessions(scratch: Scratch, archive_id: str, needed: Needed) -> None:
    """Adds the sessions of some days that have not landed to the table `needed`."""
    first = needed.window.first
    own = f"(day BETWEEN $from AND $to AND day >= '{first}')"
    earlier = f"(day < '{first}')" if needed.span.first <= first else "false"
    scratch.db.execute(
        "INSERT INTO needed SELECT DISTINCT session_id FROM entry WHERE archive_id = $archive "
        f"AND session_id <> '' AND ({own} OR {earlier}) AND session_id NOT IN "
        "(SELECT session_id FROM session WHERE archive_id = $archive)",
        {"archive": archive_id, "from": needed.span.first, "to": needed.span.last},
    )


def name_landed(scratch: Scratch, archive_id: str) -> None:
    """Names the sessions of an archive that have landed, and what has none, in `landed`."""
    scratch.db.execute(
        "CREATE OR REPLACE TEMP TABLE landed AS SELECT session_id AS id FROM session "
        "WHERE archive_id = ? UNION ALL SELECT ''",
        [archive_id],
    )


def enter(scratch: Scratch, archive_id: str) -> None:
    """Enters what the sessions that have landed say on each day."""
    name_landed(scratch, archive_id)
    mine = "archive_id = $archive AND session_id IN (SELECT id FROM landed)"
    scratch.db.execute(f"DELETE FROM entry WHERE {mine}", {"archive": archive_id})
    scratch.db.execute(entries.ENTRIES.replace("{mine}", mine), {"archive": archive_id})


class Moved(NamedTuple):
    """Sessions that the ledger has otherwise.

    Attributes:
        rows: Rows of `archive_sessions`.
        days: Days that they touch or touched.
        sessions: Those whose row, messages or events are others.
    """

    rows: pa.Table
    days: set[str]
    sessions: int


def changed_entries(scratch: Scratch, archive_id: str) -> Moved:
    """Of the sessions that have landed those that the ledger has otherwise."""
    found: pa.Table = scratch.db.sql(
        entries.LEDGER_ROWS, params={"archive": archive_id}
    ).to_arrow_table()
    rows = found.select(list(CONTRACTS[LEDGER.name].column_names)).cast(LEDGER.arrow_schema)
    moved = found.filter(found.column("is_moved"))
    texts = moved.column("days").to_pylist() + moved.column("known_days").to_pylist()
    days = {day for text in set(texts) if text for day in days_of(text)}
    count = sum(1 for name in rows.column("session_id").to_pylist() if name)
    return Moved(rows, days, count)


def days_of(text: str) -> list[str]:
    """The days that an entry of the ledger names."""
    return [row["day"] for row in json.loads(text)]


def expected_days(scratch: Scratch, archive_id: str, days: set[str]) -> list[ExpectedRow]:
    """What some days of an archive hold now, of all its sessions."""
    if not days:
        return []
    found = scratch.rows(entries.EXPECTED_DAYS, {"archive": archive_id, "days": sorted(days)})
    return [
        ExpectedRow(
            archive, DAILY, day, version, tuple(json.loads(models)), tuple(json.loads(reads))
        )
        for archive, day, version, models, reads in found
    ]
