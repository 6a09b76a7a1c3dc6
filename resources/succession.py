"""One archive found where another one was: whose rows are whose from then on.

What belongs here: moving rows between archives in the observation store, and what is recorded of
it. What does not: reading archives, and the warehouse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.store import EVENT_COLUMNS, Selection
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms import landing, succession

if TYPE_CHECKING:
    import duckdb

    from agentsview_assets.resources.observations import ObservationStore
    from agentsview_assets.resources.store import Contents, Store


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


def predecessors(db: duckdb.DuckDBPyConnection, archive_id: str) -> list[str]:
    """The archives that lay where this one is now, nearest first, if rows of them are kept."""
    found: list[str] = []
    pending = [archive_id]
    while pending:
        earlier = db.execute(
            "SELECT archive_id FROM succession WHERE successor = ? ORDER BY found_at DESC",
            [pending.pop(0)],
        ).fetchall()
        fresh = [name for (name,) in earlier if name not in found and name != archive_id]
        found += fresh
        pending += fresh
    kept = {name for (name,) in db.execute("SELECT archive_id FROM archive").fetchall()}
    return [name for name in found if name in kept]


def take_over(db: duckdb.DuckDBPyConnection, path: str, old: str, new: str) -> Taken:
    """Removes what an archive's successor holds, too; all of it when nothing else is left.

    Duplicate keys of what goes are added to the temporary table `touched_key`.
    """
    names = {"old": old, "new": new}
    db.execute(succession.MOVED_SESSIONS, names)
    sessions, left = _count(db, "moved_session"), _count_of(db, "session", old)
    is_upgrade = sessions > 0 and sessions == left
    db.execute(succession.MOVED_EVENTS, {**names, "is_upgrade": is_upgrade})
    events = _count(db, "moved_event")
    gone = (
        "archive_id = ? AND (number IN (SELECT number FROM moved_event) OR "
        "(row_kind <> 'cursor_event' AND session_id IN (SELECT id FROM moved_session)))"
    )
    db.execute(
        f"INSERT INTO touched_key SELECT DISTINCT dedup_key FROM usage WHERE {gone} "
        "AND dedup_key IS NOT NULL",
        [old],
    )
    db.execute(
        f"DELETE FROM verdict WHERE number IN (SELECT number FROM usage WHERE {gone})", [old]
    )
    db.execute(f"DELETE FROM usage WHERE {gone}", [old])
    for table in ("session", "interval"):
        db.execute(
            f"DELETE FROM {table} WHERE archive_id = ? "
            "AND session_id IN (SELECT id FROM moved_session)",
            [old],
        )
    kept = _count_of(db, "session", old)
    kept += _count_of(db, "usage", old, "AND row_kind = 'cursor_event'")
    if not kept:
        clear(db, old)
    return Taken(path, old, new, sessions + events, kept)


def recall(store: ObservationStore, warehouse: Store) -> list[Taken]:
    """Finds out from a warehouse who was at the place of an archive, where the store was lost.

    An upgraded archive holds all that is there under its old identity, which may go then. Of an
    archive that holds less nothing is decided here: its predecessor's rows would be lost.
    """
    gone = {found.archive_id for found in store.successions()}
    here = {a.path: a.archive_id for a in store.archives() if a.archive_id not in gone}
    found = []
    for old, path in warehouse.strangers(store.may_replace()):
        new = here.get(path)
        if new is not None and all(
            _holds_all(store.connection, new, contents) for contents in warehouse.contents_of(old)
        ):
            found.append(Taken(path, old, new, 0, 0))
    if found:
        with store.transaction():
            record(store.connection, found)
            keep_prices(store, warehouse, [taken.old for taken in found])
    return found


def keep_prices(store: ObservationStore, warehouse: Store, archive_ids: Collection[str]) -> None:
    """Keeps the prices of archives that are to go, which the store may never have seen.

    Their rows go day by day, and those that are left are reported until they are gone.
    """
    prices = CONTRACTS["model_pricing"]
    known = {name for (name,) in store.rows("SELECT DISTINCT archive_id FROM model_pricing")}
    missing = set(archive_ids) - known
    if not missing:
        return
    rows: dict[str, list[tuple[object, ...]]] = {archive_id: [] for archive_id in missing}
    for row in warehouse.read(prices, Selection()).to_pylist():
        if row["archive_id"] in missing:
            rows[row["archive_id"]].append(tuple(row[name] for name in prices.column_names))
    for archive_id, kept in rows.items():
        store.replace("model_pricing", archive_id, kept)


def _holds_all(db: duckdb.DuckDBPyConnection, archive_id: str, contents: Contents) -> bool:
    sessions = db.execute(
        "SELECT session_id, CASE WHEN start_epoch BETWEEN -62135596800 AND 253402300799 "
        "THEN start_epoch END FROM session WHERE archive_id = ?",
        [archive_id],
    ).fetchall()
    events = db.execute(
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM usage WHERE archive_id = ? "
        "AND row_kind = 'cursor_event'",
        [archive_id],
    ).fetchall()
    return (
        not contents.unknown
        and contents.sessions <= set(sessions)
        and contents.events <= Counter(events)
    )


def clear(db: duckdb.DuckDBPyConnection, archive_id: str) -> None:
    """Removes an archive from the store, but for its prices: see `keep_prices`."""
    db.execute(
        "DELETE FROM verdict WHERE number IN (SELECT number FROM usage WHERE archive_id = ?)",
        [archive_id],
    )
    for table in {"archive", *landing.ARCHIVE_TABLES} - {"model_pricing"}:
        db.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])


def record(db: duckdb.DuckDBPyConnection, taken: Iterable[Taken]) -> None:
    """Records who succeeded whom, and that an archive without rows leaves the warehouse."""
    for found in taken:
        known = db.execute(
            "SELECT count(*) FROM succession WHERE archive_id = ?", [found.old]
        ).fetchall()
        if not known[0][0]:
            db.execute(
                "INSERT INTO succession VALUES (?, ?, ?, now())",
                [found.old, found.path, found.new],
            )
        if not found.kept:
            leave(db, found.old, succession.TAKEN_OVER)


def forget(db: duckdb.DuckDBPyConnection, archive_id: str) -> None:
    """Removes an archive that was given up; who came before it was followed by who came after."""
    clear(db, archive_id)
    db.execute(
        "UPDATE succession SET successor = later.successor FROM succession later "
        "WHERE later.archive_id = $old AND succession.successor = $old",
        {"old": archive_id},
    )
    db.execute("DELETE FROM succession WHERE archive_id = ?", [archive_id])
    leave(db, archive_id, succession.FORGOTTEN)


def leave(db: duckdb.DuckDBPyConnection, archive_id: str, reason: str) -> None:
    """Allows the rows of an archive to go from the warehouse."""
    db.execute("DELETE FROM leaving WHERE archive_id = ?", [archive_id])
    db.execute("INSERT INTO leaving VALUES (?, ?)", [archive_id, reason])


def is_here(db: duckdb.DuckDBPyConnection, archive_id: str) -> None:
    """Records that an archive was read: it is nobody's predecessor, and none of it leaves."""
    for table in ("succession", "leaving"):
        db.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])


def _count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def _count_of(
    db: duckdb.DuckDBPyConnection, table: str, archive_id: str, condition: str = ""
) -> int:
    sql = f"SELECT count(*) FROM {table} WHERE archive_id = ? {condition}"
    return int(db.execute(sql, [archive_id]).fetchall()[0][0])
