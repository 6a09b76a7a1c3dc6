"""Writing a PostgreSQL warehouse: rows by COPY, partitions replaced in one transaction.

A partition's rows are deleted and copied, never truncated or altered, so that readers go on with
what they see until the transaction is committed. Writers take turns.
"""

# ruff: noqa: PLC0415 - Arrow is imported by whoever has rows, not to look or to keep records

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg2

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.postgres.reader import (
    Connection,
    check_version,
    connect,
    explain,
    placeholders,
    prepare,
    values,
)
from agentsview_assets.resources.warehouses.postgres.turns import take_turn
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, PENDING_TABLE
from agentsview_assets.resources.warehouses.row_store import selection_sql
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.store import Selection
from agentsview_assets.resources.warehouses.table_ddl import (
    column_ddl,
    index_statements,
    key_clause,
)
from agentsview_assets.rules.text import storable
from agentsview_assets.schemas import TableContract
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

if TYPE_CHECKING:
    import pyarrow as pa

SQL_TYPES = {
    # Reports order texts by their bytes, whatever the database's own collation is.
    "text": 'TEXT COLLATE "C"',
    "date": "DATE",
    "bigint": "BIGINT",
    "double": "DOUBLE PRECISION",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMPTZ",
}
INDEXES = {
    "usage_rows": "archive_id, timestamp_text",
    "activity_intervals": "archive_id, epoch_seconds",
    "session_model_usage": "archive_id, session_id",
}
"""What reports look up, beside the day that leads every primary key."""
_BATCH_ROWS = 50_000
_MANY_ROWS = 10_000
_MAY_CREATE = """
SELECT has_schema_privilege(nspname, 'CREATE') FROM pg_namespace WHERE nspname = %s
UNION ALL SELECT has_database_privilege(current_database(), 'CREATE')
WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)
"""


