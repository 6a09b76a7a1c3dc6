"""Where things are and how far they reach: the environment, read once and typed.

What belongs here: settings and their defaults. What does not: opening anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agentsview_assets.archive_urls import (
    ArchiveUrl,
    absolute_listing,
    is_listing,
    parse_archive,
    split_archives,
)
from agentsview_assets.errors import ConfigError
from agentsview_assets.files import expanded
from agentsview_assets.queues import NO_QUEUES, QUEUES_VARIABLE, Queues, parse_queues
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouses

APP = "agentsview-assets"
DEFAULT_START_DATE = "2025-01-01"
EARLIEST_START = "1000-01-01"
"""Dagster names no earlier day: Python writes years before 1000 with fewer digits."""
ARCHIVE_VARIABLE = "AGENTSVIEW_ASSETS_ARCHIVE"
WAREHOUSE_VARIABLE = "AGENTSVIEW_ASSETS_WAREHOUSE"
START_DATE_VARIABLE = "AGENTSVIEW_ASSETS_START_DATE"
TITLES_VARIABLE = "AGENTSVIEW_ASSETS_TITLES"
SCHEDULE_HOUR_VARIABLE = "AGENTSVIEW_ASSETS_SCHEDULE_HOUR"
SCHEDULE_TIMEZONE_VARIABLE = "AGENTSVIEW_ASSETS_SCHEDULE_TIMEZONE"
WAIT_VARIABLE = "AGENTSVIEW_ASSETS_WAIT"
UNREAD_DAYS_VARIABLE = "AGENTSVIEW_ASSETS_UNREAD_DAYS"
KEEP_DAYS_VARIABLE = "AGENTSVIEW_ASSETS_KEEP_DAYS"
EXECUTOR_VARIABLE = "AGENTSVIEW_ASSETS_EXECUTOR"
EXECUTORS = ("in_process", "multiprocess")
KEY_PREFIX_VARIABLE = "AGENTSVIEW_ASSETS_KEY_PREFIX"
BROKER_VARIABLE, BACKEND_VARIABLE = "AGENTSVIEW_ASSETS_BROKER", "AGENTSVIEW_ASSETS_BACKEND"
"""Where Celery workers get their tasks from, and leave word of them."""
SERVE_TOKEN_VARIABLE = "AGENTSVIEW_ASSETS_SERVE_TOKEN"  # noqa: S105 - a name
"""Holds what clients of `serve` have to show; read by that command alone."""
LOOK_MINUTES_VARIABLE = "AGENTSVIEW_ASSETS_LOOK_MINUTES"
DEFAULT_WAIT, DEFAULT_WRITERS_WAIT = "60", "600"
"""Seconds: a person waits for a report, runs queue up behind each other."""
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,3})?", re.ASCII)
_DAYS, _MOST_DAYS = "a number of days", 36_500
# Resources are named by it as well, which are attributes in Python; parts are joined by "__".
_PREFIX_PART = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII | re.IGNORECASE)
_NOT_FOR_OTHERS = 0o077
_MINUTES_OF_A_DAY = 1440
_HOME_ARCHIVE = "~/.agentsview"


@dataclass(frozen=True)
class Settings:
    """What every command and every Dagster process agrees on.

    Attributes:
        archives: What to read, in the order in which it is to be seen.
        warehouse: URL of the warehouse, or several separated by spaces, without passwords.
        start_date: First day of the partition window, `YYYY-MM-DD`.
        with_titles: Whether a session's title may be its first message.
        schedule_hour: Hour of the day at which the daily schedule runs.
        schedule_timezone: IANA name of the zone of that hour.
        executor: How the steps of a run are carried out, one of `EXECUTORS`.
        unread_days: Days after which an archive that nobody reads is noticed.
        keep_days: Days after which the job `retention` removes a run that nothing needs.
        listings: How archives are named, where a file or a pattern lists them; empty elsewhere.
        queues: Which workers see which archives.
        look_minutes: How often workers look at archives that the daemon need not see.
        key_prefix: What the keys of all assets begin with, and all other names in Dagster; empty
            for none.
    """

    archives: tuple[ArchiveUrl, ...]
    warehouse: str
    start_date: str
    with_titles: bool
    schedule_hour: int = 3
    schedule_timezone: str = "UTC"
    executor: str = "in_process"
    unread_days: int = 7
    keep_days: int = 90
    listings: tuple[str, ...] = ()
    queues: Queues = NO_QUEUES
    look_minutes: int = 15
    key_prefix: tuple[str, ...] = ()

    def now(self, known: Sequence[str] = ()) -> Settings:
        """The same with the archives that are listed now.

        Args:
            known: Files of archives that were read before; see `parse_archives`.
        """
        if not self.listings:
            return self
        return replace(self, archives=self.queues.now(self.listings, known))

    @property
    def seen_everywhere(self) -> tuple[ArchiveUrl, ...]:
        """The archives of no queue: not the workers of one alone see them."""
        return tuple(a for a in self.archives if not self.queues.of(a.shown))

    @property
    def archive(self) -> Path:
        """Data folder or `sessions.db` of the first archive that is a file; absolute.

        Raises:
            ConfigError: All of them are mirrors, or on other machines.
        """
        for archive in self.archives:
            if archive.path is not None:
                return archive.path
        named = ", ".join(self.listings or [archive.shown for archive in self.archives])
        raise ConfigError(
            f"archive {named}: no data folder on this machine; this needs an archive, not a mirror"
        )

    @property
    def warehouses(self) -> tuple[WarehouseUrl, ...]:
        """The warehouses to write; reports read the first."""
        return parse_warehouses(self.warehouse)

    @property
    def last_date(self) -> str:
        """Last day of the partition window: today in UTC, by this machine's clock."""
        return today().isoformat()

    @property
    def state_dir(self) -> Path:
        """Folder of this warehouse's run history."""
        return state_dir(self.warehouse)


