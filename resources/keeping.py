"""What no write may lose: rows of archives that the run does not hold, and what was recorded.

A run knows the archives that its observation store has; a warehouse may hold others, loaded from
another machine or before the store was deleted. Whoever replaces rows is refused here, in the
transaction that would do it, because another machine may write between any look and the write.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.store import EVENT_COLUMNS, Contents, Selection
from agentsview_assets.resources.warehouse import ARCHIVES_TABLE, SUCCESSIONS_TABLE
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from agentsview_assets.transforms.staleness import PRICE_TABLES, RATES_TABLE

if TYPE_CHECKING:
    import pandas as pd

    from agentsview_assets.resources.sql_store import SqlStore
    from agentsview_assets.resources.store import Archive, Origin, Succession
    from agentsview_assets.schemas import TableContract

_NOTED = f"""
SELECT archive_id, MAX(path) FROM (
    SELECT archive_id, path FROM {ARCHIVES_TABLE}
    UNION ALL SELECT archive_id, '' FROM model_pricing
    UNION ALL SELECT archive_id, '' FROM model_rates) noted
WHERE archive_id <> '' GROUP BY archive_id ORDER BY archive_id
"""
"""Every archive of which something was written, by tables that are small."""

_TABLES = sorted(set(CONTRACTS) - set(HISTORIES), key=lambda name: (name == "usage_rows", name))
"""Tables whose rows are replaced, the largest last."""
_PRICED = (*PRICE_TABLES, RATES_TABLE)


def strangers(store: SqlStore, may_replace: Collection[str]) -> list[tuple[str, str]]:
    """The other archives that a warehouse has rows of, each with the path it was read from."""
    return [
        (archive_id, path)
        for archive_id, path in store.ask(_NOTED)
        if archive_id not in may_replace and holds(store, archive_id)
    ]


def require_kept(store: SqlStore, may_replace: Collection[str]) -> None:
    """Refuses to go on where there are rows of other archives; see `resources.store.Store`."""
    lost = strangers(store, may_replace)
    if lost:
        raise _would_lose(store, lost)


def holds(store: SqlStore, archive_id: str, *, beside_prices: bool = False) -> bool:
    """Whether there are rows of an archive; see `resources.store.Store.holds`."""
    return any(
        store.ask(f"SELECT 1 FROM {name} WHERE archive_id = ? LIMIT 1", [archive_id])
        for name in _TABLES
        if not (beside_prices and name in _PRICED)
    )


def contents_of(store: SqlStore, archive_id: str) -> Contents:
    """What a warehouse holds of an archive, as far as another archive may hold it, too."""
    columns = ("archive_id", "session_id", "started_at")
    rows = store.read(CONTRACTS["sessions"], Selection(columns=columns)).to_pylist()
    sessions = {
        (row["session_id"], row["started_at"] and math.floor(row["started_at"].timestamp()))
        for row in rows
        if row["archive_id"] == archive_id
    }
    named = {session for session, _ in sessions}
    spent = store.ask(
        "SELECT DISTINCT session_id FROM usage_rows WHERE archive_id = ? "
        "AND row_kind <> 'cursor_event' "
        "UNION SELECT DISTINCT session_id FROM activity_intervals WHERE archive_id = ?",
        [archive_id, archive_id],
    )
    events = store.ask(
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM usage_rows WHERE archive_id = ? "
        "AND row_kind = 'cursor_event'",
        [archive_id],
    )
    return Contents(
        frozenset(sessions),
        frozenset(session for (session,) in spent if session not in named),
        Counter(map(tuple, events)),
    )


class Guard:
    """Watches over one replacement in several stores, inside their transactions."""

    def __init__(self, contract: TableContract, origin: Origin) -> None:
        self._contract = contract
        self._origin = origin
        self._before: list[tuple[SqlStore, set[str]]] = []
        self._written: set[str] = set()

    def before(self, store: SqlStore, scope: str, parameters: Sequence[object]) -> None:
        """Looks at what is about to be deleted.

        Args:
            store: Whose transaction it is.
            scope: SQL condition of the rows to be deleted.
            parameters: Of the condition.

        Raises:
            WarehouseError: Rows of an archive would be lost.
        """
        may = self._origin.may_replace
        if may is not None:
            require_kept(store, may)
            self._refuse(store, scope, parameters, sorted(may))
        elif self._origin.follows:
            found = store.ask(f"SELECT DISTINCT archive_id FROM {self._contract.name}")
            self._before.append((store, {archive_id for (archive_id,) in found}))

    def _refuse(
        self, store: SqlStore, scope: str, parameters: Sequence[object], may: Sequence[str]
    ) -> None:
        """The rows themselves: what an earlier release wrote is not always noted."""
        others = f" AND archive_id NOT IN ({', '.join('?' * len(may))})" if may else ""
        found = store.ask(
            f"SELECT archive_id FROM {self._contract.name} WHERE {scope}{others} LIMIT 1",
            [*parameters, *may],
        )
        if found:
            raise _would_lose(store, [(found[0][0], "")])

    def passed(self, frame: pd.DataFrame) -> None:
        """Looks at what is written in its place."""
        if self._before:
            self._written.update(frame["archive_id"].unique())

    def after(self) -> None:
        """Looks at what was made from the warehouse's own rows, once it is all there.

        Several warehouses are written from the first one's rows: another one may hold archives
        that the first one lacks.

        Raises:
            WarehouseError: Rows of an archive would be lost.
        """
        for store, archives in self._before[1:]:
            lost = [
                (archive_id, "")
                for archive_id in sorted(archives - self._written)
                if self._follows(store, archive_id)
                and not self._follows(self._before[0][0], archive_id)
            ]
            if lost:
                raise _would_lose(store, lost)

    def _follows(self, store: SqlStore, archive_id: str) -> bool:
        """Whether there are rows of an archive in a table that these rows are made from."""
        return any(
            store.ask(f"SELECT 1 FROM {name} WHERE archive_id = ? LIMIT 1", [archive_id])
            for name in self._origin.follows
        )


def _would_lose(store: SqlStore, lost: Iterable[tuple[str, str]]) -> WarehouseError:
    names = ", ".join(f"{path} ({archive_id})" if path else archive_id for archive_id, path in lost)
    return WarehouseError(
        f"warehouse {store.shown}: holds rows of {names}, which the observation store here does "
        "not have: what is made now would lose them. Nothing was written. Make it on the machine "
        "that has that archive, name it with --archive as well, or give its rows up with "
        "`agentsview-assets materialize --forget ID`"
    )


def write_archives(store: SqlStore, archives: Sequence[Archive]) -> None:
    """Notes archives, replacing what was noted of them, in a transaction of the caller's."""
    for archive in archives:
        # By identity alone: on another machine another archive may lie at the same path.
        for table in (ARCHIVES_TABLE, SUCCESSIONS_TABLE):
            store.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive.archive_id])
    if archives:
        store.execute_values(
            f"INSERT INTO {ARCHIVES_TABLE} (archive_id, database_id, user_version, path, "
            "observed_at)",
            archives,
        )


def write_successions(store: SqlStore, successions: Sequence[Succession]) -> None:
    """Notes which archives others were found in the place of, where that is new."""
    if not successions:
        return
    noted = set(store.ask(f"SELECT archive_id, path, succeeded_by FROM {SUCCESSIONS_TABLE}"))
    fresh = [found for found in successions if tuple(found) not in noted]
    for found in fresh:
        store.execute(f"DELETE FROM {SUCCESSIONS_TABLE} WHERE archive_id = ?", [found.archive_id])
    if fresh:
        store.execute_values(
            f"INSERT INTO {SUCCESSIONS_TABLE} (archive_id, path, succeeded_by, found_at)", fresh
        )
