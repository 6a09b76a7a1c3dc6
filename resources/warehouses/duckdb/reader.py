"""Reading a DuckDB warehouse: read-only, one transaction, errors told in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from agentsview_assets.errors import DISK_FULL, WarehouseError, is_disk_full
from agentsview_assets.files import is_there, look
from agentsview_assets.resources.warehouses.duckdb.lock import is_locked, open_file, waited
from agentsview_assets.resources.warehouses.reader import (
    Memory,
    exact_total,
    found_version,
    require_current,
    require_there,
)
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

_MAGIC, _MAGIC_START, _MAGIC_END = b"DUCK", 8, 12
_DAMAGE = ("not a valid duckdb", "serialization", "corrupt", "could not read enough bytes")


class DuckDBReader(Memory):
    """A read transaction on a DuckDB warehouse."""

    kind: ClassVar[Kind] = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        super().__init__()
        self._connection = connection
        self._path = path

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL with `?` placeholders and fetches all rows."""
        try:
            found = self._connection.execute(sql, list(params)).fetchall()
            return self._with_totals(found)
        except duckdb.CatalogException as error:
            raise WarehouseError(
                f"warehouse {self._path}: {_first_line(error)}; run `agentsview-assets "
                "materialize` first"
            ) from None
        except duckdb.Error as error:
            raise explain(error, self._path) from None

    def binary_order(self, expression: str) -> str:
        """DuckDB compares text by its bytes already."""
        return expression

    def exact_sum(self, expression: str) -> str:
        """A list, summed when it is fetched; see `warehouses.reader.Reader`."""
        return f"list({expression}) FILTER ({expression} IS NOT NULL)"

    def whole_sum(self, expression: str) -> str:
        """Sums of BIGINT are of 128 bits; see `warehouses.reader.Reader`."""
        return f"COALESCE(SUM({expression}), 0)"

    def _with_totals(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        lists = {n for n, c in enumerate(self._connection.description or ()) if c[1].id == "list"}
        if not lists:
            return rows
        return [
            tuple(exact_total(v) if n in lists else v for n, v in enumerate(row)) for row in rows
        ]

    def size(self) -> int:
        """Bytes of the file."""
        return self._path.stat().st_size

    def has_table(self, name: str) -> bool:
        """Whether the warehouse holds the table."""
        found = self.rows(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = current_schema() AND table_name = ?",
            [name],
        )
        return bool(found)


@contextlib.contextmanager
def open_warehouse(warehouse: WarehouseUrl) -> Iterator[DuckDBReader]:
    """Opens a read snapshot; see `warehouses.reader.open_reader`."""
    path = warehouse.file
    require_there(path)
    connection = connect(path, read_only=True)
    try:
        connection.execute("BEGIN TRANSACTION READ ONLY")
        reader = DuckDBReader(connection, path)
        require_current(check_version(connection, path), str(path))
        yield reader
    finally:
        connection.close()


def connect(
    path: Path, *, read_only: bool, config: dict[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Opens a DuckDB file, telling why in words when it cannot.

    Raises:
        WarehouseError: The file is a folder, read-only, in use elsewhere, or no DuckDB database.
    """
    require_file(path)
    if is_there(path) and path.stat().st_size == 0:
        raise WarehouseError(
            f"warehouse {path}: the file is empty (0 bytes); remove it to have a new one made, or "
            "name another file"
        )
    if not _may_be_duckdb(path):
        raise WarehouseError(f"warehouse {path}: not a DuckDB database; name another file")
    try:
        connection = open_file(path, read_only=read_only, config=config)
    except duckdb.Error as error:
        raise explain(error, path, waited=waited(is_writing=not read_only)) from None
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def require_file(path: Path) -> None:
    """Refuses what is there and can be no warehouse; a pipe would hold us up for ever.

    Raises:
        WarehouseError: It is a folder, a pipe or a device.
    """
    found = look(path, f"warehouse {path}", WarehouseError)
    if found == "folder":
        raise WarehouseError(f"warehouse {path}: is a folder; name a file in it")
    if found == "other":
        raise WarehouseError(f"warehouse {path}: is no regular file; name another one")


def _may_be_duckdb(path: Path) -> bool:
    """Whether DuckDB may be let at a file: it would open an SQLite one, such as an archive."""
    try:
        with path.open("rb") as file:
            return file.read(_MAGIC_END)[_MAGIC_START:] == _MAGIC
    except OSError:
        return True  # missing, or DuckDB says why


def explain(
    error: Exception, path: Path, what: str = "warehouse", *, waited: str = ""
) -> WarehouseError:
    """The user's words for why a DuckDB file cannot be opened or written."""
    text = _first_line(error)
    lower = text.replace(str(path), "").lower()
    if is_locked(error):
        reason = (
            f"in use by another process{waited}; close it there (a DuckDB file has one writer at "
            f"a time) and try again ({text})"
        )
    elif "permission denied" in lower or "read-only" in lower:
        reason = "cannot be written: permission denied; make it writable or name another file"
    elif is_disk_full(error):
        reason = DISK_FULL
    elif "newer version" in lower or "version number" in lower:
        reason = f"written by a newer DuckDB; upgrade agentsview-assets or name a new file ({text})"
    elif any(words in lower for words in _DAMAGE):
        reason = f"damaged; restore it from a copy, or remove it and materialize anew ({text})"
    else:
        reason = text
    return WarehouseError(f"{what} {path}: {reason}")


def check_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """The schema version of a warehouse, None for an empty file.

    Raises:
        WarehouseError: It was written by a newer version of this program, or is not ours.
    """

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    tables = {name for (name,) in ask("SELECT table_name FROM duckdb_tables()")}
    return found_version(tables, ask, str(path), "a DuckDB database")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