def now() -> datetime:
    """The time that this machine's clock shows, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The UTC day that this machine's clock shows."""
    return now().date()


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    archive: str | Sequence[str] | None = None,
    warehouse: str | None = None,
) -> Settings:
    """Reads the settings, command-line values first.

    Args:
        environ: The environment; that of the process if not given.
        archive: One archive or several.
        warehouse: Warehouse URL, or several separated by spaces.

    Raises:
        ConfigError: A value cannot be used; the message names the variable.
    """
    environ = os.environ if environ is None else environ
    archives = [archive] if isinstance(archive, str) else list(archive or ())
    if not archives:
        archives = split_archives(environ.get(ARCHIVE_VARIABLE) or "")
    named = warehouse
    if named is None:
        named = environ.get(WAREHOUSE_VARIABLE) or default_warehouse(environ)
    queues = parse_queues(environ.get(QUEUES_VARIABLE) or "")
    return Settings(
        archives=queues.now(archives, ()) if archives else (default_archive(environ),),
        warehouse=" ".join(url.shown for url in parse_warehouses(named)),
        start_date=_start_date(environ.get(START_DATE_VARIABLE) or DEFAULT_START_DATE),
        with_titles=_titles(environ.get(TITLES_VARIABLE) or "full"),
        schedule_hour=_whole(environ, SCHEDULE_HOUR_VARIABLE, "3", "an hour", 0, 23),
        schedule_timezone=_zone(environ.get(SCHEDULE_TIMEZONE_VARIABLE) or "UTC"),
        executor=_executor(environ.get(EXECUTOR_VARIABLE) or EXECUTORS[0]),
        unread_days=_whole(environ, UNREAD_DAYS_VARIABLE, "7", _DAYS, 1, _MOST_DAYS),
        keep_days=_whole(environ, KEEP_DAYS_VARIABLE, "90", _DAYS, 2, _MOST_DAYS),
        listings=_listings(archives),
        queues=queues,
        look_minutes=_whole(environ, LOOK_MINUTES_VARIABLE, "15", "minutes", 1, _MINUTES_OF_A_DAY),
        key_prefix=_key_prefix(environ.get(KEY_PREFIX_VARIABLE) or ""),
    )


def _listings(archives: Sequence[str]) -> tuple[str, ...]:
    """How archives are named that may be others tomorrow."""
    if not any(map(is_listing, archives)):
        return ()
    return tuple(
        absolute_listing(text) if is_listing(text) else parse_archive(text).shown
        for text in archives
    )


def keep_private() -> int:
    """Has this process, and those that it starts, make files that only their user may read.

    Titles are in the warehouse, in its state and in Dagster's logs. What is there already keeps
    the permissions that it has.

    Returns:
        The umask before.
    """
    before = os.umask(_NOT_FOR_OTHERS)
    os.umask(before | _NOT_FOR_OTHERS)
    return before


