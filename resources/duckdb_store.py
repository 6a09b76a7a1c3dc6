"""Writing a DuckDB warehouse: tables from contracts, partitions replaced in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from agentsview_assets.errors import AssetsError
from resources.duckdb_reader import check_version, explain
from resources.store import Archive, Partition, Selection
from resources.warehouse import ARCHIVES_TABLE, META_TABLE, PARTITIONS_TABLE, SCHEMA_VERSION
from schemas import CONTRACTS, Column, TableContract

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

_BOOKKEEPING = f"""
CREATE TABLE IF NOT EXISTS {META_TABLE} (schema_version BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {PARTITIONS_TABLE} (
    asset VARCHAR NOT NULL, partition_date VARCHAR NOT NULL, row_count BIGINT NOT NULL,
    input_version VARCHAR NOT NULL, rates_version VARCHAR NOT NULL, run_id VARCHAR NOT NULL,
    written_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS {ARCHIVES_TABLE} (
    archive_id VARCHAR NOT NULL, database_id VARCHAR NOT NULL, user_version BIGINT NOT NULL,
    path VARCHAR NOT NULL, observed_at TIMESTAMPTZ NOT NULL);
"""


class DuckDBStore:
    """The write side of a DuckDB warehouse, over a connection that somebody else opened."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        with self._errors():
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute("SET preserve_insertion_order = false")
            self._prepare()

    def _prepare(self) -> None:
        """Makes every table that is missing, so that readers never meet half a warehouse."""
        if check_version(self._connection, self._path) == SCHEMA_VERSION:
            return
        with self._transaction():
            self._connection.execute(_BOOKKEEPING)
            self._connection.execute(f"INSERT INTO {META_TABLE} VALUES (?)", [SCHEMA_VERSION])
            for contract in CONTRACTS.values():
                for statement in create_statements(contract):
                    self._connection.execute(statement)

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        days: Sequence[str] | None,
        partitions: Sequence[Partition],
        *,
        owns_earlier: bool = False,
    ) -> None:
        """Replaces whole partitions; see `resources.store.Store.replace`."""
        with self._errors(), self._transaction():
            self._delete(contract, days, owns_earlier=owns_earlier)
            for frame in frames:
                self._insert(contract, frame)
            self._note(contract.name, partitions)

    def _delete(
        self, contract: TableContract, days: Sequence[str] | None, *, owns_earlier: bool
    ) -> None:
        if days is None:
            self._connection.execute(f"DELETE FROM {contract.name}")
            return
        first = "0001-01-01" if owns_earlier else days[0]
        self._connection.execute(
            f"DELETE FROM {contract.name} WHERE {contract.partition_column} BETWEEN ? AND ?",
            [first, days[-1]],
        )
        if owns_earlier:
            self._connection.execute(
                f"DELETE FROM {PARTITIONS_TABLE} WHERE asset = ? AND partition_date < ?",
                [contract.name, days[0]],
            )

    def _insert(self, contract: TableContract, frame: pd.DataFrame) -> None:
        if frame.empty:
            return
        # One batch would be read by one thread.
        batches = contract.arrow(frame).to_batches(max_chunksize=_BATCH_ROWS)
        incoming = pa.Table.from_batches(batches)
        columns = ", ".join(contract.column_names)
        self._connection.register("incoming", incoming)
        self._connection.execute(
            f"INSERT INTO {contract.name} ({columns}) SELECT {columns} FROM incoming"
        )
        self._connection.unregister("incoming")

    def _note(self, asset: str, partitions: Sequence[Partition]) -> None:
        if not partitions:
            return
        noted = pa.Table.from_pylist([p._asdict() for p in partitions])
        self._connection.register("noted", noted)
        self._connection.execute(
            f"DELETE FROM {PARTITIONS_TABLE} WHERE asset = ? AND partition_date IN "
            "(SELECT partition_date FROM noted)",
            [asset],
        )
        self._connection.execute(
            f"INSERT INTO {PARTITIONS_TABLE} BY NAME "
            "SELECT *, ? AS asset, now() AS written_at FROM noted",
            [asset],
        )
        self._connection.unregister("noted")

    def note_archives(self, archives: Sequence[Archive]) -> None:
        """Notes archives; see `resources.store.Store.note_archives`."""
        with self._errors(), self._transaction():
            for archive in archives:
                self._connection.execute(
                    f"DELETE FROM {ARCHIVES_TABLE} WHERE archive_id = ?", [archive.archive_id]
                )
                self._connection.execute(
                    f"INSERT INTO {ARCHIVES_TABLE} VALUES (?, ?, ?, ?, now())", list(archive)
                )

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, columns and days as selected."""
        names = selection.columns or contract.column_names
        columns = ", ".join(
            f"strftime({c.name}, '%Y-%m-%d') AS {c.name}" if c.kind == "date" else c.name
            for c in contract.columns
            if c.name in names
        )
        where, parameters = "", {}
        if selection.days is not None:
            where = f" WHERE {selection.day_column} BETWEEN $first AND $last"
            parameters = {"first": selection.days[0], "last": selection.days[-1]}
        group = ""
        if selection.count_by:
            columns = ", ".join(selection.count_by) + ", count(*) AS row_count"
            group = f" GROUP BY {', '.join(selection.count_by)}"
        # A cursor of its own, so that reading can go on in one thread while another one writes.
        with self._errors(), self._connection.cursor() as reading:
            return reading.sql(
                f"SELECT {columns} FROM {contract.name}{where}{group}",
                params=parameters,
            ).to_arrow_table()

    def row_counts(self, asset: str) -> dict[str, int]:
        """The rows noted of every partition; see `resources.store.Store.row_counts`."""
        with self._errors(), self._connection.cursor() as reading:
            found = reading.execute(
                f"SELECT partition_date, row_count FROM {PARTITIONS_TABLE} WHERE asset = ?", [asset]
            ).fetchall()
        return dict(found)

    def partitions(self, asset: str) -> dict[str, tuple[str, str]]:
        """The input and rates version of every partition written, by day ('' for no day)."""
        with self._errors():
            rows = self._connection.execute(
                f"SELECT partition_date, input_version, rates_version FROM {PARTITIONS_TABLE} "
                "WHERE asset = ?",
                [asset],
            ).fetchall()
        return {day: (input_version, rates) for day, input_version, rates in rows}

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A failed COMMIT has already rolled back; a second ROLLBACK would hide its reason.
            with contextlib.suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except AssetsError:
            raise
        except duckdb.Error as error:
            raise explain(error, self._path) from error


def create_statements(contract: TableContract) -> list[str]:
    """The DDL of a table: columns, nullability and comments from its contract."""
    columns = ",\n    ".join(_column(column) for column in contract.columns)
    statements = [f"CREATE TABLE IF NOT EXISTS {contract.name} (\n    {columns})"]
    statements.append(f"COMMENT ON TABLE {contract.name} IS {_quoted(contract.description)}")
    for column in contract.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        comment = _quoted(column.description + unit)
        statements.append(f"COMMENT ON COLUMN {contract.name}.{column.name} IS {comment}")
    return statements


def _column(column: Column) -> str:
    return f"{column.name} {SQL_TYPES[column.kind]}{'' if column.nullable else ' NOT NULL'}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
