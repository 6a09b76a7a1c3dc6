"""The date window and the zone of a usage report.

Everything a user can say about time on the command line is settled here, with the reference
program's words for what it refuses, before any warehouse is opened.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from agentsview_assets.errors import UsageError
from agentsview_assets.rules.goquote import go_quote
from agentsview_assets.rules.timestamps import (
    SECONDS_PER_DAY,
    Instant,
    day_number,
    format_date,
    format_utc_seconds,
    is_calendar_date,
    local_date_of,
    utc_offset_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SPAN_DAYS: Final = 30
"""Days before the last one that a window has by default."""
_PADDING_SECONDS: Final = 14 * 3600  # the widest offset from UTC, in either direction
_NANOSECONDS: Final = 10**9
_INT64_MAX: Final = 2**63 - 1
_INT64_DIGITS: Final = 19
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MACHINE_ZONE_FILE: Final = "/etc/localtime"
# No zone of the tz database changes its offset twice within four days, or before 1840.
_SAMPLE_SECONDS: Final = 3 * SECONDS_PER_DAY
_FIRST_CHANGE: Final = day_number(1840, 1, 1) * SECONDS_PER_DAY

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DURATION = re.compile(r"\+?([0-9]+)([dh])")
_UNIT_SECONDS: Final = {"d": SECONDS_PER_DAY, "h": 3600}


class Zone(NamedTuple):
    """A time zone and the name under which reports show it."""

    name: str
    tzinfo: tzinfo


class Window(NamedTuple):
    """Inclusive local dates, `YYYY-MM-DD`; None leaves that end open."""

    from_date: str | None
    to_date: str | None


class _Point(NamedTuple):
    """One end of a window: its date, and the instant that a duration counts back from."""

    date: str
    instant_ns: int


UTC_ZONE: Final = Zone("UTC", UTC)


def load_zone(name: str, environ: Mapping[str, str] | None = None) -> Zone:
    """Find a zone by its case-sensitive IANA name, `UTC` (also `''`) or `Local`.

    Args:
        name: The zone asked for.
        environ: Environment in which `Local` is looked up; the process's own when None.

    Raises:
        UsageError: There is no such zone, or the name could leave the zone folder.
    """
    if name in ("", "UTC"):
        return UTC_ZONE
    if name == "Local":
        return system_zone(os.environ if environ is None else environ)
    if ".." in name or name.startswith(("/", "\\")):
        message = "invalid --timezone: time: invalid location name"
        raise UsageError(message)
    info = _database_zone(name)
    if info is None:
        message = f"invalid --timezone: unknown time zone {name}"
        raise UsageError(message)
    return Zone(name, info)


def system_zone(environ: Mapping[str, str]) -> Zone:
    """Return the zone the process runs in.

    Args:
        environ: Environment; its `TZ` names a zone or an absolute file, with or without a leading
            colon, and what cannot be loaded means UTC. Without `TZ` it is the machine's own zone,
            named `Local`.
    """
    variable = environ.get("TZ")
    if variable is None:
        return _file_zone(_MACHINE_ZONE_FILE, "Local") or UTC_ZONE
    name = variable.removeprefix(":")
    if name.startswith("/"):
        return _file_zone(name, "Local" if name == _MACHINE_ZONE_FILE else name) or UTC_ZONE
    info = None if name in ("", "UTC") else _database_zone(name)
    return UTC_ZONE if info is None else Zone(name, info)


def resolve_window(since: str, until: str, all_: bool, zone: Zone, now: datetime) -> Window:  # noqa: FBT001
    """Settle the window of a report.

    Args:
        since: `YYYY-MM-DD`, `Nd` or `Nh`; empty when not given.
        until: Likewise; it is settled first and a duration in `since` counts back from it.
        all_: Whether to leave out the default window; a given end still applies.
        zone: Zone of the report, in which instants become dates.
        now: The present, with a zone.

    Returns:
        The window. By default it is today and the 30 days before, as dates in UTC.

    Raises:
        UsageError: An end cannot be understood, or the window is inverted.
    """
    now_ns = (now - _EPOCH) // timedelta(microseconds=1) * 1000
    if not since and not until:
        return Window(None, None) if all_ else _default_window(now_ns)
    end = _point("--until", until, now_ns, zone.tzinfo) if until else None
    anchor_ns = now_ns if end is None else end.instant_ns
    start = _point("--since", since, anchor_ns, zone.tzinfo) if since else None
    if start is not None and end is not None and start.date > end.date:
        message = f"--since ({start.date}) must not be after --until ({end.date})"
        raise UsageError(message)
    return Window(start and start.date, end and end.date)


def prefilter_bounds(window: Window) -> tuple[str | None, str | None]:
    """Return the window as least and greatest timestamp text, both inclusive, for any zone.

    The texts are `YYYY-MM-DDTHH:MM:SSZ`, 14 hours wider than the dates at either end, and are
    compared as bytes with stored timestamps. None where the window is open.
    """
    lower = upper = None
    if window.from_date is not None:
        start = date_days(window.from_date) * SECONDS_PER_DAY
        lower = format_utc_seconds(Instant(start - _PADDING_SECONDS, 0))
    if window.to_date is not None:
        end = (date_days(window.to_date) + 1) * SECONDS_PER_DAY - 1
        upper = format_utc_seconds(Instant(end + _PADDING_SECONDS, 0))
    return lower, upper


def date_days(date: str) -> int:
    """Return the days from 1970-01-01 to a date, `YYYY-MM-DD`; a year before 0 carries a sign."""
    year, month, day = date.rsplit("-", 2)
    return day_number(int(year), int(month), int(day))


def wall_clock_epoch(zone: tzinfo, wall_seconds: int) -> int:
    """Return the instant, in epoch seconds, at which a zone's clocks show a given wall time.

    Args:
        zone: The zone.
        wall_seconds: The wall time, counted as if it were UTC.

    Returns:
        The instant. A wall time shown twice means the first; one that is skipped is read with the
        offset before or after the gap, as agentsview does.
    """
    guess = wall_seconds - utc_offset_seconds(zone, wall_seconds)
    return wall_seconds - utc_offset_seconds(zone, guess)


def offset_segments(zone: Zone, first_epoch: int, last_epoch: int) -> list[tuple[int, int]]:
    """Return a zone's offset from UTC as a step function over a range of instants.

    Args:
        zone: The zone.
        first_epoch: First instant of the range, in epoch seconds.
        last_epoch: Last instant of the range, included.

    Returns:
        Pairs of epoch second and offset in seconds east of UTC, ascending. Each offset holds from
        its instant until the next pair; the first pair stands at `first_epoch`.
    """
    info = zone.tzinfo
    offset = utc_offset_seconds(info, first_epoch)
    segments = [(first_epoch, offset)]
    if isinstance(info, timezone):
        return segments
    left = max(first_epoch, min(_FIRST_CHANGE, last_epoch))
    while left < last_epoch:
        right = min(left + _SAMPLE_SECONDS, last_epoch)
        later_offset = utc_offset_seconds(info, right)
        if later_offset != offset:
            segments.append((_change_between(info, left, right), later_offset))
            offset = later_offset
        left = right
    return segments


def _change_between(zone: tzinfo, left: int, right: int) -> int:
    """Return the first instant after `left` that has the offset of `right`."""
    new_offset = utc_offset_seconds(zone, right)
    while right - left > 1:
        middle = (left + right) // 2
        if utc_offset_seconds(zone, middle) == new_offset:
            right = middle
        else:
            left = middle
    return right


def _database_zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder, not a zone file, a mangled path
        return None


def _file_zone(path: str, name: str) -> Zone | None:
    try:
        with Path(path).open("rb") as file:
            return Zone(name, ZoneInfo.from_file(file, key=name))
    except (OSError, ValueError):
        return None


def _default_window(now_ns: int) -> Window:
    today = now_ns // _NANOSECONDS // SECONDS_PER_DAY
    return Window(format_date(today - DEFAULT_SPAN_DAYS), format_date(today))


def _point(flag: str, text: str, anchor_ns: int, zone: tzinfo) -> _Point:
    date = _DATE.fullmatch(text)
    if date is not None and is_calendar_date(*map(int, date.groups())):
        midnight = wall_clock_epoch(zone, date_days(text) * SECONDS_PER_DAY)
        return _Point(text, midnight * _NANOSECONDS)
    duration = _DURATION.fullmatch(text)
    count = _count(duration.group(1)) if duration is not None else 0
    if duration is None or not count:
        message = f"invalid {flag}: expected Nd, Nh, or YYYY-MM-DD, got {go_quote(text)}"
        raise UsageError(message)
    length_ns = count * _UNIT_SECONDS[duration.group(2)] * _NANOSECONDS
    # agentsview counts in signed 64-bit nanoseconds and lets them overflow.
    wrapped_ns = (length_ns + 2**63) % 2**64 - 2**63
    instant_ns = anchor_ns - wrapped_ns
    return _Point(local_date_of(instant_ns // _NANOSECONDS, zone), instant_ns)


def _count(digits: str) -> int:
    """Read a count; 0 when it does not fit in signed 64 bits."""
    significant = digits.lstrip("0")
    if not significant or len(significant) > _INT64_DIGITS or int(significant) > _INT64_MAX:
        return 0
    return int(significant)
