"""Writing an SQLite warehouse: strict tables from contracts, partitions in one transaction.

While it is written, the file keeps a write-ahead log, so that readers neither wait nor are waited
for. At rest it has none: a file with a log needs a folder that its readers can write.
"""

# ruff: noqa: PLC0415 - Arrow is imported by whoever has rows, not to look or to keep records

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import is_there, look
from agentsview_assets.resources.warehouses.patience import patiently
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    CHECKS_TABLE,
    EXPECTED_TABLE,
    PARTITIONS_TABLE,
    READINGS_TABLE,
    SUCCESSIONS_TABLE,
)
from agentsview_assets.resources.warehouses.row_store import selection_sql
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.sqlite.reader import (
    COLUMNS_TABLE,
    check_version,
    connect,
    explain,
)
from agentsview_assets.resources.warehouses.store import Selection
from agentsview_assets.resources.warehouses.table_ddl import (
    column_ddl,
    described,
    index_statements,
    key_clause,
    quoted,
)
from agentsview_assets.schemas import TableContract
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE_MS = 1000
"""Milliseconds that SQLite waits by itself and hears no signal; nobody is told of them."""
SQL_TYPES = {
    "text": "TEXT",
    "date": "TEXT",
    "bigint": "INTEGER",
    "double": "REAL",
    "boolean": "INTEGER",
    "timestamptz": "TEXT",
}
INDEXES = {"usage_rows": "timestamp_text", "activity_intervals": "epoch_seconds"}
"""What reports look up, beside the day that leads every primary key.

Never the archive first: joins on archive and something else would go through it, row by row of the
whole table, where SQLite makes itself a better index if there is none.
"""
_BATCH_ROWS = 50_000
_NOW = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"  # Arrow's seconds have as many digits as the values
_FEW = 4
COLUMNS_DDL = f"""
CREATE TABLE IF NOT EXISTS {COLUMNS_TABLE} (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, kind TEXT NOT NULL,
    description TEXT NOT NULL, PRIMARY KEY (table_name, column_name)) STRICT
"""
_OWN_INSTANTS = (
    (PARTITIONS_TABLE, "written_at"),
    (ARCHIVES_TABLE, "observed_at"),
    (EXPECTED_TABLE, "expected_at"),
    (READINGS_TABLE, "read_at"),
    (READINGS_TABLE, "failing_since"),
    (CHECKS_TABLE, "checked_at"),
    (SUCCESSIONS_TABLE, "found_at"),
)


