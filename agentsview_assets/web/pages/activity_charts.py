"""Charts of activity: minutes and agents at once by time, and the heat map of a week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentsview_assets.web.pages.charts import colour, specification, tip, value_axis

WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday"),
    *("Friday", "Saturday", "Sunday"),
)
_HOUR: Final = "%H:%M"
_DAY: Final = "%-d %b"
_STEP: Final = 24
_MOST_PARTED: Final = 150


def over_time(
    values: Sequence[Mapping[str, Any]],
    kind: str,
    *,
    is_one_day: bool,
    bounds: Sequence[str],
    count: int,
) -> dict[str, Any]:
    """Bars that stand from the start to the end of what each is about.

    Args:
        values: `start` and `end` (local clock, as if it were UTC), `from` and `to` (the foot and
            the head of the bar), `order`, `when`, `name`, and `text` (its value in words).
        kind: What the values are.
        is_one_day: Whether all of it is of one day.
        bounds: Start and end of the axis, by the same clock.
        count: How many bars there is room for.
    """
    orders = sorted({value["order"] for value in values})
    format_ = _HOUR if is_one_day else _DAY
    outline = {"stroke": "var(--paper)", "strokeWidth": 0.75} if count <= _MOST_PARTED else {}
    axis = value_axis(kind)
    layer = {
        "data": {"values": list(values)},
        "mark": {"type": "bar", **outline},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "scale": {"type": "utc", "domain": list(bounds)},
                "axis": {
                    "title": None,
                    "grid": False,
                    "labelAngle": 0,
                    "labelExpr": f"utcFormat(datum.value, '{format_}')",
                    "tickCount": 8,
                },
            },
            "x2": {"field": "end"},
            "y": {**axis, "field": "from"},
            "y2": {"field": "to"},
            "color": {
                "field": "order",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": orders, "range": [colour(number) for number in orders]},
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
