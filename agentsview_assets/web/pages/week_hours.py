"""The hours of a week: which parts of spans a cell of the heat map is the sum of.

What belongs here: cutting spans where hours begin, and choosing some of them. What does not: what
the cells come to, which `activity_report` knows.
"""

from __future__ import annotations

from typing import Final

from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.activity.scope import ActivityScope
from agentsview_assets.documents.common.sql import Sql, stepwise
from agentsview_assets.documents.common.window import offset_segments
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import SECONDS_PER_DAY
from agentsview_assets.web.pages.activity_charts import WEEKDAYS
from agentsview_assets.web.pages.page import Ask

_HOUR: Final = 3600 * NANOSECONDS
_DAY: Final = SECONDS_PER_DAY * NANOSECONDS
_WEEK_SECONDS: Final = 7 * SECONDS_PER_DAY
_WEEK: Final = _WEEK_SECONDS * NANOSECONDS
_THURSDAY: Final = 3 * SECONDS_PER_DAY
"""From the Monday before 1970 to 1970."""
# The hour that a span begins in, and the next one; hours are counted from the start of the report.
_CELL: Final = f"(begins - begins % {_HOUR})"
_EDGE: Final = f"({_CELL} + {_HOUR})"


def of_hours(ask: Ask, scope: ActivityScope, spans: Sql, labels: str) -> Sql:
    """The parts of spans in the weekday, and in the hour of a day, that an address asks for.

    Args:
        ask: The request.
        scope: The report that they are of.
        spans: A query of spans, which last an hour at most, with `begins` and `ends` as moments.
        labels: Its other columns.
    """
    weekday, hour = _weekday(ask), _hour(ask)
    clock = f"({_CELL} + {_offset(ask, scope)})"
    tests = []
    if weekday is not None:
        tests.append(_is_in(f"{clock} % {_WEEK}", weekday, _DAY))
    if hour is not None:
        tests.append(_is_in(f"{clock} % {_DAY}", hour, _HOUR))
    if not tests:
        return spans
    return Sql(
        f"WITH whole AS ({spans.text}),\nparts AS (\n"
        f"SELECT {labels}, begins, CASE WHEN ends > {_EDGE} THEN {_EDGE} ELSE ends END AS ends\n"
        "FROM whole UNION ALL\n"
        f"SELECT {labels}, {_EDGE} AS begins, ends FROM whole WHERE ends > {_EDGE})\n"
        f"SELECT * FROM parts WHERE {' AND '.join(tests)}",
        spans.params,
    )


def hours_words(ask: Ask) -> str:
    """Weekday and hour that an address asks for, in words; empty where it asks for none."""
    weekday, hour = _weekday(ask), _hour(ask)
    day = "" if weekday is None else WEEKDAYS[weekday]
    clock = "" if hour is None else f"{hour:02}:00 – {hour + 1:02}:00"
    return " ".join(word for word in (day, clock) if word)


def _weekday(ask: Ask) -> int | None:
    text = ask.address.value("weekday")
    if text and text not in WEEKDAYS:
        raise UsageError(f"weekday: expected one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(text) if text else None


def _hour(ask: Ask) -> int | None:
    text = ask.address.value("hour")
    if text and text not in {str(hour) for hour in range(24)}:
        raise UsageError("hour: expected a whole number from 0 to 23")
    return int(text) if text else None


def _is_in(clock: str, number: int, width: int) -> str:
    return f"({clock} >= {number * width} AND {clock} < {(number + 1) * width})"


def _offset(ask: Ask, scope: ActivityScope) -> str:
    """SQL of what turns a moment into nanoseconds since some Monday by the page's clock."""
    first, last = scope.origin, scope.range.end_ns // NANOSECONDS
    return stepwise(
        _CELL,
        [
            (
                (start - first) * NANOSECONDS,
                (first + offset + _THURSDAY) % _WEEK_SECONDS * NANOSECONDS,
            )
            for start, offset in offset_segments(ask.scope.zone, first, last)
        ],
    )
