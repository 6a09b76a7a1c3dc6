"""States of an SQLite file: short ones are read in place, long ones from a copy.

A run waits for whoever reads the file when it begins, some seconds and not for ever.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentsview_assets.resources.warehouses.reader import META_TABLE
from agentsview_assets.resources.warehouses.sqlite.reader import (
    SQLiteReader,
    add_sums,
    connect,
    explain,
    open_warehouse,
)
from agentsview_assets.resources.warehouses.states.state import Latest, State, limited
from agentsview_assets.warehouse_urls import WarehouseUrl

LONG_SECONDS = 60.0
"""States that may be read for longer are copied."""


class SQLiteStates:
    """Read transactions on an SQLite warehouse; see `states.state.States`."""

    def __init__(self, warehouse: WarehouseUrl) -> None:
        """Names the warehouse."""
        self._warehouse = warehouse
        self._latest = Latest()

    @contextlib.contextmanager
    def reading(self, seconds: float) -> Iterator[State]:
        """Opens the present state."""
        with contextlib.ExitStack() as opened:
            reader = opened.enter_context(open_warehouse(self._warehouse))
            if seconds > LONG_SECONDS:
                copy = _copied(reader, self._warehouse.file)
                opened.close()
                reader = opened.enter_context(copy)
            opened.enter_context(limited(seconds, reader.interrupt))
            yield self._latest.state(self._key(reader), reader)

    def close(self) -> None:
        """Nothing is held between requests."""

    def _key(self, reader: SQLiteReader) -> tuple[int, int]:
        """What tells the states of one file apart, and those of the files of one name."""
        revision = int(reader.rows(f"SELECT MAX(revision) FROM {META_TABLE}")[0][0])
        return self._warehouse.file.stat().st_ino, revision


def _copied(reader: SQLiteReader, path: Path) -> contextlib.AbstractContextManager[SQLiteReader]:
    """A reader of a copy, whose file has no name once it is open.

    Raises:
        WarehouseError: There is no room for it.
    """
    with tempfile.TemporaryDirectory(prefix="agentsview-assets-serve-") as folder:
        place = Path(folder) / path.name
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = connect(place, "rw")
        try:
            reader.copy_into(connection)
            add_sums(connection)
            return contextlib.closing(SQLiteReader(connection, path))
        except sqlite3.Error as error:
            connection.close()
            raise explain(error, path) from None
