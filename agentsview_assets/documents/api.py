"""The v1 documents as Python functions: what the commands print, as typed objects.

    from agentsview_assets.documents import open_warehouse, read_usage_daily

    with open_warehouse() as warehouse:
        document = read_usage_daily(warehouse, since="7d", breakdown=True)

Arguments are named and read like the commands' flags. Everything read inside one `with` is of one
state of the warehouse.

What belongs here: flags made into what the documents ask for. What does not: any figure.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from agentsview_assets.documents.activity.calendar import activity_zone, instant_of
from agentsview_assets.documents.activity.report import activity_report
from agentsview_assets.documents.common.gaps import ALL, gaps
from agentsview_assets.documents.common.window import load_zone, resolve_window, system_zone
from agentsview_assets.documents.sessions.export import (
    MAX_LIMIT,
    session_export_all,
    session_export_page,
)
from agentsview_assets.documents.sessions.filters import SessionFilters
from agentsview_assets.documents.sessions.secret import cursor_key
from agentsview_assets.documents.usage.daily import usage_daily
from agentsview_assets.documents.usage.today import cost_today
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.money import cost_text
from agentsview_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentsview_assets.documents.common.models import (
        ActivityReport,
        ExportSession,
        SessionExportPage,
        UsageDaily,
    )
    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.resources.warehouses.reader import Reader


@contextmanager
def open_warehouse(url: str | None = None) -> Iterator[Reader]:
    """Open one state of a warehouse for reading.

    Args:
        url: Its URL or path; None takes the one that the environment names, else the default.

    Raises:
        WarehouseError: It is missing, in use, damaged or of another version.
        ConfigError: The URL is of an unknown kind.
    """
    with open_reader(load_settings(warehouse=url).warehouse) as reader:
        yield reader


def read_usage_daily(  # noqa: PLR0913 - one parameter a flag
    warehouse: Reader,
    *,
    since: str = "",
    until: str = "",
    everything: bool = False,
    timezone: str = "",
    agents: str = "",
    breakdown: bool = False,
    offline: bool = False,
    archive_id: str | None = None,
    now: datetime | None = None,
) -> UsageDaily:
    """Return the document of `usage daily`.

    Args:
        warehouse: The warehouse.
        since: First day, `YYYY-MM-DD`, or a distance such as `7d`.
        until: Last day, likewise.
        everything: Whether to leave out the default window of 31 days.
        timezone: IANA zone of the days; empty for the system's.
        agents: Comma-separated agent names; empty for all.
        breakdown: Whether to break days down by project and agent.
        offline: Whether to prefer the built-in prices to the archive's own.
        archive_id: Archive of the report; None takes all.
        now: The present, with a zone; None for the clock's.

    Raises:
        UsageError: Window or zone cannot be understood.
        WarehouseError: The warehouse cannot be read.
    """
    zone = _zone(timezone)
    document = usage_daily(
        warehouse,
        window=resolve_window(since, until, everything, zone, now or datetime.now(UTC)),
        zone=zone,
        agents=agents,
        breakdown=breakdown,
        offline=offline,
        archive_id=archive_id,
    )
    return cast("UsageDaily", document)


def read_usage_statusline(
    warehouse: Reader,
    *,
    agents: str = "",
    offline: bool = False,
    archive_id: str | None = None,
    now: datetime | None = None,
) -> str:
    """Return the line of `usage statusline`: what today has cost so far.

    Arguments are those of `read_usage_daily`, and so are the errors.
    """
    usd = cost_today(
        warehouse,
        zone=system_zone(os.environ),
        now=now or datetime.now(UTC),
        agents=agents,
        offline=offline,
        archive_id=archive_id,
    )
    return f"{cost_text(usd)} today{f' ({agents})' if agents else ''}"


def read_activity_report(  # noqa: PLR0913 - one parameter a flag
    warehouse: Reader,
    *,
    preset: str = "",
    date: str = "",
    start: str = "",
    end: str = "",
    bucket: str = "",
    timezone: str = "",
    project: str = "",
    agents: str = "",
    machines: str = "",
    offline: bool = False,
    archive_id: str | None = None,
    now: datetime | None = None,
) -> ActivityReport:
    """Return the document of `activity report`.

    Args:
        warehouse: The warehouse.
        preset: `day`, `week`, `month` or `custom`; empty means `day`.
        date: `YYYY-MM-DD` that the day, week or month holds; empty means today.
        start: Start of a custom range, RFC 3339 (the flag `--from`).
        end: Its end, excluded (the flag `--to`).
        bucket: `5m`, `15m`, `1h`, `1d` or `1w`; empty chooses by the length of the range.
        timezone: IANA zone of days, weeks and months; empty for the system's.
        project: Exact project label; empty for all.
        agents: Comma-separated agent names; empty for all.
        machines: Comma-separated machine labels; empty for all.
        offline: Whether to prefer the built-in prices to the archive's own.
        archive_id: Archive of the report; None takes all.
        now: The present, with a zone; None for the clock's.

    Raises:
        UsageError: The range cannot be understood, or asks for too much.
        WarehouseError: The warehouse cannot be read.
    """
    document = activity_report(
        warehouse,
        zone=activity_zone(timezone),
        now=instant_of(now or datetime.now(UTC)),
        preset=preset,
        date=date,
        from_=start,
        to=end,
        bucket=bucket,
        project=project,
        agents=agents,
        machines=machines,
        offline=offline,
        archive_id=archive_id,
    )
    return cast("ActivityReport", document)


def read_session_page(  # noqa: PLR0913 - one parameter a flag
    warehouse: Reader,
    *,
    filters: SessionFilters | None = None,
    cursor: str = "",
    limit: int = MAX_LIMIT,
    secret: bytes | None = None,
    archive_id: str | None = None,
) -> SessionExportPage:
    """Return one page of `export sessions`.

    Args:
        warehouse: The warehouse.
        filters: Which sessions; None for `DEFAULT_FILTERS`. A cursor brings its own.
        cursor: Where to go on: `document["cursor"]["next"]` of the page before.
        limit: Most sessions of the page, 1 to 500.
        secret: Key of the cursors; None for the archive's, or our own where it has none.
        archive_id: Archive of the export; None takes the only one there is.

    Raises:
        CursorReset: The cursor holds no longer: start again.
        WarehouseError: The warehouse cannot be read, or its archive is ambiguous or absent.
        ConfigError: The archive's settings cannot be used.
    """
    key = cursor_key(warehouse, load_settings(), archive_id) if secret is None else lambda: secret
    found = session_export_page(
        warehouse,
        secret=key,
        filters=filters or DEFAULT_FILTERS,
        cursor=cursor,
        limit=limit,
        archive_id=archive_id,
    )
    return cast("SessionExportPage", found.document())


def read_sessions(
    warehouse: Reader, *, filters: SessionFilters | None = None, archive_id: str | None = None
) -> Iterator[ExportSession]:
    """Yield every session of `export sessions --all`, the latest first, in bounded memory.

    Arguments are those of `read_session_page`, and so are the errors.
    """
    found = session_export_all(warehouse, filters=filters or DEFAULT_FILTERS, archive_id=archive_id)
    for batch in found.batches:
        for row in batch:
            session: Any = row.as_object()
            yield session


def read_gaps(
    warehouse: Reader,
    *,
    first: str | None = None,
    last: str | None = None,
    archive_id: str | None = None,
    now: datetime | None = None,
) -> list[str]:
    """Say what documents over some UTC days lack: days not made, archives not read; often nothing.

    Args:
        warehouse: The warehouse.
        first: First day, `YYYY-MM-DD`; None for all before.
        last: Last day; None for all after.
        archive_id: Archive of the documents; None for all.
        now: The present, with a zone; None for the clock's.
    """
    return gaps(warehouse, ALL, first, last, archive_id=archive_id, now=now)


DEFAULT_FILTERS = SessionFilters(exclude_one_shot=True, automated_scope="human")
"""What `export sessions` shows unasked: sessions of people with more than one prompt."""


def _zone(name: str) -> Zone:
    return load_zone(name) if name else system_zone(os.environ)
