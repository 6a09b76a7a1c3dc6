"""Dagster's history of a warehouse: its home, its instance, and where that keeps its databases."""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import quote

import dagster as dg
import sqlalchemy as sa
import yaml
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster._core.instance import types as instance_types
from dagster._core.instance.methods import event_methods
from dagster._core.storage import sql as storage_sql
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._serdes import ConfigurableClassData

from agentsview_assets.errors import ConfigError, is_disk_full
from agentsview_assets.files import expanded, is_there, look
from agentsview_assets.resources.dagster_home.event_log import PooledSqliteEventLogStorage
from agentsview_assets.resources.dagster_home.words import (
    CONFIG_FILE,
    HOME,
    HOME_VARIABLE,
    STORAGE_ERRORS,
    explain_history,
    explain_home,
)
from agentsview_assets.resources.locks import held
from agentsview_assets.resources.own_files import require_own_folder, require_plain_file
from agentsview_assets.resources.warehouses.postgres.connection import (
    ServerSilentError,
    connect_watched,
)

_STORAGE = ("history/runs.db", "history/index.db", "history/.db", "schedules/schedules.db")
_RETRY_SECONDS = 60
_NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}
"""Steps print nothing; capturing that would start four processes for each run and wait for them."""
_MONITORED = {
    "run_monitoring": {"enabled": True, "start_timeout_seconds": 180, "poll_interval_seconds": 30}
}
"""A run whose process died is failed, so that it can be tried again."""
_TICKS = {
    "retention": {
        "schedule": {"purge_after_days": 90},
        "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": 90}},
    }
}
"""How long Dagster keeps ticks; runs are removed by the job `retention`."""
_SILENT: dict[str, tuple[float, str]] = {}
"""When a PostgreSQL server did not answer, and what was said of it."""


def _database_url(base_dir: str, name: str) -> str:
    """The address of one of Dagster's databases, so that SQLAlchemy finds the same path in it.

    Dagster writes the path as it is, and SQLAlchemy reads `%20` in it as a space.
    """
    path = str(Path(base_dir).absolute() / f"{name}.db")
    return f"sqlite:///{quote(path) if _UNQUOTES else path}"


_EARLIER = ("resources.history", "agentsview_assets.resources.history")
"""What earlier releases called this module, in the homes that they made."""
_UNQUOTES = sa.make_url("sqlite:///%20").database == " "
for _module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
    _module.create_db_conn_string = _database_url  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=3)
def _migrations(config: Config) -> ScriptDirectory:
    """Dagster's migrations: ninety files, which it reads twice for each database that it opens."""
    return ScriptDirectory.from_config(config)


def _stamp(config: Config, revision: str) -> None:
    """What `alembic.command.stamp` does, with migrations that were read before."""
    connection = config.attributes["connection"]
    MigrationContext.configure(connection).stamp(_migrations(config), revision)


storage_sql.ScriptDirectory = SimpleNamespace(from_config=_migrations)  # type: ignore[attr-defined,assignment]
storage_sql.stamp = _stamp  # type: ignore[assignment, attr-defined]


class OddPathRunStorage(sqlite_run_storage.SqliteRunStorage):
    """Dagster's SQLite run storage; being named here, it finds its path whatever is in that.

    It keeps its engine, as the event log does: Dagster makes one, and compiles each statement anew,
    whenever it asks.
    """

    _has_all_columns = False

    def has_run_stats_index_cols(self) -> bool:
        """Whether runs have all their columns: asked at each look at a run, and true for good."""
        self._has_all_columns = self._has_all_columns or super().has_run_stats_index_cols()
        return self._has_all_columns

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Opens a connection, in a transaction."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @functools.cached_property
    def _engine(self) -> sa.Engine:
        return sa.create_engine(self._conn_string, poolclass=sa.NullPool)

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


