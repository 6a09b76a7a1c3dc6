"""The activity report as it is asked for over HTTP: other defaults and two more filters.

What belongs here: what a request means, and the order in which it is checked. What does not: HTTP
itself, and the types of its parameters, which are checked before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.activity.calendar import activity_zone, instant_of
from agentsview_assets.documents.activity.range import RangeRequest, ReportRange, resolve_range
from agentsview_assets.documents.activity.report import ActivityReport, build_report
from agentsview_assets.documents.activity.scope import AUTOMATIONS, ActivityFilter
from agentsview_assets.documents.common.window import Zone
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.goquote import go_quote

if TYPE_CHECKING:
    from datetime import datetime

    from agentsview_assets.resources.warehouses.reader import Reader

_DEFAULT_ZONE = "UTC"


class ActivityRequest(NamedTuple):
    """The parameters of a request, as text that was sent; empty where nothing was.

    Attributes:
        preset: `day`, `week`, `month` or `custom`; empty means `day`, without `from_` and `to`.
        date: `YYYY-MM-DD` that the day, week or month holds; empty means today.
        from_: Start of a custom range, RFC 3339.
        to: Its end, excluded.
        timezone: IANA zone of days, weeks and months; empty means UTC.
        bucket: `5m`, `15m`, `1h`, `1d` or `1w`; empty chooses by the length of the range.
        project: Exact project label; empty for all.
        git_branch: Tokens of branches (`branch_test`); empty for all.
        agent: Comma-separated agent names; empty for all.
        machine: Comma-separated machine labels; empty for all.
        automation: `interactive` or `automated` sessions only; `all` or empty for both.
    """

    preset: str = ""
    date: str = ""
    from_: str = ""
    to: str = ""
    timezone: str = ""
    bucket: str = ""
    project: str = ""
    git_branch: str = ""
    agent: str = ""
    machine: str = ""
    automation: str = ""


class SettledRequest(NamedTuple):
    """A request that has been found good, before any warehouse is asked.

    Attributes:
        span: The range of the report.
        zone: Zone of days, weeks and months.
        chosen: Its sessions.
    """

    span: ReportRange
    zone: Zone
    chosen: ActivityFilter

    def made(self, reader: Reader, archive_id: str | None = None) -> ActivityReport:
        """Return the report.

        Args:
            reader: The warehouse.
            archive_id: Archive of the report; None takes all of the warehouse.

        Raises:
            WarehouseError: The warehouse cannot be read, or its archive is absent.
        """
        span, zone, chosen = self
        return build_report(
            reader, span, zone=zone, chosen=chosen, offline=False, archive_id=archive_id
        )


def settled(request: ActivityRequest, now: datetime) -> SettledRequest:
    """Check a request, in agentsview's order: zone, range, bucket, automation.

    Args:
        request: What was sent.
        now: The present, with a zone: nothing after it counts.

    Raises:
        UsageError: A value cannot be understood, or asks for too much; the first one tells.
    """
    zone = activity_zone(request.timezone or _DEFAULT_ZONE)
    asked = RangeRequest(request.preset, request.date, request.from_, request.to, request.bucket)
    span = resolve_range(asked, zone, instant_of(now))
    automation = request.automation
    if automation not in ("", *AUTOMATIONS):
        message = f"invalid automation {go_quote(automation)} (want all, interactive, or automated)"
        raise UsageError(message)
    chosen = ActivityFilter(
        project=request.project,
        agents=request.agent,
        machines=request.machine,
        git_branch=request.git_branch,
        automation="" if automation == "all" else automation,
    )
    return SettledRequest(span, zone, chosen)
