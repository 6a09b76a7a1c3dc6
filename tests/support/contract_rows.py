"""Rows that satisfy a table contract, made from nothing but the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    import pandas as pd

    from agentsview_assets.schemas import Column, TableContract

ARCHIVE = "archive-1"
DAY = "2026-07-01"
EVERY_TABLE = sorted(CONTRACTS)
_NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def records(
    contract: TableContract, size: int, day: str = DAY, **values: Any
) -> list[dict[str, Any]]:
    """Return valid rows, each with a key of its own on the day.

    Args:
        contract: The table.
        size: Number of rows.
        day: Their partition day, where the table has one.
        values: Columns to set to a value in every row.
    """
    return [
        {
            column.name: values.get(column.name, _value(contract, column, number, day))
            for column in contract.columns
        }
        for number in range(size)
    ]


def frame(contract: TableContract, size: int, day: str = DAY, **values: Any) -> pd.DataFrame:
    """Return valid rows as the frame that an asset hands over; see `records`."""
    return frame_of(contract, records(contract, size, day, **values))


def frame_of(contract: TableContract, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a frame of the contract's dtypes, whether or not its values satisfy the contract."""
    loose = pa.schema([field.with_nullable(True) for field in contract.arrow_schema])
    return contract.frame(pa.Table.from_pylist(rows, schema=loose))


def rules(contract: TableContract, column: str) -> dict[str, Any]:
    """Return the rules of a column: pandera's check name -> its argument."""
    checks = contract.schema.columns[column].checks
    return {check.name: next(iter(check.statistics.values())) for check in checks}


def _value(contract: TableContract, column: Column, number: int, day: str) -> Any:
    found = rules(contract, column.name)
    if "isin" in found:
        return found["isin"][number % len(found["isin"])]
    if "str_matches" in found:
        return "sha256:" + f"{number:064x}"
    by_kind: dict[str, Any] = {
        "text": ARCHIVE if column.name == "archive_id" else f"{column.name} {day} {number}",
        "date": day,
        "bigint": number,
        "double": number + 0.5,
        "boolean": number % 2 == 0,
        "timestamptz": _NOON + timedelta(seconds=300 * number),
    }
    return by_kind[column.kind]
