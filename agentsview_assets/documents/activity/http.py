"""The activity report as it is asked for over HTTP: other defaults and two more filters.

What belongs here: what a request means, and the order in which it is checked. What does not: HTTP
itself, and the types of its parameters, which are checked before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.activity.calendar import activity_zone, instant_of
from agentsview_assets.documents.activity.range import RangeRequest, resolve_range
from agentsview_assets.documents.activity.report import ActivityReport, build_report
from agentsview_assets.documents.activity.scope import AUTOMATIONS, ActivityFilter
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.goquote import go_quote
from agentsview_assets.rules.text import displayable

if TYPE_CHECKING:
    from datetime import datetime

    from agentsview_assets.documents.activity.range import ReportRange
    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.resources.warehouses.reader import Reader


class HttpActivity(NamedTuple):
    """A report that was asked for over HTTP, checked as far as can be without a warehouse.

    Attributes:
        zone: Zone of days, weeks and months.
        span: Its range.
        chosen: Which sessions it is about.
    """

    zone: Zone
    span: ReportRange
    chosen: ActivityFilter

    def report(self, reader: Reader, archive_id: str | None = None) -> ActivityReport:
        """Return the report.

        Args:
            reader: The warehouse.
            archive_id: Archive of the report; None takes all of the warehouse.

        Raises:
            WarehouseError: The warehouse cannot be read, or its archive is absent.
        """
        return build_report(
            reader,
            self.span,
            zone=self.zone,
            chosen=self.chosen,
            offline=False,
            archive_id=archive_id,
        )


def http_activity(  # noqa: PLR0913 - the parameters of a request, all by name
    *,
    preset: str = "",
    date: str = "",
    from_: str = "",
    to: str = "",
    timezone: str = "",
    bucket: str = "",
    project: str = "",
    git_branch: str = "",
    agent: str = "",
    machine: str = "",
    automation: str = "",
    now: datetime,
) -> HttpActivity:
    """Return what is asked for; every parameter is text as it was sent, empty where it was not.

    Args:
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
        now: The present, with a zone: nothing after it counts.

    Raises:
        UsageError: A value cannot be understood, or asks for too much: the first of zone, range,
            bucket and automation, in agentsview's words.
    """
    zone = activity_zone(timezone or "UTC")
    span = resolve_range(RangeRequest(preset, date, from_, to, bucket), zone, instant_of(now))
    if automation not in ("", *AUTOMATIONS):
        asked = go_quote(automation)
        message = f"invalid automation {asked} (want all, interactive, or automated)"
        raise UsageError(message)
    # A byte that is not UTF-8 is in no label of a warehouse.
    chosen = ActivityFilter(
        project=displayable(project),
        agents=displayable(agent),
        machines=displayable(machine),
        git_branch=displayable(git_branch),
        automation="" if automation == "all" else automation,
    )
    return HttpActivity(zone, span, chosen)
