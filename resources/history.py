"""Dagster's history of a warehouse: its instance, and event storage that keeps its engines.

Dagster's SQLite event log makes an engine, a connection and a compiled statement for every single
event, which costs about 9 ms each; a year of seven daily assets is 5,110 events. Keeping one engine
for each database file brings that to about 2 ms. Remove `PooledSqliteEventLogStorage` when Dagster
does this itself (`SqliteEventLogStorage._connect`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import dagster as dg
import sqlalchemy as sa
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import QueuePool

from agentsview_assets.errors import DISK_FULL, WarehouseError, is_disk_full
from resources.locks import held
from resources.own_files import require_own_folder, require_plain_file

_BUSY_SECONDS = 60
MOST_ENGINES = 16
"""Engines kept at a time: each holds three files open, and a daemon meets thousands of runs."""
HOME_VARIABLE = "DAGSTER_HOME"


def _database_url(base_dir: str, name: str) -> str:
    """The address of one of Dagster's databases, so that SQLAlchemy finds the same path in it.

    Dagster writes the path as it is, and SQLAlchemy reads `%20` in it as a space.
    """
    path = str(Path(base_dir).absolute() / f"{name}.db")
    return f"sqlite:///{quote(path) if _UNQUOTES else path}"


_UNQUOTES = sa.make_url("sqlite:///%20").database == " "
for _module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
    _module.create_db_conn_string = _database_url  # type: ignore[attr-defined]


class OddPathRunStorage(sqlite_run_storage.SqliteRunStorage):
    """Dagster's SQLite run storage; being named here, it finds its path whatever is in that."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Makes the storage from its `dagster.yaml` entry."""
        return cls.from_local(inst_data=inst_data, **config_value)


class OddPathScheduleStorage(sqlite_schedule_storage.SqliteScheduleStorage):
    """Dagster's SQLite schedule storage, likewise."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Makes the storage from its `dagster.yaml` entry."""
        made: Any = cls.from_local(inst_data=inst_data, **config_value)
        return made  # type: ignore[no-any-return]


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log, with one engine for each database file instead of each event."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Takes the folder of the event databases, as the parent does."""
        self._engines: dict[str, sa.Engine] = {}
        self._present: set[tuple[str, str]] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Makes the storage from its `dagster.yaml` entry."""
        return cls(inst_data=inst_data, **config_value)

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


def explain_history(error: BaseException) -> WarehouseError | None:
    """The user's words for a run history that cannot be written; None for any other error."""
    if not isinstance(error, sa.exc.OperationalError):
        return None
    reason = f"cannot be written ({error.orig}); is the disk full? Mend that and run this again"
    reason = DISK_FULL if is_disk_full(error) else reason
    return WarehouseError(f"run history {os.environ.get(HOME_VARIABLE, '')}: {reason}")


def prepare_home(state_dir: Path) -> Path:
    """Makes the Dagster home of a warehouse, once, whoever comes first.

    An existing `DAGSTER_HOME` of the user's is respected and left as it is.
    """
    own = os.environ.get(HOME_VARIABLE)
    if own:
        return Path(own)
    home = state_dir / "dagster"
    # Dagster runs what the settings in its home name.
    for folder in (state_dir, home):
        require_own_folder(folder, "state folder")
    state_dir.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    os.environ[HOME_VARIABLE] = str(home)
    # Two processes that make a fresh home at once damage it, hence the lock; the mark comes last,
    # so that a home whose maker died is made again.
    for name in (".lock", ".prepared", "dagster.yaml"):
        require_plain_file(home / name, "run history")
    settings, mark = home / "dagster.yaml", home / ".prepared"
    with held(home / ".lock"):
        if not mark.exists():
            settings.write_text(yaml.safe_dump(_instance_config(home), sort_keys=False))
            dg.DagsterInstance.get().dispose()
            mark.touch()
    return home


def _instance_config(home: Path) -> dict[str, Any]:
    return {
        "event_log_storage": {
            "module": "resources.history",
            "class": "PooledSqliteEventLogStorage",
            "config": {"base_dir": str(home / "history")},
        },
        "run_storage": {
            "module": "resources.history",
            "class": "OddPathRunStorage",
            "config": {"base_dir": str(home / "history")},
        },
        "schedule_storage": {
            "module": "resources.history",
            "class": "OddPathScheduleStorage",
            "config": {"base_dir": str(home / "schedules")},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }
