"""Charts: Vega-Lite specifications, made from the rows of the table that stands below each.

Colours are names of the style sheet (`var(--series-1)`), so that a chart follows light, dark and
print by itself; a legend is HTML above it. What belongs here: shapes of charts. What does not:
where their numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from agentsview_assets.rules.gojson import encode
from agentsview_assets.web.pages.table import Table

MOST_SERIES: Final = 7
"""Names that get a colour; all others are one series."""
OTHERS: Final = -1
"""Stands for the colour of all others."""
_HEIGHT: Final = 220
_MOST_PARTED: Final = 100
"""Bars of so many days are drawn apart from one another."""
_MOST_LABELS: Final = 16
_MOST_WEEKS: Final = 120
_MOST_DAYS: Final = 1200
_FORMATS: Final = {
    "usd": "$,.2f",
    "tokens": "~s",
    "whole": ",d",
    "minutes": ",.0f",
    "rate": "$,.2f",
}


class Series(NamedTuple):
    """A line of a legend: a name, its colour, and where it leads."""

    name: str
    colour: int
    href: str | None = None


@dataclass(frozen=True)
class Chart:
    """A chart and the table that says the same.

    Attributes:
        name: Tells it from the other charts of its page.
        title: Above it.
        spec: The specification.
        table: Says the same.
        legend: What its colours are.
        note: How to read it, where the title does not say it.
        is_open: Whether the table is not folded away.
    """

    name: str
    title: str
    spec: Mapping[str, Any]
    table: Table
    legend: Sequence[Series] = ()
    note: str = ""
    is_open: bool = False

    @property
    def pixels(self) -> int:
        """The height that is kept free for it, so that nothing moves once it is drawn."""
        height = self.spec.get("height")
        return height if isinstance(height, int) else 0

    @property
    def json(self) -> str:
        """The specification as it can stand in a page: nothing in it ends a script."""
        return encode(self.spec, escape_html=True)


def colour(number: int) -> str:
    """The colour of a series, by its number; `OTHERS` for all others."""
    return "var(--series-others)" if number == OTHERS else f"var(--series-{number + 1})"


def specification(layers: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """A specification of layers, as wide as its place, in the colours of the page."""
    return {
        "width": "container",
        "height": _HEIGHT,
        "background": None,
        "padding": 0,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        "layer": list(layers),
        **more,
    }


def day_axis(days: Sequence[str]) -> dict[str, Any]:
    """The horizontal axis of days; data have `day`.

    Args:
        days: All days to be shown, see `all_days`.
    """
    if len(days) > _MOST_WEEKS:
        labelled = [day for day in days if day.endswith("-01")]
    elif len(days) > _MOST_LABELS:
        labelled = [day for day in days if date.fromisoformat(day).weekday() == 0]
    else:
        labelled = list(days)
    is_parted = len(days) <= _MOST_PARTED
    parted = {"paddingInner": 0.22 * is_parted, "paddingOuter": 0.11 * is_parted}
    return {
        "field": "day",
        "type": "ordinal",
        "scale": {"domain": list(days), **parted},
        "axis": {
            "title": None,
            "values": labelled,
            "labelAngle": 0,
            "labelExpr": "utcFormat(utcParse(datum.value, '%Y-%m-%d'), '%-d %b')",
        },
    }


def all_days(found: Iterable[str], first: str | None, last: str | None) -> list[str]:
    """The days of an axis: of a window, or from the first to the last one found.

    What is no day of a calendar has no place on an axis. Of very many days only those found are
    shown.
    """
    days = sorted(filter(is_day, found))
    if not days:
        return []
    begin = date.fromisoformat(min(first or days[0], days[0]))
    end = date.fromisoformat(max(last or days[-1], days[-1]))
    span = (end - begin).days + 1
    if span > _MOST_DAYS:
        return sorted(set(days))
    return [(begin + timedelta(number)).isoformat() for number in range(span)]


def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def value_axis(kind: str, *, zero: bool = True) -> dict[str, Any]:
    """The vertical axis of a kind of values, which data have as `value`."""
    return {
        "field": "value",
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True},
        "axis": {
            "title": None,
            "format": _FORMATS[kind],
            "tickCount": 4,
            "domain": False,
            # Two ticks must not be rounded to one number.
            **({"tickMinStep": 1} if kind in ("whole", "minutes", "tokens") else {}),
        },
    }


def tip(*names: str) -> list[dict[str, Any]]:
    """What is shown of a mark that is pointed at: texts of its data, the last one in bold."""
    return [{"field": name, "type": "nominal", "title": name} for name in names]


def stacked_days(
    values: Sequence[Mapping[str, Any]],
    kind: str,
    days: Sequence[str],
    before: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Days as stacked bars, and a line in each at what the same day of the span before came to.

    Args:
        values: `day`, `date` (the day in words), `name`, `order` (the series' number), `place`
            (from the ground up), `value` and `text` (the value in words).
        kind: What the values are.
        days: All days of the axis.
        before: The same of the span before, `day` being the shown day in its place.
    """
    orders = sorted({value["order"] for value in values}, key=lambda n: (n == OTHERS, n))
    placed = frozenset(days)
    axes: dict[str, Any] = {"x": day_axis(days), "y": value_axis(kind)}
    outline = {"stroke": "var(--paper)", "strokeWidth": 0.75} if len(days) <= _MOST_PARTED else {}
    bars = {
        "data": {"values": [value for value in values if value["day"] in placed]},
        "mark": {"type": "bar", **outline},
        "encoding": {
            **axes,
            "y": {**axes["y"], "stack": "zero"},
            "order": {"field": "place", "type": "quantitative"},
            "color": {
                "field": "order",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": orders, "range": [colour(number) for number in orders]},
            },
            "tooltip": tip("date", "name", "text"),
        },
    }
    lines = {
        "data": {"values": [value for value in before if value["day"] in placed]},
        "encoding": {**axes, "tooltip": tip("date", "name", "text")},
    }
    # A line has a halo, so that it is seen on every colour.
    drawn = [
        {**lines, "mark": {"type": "tick", "thickness": thick, "color": ink, "width": {"band": 1}}}
        for thick, ink in ((4, "var(--paper)"), (1.5, "var(--ink)"))
    ]
    return specification([bars, *(drawn if before else [])])


def ranked_bars(values: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """Names as bars from left to right, the first one at the top.

    Args:
        values: `name`, `value` and `text` (the value in words), in their order.
        kind: What the values are.
    """
    bars = {
        "data": {"values": list(values)},
        "mark": {"type": "bar", "color": "var(--accent)", "height": {"band": 0.62}},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "axis": {"title": None, "labelLimit": 150, "domain": False, "grid": False},
            },
            "x": value_axis(kind),
            "tooltip": tip("name", "text"),
        },
    }
    fitted = {"type": "fit-x", "contains": "padding"}
    return specification([bars], height={"step": 26}, autosize=fitted)


FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
"""The font of the style sheet: labels are measured before they are drawn."""
CONFIG: Final[dict[str, Any]] = {
    "aria": False,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "labelFontSize": 12,
        "labelPadding": 6,
        "gridColor": "var(--rule)",
        "gridWidth": 1,
        "domainColor": "var(--rule-strong)",
        "ticks": False,
    },
    "axisX": {"grid": False, "labelFlush": True, "labelOverlap": True},
    "axisY": {"domain": False},
    "bar": {"color": "var(--accent)"},
    "line": {"color": "var(--accent)"},
}
"""How all charts look."""
