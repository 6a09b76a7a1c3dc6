"""States of an SQLite file: its readers and its writer do not wait for each other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from agentsview_assets.resources.warehouses.reader import META_TABLE
from agentsview_assets.resources.warehouses.sqlite.reader import SQLiteReader, open_warehouse
from agentsview_assets.resources.warehouses.states.state import State, limited, state_name
from agentsview_assets.warehouse_urls import WarehouseUrl


class SQLiteStates:
    """Read transactions on an SQLite warehouse; see `states.state.States`."""

    def __init__(self, warehouse: WarehouseUrl) -> None:
        """Names the warehouse."""
        self._warehouse = warehouse
        self._names: dict[tuple[int, int], str] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def reading(self, seconds: float) -> Iterator[State]:
        """Opens the present state."""
        with (
            open_warehouse(self._warehouse) as reader,
            limited(seconds, reader.interrupt),
        ):
            yield State(reader, self._name(reader))

    def close(self) -> None:
        """Nothing is held between requests."""

    def _name(self, reader: SQLiteReader) -> str:
        """The state's name, worked out once for each revision of a file."""
        revision = int(reader.rows(f"SELECT MAX(revision) FROM {META_TABLE}")[0][0])
        key = (self._warehouse.file.stat().st_ino, revision)
        with self._lock:
            if key not in self._names:
                self._names = {key: state_name(reader)}
            return self._names[key]