def data_dir(environ: Mapping[str, str]) -> Path:
    """The user's data folder of this program."""
    base = environ.get("XDG_DATA_HOME")
    try:
        return (Path(base) if base else expanded("~/.local/share")) / APP
    except ConfigError as error:
        raise ConfigError(f"data folder {error} with XDG_DATA_HOME") from None


def default_warehouse(environ: Mapping[str, str]) -> str:
    """The DuckDB file used when no warehouse is named."""
    try:
        return f"duckdb:///{data_dir(environ) / 'warehouse.duckdb'}"
    except ConfigError as error:
        raise ConfigError(f"{error}, or a warehouse with --warehouse") from None


def warehouse_path(url: str) -> Path:
    """The absolute path of the file that a warehouse URL (or plain path) names.

    Raises:
        ConfigError: The URL is of a kind that is not supported, or names a server.
    """
    return parse_warehouses(url)[0].file


def state_dir(url: str) -> Path:
    """The folder of a warehouse's history; that of the first of several."""
    warehouse = parse_warehouses(url)[0]
    # Only a server's state lies in the user's own folder, which need not be there.
    return warehouse.state_dir(data_dir(os.environ) if warehouse.path is None else Path())


def default_archive(environ: Mapping[str, str]) -> ArchiveUrl:
    """The data folder of agentsview; without a home it is not found until somebody reads it."""
    named = environ.get("AGENTSVIEW_DATA_DIR") or environ.get("AGENT_VIEWER_DATA_DIR")
    try:
        return parse_archive(named or _HOME_ARCHIVE)
    except ConfigError:
        if named:
            raise
        return ArchiveUrl(_HOME_ARCHIVE, path=Path(_HOME_ARCHIVE))


def _start_date(text: str) -> str:
    try:
        first = date.fromisoformat(text)
    except ValueError:
        first = None
    if first is None or first.isoformat() != text:
        raise ConfigError(f"{START_DATE_VARIABLE}: expected YYYY-MM-DD, got {text!r}")
    if first > today():
        raise ConfigError(
            f"{START_DATE_VARIABLE}: {text} is in the future, as this machine's clock shows "
            f"{today()}; name an earlier day, or set the clock right"
        )
    return max(text, EARLIEST_START)


def _titles(text: str) -> bool:
    if text not in ("full", "labels"):
        raise ConfigError(f"{TITLES_VARIABLE}: expected full or labels, got {text!r}")
    return text == "full"


def _executor(text: str) -> str:
    if text not in EXECUTORS:
        raise ConfigError(f"{EXECUTOR_VARIABLE}: expected {' or '.join(EXECUTORS)}, got {text!r}")
    return text


def _whole(  # noqa: PLR0913 - which number, and how it is spoken of
    environ: Mapping[str, str], variable: str, default: str, what: str, least: int, most: int
) -> int:
    text = environ.get(variable) or default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ConfigError(f"{variable}: expected {what} from {least} to {most}, got {text!r}")
    return int(text)


def _key_prefix(text: str) -> tuple[str, ...]:
    parts = tuple(text.split("/")) if text else ()
    if not all(map(_PREFIX_PART.fullmatch, parts)):
        raise ConfigError(
            f"{KEY_PREFIX_VARIABLE}: expected words such as agents or team_a/agents, each a letter "
            f"and then letters, digits and single underscores, got {text!r}"
        )
    return parts


def lock_patience(environ: Mapping[str, str], *, is_writing: bool = False) -> float:
    """How many seconds whoever holds a warehouse is waited for.

    Args:
        environ: Environment variables; the one that names seconds counts for everybody.
        is_writing: Whether it is to be written.

    Raises:
        ConfigError: It is no number of seconds; the message names the variable.
    """
    default = DEFAULT_WRITERS_WAIT if is_writing else DEFAULT_WAIT
    text = environ.get(WAIT_VARIABLE) or default
    if not _SECONDS.fullmatch(text):
        raise ConfigError(f"{WAIT_VARIABLE}: expected a number of seconds, got {text!r}")
    return float(text)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ConfigError(
            f"{SCHEDULE_TIMEZONE_VARIABLE}: expected the name of a zone such as Europe/Berlin, got "
            f"{text!r}"
        ) from None
    return text
