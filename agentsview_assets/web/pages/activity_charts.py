"""Charts of activity: minutes and agents at once by time, and the heat map of a week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from agentsview_assets.web.pages.charts import specification, tip, value_axis

WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday"),
    *("Friday", "Saturday", "Sunday"),
)
_HOUR: Final = 3600
_DAY: Final = 86_400
_LABELLED_HOURS: Final = 3
_MOST_LABELS: Final = 16
_MOST_WEEKS: Final = 120
_STEP: Final = 24
_MOST_PARTED: Final = 150
_FEW: Final = 60


class Axis(NamedTuple):
    """The time axis of a chart, in seconds of a local clock, as if that were UTC.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        bars: How many there is room for.
    """

    start: int
    end: int
    bars: int

    @property
    def ticks(self) -> list[int]:
        """Where it is labelled: hours of a day, else days, Mondays or first days of months."""
        if self.is_one_day:
            return list(range(self.start, self.end, _LABELLED_HOURS * _HOUR))
        days = list(range(self.start, self.end, _DAY))
        if len(days) <= _MOST_LABELS:
            return days
        moments = [(day, datetime.fromtimestamp(day, UTC)) for day in days]
        if len(days) <= _MOST_WEEKS:
            return [day for day, moment in moments if moment.weekday() == 0]
        return [day for day, moment in moments if moment.day == 1]

    @property
    def is_one_day(self) -> bool:
        """Whether all of it is of one day."""
        return self.end - self.start <= _DAY + _HOUR


def over_time(
    values: Sequence[Mapping[str, Any]], kind: str, axis: Axis, colours: Sequence[str]
) -> dict[str, Any]:
    """Bars that stand from the start to the end of what each is about.

    Args:
        values: `start` and `end` (seconds as on the axis), `from` and `to` (the foot and the head
            of the bar), `order`, `when`, `name`, and `text` (its value in words).
        kind: What the values are.
        axis: The axis of time.
        colours: The colour of each `order`.
    """
    width = 2 if axis.bars <= _FEW else 0.75
    is_parted = axis.bars <= _MOST_PARTED
    outline = {"stroke": "var(--paper)", "strokeWidth": width} if is_parted else {}
    format_ = "%H:%M" if axis.is_one_day else "%-d %b"
    layer = {
        "data": {"values": list(values)},
        "mark": {"type": "bar", **outline},
        "encoding": {
            "x": {
                "field": "start",
                "type": "quantitative",
                "scale": {"zero": False, "nice": False, "domain": [axis.start, axis.end]},
                "axis": {
                    "title": None,
                    "grid": False,
                    "values": axis.ticks,
                    "labelExpr": f"utcFormat(datum.value * 1000, '{format_}')",
                },
            },
            "x2": {"field": "end"},
            "y": {**value_axis(kind), "field": "to"},
            "y2": {"field": "from"},
            "color": {
                "field": "order",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": list(range(len(colours))), "range": list(colours)},
            },
            "tooltip": tip("when", "name", "text"),
        },
    }
    return specification([layer])


def week(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A heat map: weekdays from top to bottom, hours from left to right.

    Args:
        values: `weekday`, `hour`, `part` (of the greatest, 0 to 1), `when`, and `text`.
    """
    layer = {
        "data": {"values": list(values)},
        "mark": {"type": "rect", "color": "var(--accent)", "cornerRadius": 2},
        "encoding": {
            "x": {
                "field": "hour",
                "type": "ordinal",
                "scale": {"domain": list(range(24)), "paddingInner": 0.08, "paddingOuter": 0},
                "axis": {
                    "title": None,
                    "labelAngle": 0,
                    "domain": False,
                    "values": list(range(0, 24, 3)),
                    "labelExpr": "format(datum.value, '02d') + ':00'",
                    "labelAlign": "left",
                    "bandPosition": 0,
                    "labelFlush": False,
                },
            },
            "y": {
                "field": "weekday",
                "type": "nominal",
                "sort": list(WEEKDAYS),
                "scale": {"domain": list(WEEKDAYS), "paddingInner": 0.08, "paddingOuter": 0},
                "axis": {
                    "title": None,
                    "domain": False,
                    "grid": False,
                    "labelExpr": "slice(datum.value, 0, 3)",
                },
            },
            "opacity": {
                "field": "part",
                "type": "quantitative",
                "legend": None,
                "scale": {"domain": [0, 1], "range": [0.05, 1]},
            },
            "tooltip": tip("when", "text"),
        },
    }
    fitted = {"type": "fit-x", "contains": "padding"}
    return specification([layer], height={"step": _STEP}, autosize=fitted)
