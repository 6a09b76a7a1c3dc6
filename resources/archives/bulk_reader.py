"""Reading an archive's tables as Arrow, as agentsview reads them.

What belongs here: one connection of the driver that reads in bulk. What does not: whether a file is
an archive at all, which is found out before (`archives.reader`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa

from agentsview_assets.resources.archives.odd_values import (
    HeldRow,
    arrow_schema,
    is_plain,
    lenient_columns,
    read_odd,
)
from agentsview_assets.resources.archives.opening import BUSY_TIMEOUT_MS, archive_error
from agentsview_assets.resources.archives.schema import SourceTable, ValueType

_BATCH_ROWS = 65536
# A first row of the right types: the driver infers column types from what it reads first.
_SENTINEL: dict[ValueType, str] = {"text": "'x'", "integer": "0", "real": "0.5"}
# What fails after the first batch is told by Arrow, as an OSError.
_READ_ERRORS = (adbc.Error, OSError, pa.ArrowException)
_OUTER = ("locked", "busy", "malformed", "not a database", "corrupt", "unable to open", "readonly")


class BulkReader:
    """A read-only connection to an archive; a context manager.

    Attributes:
        held: Rows that could not be read and were left out, in the order of reading.
        raw_ids: The ids of sessions, as bytes, that had to be made readable, by what they became.
    """

    def __init__(self, path: Path, uri: str, columns: Mapping[str, set[str]]) -> None:
        """Opens nothing yet.

        Args:
            path: The archive, for messages.
            uri: Its address for SQLite.
            columns: The columns of each table that is there.
        """
        self._path = path
        self._uri = uri
        self._columns = columns
        self._connection: Any = None
        self.held: list[HeldRow] = []
        self.raw_ids: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        try:
            self._connection = adbc.connect(self._uri, autocommit=False)
            self._fetch(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        except BaseException as error:
            self._close()
            if isinstance(error, adbc.Error):
                raise archive_error(self._path, error) from None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rollback(self) -> None:
        """Ends the snapshot that reads have been of."""
        with contextlib.suppress(adbc.Error):
            self._connection.rollback()

    def read(self, table: SourceTable, where: str = "", order: str = "") -> pa.Table:
        """Reads the declared columns of a table, as agentsview reads them.

        Texts that are no UTF-8 are made readable. Rows with something else where a number belongs
        are left out and named in `held`.

        Args:
            table: The table; an absent optional one yields no rows.
            where: SQL condition.
            order: SQL ordering.

        Raises:
            ArchiveError: The archive cannot be read.
        """
        if not self._columns[table.name]:
            return arrow_schema(table).empty_table()
        table = table.among(self._columns[table.name])
        sentinel = ", ".join(f"{_SENTINEL[c.type]} AS {c.name}" for c in table.columns)
        columns = ", ".join(c.sql for c in table.columns)
        ending = (f" WHERE {where}" if where else "") + (f" ORDER BY {order}" if order else "")
        try:
            found = self._select(table, sentinel, columns, ending)
        except _READ_ERRORS as error:
            if _is_outer(error):
                raise archive_error(self._path, error) from None
            return self._read_odd(table, ending)
        return found if is_plain(table, found) else self._read_odd(table, ending)

    def _read_odd(self, table: SourceTable, ending: str) -> pa.Table:
        """Reads a table that holds values of other kinds than it declares."""
        try:
            raw = self._select(table, *lenient_columns(table), ending)
        except _READ_ERRORS as error:
            raise archive_error(self._path, error) from None
        found = read_odd(table, raw)
        self.raw_ids |= found.raw_ids
        self.held += found.held
        return found.rows

    def _select(self, table: SourceTable, sentinel: str, columns: str, ending: str) -> pa.Table:
        rows = f"SELECT {columns} FROM {table.name}{ending}"
        return self._fetch(f"SELECT {sentinel} UNION ALL SELECT * FROM ({rows})").slice(1)

    def _fetch(self, query: str) -> pa.Table:
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
            cursor.execute(query)
            return cast("pa.Table", cursor.fetch_arrow_table())


def _is_outer(error: Exception) -> bool:
    """Whether it is the file that cannot be read, rather than a value in it."""
    return any(words in str(error) for words in _OUTER)
