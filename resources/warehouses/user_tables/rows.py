"""Rows of somebody else's tables: replaced whole or by days, in one transaction, and read.

What belongs here: which table may be written, and how. What does not: what its rows must be like
(`schemas.user_table`), and what Dagster hands over (`io_manager`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.store import Selection, Store
from agentsview_assets.schemas.user_table import UserTable


def replace(
    stores: Sequence[SqlStore],
    table: UserTable,
    rows: pa.Table,
    days: Sequence[str] | None,
    require_alive: Callable[[], None],
) -> None:
    """Replaces the rows of some days, or of all, in every store; each in one transaction.

    Args:
        stores: Where.
        table: Their table; made where it is missing.
        rows: Its validated rows, all of `days`.
        days: Contiguous days that are replaced; None for the whole table.
        require_alive: Raises where the run may not write any more; asked before the commit.

    Raises:
        WarehouseError: The table is somebody else's or of another shape, or cannot be written.
    """
    with contextlib.ExitStack() as transactions:
        for store in stores:
            transactions.enter_context(store.transaction(_record_of(table)))
        for store in stores:
            _make_room(store, table, days)
            if rows.num_rows:
                store.insert_table(table.in_sql, rows)
        require_alive()


def read(store: Store, table: UserTable, days: Sequence[str] | None) -> pa.Table:
    """Reads rows as Arrow, calendar days as dates.

    Args:
        store: Where.
        table: Their table.
        days: Which days' rows; None for all.

    Raises:
        WarehouseError: The table is not there, or not as its contract says.
    """
    recorded = store.rules().get(_record_of(table))
    if recorded is None or not _is_there(store, table):
        raise WarehouseError(
            f"table {table.contract.name}: not in the warehouse; materialize its asset first"
        )
    if json.loads(recorded)["columns"] != table.shape:
        raise WarehouseError(
            f"table {table.contract.name}: its contract has changed since it was written; "
            "materialize its asset again"
        )
    day = table.in_sql.partition_column
    selected = Selection()
    if days is not None and day is not None:
        selected = Selection(days=[min(days), max(days)], day_column=day)
    found = store.read(table.in_sql, selected).rename_columns(list(table.contract.column_names))
    for place, column in enumerate(table.contract.columns):
        if column.kind == "date":
            dates = found.column(place).cast(pa.date32())
            found = found.set_column(place, column.name, dates)
    return _of_days(table, found, days)


def _of_days(table: UserTable, found: pa.Table, days: Sequence[str] | None) -> pa.Table:
    """The rows of the days themselves: those asked for need not be contiguous."""
    day = table.contract.partition_column
    if days is None or day is None:
        return found
    return found.filter(pc.is_in(found.column(day).cast(pa.string()), pa.array(days, pa.string())))


def _make_room(store: SqlStore, table: UserTable, days: Sequence[str] | None) -> None:
    """Leaves a table of the contract's shape without the rows that are replaced."""
    name, day = table.in_sql.name, table.in_sql.partition_column
    wanted = json.dumps({"columns": table.shape})
    recorded = store.rules().get(_record_of(table))
    is_there = _is_there(store, table)
    if is_there and recorded is None:
        raise WarehouseError(
            f"table {table.contract.name}: already in {store.shown}, and not written by this IO "
            "manager; give the asset another name, or drop the table"
        )
    if is_there and recorded == wanted:
        if days is None or day is None:
            store.execute(f"DELETE FROM {name}")
        else:
            store.execute(f"DELETE FROM {name} WHERE {day} BETWEEN ? AND ?", [days[0], days[-1]])
        return
    if is_there and days is not None:
        raise WarehouseError(
            f"table {table.contract.name}: {_differences(recorded, table)}; its other days are as "
            "they were. Drop the table and materialize all its days again, or give the asset "
            "another name"
        )
    if is_there:
        store.execute(f"DROP TABLE {name}")
    for statement in store.create_statements(table.in_sql):
        store.execute(statement)
    store.keep_rule(_record_of(table), wanted)


def _differences(recorded: str | None, table: UserTable) -> str:
    was: list[Any] = json.loads(recorded or "{}").get("columns", [])
    new = [" ".join(column) for column in table.shape if column not in was]
    gone = [" ".join(column) for column in was if column not in table.shape]
    parts = [f"has not {', '.join(new)}" if new else "", f"has {', '.join(gone)}" if gone else ""]
    found = " and ".join(part for part in parts if part)
    return f"not of the shape of its contract: it {found or 'has its columns in another order'}"


def _is_there(store: Store, table: UserTable) -> bool:
    with store.reading() as reader:
        return reader.has_table(table.contract.name)


def _record_of(table: UserTable) -> str:
    """Under which name a warehouse records the shape of a table, and locks it."""
    return f"table {table.contract.name}"
