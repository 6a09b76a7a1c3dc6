"""Where things are and how far they reach: the environment, read once and typed.

What belongs here: settings and their defaults. What does not: opening anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from agentsview_assets.errors import ConfigError

APP = "agentsview-assets"
DEFAULT_START_DATE = "2025-01-01"
ARCHIVE_VARIABLE = "AGENTSVIEW_ASSETS_ARCHIVE"
WAREHOUSE_VARIABLE = "AGENTSVIEW_ASSETS_WAREHOUSE"
START_DATE_VARIABLE = "AGENTSVIEW_ASSETS_START_DATE"
TITLES_VARIABLE = "AGENTSVIEW_ASSETS_TITLES"
OBSERVATION_STORE = "observations.duckdb"


@dataclass(frozen=True)
class Settings:
    """What every command and every Dagster process agrees on.

    Attributes:
        archive: Data folder or `sessions.db` to read; absolute.
        warehouse: URL of the warehouse.
        start_date: First day of the partition window, `YYYY-MM-DD`.
        with_titles: Whether a session's title may be its first message.
    """

    archive: Path
    warehouse: str
    start_date: str
    with_titles: bool

    @property
    def last_date(self) -> str:
        """Last day of the partition window: today in UTC."""
        return datetime.now(UTC).date().isoformat()

    @property
    def state_dir(self) -> Path:
        """Folder of this warehouse's run history and observation store."""
        return state_dir(self.warehouse)


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    archive: str | None = None,
    warehouse: str | None = None,
) -> Settings:
    """Reads the settings, command-line values first.

    Raises:
        ConfigError: A value cannot be used; the message names the variable.
    """
    environ = os.environ if environ is None else environ
    return Settings(
        archive=_absolute(archive or environ.get(ARCHIVE_VARIABLE) or _agentsview_dir(environ)),
        warehouse=warehouse or environ.get(WAREHOUSE_VARIABLE) or default_warehouse(environ),
        start_date=_start_date(environ.get(START_DATE_VARIABLE) or DEFAULT_START_DATE),
        with_titles=_titles(environ.get(TITLES_VARIABLE) or "full"),
    )


def data_dir(environ: Mapping[str, str]) -> Path:
    """The user's data folder of this program."""
    base = environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(base) / APP


def default_warehouse(environ: Mapping[str, str]) -> str:
    """The DuckDB file used when no warehouse is named."""
    return f"duckdb:///{data_dir(environ) / 'warehouse.duckdb'}"


def warehouse_path(url: str) -> Path:
    """The absolute path of the file that a warehouse URL (or plain path) names.

    Raises:
        ConfigError: The URL is of a kind that is not supported.
    """
    if url.startswith("duckdb:///"):
        return _absolute(url.removeprefix("duckdb:///"))
    if "://" in url or url.startswith("duckdb:"):
        scheme = url.split(":", 1)[0]
        raise ConfigError(
            f"warehouse: the kind {scheme!r} is not supported; use duckdb:///PATH or a plain path"
        )
    return _absolute(url)


def state_dir(url: str) -> Path:
    """The folder beside a warehouse file for its history and observation store."""
    path = warehouse_path(url)
    return path.with_name(path.name + ".state")


def _absolute(path: str) -> Path:
    """Both are known by their paths, so that every way of naming one must give the same.

    Dagster, too, takes no relative home.
    """
    return Path(path).expanduser().absolute()


def _agentsview_dir(environ: Mapping[str, str]) -> str:
    return (
        environ.get("AGENTSVIEW_DATA_DIR")
        or environ.get("AGENT_VIEWER_DATA_DIR")
        or str(Path("~/.agentsview").expanduser())
    )


def _start_date(text: str) -> str:
    try:
        first = date.fromisoformat(text)
    except ValueError:
        first = None
    if first is None or first.isoformat() != text:
        raise ConfigError(f"{START_DATE_VARIABLE}: expected YYYY-MM-DD, got {text!r}")
    if first > datetime.now(UTC).date():
        raise ConfigError(f"{START_DATE_VARIABLE}: {text} is in the future")
    return text


def _titles(text: str) -> bool:
    if text not in ("full", "labels"):
        raise ConfigError(f"{TITLES_VARIABLE}: expected full or labels, got {text!r}")
    return text == "full"