class PostgresStore(SqlStore):
    """The write side of a PostgreSQL warehouse."""

    kind: ClassVar[Kind] = "postgresql"
    types: ClassVar[dict[str, str]] = SQL_TYPES

    def __init__(self, writing: Connection, reading: Connection, warehouse: WarehouseUrl) -> None:
        self._writing = writing
        self._reading = reading
        self.address = warehouse
        self.shown = warehouse.shown
        self._grown: Counter[str] = Counter()
        with self._errors():
            version = check_version(writing, warehouse)
            _require_rights(writing, warehouse, version)
            writing.rollback()
            if self.is_current(version):
                return
            with self.transaction():
                self.upgrade(check_version(writing, warehouse))

    def create(self) -> None:
        """Makes the schema and every table in it."""
        schema = self.address.schema
        # Asked first: the statement needs a right to the database even where it has nothing to do.
        if not self.ask("SELECT 1 FROM pg_namespace WHERE nspname = ?", [schema]):
            self.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        super().create()

    def create_statements(self, contract: TableContract) -> list[str]:
        """The DDL of a table; see `SqlStore.create_statements`."""
        columns = column_ddl(contract, SQL_TYPES) + key_clause(contract)
        create = f"CREATE TABLE {contract.name} (\n    {columns}\n)"
        return [create, *index_statements(contract, INDEXES)]

    @contextlib.contextmanager
    def transaction(self, *locks: str) -> Iterator[None]:
        """One transaction, when no other process has one of these locks; see `SqlStore`."""
        try:
            with self._errors():
                prepare(self._writing, self.address)
                for lock in sorted(locks) or [""]:
                    take_turn(self._writing, f"{self.address.schema} {lock}", self.shown)
            yield
            self.raise_revision()
            with self._errors():
                self._writing.commit()
        except BaseException:
            # A connection that is lost has rolled back.
            with contextlib.suppress(psycopg2.Error):
                self._writing.rollback()
            raise

    def take_pending(self, taken: str) -> None:
        """Takes what is pending, in one statement: what comes up meanwhile is not among it."""
        self.execute(f'CREATE TEMP TABLE {taken} (kind TEXT COLLATE "C", name TEXT COLLATE "C")')
        self.execute(
            f"WITH gone AS (DELETE FROM {PENDING_TABLE} RETURNING kind, name) "
            f"INSERT INTO {taken} SELECT DISTINCT kind, name FROM gone"
        )

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement; see `SqlStore.execute`."""
        with self._errors(), self._writing.cursor() as cursor:
            cursor.execute(placeholders(sql), values(parameters))

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query; see `SqlStore.ask`."""
        with self._errors(), self._reading, self._reading.cursor() as cursor:
            prepare(self._reading, self.address)
            cursor.execute(placeholders(sql), values(parameters))
            return cursor.fetchall()

    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows inside the transaction; see `SqlStore.look`."""
        with self._errors(), self._writing.cursor() as cursor:
            cursor.execute(placeholders(sql), values(parameters))
            return cursor.fetchall()

    def insert_table(self, contract: TableContract, rows: pa.Table) -> None:
        """Adds rows; see `SqlStore.insert_table`."""
        from pyarrow import csv

        from agentsview_assets.resources.warehouses.postgres.texts import storable_table

        self._grown[contract.name] += rows.num_rows
        incoming = storable_table(rows)
        columns = ", ".join(contract.column_names)
        copy = f"COPY {contract.name} ({columns}) FROM STDIN (FORMAT csv)"
        options = csv.WriteOptions(include_header=False)
        for start in range(0, incoming.num_rows, _BATCH_ROWS):
            text = io.BytesIO()
            csv.write_csv(incoming.slice(start, _BATCH_ROWS), text, options)
            text.seek(0)
            with self._errors(), self._writing.cursor() as cursor:
                cursor.copy_expert(copy, text, size=1 << 20)

    def analyze(self) -> None:
        """Has the server look at tables that grew a lot, without which it plans reports badly."""
        grown = [name for name, rows in self._grown.items() if rows >= _MANY_ROWS]
        with contextlib.suppress(WarehouseError):
            for name in grown:
                with self.transaction():
                    self.execute(f"ANALYZE {name}")

    def as_stored(self, name: str) -> str:
        """A name as the server's tables have it; see `SqlStore.as_stored`."""
        return storable(name)

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow; see `SqlStore.read`."""
        import pyarrow as pa
        from pyarrow import csv

        from agentsview_assets.schemas.arrow_types import ARROW_TYPES

        names, sql, parameters = selection_sql(contract, selection)
        kinds = {column.name: column.kind for column in contract.columns}
        text = io.BytesIO()
        with self._errors(), self._reading, self._reading.cursor() as cursor:
            prepare(self._reading, self.address)
            query = cursor.mogrify(placeholders(sql), values(parameters)).decode()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", text)
        types = {name: ARROW_TYPES[kinds.get(name, "bigint")] for name in names}
        if not text.tell():
            return pa.schema(list(types.items())).empty_table()
        text.seek(0)
        return csv.read_csv(
            text,
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            raise explain(error, self.address) from error


def _require_rights(connection: Connection, warehouse: WarehouseUrl, version: int | None) -> None:
    """Tells of a role that may not write before any work is done.

    Raises:
        WarehouseError: The role may not write the tables, or not make them.
    """
    with connection.cursor() as cursor:
        if version is None:
            cursor.execute(_MAY_CREATE, (warehouse.schema, warehouse.schema))
            wanted = f"make tables in the schema {warehouse.schema}"
        else:
            cursor.execute(
                f"SELECT has_table_privilege('{PARTITIONS_TABLE}', 'INSERT') "
                f"AND has_table_privilege('{PARTITIONS_TABLE}', 'DELETE')"
            )
            wanted = f"write the tables of the schema {warehouse.schema}"
        may = cursor.fetchone()
        cursor.execute("SELECT current_user, pg_is_in_recovery()")
        user, standby = cursor.fetchone() or ("", False)
    if standby:
        raise WarehouseError(
            f"warehouse {warehouse.shown}: the server is a read-only copy; name its primary server"
        )
    if may is None or not may[0]:
        raise WarehouseError(
            f"warehouse {warehouse.shown}: the role {user} may not {wanted}; grant it the right, "
            "or connect as another user"
        )


def check_postgres(warehouse: WarehouseUrl) -> bool:
    """Makes sure that a warehouse can be written, without writing anything.

    Returns:
        Whether it is there.

    Raises:
        WarehouseError: It cannot be written.
    """
    with contextlib.closing(connect(warehouse)) as connection:
        try:
            version = check_version(connection, warehouse)
            _require_rights(connection, warehouse, version)
        except psycopg2.Error as error:
            raise explain(error, warehouse) from None
    return version is not None


@contextlib.contextmanager
def open_postgres_store(warehouse: WarehouseUrl) -> Iterator[PostgresStore]:
    """Opens the write side of a warehouse; see `warehouses.opening.open_store`."""
    with (
        contextlib.closing(connect(warehouse)) as writing,
        contextlib.closing(connect(warehouse)) as reading,
    ):
        store = PostgresStore(writing, reading, warehouse)
        yield store
        store.analyze()
