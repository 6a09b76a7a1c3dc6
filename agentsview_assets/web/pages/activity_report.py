"""What the activity page is made of: the activity report of a window, and when people work.

What belongs here: which report a window means. What does not: charts and tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, pairwise
from typing import Any, Final

from agentsview_assets.documents.activity.calendar import instant_of
from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.activity.range import (
    RangeRequest,
    ReportRange,
    resolve_range,
)
from agentsview_assets.documents.activity.report import build_report
from agentsview_assets.documents.activity.scope import ActivityFilter, ActivityScope
from agentsview_assets.documents.activity.spans import SpanQuery
from agentsview_assets.documents.activity.sweep import gather
from agentsview_assets.documents.common.lookups import resolve_archives
from agentsview_assets.documents.common.sql import Sql, one_of
from agentsview_assets.documents.common.window import Window
from agentsview_assets.rules.timestamps import (
    SECONDS_PER_DAY,
    Instant,
    format_utc_seconds,
    utc_offset_seconds,
)
from agentsview_assets.web.pages.instants import midnight
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.scope import Names

LONGEST_DAYS: Final = 365
"""What an activity report takes at most."""
MOST_SESSIONS: Final = 50
_HOUR: Final = 3600
_FIRST_DAY: Final = "SELECT MIN(partition_date) FROM activity_intervals"


class Chosen(ActivityFilter):
    """The filter of a page, which may name several projects."""

    __slots__ = ()

    def tests(self) -> Iterator[Sql]:
        """Yield the tests on a session."""
        if self.project:
            yield one_of("project", self.project.split(","))
        yield from ActivityFilter(
            "", self.agents, self.machines, self.git_branch, self.automation
        ).tests()


@dataclass(frozen=True)
class Asked:
    """What a page asks of the report.

    Attributes:
        window: Its days; those of the page, or as many of the last ones as a report may have.
        span: The same as a report takes it.
        bucket: The size of its buckets that was asked for; empty where none was.
        is_cut: Whether the page's window has more days.
    """

    window: Window
    span: ReportRange
    bucket: str
    is_cut: bool


def asked(ask: Ask) -> Asked:
    """The range of the report of a page.

    Raises:
        UsageError: The size of buckets is none, or makes too many of them.
    """
    zone, now, bucket = ask.scope.zone, ask.now, ask.address.value("bucket")
    bucket = "" if bucket == "auto" else bucket
    first, last = ask.scope.window
    last = last or now.astimezone(zone.tzinfo).date().isoformat()
    earliest = _earlier(last, LONGEST_DAYS - 1)
    begin = first or max(_first_day(ask) or last, earliest)
    begin = min(begin, last)
    is_cut = begin < earliest
    begin = max(begin, earliest)
    # A year whose clocks are put back has an hour more than a report takes.
    if midnight(zone, last, 1) - midnight(zone, begin) > LONGEST_DAYS * SECONDS_PER_DAY:
        begin = _earlier(begin, -1)
    start, end = (
        format_utc_seconds(Instant(epoch, 0))
        for epoch in (midnight(zone, begin), midnight(zone, last, 1))
    )
    request = RangeRequest("custom", from_=start, to=end, bucket=bucket)
    span = resolve_range(request, zone, instant_of(now))
    return Asked(Window(begin, last), span, bucket, is_cut)


def report(ask: Ask, found: Asked) -> dict[str, Any]:
    """The activity report without its list of spans, of sessions those most active, and `heat`.

    `heat` has the minutes of agents by weekday, Monday first, and hour of the page's zone.

    Args:
        ask: The request.
        found: Its range.
    """
    scope = ask.scope
    minute = int(ask.now.timestamp() // 60) if found.span.partial else None
    key = (
        *("activity", found.window, found.bucket, scope.zone.name, minute),
        *(tuple(scope.names.items()), scope.automation, scope.archive_id),
    )
    document: dict[str, Any] = ask.kept(key, lambda: _read(ask, found))
    return document


def chosen(ask: Ask) -> Chosen:
    """The filter of a page."""
    names = {key: Names(held) if held else "" for key, held in ask.scope.names.items()}
    return Chosen(
        project=names["project"],
        agents=names["agent"],
        machines=names["machine"],
        automation="" if ask.scope.automation == "all" else ask.scope.automation,
    )


def _read(ask: Ask, found: Asked) -> dict[str, Any]:
    made = build_report(
        ask.reader,
        found.span,
        zone=ask.scope.zone,
        chosen=chosen(ask),
        offline=False,
        archive_id=ask.scope.archive_id,
    )
    sessions = list(islice(made.by_session, MOST_SESSIONS))
    return {**made.head, "by_session": sessions, "heat": _heat(ask, found)}


def _heat(ask: Ask, found: Asked) -> list[list[float]]:
    """The same spans as in the report, by the hours that they were in."""
    span, tzinfo = found.span, ask.scope.zone.tzinfo
    edges = [*range(span.start_ns, span.end_ns, _HOUR * NANOSECONDS), span.end_ns]
    scope = ActivityScope(
        resolve_archives(ask.reader, ask.scope.archive_id),
        span._replace(edges=tuple(edges)),
        chosen(ask),
    )
    query = SpanQuery(ask.reader, scope)
    sessions = [(row[0], bool(row[4]), row[5]) for row in query.sessions()]
    sums = gather(
        query.spans((session, messages) for session, _, messages in sessions),
        [(session, is_automated) for session, is_automated, _ in sessions],
        (0, scope.moment(span.effective_end_ns)),
        scope.edges,
    )
    heat = [[0.0] * 24 for _ in range(7)]
    for (begin, _), worked in zip(pairwise(edges), sums.bucket_minutes, strict=True):
        if worked:
            epoch = begin // NANOSECONDS
            day, second = divmod(epoch + utc_offset_seconds(tzinfo, epoch), SECONDS_PER_DAY)
            heat[(day + 3) % 7][second // _HOUR] += worked
    return heat


def most_buckets(found: Asked, seconds: int) -> int:
    """How many buckets of a size a range has."""
    return -((found.span.start_ns - found.span.end_ns) // (seconds * NANOSECONDS))


def _first_day(ask: Ask) -> str:
    [(day,)] = ask.reader.rows(_FIRST_DAY)
    return str(day) if day else ""


def _earlier(day: str, count: int) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=count)).isoformat()
    except OverflowError:
        return day
