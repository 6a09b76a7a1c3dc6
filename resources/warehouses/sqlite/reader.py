"""Reading an SQLite warehouse: read-only, one snapshot, values as the other backends give them.

SQLite has neither booleans nor times. They are kept as 0 and 1, as `YYYY-MM-DD` and as
`YYYY-MM-DDTHH:MM:SS.ffffffZ`, which sort and compare as the values do; the table
`warehouse_columns` tells which column is what, and what it means. Booleans and times come back as
such, by the names of their columns; days stay texts.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from agentsview_assets.errors import DISK_FULL, WarehouseError, is_disk_full
from agentsview_assets.files import look, trouble
from agentsview_assets.resources.warehouses.reader import (
    Memory,
    exact_total,
    found_version,
    require_current,
    require_there,
)
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

COLUMNS_TABLE = "warehouse_columns"
PATIENCE_SECONDS = 30.0
"""How long a lock of another process is waited for."""

_MAGIC = b"SQLite format 3\0"
_OLDEST = (3, 37)
_ARCHIVE_TABLES = frozenset({"sessions", "messages"})
_CONVERSIONS: dict[str, Callable[[Any], object]] = {
    "boolean": bool,
    "timestamptz": datetime.fromisoformat,
}


class SQLiteReader(Memory):
    """A read transaction on an SQLite warehouse."""

    kind: ClassVar[Kind] = "sqlite"

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__()
        self._connection = connection
        self._path = path
        self._kinds = dict(self._fetch(f"SELECT column_name, kind FROM {COLUMNS_TABLE}")[1])

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL with `?` placeholders and fetches all rows."""
        names, found = self._fetch(sql, params)
        converted = [
            (place, _CONVERSIONS[kind])
            for place, name in enumerate(names)
            if (kind := self._kinds.get(name)) in _CONVERSIONS
        ]
        return [_converted(row, converted) for row in found] if converted else found

    def _fetch(
        self, sql: str, params: Sequence[object] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        try:
            cursor = self._connection.execute(sql, tuple(params))
            return [column[0] for column in cursor.description], cursor.fetchall()
        except sqlite3.Error as error:
            raise explain(error, self._path) from None

    def binary_order(self, expression: str) -> str:
        """SQLite compares text by its bytes already."""
        return expression

    def exact_sum(self, expression: str) -> str:
        """A function of this connection; see `warehouses.reader.Reader`."""
        return f"COALESCE(exact_sum({expression}), 0.0)"

    def whole_sum(self, expression: str) -> str:
        """Summed by halves, which do not overflow; see `warehouses.reader.Reader`."""
        return (
            f"whole_sum(COALESCE(SUM(({expression}) >> 32), 0), "
            f"COALESCE(SUM(({expression}) & 4294967295), 0))"
        )

    def copy_into(self, connection: sqlite3.Connection) -> None:
        """Copies the state into another database, which may be empty."""
        self._connection.backup(connection)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def interrupt(self) -> None:
        """Has a query that another thread runs end with an error."""
        self._connection.interrupt()

    def has_table(self, name: str) -> bool:
        """Whether the warehouse holds the table."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name = ?", [name]))

    def size(self) -> int:
        """Bytes of the file."""
        return self._path.stat().st_size


def _converted(
    row: tuple[Any, ...], converted: list[tuple[int, Callable[[Any], object]]]
) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in converted:
        if values[place] is not None:
            values[place] = convert(values[place])
    return tuple(values)


class _ExactSum:
    """The aggregate function that `exact_sum` names."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self._values.append(value)

    def finalize(self) -> float | str:
        total = exact_total(self._values)
        return total if total == total else "nan"  # noqa: PLR0124 - SQLite makes NULL of it


def _whole_sum(high: int, low: int) -> int | str:
    """The number that two halves make, as a text where SQLite has no number for it."""
    whole = (high << 32) + low
    return whole if -(2**63) <= whole < 2**63 else str(whole)


def add_sums(connection: sqlite3.Connection) -> None:
    """Gives a connection the functions that `exact_sum` and `whole_sum` call."""
    connection.create_aggregate("exact_sum", 1, _ExactSum)  # type: ignore[arg-type]
    connection.create_function("whole_sum", 2, _whole_sum, deterministic=True)


@contextlib.contextmanager
def open_warehouse(warehouse: WarehouseUrl) -> Iterator[SQLiteReader]:
    """Opens a read snapshot; see `warehouses.reader.open_reader`."""
    path = warehouse.file
    require_there(path)
    with contextlib.closing(connect(path, "ro")) as connection:
        try:
            add_sums(connection)
            connection.execute("BEGIN")
            version = check_version(connection, path)
        except sqlite3.Error as error:
            raise explain(error, path) from None
        require_current(version, str(path))
        yield SQLiteReader(connection, path)


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Opens an SQLite file that is or may become a warehouse.

    Args:
        path: The file.
        mode: `ro`, `rw` or `rwc`, as in SQLite's own URIs.

    Raises:
        WarehouseError: It is a folder, no SQLite database or cannot be opened.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise WarehouseError(
            f"warehouse {path}: SQLite {sqlite3.sqlite_version} is too old; SQLite warehouses need "
            "3.37 or later, which comes with Python of that age"
        )
    if look(path, f"warehouse {path}", WarehouseError) == "folder":
        raise WarehouseError(f"warehouse {path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise WarehouseError(f"warehouse {path}: is no regular file; name another one")
    if not _may_be_sqlite(path):
        raise WarehouseError(f"warehouse {path}: not an SQLite database; name another file")
    try:
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            timeout=PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise explain(error, path) from None


def _may_be_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError:
        return True  # missing, or SQLite says why
    return start in (b"", _MAGIC)


def check_version(connection: sqlite3.Connection, path: Path) -> int | None:
    """The schema version of a warehouse, None for an empty file.

    Raises:
        WarehouseError: It was written by a newer version of this program, or is not ours.
    """

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    tables = {name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'")}
    is_archive = tables >= _ARCHIVE_TABLES
    what = "an agentsview archive or a database" if is_archive else "an SQLite database"
    return found_version(tables, ask, str(path), what)


def explain(error: Exception, path: Path) -> WarehouseError:
    """The user's words for why an SQLite file cannot be opened, read or written."""
    text = str(error)
    lower = text.lower()
    if is_disk_full(error):
        reason = DISK_FULL
    elif "locked" in lower or "busy" in lower:
        reason = "in use by another process; try again when it has finished"
    elif "readonly" in lower or "read-only" in lower:
        reason = "cannot be written: permission denied; make it writable or name another file"
    elif "unable to open" in lower:
        reason = f"cannot be opened: {_why_not(path)}"
    elif "no such table" in lower or "no such column" in lower:
        reason = f"{text}; run `agentsview-assets materialize` first"
    elif "malformed" in lower or "not a database" in lower:
        reason = f"damaged; restore it from a copy, or remove it and materialize anew ({text})"
    else:
        reason = text
    return WarehouseError(f"warehouse {path}: {reason}")


def _why_not(path: Path) -> str:
    try:
        with path.open("rb"):
            return "its folder cannot be written, or a file beside it cannot be read"
    except OSError as error:
        return trouble(error, path)
