"""What is told when Dagster's history cannot be opened or written: the thing, and the remedy.

What belongs here: words for errors of Dagster's configuration and storage. What does not: opening.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import psycopg2
import sqlalchemy as sa
import yaml
from alembic.util import CommandError
from dagster._core.errors import DagsterInvalidConfigError
from dagster_postgres.utils import DagsterPostgresException

from agentsview_assets.errors import DISK_FULL, AssetsError, WarehouseError, is_disk_full
from agentsview_assets.files import trouble
from agentsview_assets.resources.dagster_home.launcher import CONFIG_FILE, HOME_VARIABLE
from agentsview_assets.warehouse_urls import without_credentials

HOME = "dagster"
"""The folder of a warehouse's own home, in its state folder."""
STORAGE_ERRORS = (
    sa.exc.SQLAlchemyError,
    CommandError,
    DagsterPostgresException,
)
"""What Dagster's storage raises; our own stores raise errors of ours."""
_TABLES = {"runs.db": "runs", "schedules.db": "jobs"}
_EVENTS = "event_logs"
_MOST_SHOWN = 300


def explain_history(error: BaseException, home: Path | None = None) -> AssetsError | None:
    """The user's words for a run history that cannot be read or written; None for other errors.

    Args:
        error: What was raised.
        home: The Dagster home; that of the environment if not given.
    """
    if not isinstance(error, STORAGE_ERRORS):
        return None
    home = home or Path(os.environ.get(HOME_VARIABLE) or ".")
    if is_disk_full(error):
        return WarehouseError(f"run history {home}: {DISK_FULL}")
    if damaged := damaged_files(home):
        path, why = damaged[0]
        return WarehouseError(f"run history {path}: {why}; {_remedy(home, path)}")
    inner = error.__cause__ if isinstance(error, DagsterPostgresException) else error
    said = _first_line(getattr(inner, "orig", None) or inner)
    if "locked" in said:
        reason = "in use by another process; try again when it has finished"
    elif "disk i/o error" in said.lower():
        reason = f"cannot be written ({said}); is the disk full? Mend that and run this again"
    elif _is_server(error):
        reason = f"{said}; see that the PostgreSQL server named in {CONFIG_FILE} can be reached"
    else:
        reason = f"cannot be read or written ({said}); {_remedy(home, home)}"
    return WarehouseError(f"run history {home}: {reason}")


def explain_home(error: Exception, home: Path) -> AssetsError:
    """The user's words for a Dagster home that cannot be opened, whatever is wrong with it."""
    told = error if isinstance(error, AssetsError) else explain_history(error, home)
    if told is not None:
        return told
    config = home / CONFIG_FILE
    if isinstance(error, OSError):
        path = Path(os.fsdecode(error.filename)) if error.filename else home
        reason = f"{path}: {trouble(error, path)}"
        if path != config or _is_own(home):
            return WarehouseError(f"run history {reason}")
    elif isinstance(error, yaml.YAMLError):
        reason = f"{config} is no YAML: {' '.join(str(error).split())}"
    elif isinstance(error, DagsterInvalidConfigError) and error.errors:
        found = "; ".join(_first_line(each.message) for each in error.errors)
        reason = f"{config} cannot be used: {found}"
    else:
        reason = f"{config} cannot be used: {_first_line(error)}"
    if _is_own(home):
        return WarehouseError(f"run history {reason}; {_remedy(home, home)}")
    return WarehouseError(
        f"{HOME_VARIABLE} {home}: {without_credentials(reason)}; mend it, or unset {HOME_VARIABLE} "
        "to have the history kept beside the warehouse"
    )


def damaged_files(home: Path) -> list[tuple[Path, str]]:
    """The storage files of a home that are no databases of Dagster's, and why."""
    found = []
    for path in sorted(home.rglob("*.db")):
        why = _damage(path)
        if why:
            found.append((path, why))
    return found


def _damage(path: Path) -> str:
    """Why a file is none that Dagster can go on with; '' if it is one."""
    if path.is_dir():
        return "is a folder where Dagster keeps a database"
    if not _may_be_written(path):
        return "it, or the folder that it is in, may not be read and written"
    try:
        opened = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True)
        with contextlib.closing(opened) as database:
            checked = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if checked != "ok":
                return f"is damaged ({_first_line(checked)})"
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        return f"is damaged ({error})"
    table = _TABLES.get(path.name, _EVENTS)
    return "" if table in names else f"is no database of Dagster's: it has no table {table}"


def _is_own(home: Path) -> bool:
    """Whether a home is one that we made beside a warehouse, rather than one of the user's."""
    return home.name == HOME and home.parent.name.endswith(".state")


def _remedy(home: Path, path: Path) -> str:
    if not _is_own(home):
        return (
            f"restore it from a copy, or unset {HOME_VARIABLE} to have the history kept beside the "
            "warehouse"
        )
    mend = "" if _may_be_written(path) else "mend its owner and mode, or "
    return (
        f"{mend}remove the folder {home} and run this again: only the history of runs goes with "
        "it, the warehouse stays as it is"
    )


def _may_be_written(path: Path) -> bool:
    """Whether we may, as far as modes tell; a database needs files beside it."""
    return os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)


def _is_server(error: BaseException) -> bool:
    chain = (error, getattr(error, "orig", None), error.__cause__, error.__context__)
    return isinstance(error, DagsterPostgresException) or any(
        isinstance(each, psycopg2.Error) for each in chain
    )


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    text = without_credentials(" ".join(lines[0].split())) if lines else type(error).__name__
    # Dagster tells all that it would have taken, which may fill a screen.
    return text if len(text) < _MOST_SHOWN else text.partition(" Expected: ")[0][:_MOST_SHOWN]


__all__ = [
    "CONFIG_FILE",
    "HOME",
    "HOME_VARIABLE",
    "damaged_files",
    "explain_history",
    "explain_home",
]