class SQLiteStore(SqlStore):
    """The write side of an SQLite warehouse."""

    kind: ClassVar[Kind] = "sqlite"
    types: ClassVar[dict[str, str]] = SQL_TYPES
    now: ClassVar[str] = _NOW

    def __init__(
        self, writing: sqlite3.Connection, reading: sqlite3.Connection, warehouse: WarehouseUrl
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._path = path = warehouse.file
        self.address = warehouse
        self.shown = str(path)
        with self._errors():
            if self.is_current(check_version(writing, path)):
                return
            with self.transaction():
                self.upgrade(check_version(writing, path))

    def create(self) -> None:
        """Makes every table, and the one that tells what columns mean."""
        self.execute(COLUMNS_DDL)
        for table, column in _OWN_INSTANTS:
            self.execute(_describing((table, column, "timestamptz", "When it was noted")))
        super().create()

    def create_statements(self, contract: TableContract) -> list[str]:
        """The DDL of a table; see `SqlStore.create_statements`."""
        columns = column_ddl(contract, SQL_TYPES) + key_clause(contract)
        return [
            f"CREATE TABLE {contract.name} (\n    {columns}\n) STRICT",
            *index_statements(contract, INDEXES),
        ]

    def meaning_statements(self, contract: TableContract) -> list[str]:
        """SQLite has no comments: a table of ours holds what they would say."""
        meanings = [(contract.name, "", "table", contract.description)]
        meanings += [(contract.name, c.name, c.kind, described(c)) for c in contract.columns]
        earlier = f"DELETE FROM {COLUMNS_TABLE} WHERE table_name = {quoted(contract.name)}"
        return [earlier, *map(_describing, meanings)]

    @contextlib.contextmanager
    def transaction(self, *locks: str) -> Iterator[None]:  # noqa: ARG002 - a file has one writer
        """One transaction; see `SqlStore.transaction`."""
        self._begin()
        try:
            yield
            self.raise_revision()
            self.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back already; a second ROLLBACK would hide its reason.
            with contextlib.suppress(sqlite3.Error):
                self._writing.execute("ROLLBACK")
            raise

    def _begin(self) -> None:
        """Takes the file, for which others may have to be waited for."""
        with self._errors():
            if patiently(self._try_to_begin, self._others, is_writing=True) is None:
                self._writing.execute("BEGIN IMMEDIATE")  # which says why not

    def _try_to_begin(self) -> bool | None:
        try:
            self._writing.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return None
        return True

    def _others(self) -> str:
        return f"another writer of {self._path}"

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement; see `SqlStore.execute`."""
        with self._errors():
            self._writing.execute(sql, tuple(parameters))

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query; see `SqlStore.ask`."""
        with self._errors():
            return self._reading.execute(sql, tuple(parameters)).fetchall()

    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows inside the transaction; see `SqlStore.look`."""
        with self._errors():
            return self._writing.execute(sql, tuple(parameters)).fetchall()

    def insert_table(self, contract: TableContract, rows: pa.Table) -> None:
        """Adds rows; see `SqlStore.insert_table`."""
        marks = ", ".join("?" * len(contract.columns))
        columns = ", ".join(contract.column_names)
        sql = f"INSERT INTO {contract.name} ({columns}) VALUES ({marks})"
        with self._errors():
            for start in range(0, rows.num_rows, _BATCH_ROWS):
                part = rows.slice(start, _BATCH_ROWS)
                values = [_values(column.combine_chunks()) for column in part.columns]
                self._writing.executemany(sql, zip(*values, strict=True))

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow; see `SqlStore.read`."""
        import pyarrow as pa

        names, sql, parameters = selection_sql(contract, selection)
        rows = self.ask(sql, parameters)
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        kinds = {column.name: column.kind for column in contract.columns}
        return pa.table(
            {
                name: _arrow(column, kinds.get(name, "bigint"))
                for name, column in zip(names, columns, strict=True)
            }
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self._path) from error


def _describing(meaning: tuple[str, str, str, str]) -> str:
    """Notes table, column, kind and meaning where readers and people find them."""
    return f"INSERT INTO {COLUMNS_TABLE} VALUES ({', '.join(map(quoted, meaning))})"


def _values(column: pa.Array) -> list[Any]:
    """The values of a column as SQLite keeps them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = pc.strftime(column, _INSTANT)
    elif pa.types.is_date(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not pa.types.is_string(column.type):
        return _numbers(column)
    encoded = column.dictionary_encode()
    if len(encoded.dictionary) * _FEW > len(column):
        return column.to_pylist()  # type: ignore[no-any-return]
    # Texts repeat a lot: making each of them once is several times cheaper.
    words = [*encoded.dictionary.to_pylist(), None]
    places = pc.fill_null(encoded.indices, len(words) - 1)
    return [words[place] for place in _numbers(places)]


def _numbers(column: pa.Array) -> list[Any]:
    if column.null_count:
        return column.to_pylist()  # type: ignore[no-any-return]
    return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]


def _arrow(values: Sequence[Any], kind: str) -> pa.Array:
    """A column in the type of its kind, days as text."""
    import pyarrow as pa

    from agentsview_assets.schemas.arrow_types import ARROW_TYPES

    wanted = ARROW_TYPES[kind]  # type: ignore[index]
    if kind in ("boolean", "timestamptz"):
        stored = pa.array(values, pa.int64() if kind == "boolean" else pa.string())
        return stored.cast(wanted)
    return pa.array(values, wanted)


@contextlib.contextmanager
def open_sqlite_store(warehouse: WarehouseUrl) -> Iterator[SQLiteStore]:
    """Opens the write side of an SQLite warehouse; see `warehouses.opening.open_store`."""
    path = warehouse.file
    _refuse_others(path)
    with contextlib.closing(connect(path, "rwc")) as writing:
        try:
            for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -64000"):
                writing.execute(f"PRAGMA {setting}")
            writing.execute(f"PRAGMA busy_timeout = {_AT_ONCE_MS}")
            with contextlib.closing(connect(path, "ro")) as reading:
                yield SQLiteStore(writing, reading, warehouse)
        except sqlite3.Error as error:
            raise explain(error, path) from error
        finally:
            _checkpoint(writing)


def _refuse_others(path: Path) -> None:
    """Looks at a file that is there before anything touches it: it may be somebody's archive.

    Raises:
        WarehouseError: It is no warehouse.
    """
    if look(path, f"warehouse {path}", WarehouseError) == "missing":
        return
    with contextlib.closing(connect(path, "ro&immutable=1")) as looking:
        try:
            check_version(looking, path)
        except sqlite3.Error as error:
            # What a killed run left half way is whole again once its log is read.
            if not is_there(path.with_name(f"{path.name}-wal")):
                raise explain(error, path) from None


def _checkpoint(writing: sqlite3.Connection) -> None:
    """Leaves a file that can be read without writing; readers at work keep the log for now."""
    with contextlib.suppress(sqlite3.Error):
        writing.execute("PRAGMA busy_timeout = 100")
        writing.execute("PRAGMA journal_mode = DELETE")
