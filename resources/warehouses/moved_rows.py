"""Rows that have moved to another day, taken out of the slice where they were.

A slice is out of date until it is made again. What is written of other days meanwhile may hold
some of its rows, which would then be there twice.

What belongs here: portable SQL over a store's own `execute` and `look`, in a transaction of the
caller's. What does not: which slices are out of date.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses.deduplicating import touching
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE
from agentsview_assets.rules.staleness import MOVED_VERSION
from agentsview_assets.rules.windows import EARLIEST

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.row_store import RowStore
    from agentsview_assets.resources.warehouses.store import Slices
    from agentsview_assets.schemas import TableContract


def take_out(store: RowStore, contract: TableContract, slices: Slices) -> None:
    """Removes from slices that are out of date what has just been written to others.

    Args:
        store: The store, in the transaction that wrote the rows.
        contract: The table.
        slices: What was written.
    """
    if slices.days is None or contract.partition_column in contract.key:
        return
    days = defaultdict(list)
    for archive_id, day in slices.outdated:
        days[archive_id].append(day)
    first = EARLIEST if slices.owns_earlier else slices.days[0]
    for archive_id, others in days.items():
        _take_out(store, contract, (archive_id, sorted(others)), (first, slices.days[-1]))


def _take_out(
    store: RowStore, contract: TableContract, of: tuple[str, list[str]], written: tuple[str, str]
) -> None:
    archive_id, days = of
    table, day = contract.name, contract.partition_column
    key = ", ".join(name for name in contract.key if name != "archive_id")
    where = (
        f"archive_id = ? AND {day} IN ({', '.join('?' * len(days))}) AND ({key}) IN ("
        f"SELECT {key} FROM {table} WHERE archive_id = ? AND {day} BETWEEN ? AND ?)"
    )
    values = [archive_id, *days, archive_id, *written]
    found = store.look(
        f"SELECT CAST({day} AS VARCHAR(10)), COUNT(*) FROM {table} WHERE {where} GROUP BY 1", values
    )
    if not found:
        return
    is_usage = table == "usage_rows"
    with touching(store, where, values) if is_usage else contextlib.nullcontext():
        store.execute(f"DELETE FROM {table} WHERE {where}", values)
    for place, count in found:
        store.execute(
            f"UPDATE {PARTITIONS_TABLE} SET row_count = row_count - ?, input_version = ? "
            "WHERE asset = ? AND archive_id = ? AND partition_date = ?",
            [count, MOVED_VERSION, table, archive_id, place],
        )
