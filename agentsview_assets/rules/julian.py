"""SQLite's reading of time texts: julian day and UTC date, as session exports sort and filter.

SQLite accepts other texts than RFC 3339 parsers do; where a text is of the common shape the rule is
spelled out here, because SQLite releases differ in the last half millisecond of a second.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):(\d\d)(?:\.(\d+))?(\s*(?:[Zz]|[+-]\d\d:\d\d)?)", re.ASCII
)
_DAY_MS = 86_400_000
JULIAN_EPOCH_MS = 210_866_760_000_000
"""1970-01-01T00:00:00Z in milliseconds of julian days."""
_LONGEST_FRACTION = 0.999
_SURE_DAYS = 28


def julian_day(text: str) -> float | None:
    """The julian day of a time text in whole milliseconds, None when SQLite cannot read it."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return _julian(text)
    minute, second, digits, zone = found.groups()
    start = _julian(f"{minute}{zone}")
    if start is None or _julian(f"{minute}:{second}{zone}") is None:
        return None
    fraction = min(_fraction(digits or ""), _LONGEST_FRACTION)
    milliseconds = round(start * _DAY_MS) + int((int(second) + fraction) * 1000 + 0.5)
    return milliseconds / _DAY_MS


def julian_of_epoch(seconds: int) -> float:
    """The julian day of whole seconds since 1970, as `julian_day` has it of their text."""
    return (seconds * 1000 + JULIAN_EPOCH_MS) / _DAY_MS


def utc_date(text: str) -> str | None:
    """The UTC date of a time text, None when SQLite cannot read it.

    The date that is written stays as it is, `24:00:00` or not, unless its day may not exist: from
    the 29th on releases differ, and the julian day decides, as it does for every other text.
    """
    written = _date(text)
    if written is not None and text.startswith(written) and int(written[-2:]) <= _SURE_DAYS:
        return written
    return _date(julian_day(text))


def _fraction(digits: str) -> float:
    numerator, denominator = 0.0, 1.0
    for digit in digits:
        numerator, denominator = numerator * 10.0 + int(digit), denominator * 10.0
    return numerator / denominator


@lru_cache(maxsize=1)
def _sqlite() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", check_same_thread=False)


def _date(time: str | float | None) -> str | None:
    found: str | None = _sqlite().execute("SELECT date(?)", (time,)).fetchone()[0]
    return found


def _julian(text: str) -> float | None:
    found: float | None = _sqlite().execute("SELECT julianday(?)", (text,)).fetchone()[0]
    return found
