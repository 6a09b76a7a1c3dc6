"""All that a warehouse says, without what names runs and times: for comparing one with another."""

from __future__ import annotations

from typing import Any

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.schemas import STORED

_OF_RUNS = {"written_at", "observed_at", "expected_at", "run_id", "host", "valid_from", "valid_to"}
_RECORDS = ("warehouse_partitions", "warehouse_expected", "warehouse_archives", "warehouse_pending")


def everything(url: str, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows and records, without what names runs and times, and without some columns."""
    found = {}
    with open_reader(url) as reader:
        for table in (*STORED, *_RECORDS):
            columns = [
                name
                for (name,) in reader.rows(
                    "SELECT column_name FROM information_schema.columns "
                    "WHERE table_schema = current_schema() AND table_name = ?",
                    (table,),
                )
                if name not in {*_OF_RUNS, *without}
            ]
            rows = reader.rows(f"SELECT {', '.join(sorted(columns))} FROM {table}")
            found[table] = sorted(rows, key=repr)
    return found
