"""Opening the write side of warehouses: one, or several that hold the same.

What belongs here: choosing and combining backends. What does not: how any of them works.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import pyarrow as pa
from dagster_duckdb import DuckDBResource

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import look
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouses
from resources.duckdb_reader import connect, make_folder
from resources.duckdb_store import DuckDBStore
from resources.postgres_store import check_postgres, open_postgres_store
from resources.sql_store import SqlStore, replace_in_all
from resources.sqlite_store import open_sqlite_store
from resources.store import Archive, Partition, Selection, Store
from schemas import CONTRACTS, HISTORIES, TableContract

_DAGSTERS = {"custom_user_agent": "dagster"}
"""How the resource connects; connections of one process to a file have to agree."""
DIFFERENT = ("different", "different")
"""The noted versions of a partition that is not the same in all warehouses: never up to date."""


class SeveralStores:
    """Several warehouses as one: written alike, read from the first."""

    def __init__(self, stores: Sequence[SqlStore]) -> None:
        self._stores = stores
        for name in HISTORIES:
            self._complete(CONTRACTS[name])

    def _complete(self, history: TableContract) -> None:
        """Gives every warehouse the longest history: it only grows, and is made from nothing else.

        A partition that one of them lacks is made again; what happened is not.
        """
        sizes = [store.ask(f"SELECT count(*) FROM {history.name}")[0][0] for store in self._stores]
        if len(set(sizes)) == 1:
            return
        longest = self._stores[sizes.index(max(sizes))]
        frame = history.frame(longest.read(history, Selection()))
        for store, size in zip(self._stores, sizes, strict=True):
            if size < max(sizes):
                with store.transaction():
                    store.clear(history, None, owns_earlier=False)
                    store.insert(history, frame)

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        days: Sequence[str] | None,
        partitions: Sequence[Partition],
        *,
        owns_earlier: bool = False,
    ) -> None:
        """Replaces whole partitions everywhere; see `resources.sql_store.replace_in_all`."""
        replace_in_all(self._stores, contract, frames, days, partitions, owns_earlier=owns_earlier)

    def note_archives(self, archives: Sequence[Archive]) -> None:
        """Notes archives everywhere."""
        for store in self._stores:
            store.note_archives(archives)

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows of the first warehouse."""
        return self._first.read(contract, selection)

    def row_counts(self, asset: str) -> dict[str, int]:
        """The rows noted of every partition of the first warehouse."""
        return self._first.row_counts(asset)

    def partitions(self, asset: str) -> dict[str, tuple[str, str]]:
        """The versions of every partition; where warehouses differ, what is never up to date."""
        noted = [store.partitions(asset) for store in self._stores]
        days = {day for versions in noted for day in versions}
        found = {}
        for day in days:
            versions = {by_day.get(day, ("", "")) for by_day in noted}
            found[day] = versions.pop() if len(versions) == 1 else DIFFERENT
        return found

    @property
    def _first(self) -> SqlStore:
        return self._stores[0]


@contextlib.contextmanager
def open_store(url: str) -> Iterator[Store]:
    """Opens the write side of the warehouses that a text names.

    Raises:
        WarehouseError: One cannot be opened or written; told at once, without waiting for a lock.
    """
    with contextlib.ExitStack() as opened:
        stores = [opened.enter_context(_open(warehouse)) for warehouse in parse_warehouses(url)]
        yield stores[0] if len(stores) == 1 else SeveralStores(stores)


def check_stores(url: str) -> bool:
    """Tells of a warehouse that cannot be written, before any work; makes none that is missing.

    Returns:
        Whether all of them are there.

    Raises:
        WarehouseError: One cannot be opened or written.
    """
    found = [_check(warehouse) for warehouse in parse_warehouses(url)]
    return all(found)


def _check(warehouse: WarehouseUrl) -> bool:
    if warehouse.path is None:
        there = check_postgres(warehouse)
    else:
        there = look(warehouse.path, f"warehouse {warehouse.path}", WarehouseError) != "missing"
    if there:
        with _open(warehouse):
            pass  # upgrades one of an earlier version
    return there


def _open(warehouse: WarehouseUrl) -> contextlib.AbstractContextManager[SqlStore]:
    if warehouse.kind == "postgresql":
        return open_postgres_store(warehouse)
    make_folder(warehouse.file)
    if warehouse.kind == "sqlite":
        return open_sqlite_store(warehouse)
    return _open_duckdb(warehouse)


@contextlib.contextmanager
def _open_duckdb(warehouse: WarehouseUrl) -> Iterator[SqlStore]:
    path = warehouse.file
    # dagster-duckdb waits 102 s for a lock and reports it as it comes. Ours waits first, in words,
    # and stays until the other one is there, so that nobody takes the file in between.
    first = connect(path, read_only=False, config=_DAGSTERS)
    opened = DuckDBResource(database=str(path)).get_connection()
    with contextlib.closing(first), opened as connection:
        first.close()
        try:
            yield DuckDBStore(connection, path)
        finally:
            # The resource closes only on success.
            connection.close()
