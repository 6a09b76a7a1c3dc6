"""One archive found where another one was: whose rows are whose from then on.

What belongs here: moving rows between archives in a warehouse, and what is recorded of it. What
does not: reading archives.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.resources.warehouses.ledger import Entry
from agentsview_assets.resources.warehouses.store import Selection, Succession
from agentsview_assets.rules import succession
from agentsview_assets.rules.entries import EXPECTED_DAYS
from agentsview_assets.rules.staleness import DAILY, ExpectedRow, observed_slices
from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.scratch import Scratch
    from agentsview_assets.resources.warehouses.store import Archive, Store
    from agentsview_assets.rules.windows import DayWindow


class Taken(NamedTuple):
    """What an archive took over from the one that was at its place before.

    Attributes:
        path: Where they were found.
        old: Identity of the one that was there.
        new: Identity of the one that is there now.
        moved: Sessions, and rows without one, that the new archive holds too.
        kept: Those that stay rows of the old one.
    """

    path: str
    old: str
    new: str
    moved: int
    kept: int

    @property
    def succession(self) -> Succession:
        """As it is recorded."""
        return Succession(self.old, self.path, self.new)

    def told(self) -> str:
        """The same in words."""
        found = f"{self.path}: found archive {self.new} where {self.old} was"
        if not self.kept:
            return f"{found}; it holds all that was in that one, and takes its place"
        return (
            f"{found}; {self.moved:,} of its sessions and events are in the new one, too, and are "
            f"the new one's now. The other {self.kept:,} stay as they are, under the old id; "
            f"`agentsview-assets materialize --forget {self.old}` gives them up"
        )


class Leaving(NamedTuple):
    """What leaves an archive, as its successor holds it too.

    Attributes:
        archive_id: The archive.
        successor: Its successor.
        sessions: Ids of sessions.
        rows: Ids of usage rows without a session.
        events: Its ledger entry of such rows; None where no such row is left.
        expected: What is expected of the days that they touched, without them.
        days: Those days.
        versions: Recorded versions of observations that stay up to date, before and after, by day.
    """

    archive_id: str
    successor: str
    sessions: Sequence[str]
    rows: Sequence[str]
    events: Entry | None
    expected: Sequence[ExpectedRow]
    days: Sequence[str]
    versions: Sequence[tuple[str, str, str]]


def predecessors(store: Store, archive_id: str, here: Sequence[Archive]) -> list[Archive]:
    """The archives that lay where one is now and of which rows are left, nearest first.

    Args:
        store: The warehouse, which has recorded the one that is there now.
        archive_id: Its identity.
        here: What was last observed there.
    """
    known = {archive.archive_id: archive for archive in store.archives()}
    followed = store.successions()
    found = [archive.archive_id for archive in here]
    pending = [archive_id, *found]
    while pending:
        after = pending.pop(0)
        earlier = [s.archive_id for s in followed if s.succeeded_by == after]
        fresh = [name for name in earlier if name not in found]
        found += fresh
        pending += fresh
    return [known[name] for name in found if name in known and name != archive_id]


def take_over(
    store: Store, scratch: Scratch, new: Archive, old: Archive, window: DayWindow
) -> Taken:
    """Takes out of an archive what its successor holds too; all of it when nothing else is left.

    Args:
        store: The warehouse, whose ledger has both.
        scratch: Where the successor's events have landed.
        new: The successor.
        old: The archive that was there before.
        window: The days that partitions exist for.
    """
    entries = {entry.session_id: entry for entry in store.ledger(old.archive_id)}
    sessions = store.shared_sessions(new.archive_id, old.archive_id)
    is_upgrade = bool(sessions) and len(sessions) == len(entries.keys() - {""})
    events = _events(store, old.archive_id)
    rows = _moved_events(scratch, new.archive_id, old.archive_id, events, is_upgrade=is_upgrade)
    kept = len(entries.keys() - {"", *sessions}) + len(events) - len(rows)
    taken = Taken(new.path, old.archive_id, new.archive_id, len(sessions) + len(rows), kept)
    if not kept:
        store.pass_on_all(old.archive_id, new.archive_id)
    elif taken.moved:
        store.pass_on(_leaving(store, scratch, taken, entries, sessions, rows, window))
    store.record_succession(taken.succession)
    return taken


def _events(store: Store, archive_id: str) -> Any:
    """The usage of an archive that has no session, as a table."""
    import pyarrow.compute as pc  # noqa: PLC0415 - only where archives follow each other

    rows = store.read(CONTRACTS["usage_rows"], Selection(archives=(archive_id,)))
    return rows.filter(pc.equal(rows.column("row_kind"), "cursor_event"))


def _moved_events(
    scratch: Scratch, new: str, old: str, events: Any, *, is_upgrade: bool
) -> list[str]:
    if not events.num_rows:
        return []
    scratch.db.register("earlier_event", events)
    found = scratch.rows(
        succession.MOVED_EVENTS, {"old": old, "new": new, "is_upgrade": is_upgrade}
    )
    scratch.db.unregister("earlier_event")
    return [row_id for (row_id,) in found]


def _leaving(  # noqa: PLR0913 - what is there, and what goes of it
    store: Store,
    scratch: Scratch,
    taken: Taken,
    entries: dict[str, Entry],
    sessions: Sequence[str],
    rows: Sequence[str],
    window: DayWindow,
) -> Leaving:
    archive_id, gone = taken.old, set(sessions)
    left = {name: entry for name, entry in entries.items() if name not in gone}
    days = {row["day"] for name in sessions for row in json.loads(entries[name].days)}
    events = left.pop("", None)
    if rows and events is not None:
        # What the other events say cannot be read again: any other digest will do.
        mark = hashlib.md5("\n".join(sorted(rows)).encode(), usedforsecurity=False).hexdigest()
        said = json.loads(events.days)
        days |= {row["day"] for row in said}
        texts = [{**row, "says": f"{row['says']}-{mark}"} for row in said]
        events = events._replace(days=json.dumps(texts, separators=(",", ":")))
    if events is not None:
        left[""] = events
    before = store.expected([archive_id])
    expected = _expected(scratch, archive_id, left.values(), days)
    after = [row for row in before if row.part != DAILY or row.day not in days] + expected
    old_slices, new_slices = (observed_slices(rows, window) for rows in (before, after))
    versions = [
        (day, version, new_slices.get((archive, day), ""))
        for (archive, day), version in old_slices.items()
        if new_slices.get((archive, day), "") != version
    ]
    return Leaving(
        archive_id,
        taken.new,
        sessions,
        rows,
        events if rows else None,
        expected,
        sorted(days),
        versions,
    )


def _expected(scratch: Scratch, archive_id: str, entries: Any, days: set[str]) -> list[ExpectedRow]:
    scratch.db.execute("DELETE FROM entry WHERE archive_id = ?", [archive_id])
    said = [
        (archive_id, entry.session_id, row["day"], row["says"], row["models"], row["reads"])
        for entry in entries
        for row in json.loads(entry.days)
        if row["day"] in days
    ]
    if said:
        scratch.db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", said)
    found = scratch.rows(EXPECTED_DAYS, {"archive": archive_id, "days": sorted(days)})
    scratch.db.execute("DELETE FROM entry WHERE archive_id = ?", [archive_id])
    return [
        ExpectedRow(archive, DAILY, day, version, tuple(json.loads(m)), tuple(json.loads(r)))
        for archive, day, version, m, r in found
    ]
