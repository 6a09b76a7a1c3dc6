"""Dagster's SQLite event log, with engines that are kept and events that are written together.

Dagster's own makes an engine, a connection and a compiled statement for every single event, which
costs about 9 ms each; a year of seven daily assets is 5,110 events, each planned and made. Keeping
one engine for each database file brings that to about 2 ms, and writing the events of a step in one
statement to a fraction. Remove this when Dagster does so itself (`SqliteEventLogStorage._connect`,
`EventLogStorage.store_event_batch`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster._core.events import ASSET_EVENTS, BATCH_WRITABLE_EVENTS, DagsterEventType
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import QueuePool

BATCH_VARIABLE, BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE", "1000"
"""Dagster's own setting: how many events of a step it hands over together; unset, it is one."""
_BUSY_SECONDS = 60
MOST_ENGINES = 16
"""Engines kept at a time: each holds three files open, and a daemon meets thousands of runs."""


_CHECK = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
_BATCHED = {*ASSET_EVENTS & BATCH_WRITABLE_EVENTS, _CHECK}


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log, with one engine for each database file instead of each event."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Takes the folder of the event databases, as the parent does."""
        os.environ.setdefault(BATCH_VARIABLE, BATCH_SIZE)
        self._engines: dict[str, sa.Engine] = {}
        self._present: set[tuple[str, str]] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Makes the storage from its `dagster.yaml` entry."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores what a step says of its partitions, in two transactions instead of two for each.

        The tables hold what storing one event after the other leaves in them.
        """
        run_ids = {event.run_id for event in events}
        if len(run_ids) != 1 or not {e.dagster_event_type for e in events} <= _BATCHED:
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_ids.pop()) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
            # Nobody else writes meanwhile, so these are the last ids and follow upon each other.
            newest = sa.select(sa.func.max(SqlEventLogStorageTable.c.id))
            end = connection.execute(newest).scalar_one() + 1
            numbered = list(zip(range(end - len(events), end), events, strict=True))
            self._store_assets(connection, [pair for pair in numbered if _kind(pair[1]) != _CHECK])
        for number, event in numbered:
            if _kind(event) == _CHECK:
                self.store_asset_check_event(event, number)

    def _store_assets(
        self, connection: sa.Connection, numbered: list[tuple[int, EventLogEntry]]
    ) -> None:
        """Stores the tags of every event, and of each asset what its last event of a kind says."""
        numbers, events = [n for n, _ in numbered], [event for _, event in numbered]
        self._store_asset_event_tags(connection, events, numbers)
        latest = {
            (event.get_dagster_event().asset_key, _kind(event)): (number, event)
            for number, event in numbered
        }
        for number, event in latest.values():
            self._store_asset_event(connection, event, number)

    def delete_events(self, run_id: str) -> None:
        """Removes the events of a run, and the file that they were in."""
        super().delete_events(run_id)
        with self._db_lock:
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            self._initialized_dbs.discard(run_id)
            for end in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{end}").unlink(missing_ok=True)

    def has_table(self, table_name: str) -> bool:
        """Whether the index database has the table; what is there once is there for good."""
        return self._once(
            ("table", table_name),
            lambda: bool(super(PooledSqliteEventLogStorage, self).has_table(table_name)),
        )

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        # Asked for every event of an asset, and answered by reading the table's whole schema.
        return self._once(
            ("column", column_name),
            lambda: bool(
                super(PooledSqliteEventLogStorage, self)._has_asset_key_col_on_connection(
                    conn, column_name
                )
            ),
        )

    def _once(self, question: tuple[str, str], ask: Callable[[], bool]) -> bool:
        if question not in self._present and ask():
            self._present.add(question)
        return question in self._present

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engines.pop(shard, None) or self._engine(shard)
            self._engines[shard] = engine  # the last used is the last to go
            self._close_engines(MOST_ENGINES)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> sa.Engine:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            pool_size=1,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )
        sa.event.listen(engine, "connect", _relax)
        return engine

    def _close_engines(self, most: int) -> None:
        while len(self._engines) > most:
            self._engines.pop(next(iter(self._engines))).dispose()

    def dispose(self) -> None:
        """Closes what is open; the storage opens it again when it is used again."""
        with self._db_lock:
            self._close_engines(0)
        super().dispose()


def _relax(connection: Any, _record: Any) -> None:
    """A lost last event after a power cut is better than a disk flush for every event."""
    connection.execute("PRAGMA synchronous = NORMAL")


def _kind(event: EventLogEntry) -> DagsterEventType | None:
    return event.dagster_event_type
