"""The range of an activity report: its bounds and buckets, and how much of it is over by now.

Everything is settled here, with agentsview's words for what it refuses, before any
warehouse is asked. Times are nanoseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from agentsview_assets.documents.activity.calendar import DAYS_PER_WEEK, Calendar
from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import (
    SECONDS_PER_DAY,
    Instant,
    day_number,
    is_calendar_date,
    parse_rfc3339,
    utc_offset_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentsview_assets.documents.common.window import Zone

DAY_NS: Final = SECONDS_PER_DAY * NANOSECONDS
_LONGEST_NS: Final = 365 * DAY_NS
_MOST_BUCKETS: Final = 2000
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Size(NamedTuple):
    """A bucket size: the unit in the document, and its nominal length."""

    unit: str
    seconds: int


_SIZES: Final = {
    "5m": _Size("minute", 300),
    "15m": _Size("minute", 900),
    "1h": _Size("hour", 3600),
    "1d": _Size("day", SECONDS_PER_DAY),
    "1w": _Size("week", DAYS_PER_WEEK * SECONDS_PER_DAY),
}
# The longest range for which a size is taken unasked.
_AUTOMATIC: Final = (
    (36 * 3600 * NANOSECONDS, "5m"),
    (14 * DAY_NS, "1h"),
    (90 * DAY_NS, "1d"),
    (_LONGEST_NS, "1w"),
)


class RangeRequest(NamedTuple):
    """What a user asks for, as text; empty where nothing was said.

    Attributes:
        preset: `day`, `week`, `month` or `custom`; empty means `day`.
        date: `YYYY-MM-DD` that a day, week or month holds; empty means today.
        from_: Start of a custom range, RFC 3339.
        to: Its end, excluded.
        bucket: `5m`, `15m`, `1h`, `1d` or `1w`; empty chooses by the length of the range.
    """

    preset: str = ""
    date: str = ""
    from_: str = ""
    to: str = ""
    bucket: str = ""


class ReportRange(NamedTuple):
    """A half-open span of time, cut into buckets.

    Attributes:
        start_ns: Start.
        end_ns: End, excluded.
        effective_end_ns: What lies after it has not happened yet; within start and end.
        partial: Whether the range ends in the future.
        unit: `minute`, `hour`, `day` or `week`.
        bucket_seconds: Nominal length of a bucket.
        edges: Starts of the buckets and the end of the last one, ascending.
    """

    start_ns: int
    end_ns: int
    effective_end_ns: int
    partial: bool
    unit: str
    bucket_seconds: int
    edges: tuple[int, ...]

    @property
    def elapsed_bucket_count(self) -> int:
        """Number of buckets that have begun."""
        return bisect_left(self.edges, self.effective_end_ns, hi=len(self.edges) - 1)


def resolve_range(request: RangeRequest, zone: Zone, now: Instant) -> ReportRange:
    """Settle the range of a report.

    Args:
        request: What was asked for.
        zone: Zone of days, weeks and months.
        now: The present.

    Raises:
        UsageError: The request cannot be understood, or asks for too much.
    """
    now_ns = to_ns(now)
    start, end = _bounds(request, zone, now_ns)
    if start >= end:
        message = "from must be before to"
        raise UsageError(message)
    if end - start > _LONGEST_NS:
        message = "range exceeds maximum of one year"
        raise UsageError(message)
    size = _size(request.bucket, end - start)
    return ReportRange(
        start_ns=start,
        end_ns=end,
        effective_end_ns=max(start, min(end, now_ns)),
        partial=now_ns < end,
        unit=size.unit,
        bucket_seconds=size.seconds,
        edges=_edges(start, end, size, zone),
    )


def to_ns(instant: Instant) -> int:
    """Return an instant as nanoseconds since 1970."""
    return instant.epoch_seconds * NANOSECONDS + instant.nanosecond


def _bounds(request: RangeRequest, zone: Zone, now_ns: int) -> tuple[int, int]:
    if request.preset == "custom":
        return _custom_bounds(request)
    calendar = Calendar(zone)
    midnight = calendar.midnight(_date_number(request.date, zone, now_ns))
    preset = request.preset
    if not preset and not request.from_ and not request.to:
        preset = "day"
    if preset == "day":
        start, end = midnight, calendar.add_days(midnight, 1)
    elif preset == "week":
        start = calendar.monday(midnight)
        end = calendar.add_days(start, DAYS_PER_WEEK)
    elif preset == "month":
        start = calendar.first_of_month(midnight)
        end = calendar.add_month(start)
    else:
        message = f"invalid preset: {preset}"
        raise UsageError(message)
    return start * NANOSECONDS, end * NANOSECONDS


def _custom_bounds(request: RangeRequest) -> tuple[int, int]:
    if not request.from_ or not request.to:
        message = "custom range requires both from and to"
        raise UsageError(message)
    return _instant_ns("from", request.from_), _instant_ns("to", request.to)


def _instant_ns(name: str, text: str) -> int:
    instant = parse_rfc3339(text)
    if instant is None:
        message = f"invalid {name}: {text}"
        raise UsageError(message)
    return to_ns(instant)


def _date_number(text: str, zone: Zone, now_ns: int) -> int:
    """Return the day number of a date, or of today where none is given."""
    if not text:
        now = now_ns // NANOSECONDS
        return (now + utc_offset_seconds(zone.tzinfo, now)) // SECONDS_PER_DAY
    if _DATE.fullmatch(text):
        parts = tuple(map(int, text.split("-")))
        if is_calendar_date(*parts):
            return day_number(*parts)
    message = f"invalid date: {text}"
    raise UsageError(message)


def _size(bucket: str, length_ns: int) -> _Size:
    if not bucket:
        bucket = next(name for longest, name in _AUTOMATIC if length_ns <= longest)
    if bucket not in _SIZES:
        message = f"invalid bucket: {bucket}"
        raise UsageError(message)
    return _SIZES[bucket]


def _edges(start: int, end: int, size: _Size, zone: Zone) -> tuple[int, ...]:
    """Return the bucket starts and the end; calendar buckets are cut off at the range's bounds."""
    if size.unit not in ("day", "week"):
        width = size.seconds * NANOSECONDS
        if -((start - end) // width) > _MOST_BUCKETS:
            message = "bucket configuration would produce too many buckets"
            raise UsageError(message)
        return (*range(start, end, width), end)
    steps = _calendar_steps(start // NANOSECONDS, size, Calendar(zone))
    edges = [start]
    for epoch in steps:
        if epoch * NANOSECONDS >= end:
            break
        if epoch * NANOSECONDS > start:
            edges.append(epoch * NANOSECONDS)
    return (*edges, end)


def _calendar_steps(start: int, size: _Size, calendar: Calendar) -> Iterator[int]:
    """Yield starts of local days or weeks in epoch seconds, the first at or before `start`."""
    days = size.seconds // SECONDS_PER_DAY
    epoch = calendar.midnight_before(start)
    if size.unit == "week":
        epoch = calendar.monday(epoch)
    while True:
        yield epoch
        epoch = _next_step(calendar.add_days, epoch, days)


def _next_step(add_days: Callable[[int, int], int], epoch: int, days: int) -> int:
    """Step over days that a zone has left out, where a plain step would stand still for ever."""
    step = days
    while (later := add_days(epoch, step)) <= epoch:
        step += days
    return later
