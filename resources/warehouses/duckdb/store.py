"""Writing a DuckDB warehouse: tables from contracts, partitions replaced in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb

from agentsview_assets.resources.warehouses.duckdb.reader import (
    DuckDBReader,
    check_version,
    explain,
)
from agentsview_assets.resources.warehouses.row_store import selection_where
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.store import Selection
from agentsview_assets.resources.warehouses.table_ddl import column_ddl
from agentsview_assets.schemas import TableContract
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

if TYPE_CHECKING:
    import pyarrow as pa

SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMPTZ",
}
MEMORY_LIMIT = "400MB"
_BATCH_ROWS = 32_768


class DuckDBStore(SqlStore):
    """The write side of a DuckDB warehouse, over a connection that somebody else opened."""

    kind: ClassVar[Kind] = "duckdb"
    types: ClassVar[dict[str, str]] = SQL_TYPES

    def __init__(self, connection: duckdb.DuckDBPyConnection, warehouse: WarehouseUrl) -> None:
        self._connection = connection
        self._path = path = warehouse.file
        self.address = warehouse
        self.shown = str(path)
        with self._errors():
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute("SET preserve_insertion_order = false")
            version = check_version(connection, path)
            if not self.is_current(version):
                with self.transaction():
                    self.upgrade(version)

    @contextlib.contextmanager
    def reading(self) -> Iterator[DuckDBReader]:
        """A read transaction over this connection: a process opens a file in one way at a time."""
        with self._cursor() as reading:
            reading.execute("BEGIN TRANSACTION READ ONLY")
            yield DuckDBReader(reading, self._path)

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection beside, so that one thread can read while another one writes."""
        with self._errors(), self._connection.cursor() as reading:
            reading.execute("SET TimeZone = 'UTC'")  # it does not take over what the first one set
            yield reading

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement; see `SqlStore.execute`."""
        with self._errors():
            self._connection.execute(sql, list(parameters))

    def execute_values(self, insert: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs an INSERT of rows whose last column is the present moment; a column is a value."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        marks = ", ".join("unnest(?)" for _ in columns)
        self.execute(f"{insert} SELECT {marks}, {self.now}", columns)

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query; see `SqlStore.ask`."""
        with self._cursor() as reading:
            return reading.execute(sql, list(parameters)).fetchall()

    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows inside the transaction; see `SqlStore.look`."""
        with self._errors():
            return self._connection.execute(sql, list(parameters)).fetchall()

    def create_statements(self, contract: TableContract) -> list[str]:
        """The DDL of a table; see `SqlStore.create_statements`."""
        return create_statements(contract)

    def insert_table(self, contract: TableContract, rows: pa.Table) -> None:
        """Adds rows; see `SqlStore.insert_table`."""
        # One batch would be read by one thread.
        batches = rows.to_batches(max_chunksize=_BATCH_ROWS)
        incoming = type(rows).from_batches(batches, rows.schema)
        columns = ", ".join(contract.column_names)
        with self._errors():
            self._connection.register("incoming", incoming)
            self._connection.execute(
                f"INSERT INTO {contract.name} ({columns}) SELECT {columns} FROM incoming"
            )
            self._connection.unregister("incoming")

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, columns and days as selected."""
        names = selection.columns or contract.column_names
        columns = ", ".join(
            f"strftime({c.name}, '%Y-%m-%d') AS {c.name}" if c.kind == "date" else c.name
            for c in contract.columns
            if c.name in names
        )
        where, parameters = selection_where(selection)
        group = ""
        if selection.count_by:
            columns = ", ".join(selection.count_by) + ", count(*) AS row_count"
            group = f" GROUP BY {', '.join(selection.count_by)}"
        with self._cursor() as reading:
            return reading.sql(
                f"SELECT {columns} FROM {contract.relation}{where}{group}", params=parameters
            ).to_arrow_table()

    @contextlib.contextmanager
    def transaction(self, *locks: str) -> Iterator[None]:  # noqa: ARG002 - a file has one writer
        """One transaction; see `SqlStore.transaction`."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
            self.raise_revision()
            self.execute("COMMIT")
        except BaseException:
            # A failed COMMIT has already rolled back; a second ROLLBACK would hide its reason.
            with contextlib.suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise explain(error, self._path) from error


def create_statements(contract: TableContract) -> list[str]:
    """The DDL of a table: columns and nullability from its contract.

    No keys: the contract has checked them, and DuckDB's indexes cost more than the rows. No
    indexes: rows lie in the order of their days, so that DuckDB skips what a report does not ask.
    """
    columns = column_ddl(contract, SQL_TYPES)
    create = f"CREATE TABLE IF NOT EXISTS {contract.name} (\n    {columns})"
    return [create]
