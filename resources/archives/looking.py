"""One look at an archive: what it holds now, against what the ledger says that it held.

What belongs here: a pass over one archive, and what was found in it. What does not: writing to a
warehouse, and several archives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from agentsview_assets.resources.archives.asked import Known, Needed, Options
from agentsview_assets.resources.archives.content import Content, Wanted, owned, read_batch
from agentsview_assets.resources.archives.entering import (
    changed_entries,
    days_of,
    enter,
    expected_days,
    expected_parts,
    name_landed,
    need_sessions,
    still_left_out,
)
from agentsview_assets.resources.archives.reading import CleanReader
from agentsview_assets.resources.archives.small_tables import SmallTables
from agentsview_assets.resources.warehouses.ledger import Entry, Finding
from agentsview_assets.resources.warehouses.store import Archive
from agentsview_assets.rules import entries, versions
from agentsview_assets.rules.windows import days_between

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.mirrors.reader import MirrorReader
    from agentsview_assets.resources.archives.reader import ArchiveReader
    from agentsview_assets.resources.archives.scratch import Scratch
    from agentsview_assets.resources.archives.sources import Source
    from agentsview_assets.rules.windows import DayWindow


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
                self._land_days(before, window)
        self.is_snapshot = len(batches) <= 1 and not archive.is_immutable
        if not is_landed:
            self._land(wanted, first, small.cursor_events)
        return self._finding(before, stamp, host, sessions.num_rows)

    def _land_days(self, before: Known, window: DayWindow) -> None:
        """Lands what else the days hold that were touched, as the run is going to ask for them.

        All in the transaction in which their sessions were read: the archive is not opened again.
        """
        moved = changed_entries(self._scratch, self.archive_id)
        days = sorted(window.clamp(day) for day in moved.days | _days(_gone(before, self._there())))
        if not days or len(days_between(days[0], days[-1])) > _FEW_DAYS:
            return
        span = window.span([days[0], days[-1]])
        need_sessions(self._scratch, self.archive_id, Needed(span, window))
        rest = self._chosen("id IN (SELECT id FROM needed) AND id NOT IN (SELECT id FROM landed)")
        if rest.sessions and rest.are_soon_landed:
            self._land(rest, read_batch(self._reader, rest.sessions, are_few=rest.are_few), None)

    def _there(self) -> set[str]:
        """The sessions that the archive has now; '' where it has rows without a session."""
        found = self._scratch.rows(
            "SELECT id FROM candidate WHERE archive_id = $archive UNION "
            "SELECT session_id FROM entry WHERE archive_id = $archive AND session_id = ''",
            {"archive": self.archive_id},
        )
        return {name for (name,) in found}

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
        there = self._there()
        left = _gone(before, there)
        gone = sorted(entry.session_id for entry in left)
        days = moved.days | _days(left)
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
            [
                *expected_days(self._scratch, self.archive_id, days),
                *expected_parts(self._scratch, self.archive_id),
            ],
            days,
            still_left_out(
                self._reader.archive.held,
                before.left_out,
                self.archive_id,
                there - self._read - {""},
            ),
            self._is_whole,
        )


def _gone(before: Known, there: set[str]) -> list[Entry]:
    """The entries of the ledger that nothing in the archive has any more."""
    return [entry for entry in before.entries if entry.session_id not in there]


def _days(entries: Iterable[Entry]) -> set[str]:
    return {day for entry in entries for day in days_of(entry.days)}


def _silent(_what: str, _done: int, _total: int) -> None:
    return None
