"""States of a PostgreSQL warehouse: read transactions on connections that are kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg2

from agentsview_assets.resources.warehouses.postgres.reader import (
    Connection,
    PostgresReader,
    check_version,
    connect,
    explain,
)
from agentsview_assets.resources.warehouses.reader import META_TABLE, require_current
from agentsview_assets.resources.warehouses.states.state import Latest, State, limited
from agentsview_assets.warehouse_urls import WarehouseUrl

_MOST_KEPT = 8


class PostgresPool:
    """Read transactions on a PostgreSQL warehouse; see `states.state.States`."""

    def __init__(self, warehouse: WarehouseUrl) -> None:
        """Names the warehouse."""
        self._warehouse = warehouse
        self._kept: list[Connection] = []
        self._latest = Latest()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def reading(self, seconds: float) -> Iterator[State]:
        """Opens the present state."""
        connection = self._begun(seconds)
        try:
            with limited(seconds, connection.cancel):
                reader = PostgresReader(connection, self._warehouse)
                yield self._latest.state(_key(reader), reader)
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Closes the connections that are kept."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def _begun(self, seconds: float) -> Connection:
        """A connection in a transaction of its own.

        Raises:
            WarehouseError: The server cannot be reached, or the warehouse not be read.
        """
        while True:
            with self._lock:
                kept = self._kept.pop() if self._kept else None
            connection = kept or connect(self._warehouse)
            try:
                if kept is None:
                    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
                self._begin(connection, seconds)
            except psycopg2.Error as error:
                connection.close()
                if kept is None:
                    raise explain(error, self._warehouse) from None
                continue  # it was lost since it was used last
            except BaseException:
                connection.close()
                raise
            return connection

    def _begin(self, connection: Connection, seconds: float) -> None:
        version = check_version(connection, self._warehouse)
        require_current(version, self._warehouse.shown)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout TO {int(seconds * 1000) + 1000}")

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except psycopg2.Error:
            connection.close()
            return
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(connection)
                return
        connection.close()


def _key(reader: PostgresReader) -> tuple[str, int]:
    """What tells the states of one schema apart, and those of the schemas of one name."""
    [(table, revision)] = reader.rows(
        f"SELECT CAST(CAST('{META_TABLE}' AS regclass) AS oid)::text, MAX(revision) "
        f"FROM {META_TABLE}"
    )
    return str(table), int(revision)
