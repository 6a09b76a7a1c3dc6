"""Small warehouses written by hand, for tests of documents."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from agentsview_assets.transforms.timestamps import parse_rfc3339
from resources.warehouse import META_TABLE, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

ARCHIVE = "archive-1"

_DDL = """
CREATE TABLE usage_rows (
    archive_id TEXT, partition_date DATE, row_id TEXT, row_kind TEXT, session_id TEXT, source TEXT,
    ordinal BIGINT, timestamp_text TEXT, occurred_at TIMESTAMPTZ, epoch_seconds BIGINT,
    nanosecond INTEGER, project TEXT, agent TEXT, machine TEXT, model TEXT, session_date DATE,
    input_tokens BIGINT, output_tokens BIGINT, cache_creation_tokens BIGINT,
    cache_read_tokens BIGINT, reasoning_tokens BIGINT, billable_output_tokens BIGINT,
    reported_cost_usd DOUBLE PRECISION, dedup_key TEXT, has_duplicates BOOLEAN, duplicate_of TEXT,
    elsewhere_archive_id TEXT, elsewhere_row_id TEXT
);
CREATE TABLE model_pricing (
    archive_id TEXT, layer TEXT, model_pattern TEXT, input_usd_per_mtok DOUBLE PRECISION,
    output_usd_per_mtok DOUBLE PRECISION, cache_write_usd_per_mtok DOUBLE PRECISION,
    cache_read_usd_per_mtok DOUBLE PRECISION, updated_at_text TEXT, table_version TEXT
);
CREATE TABLE project_identities (
    archive_id TEXT, project TEXT, resolution TEXT, key TEXT, key_source TEXT,
    normalized_remote TEXT, root_path TEXT, machine_local BOOLEAN
)
"""


@dataclass(frozen=True)
class Usage:
    """A usage row as a test names it; everything else of the table follows from it."""

    row_id: str
    timestamp_text: str | None
    model: str
    session_id: str = "s1"
    ordinal: int | None = 0
    project: str = "alpha"
    agent: str = "claude"
    row_kind: str = "message"
    source: str = "message"
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    reported_cost_usd: float | None = None
    dedup_key: str | None = None

    @property
    def order(self) -> tuple[bytes, bytes, int, str]:
        """What decides which of two rows with one key comes first."""
        ordinal = -1 if self.ordinal is None else self.ordinal
        text = self.timestamp_text or ""
        return (text.encode(), self.session_id.encode(), ordinal, self.row_id)

    @property
    def billable_output_tokens(self) -> int:
        """Output, or reasoning where there is no output."""
        return self.output_tokens or self.reasoning_tokens


def _record(row: Usage, rows: Sequence[Usage], archive_id: str) -> dict[str, Any]:
    instant = parse_rfc3339(row.timestamp_text or "")
    key = row.dedup_key
    alike = (
        []
        if key is None
        else sorted((r for r in rows if r.dedup_key == key), key=lambda r: r.order)
    )
    first = alike[0].row_id if alike else row.row_id
    return {
        **asdict(row),
        "archive_id": archive_id,
        "partition_date": "2026-07-01",
        "occurred_at": None,
        "epoch_seconds": instant.epoch_seconds if instant else None,
        "nanosecond": instant.nanosecond if instant else None,
        "machine": "local",
        "session_date": None,
        "billable_output_tokens": row.billable_output_tokens,
        "has_duplicates": len(alike) > 1,
        "duplicate_of": None if first == row.row_id else first,
        "elsewhere_archive_id": None,
        "elsewhere_row_id": None,
    }


class WarehouseDouble:
    """The reader that documents expect, over a connection of the test."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql, list(params)).fetchall()
        return found

    def binary_order(self, expression: str) -> str:
        """Both stores compare text by its bytes already."""
        return expression

    def exact_sum(self, expression: str) -> str:
        """Few rows: an ordinary sum will do."""
        return f"COALESCE(SUM({expression}), 0)"

    def has_table(self, name: str) -> bool:
        """All tables that documents read are there."""
        return name in {"usage_rows", "model_pricing", "project_identities"}

    def add(self, table: str, records: Iterable[dict[str, Any]]) -> None:
        """Insert records by column name."""
        for record in records:
            marks = ", ".join("?" * len(record))
            self.connection.execute(
                f"INSERT INTO {table} ({', '.join(record)}) VALUES ({marks})",
                list(record.values()),
            )

    def add_usage(self, rows: Sequence[Usage], archive_id: str = ARCHIVE) -> None:
        """Insert all usage rows of an archive."""
        self.add("usage_rows", (_record(row, rows, archive_id) for row in rows))

    def add_prices(
        self, layer: str, prices: Iterable[Sequence[Any]], *, version: str | None = None
    ) -> None:
        """Insert price rows: pattern, four rates, time of the last change."""
        columns = (
            "model_pattern",
            "input_usd_per_mtok",
            "output_usd_per_mtok",
            "cache_write_usd_per_mtok",
            "cache_read_usd_per_mtok",
            "updated_at_text",
        )
        archive_id = "" if layer == "embedded" else ARCHIVE
        self.add(
            "model_pricing",
            (
                {"archive_id": archive_id, "layer": layer, "table_version": version}
                | dict(zip(columns, price, strict=True))
                for price in prices
            ),
        )


@contextmanager
def empty_warehouse(store: str) -> Iterator[WarehouseDouble]:
    """Open an in-memory warehouse without rows, in DuckDB or SQLite."""
    connection: Any = duckdb.connect() if store == "duckdb" else sqlite3.connect(":memory:")
    with closing(connection):
        yield _with_tables(connection)


@contextmanager
def warehouse_file(path: Path) -> Iterator[WarehouseDouble]:
    """Make a DuckDB file that the program takes for a warehouse of its own."""
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(f"CREATE TABLE {META_TABLE} (schema_version INTEGER)")
        connection.execute(f"INSERT INTO {META_TABLE} VALUES ({SCHEMA_VERSION})")
        yield _with_tables(connection)


def _with_tables(connection: Any) -> WarehouseDouble:
    for statement in _DDL.split(";"):
        connection.execute(statement)
    return WarehouseDouble(connection)
