"""Small warehouses written by hand, for tests of documents."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from agentsview_assets.resources.warehouses.duckdb import store as duckdb_store
from agentsview_assets.resources.warehouses.duckdb.reader import DuckDBReader
from agentsview_assets.resources.warehouses.reader import META_TABLE, SCHEMA_VERSION
from agentsview_assets.resources.warehouses.sqlite import reader as sqlite_reader
from agentsview_assets.resources.warehouses.sqlite import store as sqlite_store
from agentsview_assets.resources.warehouses.table_ddl import bookkeeping, column_ddl
from agentsview_assets.rules.timestamps import parse_rfc3339
from agentsview_assets.schemas import CONTRACTS, STORED
from agentsview_assets.schemas.contract import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agentsview_assets.resources.warehouses.sqlite.reader import SQLiteReader

ARCHIVE = "archive-1"

_NEUTRAL = {
    "text": "",
    "date": "2026-07-01",
    "bigint": 0,
    "double": 0.0,
    "boolean": False,
    "timestamptz": "2026-07-01 00:00:00+00",
}


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
    event_key_order: int | None = None

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


def _record(row: Usage, archive_id: str) -> dict[str, Any]:
    instant = parse_rfc3339(row.timestamp_text or "")
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
    }


def _verdicts(rows: Sequence[Usage], archive_id: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        alike = [r for r in rows if r.dedup_key == row.dedup_key]
        if row.dedup_key is not None and len(alike) > 1:
            yield {
                "rule": "v1",
                "scope": "archive",
                "archive_id": archive_id,
                "row_id": row.row_id,
                "session_id": row.session_id,
                "session_date": None,
                "dedup_key": row.dedup_key,
                "counting_archive_id": archive_id,
                "counting_row_id": min(alike, key=lambda r: r.order).row_id,
            }


class SmallWarehouse:
    """A warehouse in memory with the tables of the contracts, read as any warehouse is."""

    def __init__(self, connection: Any, reader: DuckDBReader | SQLiteReader) -> None:
        self.connection = connection
        self.reader = reader
        self.rows = reader.rows
        self.binary_order = reader.binary_order
        self.exact_sum = reader.exact_sum
        self.whole_sum = reader.whole_sum
        self.has_table = reader.has_table
        self.size = reader.size
        self.kind = reader.kind

    def once(self, _key: object, make: Callable[[], Any]) -> Any:
        """Works out anew what is asked for: tests add rows in between."""
        return make()

    def add(self, table: str, records: Iterable[dict[str, Any]]) -> None:
        """Insert records by column name; columns that must hold something hold nothing special."""
        needed = {
            column.name: _NEUTRAL[column.kind]
            for column in (STORED[table].columns if table in STORED else ())
            if not column.nullable
        }
        for given in records:
            record = needed | given
            marks = ", ".join("?" * len(record))
            self.connection.execute(
                f"INSERT INTO {table} ({', '.join(record)}) VALUES ({marks})",
                list(record.values()),
            )

    def add_usage(self, rows: Sequence[Usage], archive_id: str = ARCHIVE) -> None:
        """Insert all usage rows of an archive, and which of them count."""
        self.add("usage_rows", (_record(row, archive_id) for row in rows))
        self.add("duplicates", _verdicts(rows, archive_id))

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
        self.add_shared(
            "model_pricing",
            [
                {"archive_id": ARCHIVE, "layer": layer, "table_version": version}
                | dict(zip(columns, price, strict=True))
                for price in prices
            ],
        )

    def add_shared(self, table: str, records: Sequence[dict[str, Any]]) -> None:
        """Insert rows of a table whose rows archives share, each archive using its own."""
        contract = CONTRACTS[table]
        for record in records:
            named = (record["archive_id"], *(record[name] for name in contract.shared_by or ()))
            digest = " ".join(named)
            self.add(
                table, [{SHARED: digest} | {n: v for n, v in record.items() if n != "archive_id"}]
            )
            if not self.rows(f"SELECT 1 FROM {contract.owners} WHERE {SHARED} = ?", (digest,)):
                self.add(contract.owners, [{"archive_id": record["archive_id"], SHARED: digest}])


@contextmanager
def empty_warehouse(store: str) -> Iterator[SmallWarehouse]:
    """Open an in-memory warehouse without rows, in DuckDB or SQLite; one at a time."""
    if store == "duckdb":
        with _taken_back(_tables_in_memory()) as connection:
            yield SmallWarehouse(connection, DuckDBReader(connection, Path(":memory:")))
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in _statements(sqlite_store.SQL_TYPES):
            connection.execute(statement)
        connection.execute(sqlite_store.COLUMNS_DDL)
        sqlite_reader.add_sums(connection)
        yield SmallWarehouse(connection, sqlite_reader.SQLiteReader(connection, Path(":memory:")))


@functools.cache
def _tables_in_memory() -> duckdb.DuckDBPyConnection:
    """Made once: that takes longer than what most tests do with them."""
    connection = duckdb.connect()
    _with_tables(connection)
    return connection


@contextmanager
def _taken_back(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def warehouse_file(path: Path) -> Iterator[SmallWarehouse]:
    """Make a DuckDB file that the program takes for a warehouse of its own."""
    with closing(duckdb.connect(str(path))) as connection:
        yield _with_tables(connection, path)
        connection.execute(f"INSERT INTO {META_TABLE} VALUES ({SCHEMA_VERSION}, 0)")


def _with_tables(
    connection: duckdb.DuckDBPyConnection, path: Path = Path(":memory:")
) -> SmallWarehouse:
    for statement in _statements(duckdb_store.SQL_TYPES):
        connection.execute(statement)
    return SmallWarehouse(connection, DuckDBReader(connection, path))


def _statements(types: dict[str, str]) -> list[str]:
    tables = [
        f"CREATE TABLE {contract.name} ({column_ddl(contract, types)})"
        for contract in STORED.values()
    ]
    return [*tables, *bookkeeping(types)]