def _watched(dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
    """Connects to a PostgreSQL server that keeps the history, which may have stopped answering.

    Dagster tries six times wherever it needs a connection, and on the way down once more for every
    thing that it would note.
    """
    if dialect.name != "postgresql" or dialect.driver != "psycopg2":
        return None
    server = repr((arguments, sorted(parameters.items())))
    since, said = _SILENT.get(server, (-_RETRY_SECONDS, ""))
    if time.monotonic() - since < _RETRY_SECONDS:
        raise ServerSilentError(said)
    try:
        return connect_watched(*arguments, **parameters)
    except ServerSilentError as error:
        _SILENT[server] = time.monotonic(), str(error)
        raise


sa.event.listen(sa.Engine, "do_connect", _watched)
# What fails for good is told once, in words.
logging.getLogger().addFilter(lambda told: "Retrying failed database" not in str(told.msg))


@contextmanager
def open_history(state_dir: Path) -> Iterator[dg.DagsterInstance]:
    """Opens the history of a warehouse, which is made if it is not there.

    Raises:
        AssetsError: It cannot be opened, read or written; the message names the file.
    """
    home = prepare_home(state_dir)
    try:
        instance = _open(home)
    except Exception as error:  # whatever it is, it comes from what lies in this folder
        raise explain_home(error, home) from error
    try:
        with instance, _failures_told_once():
            yield instance
    except STORAGE_ERRORS as error:
        raise explain_history(error, home) or error from error


@contextmanager
def _failures_told_once() -> Iterator[None]:
    """Keeps Dagster from printing each event that it cannot write, before it raises the error."""
    quiet = SimpleNamespace(stderr=SimpleNamespace(write=len), exc_info=sys.exc_info)
    with ExitStack() as patches:
        for module in (instance_types, event_methods):
            patches.callback(setattr, module, "sys", sys)
            module.sys = quiet  # type: ignore[attr-defined]
        yield


def prepare_home(state_dir: Path) -> Path:
    """Makes the Dagster home of a warehouse, once, whoever comes first.

    An existing `DAGSTER_HOME` of the user's is respected and left as it is.

    Raises:
        AssetsError: It cannot be made, or the user's own is no folder.
    """
    own = os.environ.get(HOME_VARIABLE)
    home = state_dir / HOME
    if own and Path(own) != home:
        return _require_home(own)
    # Dagster runs what the settings in its home name.
    for folder in (state_dir, home):
        require_own_folder(folder, "state folder")
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        for name in (".lock", ".prepared", CONFIG_FILE):
            require_plain_file(home / name, "run history")
        # Two processes that make a fresh home at once damage it, hence the lock.
        with held(home / ".lock"):
            _make_home(home)
    except (*STORAGE_ERRORS, OSError) as error:
        raise explain_home(error, home) from error
    os.environ[HOME_VARIABLE] = str(home)
    return home


def _make_home(home: Path) -> None:
    """The mark comes last, so that a home whose maker died is made again."""
    mark, config = home / ".prepared", home / CONFIG_FILE
    if is_there(mark) and config.stat().st_size:
        _bring_up_to_date(config)
        return
    config.write_text(yaml.safe_dump(_instance_config(home), sort_keys=False))
    if is_there(mark):
        return
    try:
        _open(home).dispose()
    except STORAGE_ERRORS as error:
        if is_disk_full(error):
            raise
        # Nothing was ever noted in what is there, and half of it is missing.
        for name in _STORAGE:
            for end in ("", "-wal", "-shm", "-journal"):
                (home / f"{name}{end}").unlink(missing_ok=True)
        _open(home).dispose()
    mark.touch()


def _bring_up_to_date(config: Path) -> None:
    """Has a home that an earlier release made say what one says that is made now."""
    text = mended = config.read_text()
    for name in _EARLIER:
        mended = mended.replace(f"module: {name}\n", f"module: {__name__}\n")
    for entry in (_NO_CAPTURE, _MONITORED, _TICKS):
        is_missing = not any(f"{key}:" in mended for key in entry)
        if f"module: {__name__}\n" in mended and is_missing:
            mended += yaml.safe_dump(entry, sort_keys=False)
    if mended != text:
        config.write_text(mended)


def _open(home: Path) -> dg.DagsterInstance:
    os.environ[HOME_VARIABLE], before = str(home), os.environ.get(HOME_VARIABLE)
    try:
        return dg.DagsterInstance.get()
    finally:
        os.environ[HOME_VARIABLE] = before or ""


def _require_home(named: str) -> Path:
    """The user's own home.

    Raises:
        ConfigError: It is none.
    """
    home = expanded(named) if named.startswith("~") else Path(named)
    found = look(home, f"{HOME_VARIABLE} {named}", ConfigError) if home.is_absolute() else ""
    if found == "folder":
        return home
    why = {
        "": "is not a path from the root of the file system",
        "missing": "there is no such folder",
    }.get(found, "is not a folder")
    raise ConfigError(
        f"{HOME_VARIABLE} {named}: {why}; name the absolute path of a folder that is there, or "
        f"unset {HOME_VARIABLE} to have the history kept beside the warehouse"
    )


def _instance_config(home: Path) -> dict[str, Any]:
    return {
        "event_log_storage": {
            "module": __name__,
            "class": PooledSqliteEventLogStorage.__name__,
            "config": {"base_dir": str(home / "history")},
        },
        "run_storage": {
            "module": __name__,
            "class": "OddPathRunStorage",
            "config": {"base_dir": str(home / "history")},
        },
        "schedule_storage": {
            "module": __name__,
            "class": "OddPathScheduleStorage",
            "config": {"base_dir": str(home / "schedules")},
        },
        **_NO_CAPTURE,
        **_MONITORED,
        **_TICKS,
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }
