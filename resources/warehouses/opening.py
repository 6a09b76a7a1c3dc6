"""Opening the write side of warehouses: one, or several that hold the same.

What belongs here: choosing and combining backends. What does not: how any of them works.
"""

# ruff: noqa: PLC0415 - of the backends only what is used is imported, of Dagster nothing to look

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import look
from agentsview_assets.resources.own_files import make_folder
from agentsview_assets.resources.warehouses.several import SeveralStores
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.store import (
    Store,
)
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouses

if TYPE_CHECKING:
    import duckdb

_DAGSTERS = {"custom_user_agent": "dagster"}
"""How the resource connects; connections of one process to a file have to agree."""


@contextlib.contextmanager
def open_store(url: str, *, in_run: bool = False) -> Iterator[Store]:
    """Opens the write side of the warehouses that a text names.

    Args:
        url: One warehouse, or several.
        in_run: Whether a run of Dagster writes, with the connection of Dagster's own resource.

    Raises:
        WarehouseError: One cannot be opened or written; told at once, without waiting for a lock.
    """
    with contextlib.ExitStack() as opened:
        stores = [
            opened.enter_context(_open(warehouse, in_run=in_run))
            for warehouse in parse_warehouses(url)
        ]
        yield stores[0] if len(stores) == 1 else SeveralStores(stores)


@contextlib.contextmanager
def open_existing(url: str) -> Iterator[Store | None]:
    """Opens the write side of those warehouses of a text that are there; None when none is.

    Raises:
        WarehouseError: One cannot be opened or written.
    """
    there = [warehouse for warehouse in parse_warehouses(url) if is_there(warehouse)]
    if not there:
        yield None
        return
    with open_store(" ".join(warehouse.shown for warehouse in there)) as store:
        yield store


def each(store: Store) -> Sequence[SqlStore]:
    """The single warehouses behind a store."""
    return store.stores if isinstance(store, SeveralStores) else (cast("SqlStore", store),)


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
    there = is_there(warehouse)
    if there:
        with _open(warehouse):
            pass  # upgrades one of an earlier version
    return there


def is_there(warehouse: WarehouseUrl) -> bool:
    """Whether a warehouse exists, whatever is in it."""
    if warehouse.path is None:
        from agentsview_assets.resources.warehouses.postgres.store import check_postgres

        return check_postgres(warehouse)
    return look(warehouse.path, f"warehouse {warehouse.path}", WarehouseError) != "missing"


def _open(
    warehouse: WarehouseUrl, *, in_run: bool = False
) -> contextlib.AbstractContextManager[SqlStore]:
    if warehouse.kind == "postgresql":
        from agentsview_assets.resources.warehouses.postgres.store import open_postgres_store

        return open_postgres_store(warehouse)
    make_folder(warehouse.file)
    if warehouse.kind == "sqlite":
        from agentsview_assets.resources.warehouses.sqlite.store import open_sqlite_store

        return open_sqlite_store(warehouse)
    return _open_duckdb(warehouse, in_run=in_run)


@contextlib.contextmanager
def _open_duckdb(warehouse: WarehouseUrl, *, in_run: bool) -> Iterator[SqlStore]:
    from agentsview_assets.resources.warehouses.duckdb.reader import connect
    from agentsview_assets.resources.warehouses.duckdb.store import DuckDBStore

    with contextlib.ExitStack() as stack:
        connection = connect(warehouse.file, read_only=False, config=_DAGSTERS)
        stack.callback(connection.close)
        if in_run:
            # dagster-duckdb waits 102 s for a lock and reports it as it comes. Ours waits first, in
            # words, and stays until the other one is there, so that nobody takes the file in
            # between.
            first, connection = connection, stack.enter_context(_dagsters(warehouse))
            first.close()
        yield DuckDBStore(connection, warehouse)


@contextlib.contextmanager
def _dagsters(warehouse: WarehouseUrl) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of Dagster's resource, which takes two seconds to import."""
    from dagster_duckdb import DuckDBResource

    from agentsview_assets.resources.warehouses.duckdb.sealing import SEALED

    resource = DuckDBResource(database=str(warehouse.file), connection_config=SEALED)
    with resource.get_connection() as connection, contextlib.closing(connection):
        yield connection  # the resource closes it only on success
