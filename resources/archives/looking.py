"""One look at an archive: what it holds now, against what the ledger says that it held.

What belongs here: a pass over one archive, and what was found in it. What does not: writing to a
warehouse, and several archives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from agentsview_assets.resources.archives.asked import Known, Needed, Options
from agentsview_assets.resources.archives.candidates import Candidates
from agentsview_assets.resources.archives.content import Content, Wanted, owned, read_batch
from agentsview_assets.resources.archives.entering import (
    changed_entries,
    days_of,
    enter,
    expected_days,
    expected_parts,
    need_sessions,
    still_left_out,
)
from agentsview_assets.resources.archives.reading import CleanReader
from agentsview_assets.resources.archives.small_tables import SmallTables
from agentsview_assets.resources.warehouses.ledger import Entry, Finding
from agentsview_assets.resources.warehouses.store import Archive
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
            candidates = Candidates(scratch, self._reader, self.archive_id)
            candidates.take_in(before.entries)
            small.land(scratch, self.archive_id, self._origin.config_dir)
            wanted = candidates.wanted(needed, before, is_verified=self._options.is_verified)
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
                self._land_days(candidates, before, window)
        self.is_snapshot = len(batches) <= 1 and not archive.is_immutable
        if not is_landed:
            self._land(wanted, first, small.cursor_events)
        return self._finding(candidates, before, stamp, host)

    def _land_days(self, candidates: Candidates, before: Known, window: DayWindow) -> None:
        """Lands what else the days hold that were touched, as the run is going to ask for them.

        All in the transaction in which their sessions were read: the archive is not opened again.
        """
        moved = changed_entries(self._scratch, self.archive_id)
        days = sorted(
            window.clamp(day) for day in moved.days | _days(_gone(before, candidates.there()))
        )
        if not days or len(days_between(days[0], days[-1])) > _FEW_DAYS:
            return
        span = window.span([days[0], days[-1]])
        need_sessions(self._scratch, self.archive_id, Needed(span, window))
        rest = candidates.chosen(
            "id IN (SELECT id FROM needed) AND id NOT IN (SELECT id FROM landed)"
        )
        if rest.sessions and rest.are_soon_landed:
            self._land(rest, read_batch(self._reader, rest.sessions, are_few=rest.are_few), None)

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

    def _finding(self, candidates: Candidates, before: Known, stamp: str, host: str) -> Finding:
        moved = changed_entries(self._scratch, self.archive_id)
        there = candidates.there()
        left = _gone(before, there)
        gone = sorted(entry.session_id for entry in left)
        days = moved.days | _days(left)
        self.changed = moved.sessions + len([name for name in gone if name])
        sessions = len(there - {""})
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
                there - candidates.read - {""},
            ),
            candidates.is_whole,
        )


def _gone(before: Known, there: set[str]) -> list[Entry]:
    """The entries of the ledger that nothing in the archive has any more."""
    return [entry for entry in before.entries if entry.session_id not in there]


def _days(entries: Iterable[Entry]) -> set[str]:
    return {day for entry in entries for day in days_of(entry.days)}


def _silent(_what: str, _done: int, _total: int) -> None:
    return None
