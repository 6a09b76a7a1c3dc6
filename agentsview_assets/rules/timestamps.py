"""Timestamp texts of an archive: the lax RFC 3339 reading, local dates and printed instants.

Archives store timestamps as free text, so every reader has to agree on which texts are instants.
The scalar functions here are that agreement; the `*_sql` functions give DuckDB expressions that
answer the same for the common shape, so that only the odd rows need Python.

Years outside 0001..9999 are legal input (year 0000) or reachable through an offset, hence the
integer calendar arithmetic beside `datetime`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from agentsview_assets.rules.text import from_bytes, to_bytes

SECONDS_PER_DAY: Final = 86_400
_CALENDAR_CYCLE_SECONDS: Final = 146_097 * SECONDS_PER_DAY  # 400 years: dates and weekdays recur
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# One year inside datetime's limits, so that adding any zone offset cannot overflow.
_FIRST_SAFE_EPOCH: Final = -62_104_060_800  # 0002-01-01T00:00:00Z
_LAST_SAFE_EPOCH: Final = 253_370_764_799  # 9998-12-31T23:59:59Z
_PREFIX_BYTES: Final = 10
# agentsview lets offsets reach 24 hours and 60 minutes.
_MAX_OFFSET_HOUR: Final = 24
_MAX_OFFSET_MINUTE: Final = 60
_HOURS_PER_DAY: Final = 24
_SIXTY: Final = 60
_NANOSECOND_DIGITS: Final = 9
_DAYS_IN_MONTH: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY: Final = 2

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


class Instant(NamedTuple):
    """A point in time at nanosecond resolution; ordered as time is.

    Attributes:
        epoch_seconds: Whole seconds since 1970-01-01T00:00:00Z, rounded down (may be negative).
        nanosecond: Nanoseconds after that second, 0..999_999_999.
    """

    epoch_seconds: int
    nanosecond: int


def day_number(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a proleptic Gregorian date, for any year."""
    # Years run from March so that the leap day comes last.
    shifted_year = year - 1 if month <= _FEBRUARY else year
    era, year_of_era = divmod(shifted_year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468


def is_calendar_date(year: int, month: int, day: int) -> bool:
    """Tell whether the three numbers name a day of the proleptic Gregorian calendar."""
    if not 1 <= month <= len(_DAYS_IN_MONTH):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS_IN_MONTH[month - 1] + (month == _FEBRUARY and leap)


def format_date(days: int) -> str:
    """Write a day number as `YYYY-MM-DD`; years below 0 or above 9999 keep sign and all digits."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = (shifted_month + 2) % 12 + 1
    year = era * 400 + year_of_era + (month <= _FEBRUARY)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"


def parse_rfc3339(text: str) -> Instant | None:
    """Read a stored timestamp as agentsview does.

    Accepted is `YYYY-MM-DDTHH:MM:SS`, an optional fraction after `.` or `,` (digits past the ninth
    are cut off), then `Z` or `±HH:MM`. The hour may have one digit and offsets reach 24:60.

    Args:
        text: The stored text; surrounding space makes it unreadable.

    Returns:
        The instant, or None when the text is not a timestamp.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction, sign, offset_hours, offset_minutes = match.group(7, 8, 9, 10)
    if not is_calendar_date(year, month, day):
        return None
    if hour >= _HOURS_PER_DAY or minute >= _SIXTY or second >= _SIXTY:
        return None
    epoch = day_number(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
    if sign is not None:
        if int(offset_hours) > _MAX_OFFSET_HOUR or int(offset_minutes) > _MAX_OFFSET_MINUTE:
            return None
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        epoch += offset if sign == "-" else -offset
    digits = (fraction or "0")[:_NANOSECOND_DIGITS]
    return Instant(epoch, int(digits.ljust(_NANOSECOND_DIGITS, "0")))


def utc_offset_seconds(zone: tzinfo, epoch_seconds: int) -> int:
    """Return a zone's offset east of UTC, in seconds, at an instant of any year."""
    if epoch_seconds < _FIRST_SAFE_EPOCH:
        cycles = -((epoch_seconds - _FIRST_SAFE_EPOCH) // _CALENDAR_CYCLE_SECONDS)
        epoch_seconds += cycles * _CALENDAR_CYCLE_SECONDS
    elif epoch_seconds > _LAST_SAFE_EPOCH:
        cycles = -((_LAST_SAFE_EPOCH - epoch_seconds) // _CALENDAR_CYCLE_SECONDS)
        epoch_seconds -= cycles * _CALENDAR_CYCLE_SECONDS
    moment = (_EPOCH + timedelta(seconds=epoch_seconds)).astimezone(zone)
    offset = moment.utcoffset()
    return 0 if offset is None else offset.days * SECONDS_PER_DAY + offset.seconds


def local_date_of(epoch_seconds: int, zone: tzinfo) -> str:
    """Return the calendar date, `YYYY-MM-DD`, that an instant has in a zone."""
    return format_date((epoch_seconds + utc_offset_seconds(zone, epoch_seconds)) // SECONDS_PER_DAY)


def local_date(text: str, zone: tzinfo) -> str:
    """Return the date under which a stored timestamp is counted in a zone.

    Args:
        text: The stored timestamp text.
        zone: The zone of the report.

    Returns:
        `YYYY-MM-DD` when the text is a timestamp; otherwise its first ten bytes, unshifted, or
        `''` when it has fewer. A character cut in two leaves its bytes as surrogate escapes.
    """
    instant = parse_rfc3339(text)
    if instant is not None:
        return local_date_of(instant.epoch_seconds, zone)
    data = to_bytes(text)
    if len(data) < _PREFIX_BYTES:
        return ""
    return from_bytes(data[:_PREFIX_BYTES])


def format_utc_seconds(instant: Instant) -> str:
    """Write an instant in UTC, cut to whole seconds: `YYYY-MM-DDTHH:MM:SSZ`."""
    return f"{_utc_clock(instant.epoch_seconds)}Z"


def format_utc_nanos(instant: Instant) -> str:
    """Write an instant in UTC with its fraction, trailing zeros (and an empty fraction) cut."""
    fraction = f"{instant.nanosecond:09d}".rstrip("0")
    return f"{_utc_clock(instant.epoch_seconds)}{'.' if fraction else ''}{fraction}Z"


def _utc_clock(epoch_seconds: int) -> str:
    days, second_of_day = divmod(epoch_seconds, SECONDS_PER_DAY)
    minutes, second = divmod(second_of_day, 60)
    hour, minute = divmod(minutes, 60)
    return f"{format_date(days)}T{hour:02d}:{minute:02d}:{second:02d}"


# The SQL twins below cover the shape nearly all rows have. Zone-less TIMESTAMP casts keep them
# clear of the ICU extension and of the session's time zone; the pattern is needed beside the cast
# because that alone also takes hour 24, blanks and short fields.
_PLAIN_PATTERN: Final = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z"
)


def plain_instant_predicate_sql(column: str) -> str:
    """Return a DuckDB BOOLEAN expression: is the text a timestamp of the common shape?

    True only for `YYYY-MM-DDTHH:MM:SS[.f]Z` with one to nine fraction digits and a real date and
    time, where `epoch_seconds_sql` and `nanosecond_sql` equal `parse_rfc3339`. False for NULL.

    Args:
        column: A VARCHAR column or parenthesised expression, put into the SQL as it is.
    """
    return (
        f"COALESCE(regexp_full_match({column}, '{_PLAIN_PATTERN}')"
        f" AND {_timestamp_sql(column)} IS NOT NULL, FALSE)"
    )


def epoch_seconds_sql(column: str) -> str:
    """Return a DuckDB BIGINT expression for `Instant.epoch_seconds`; it never raises.

    Args:
        column: As for `plain_instant_predicate_sql`, whose truth the value depends on.
    """
    return f"(epoch_us({_timestamp_sql(column)}) // 1000000)"


def nanosecond_sql(column: str) -> str:
    """Return a DuckDB INTEGER expression for `Instant.nanosecond`; it never raises.

    Args:
        column: As for `plain_instant_predicate_sql`, whose truth the value depends on.
    """
    fraction = f"substr({column}, 21, GREATEST(length({column}) - 21, 0))"
    return f"TRY_CAST(rpad({fraction}, {_NANOSECOND_DIGITS}, '0') AS INTEGER)"


def _timestamp_sql(column: str) -> str:
    return f"TRY_CAST(left({column}, 19) AS TIMESTAMP)"
