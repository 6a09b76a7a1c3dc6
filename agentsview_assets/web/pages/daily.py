"""Charts of cost and tokens by day, stacked by a dimension, with the tables that say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.money import added_up
from agentsview_assets.web.pages.address import word
from agentsview_assets.web.pages.charts import (
    MOST_SERIES,
    OTHERS,
    Chart,
    Series,
    all_days,
    is_day,
    stacked_days,
)
from agentsview_assets.web.pages.figures import COUNTERS, PARTS, tokens_of
from agentsview_assets.web.pages.formats import Kind, shown
from agentsview_assets.web.pages.formats import day as day_words
from agentsview_assets.web.pages.formats import days as days_words
from agentsview_assets.web.pages.formats import name as name_words
from agentsview_assets.web.pages.narrowing import narrowed_to
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Row, Table

COUNTER_TITLES = {
    "inputTokens": ("input_tokens", "Input"),
    "outputTokens": ("output_tokens", "Output"),
    "cacheCreationTokens": ("cache_creation_tokens", "Cache writes"),
    "cacheReadTokens": ("cache_read_tokens", "Cache reads"),
}
Document = dict[str, Any]
Value = Callable[[Document], Any]
"""Tells the value of a day, or of a part of one."""


def dimension_of(ask: Ask, default: str = "project") -> str:
    """By what days are stacked, as the address says.

    Raises:
        UsageError: It says something else.
    """
    by = ask.address.value("by", default)
    if by not in PARTS:
        raise UsageError(f"by: expected one of {', '.join(PARTS)}")
    return by


def day_charts(
    ask: Ask, document: Document, before: Document | None, by: str, **more: str
) -> list[Chart]:
    """Cost and tokens by day.

    Args:
        ask: The request.
        document: The usage summary.
        before: The one of the same span before.
        by: The dimension.
        more: Dimension -> the only name that the page is about, for links to rows.
    """
    made = _Days(ask, document, before, by, more)
    return [
        made.chart("cost", "Cost by day", "usd", _cost_of_day, _cost),
        made.chart("tokens", "Tokens by day", "tokens", tokens_of, tokens_of),
    ]


class _Days:
    """What both charts are made of."""

    def __init__(
        self, ask: Ask, document: Document, before: Document | None, by: str, more: dict[str, str]
    ) -> None:
        self._ask, self._by, self._more = ask, by, more
        self._parts, self._name, totals = PARTS[by]
        ranked = sorted(
            document[totals],
            key=lambda entry: (-entry["cost"], -tokens_of(entry), utf8_bytes(entry[by])),
        )
        self._names = [entry[by] for entry in ranked[:MOST_SERIES]]
        self._has_others = len(ranked) > MOST_SERIES
        self._days = {day["date"]: day for day in document["daily"]}
        self._before = _moved(ask, before)

    def chart(self, name: str, title: str, kind: Kind, of_day: Value, of_part: Value) -> Chart:
        """One of the charts; the functions tell its value of a day, and of a part of one."""
        days = sorted({*self._days, *self._before}, key=utf8_bytes)
        rows = [self._row(day, of_day, of_part) for day in days]
        table = Table(
            name=f"{name}_by_day",
            caption=f"{title} and {self._by}",
            columns=self._columns(name, kind),
            rows=rows,
            total=self._total(rows),
            asset="usage_rows",
        )
        return Chart(
            name=name,
            title=title,
            spec=stacked_days(
                _drawn(rows, self._series(), kind),
                kind,
                all_days(days, *self._ask.scope.window),
                _drawn_before(self._before, of_day, kind),
            ),
            table=table,
            legend=self._series(),
            note=self._note(),
        )

    def _row(self, day: str, of_day: Value, of_part: Value) -> list[Any]:
        found = self._days.get(day)
        was, was_on = self._before.get(day, (None, None))
        before = [was_on, of_day(was) if was else None] if self._before else []
        if found is None:
            width = 1 + len(self._names) + self._has_others + self._counters(of_day)
            return [day, *([None] * width), *before]
        parts = {part[self._name]: of_part(part) for part in found[self._parts]}
        shown_parts = [parts.get(name) for name in self._names]
        rest = [value for name, value in parts.items() if name not in self._names]
        others = [_sum(rest)] if self._has_others else []
        counters = [found[c] for c in COUNTERS] if self._counters(of_day) else []
        return [day, of_day(found), *shown_parts, *others, *counters, *before]

    def _counters(self, of_day: Value) -> int:
        return len(COUNTERS) if of_day is tokens_of else 0

    def _columns(self, name: str, kind: Kind) -> list[Column]:
        series = [
            Column(
                f"series_{number + 1}",
                name_words(label),
                kind,
                link=self._rows_link(label),
                total_href=self._all_rows(label),
                swatch=number,
                key=f"{self._by}: {label}",
            )
            for number, label in enumerate(self._names)
        ]
        of_day, all_days_href = self._rows_link(), self._all_rows()
        others = Column(
            "others",
            "All others",
            kind,
            self._rows_link(others=True),
            self._all_rows(others=True),
            swatch=OTHERS,
        )
        counters = [
            Column(column, title, kind, of_day, all_days_href)
            for column, title in (COUNTER_TITLES.values() if name == "tokens" else ())
        ]
        unit = "USD" if kind == "usd" else ""
        before = [
            Column("day_before", "Day before", "day"),
            Column(f"{name}_before", "Then", kind, self._rows_then, unit=unit),
        ]
        return [
            Column("day", "Day", "day", of_day),
            Column(name, "Total", kind, of_day, all_days_href, unit),
            *series,
            *([others] if self._has_others else []),
            *counters,
            *(before if self._before else []),
        ]

    def _rows_link(self, label: str | None = None, *, others: bool = False) -> Callable[[Row], str]:
        narrowed = self._narrowed(label, others=others)
        return self._ask.address.leading("/rows", "in_day", **narrowed)

    def _all_rows(self, label: str | None = None, *, others: bool = False) -> str:
        return self._ask.address.there("/rows", **self._narrowed(label, others=others))

    def _rows_then(self, row: Row) -> str:
        """The rows of the day before that stands in a row, among those of the span before."""
        prior = self._ask.scope.prior()
        days = {"span": None, "from_": prior and prior.from_date, "to": prior and prior.to_date}
        narrowed = {**self._narrowed(), "in_day": row[-2]}
        return self._ask.address.there("/rows", **narrowed, **days)

    def _narrowed(self, label: str | None = None, *, others: bool = False) -> dict[str, object]:
        """What narrows rows: the name of the page, and one of the bars or none that has one."""
        narrowed = narrowed_to(self._more)
        if others:
            narrowed[f"but_{self._by}"] = [word(name) for name in self._names]
        if label is not None:
            narrowed[f"in_{self._by}"] = word(label)
        return narrowed

    def _total(self, rows: Sequence[list[Any]]) -> list[Any] | None:
        if not rows:
            return None
        width = len(rows[0]) - (2 if self._before else 0)
        sums = [_sum([row[place] for row in rows]) for place in range(1, width)]
        before = [None, _sum([row[-1] for row in rows])] if self._before else []
        return ["All days", *sums, *before]

    def _note(self) -> str:
        prior = self._ask.scope.prior()
        if not (self._before and prior):
            return ""
        span = days_words(prior.from_date or "", prior.to_date or "")
        return f"Lines across the bars: the same span before, {span}."

    def _series(self) -> list[Series]:
        """The legend, from the ground of the bars up; the table has them in this order."""
        link = self._ask.address.here
        names = [
            Series(name_words(label), number, link(**{self._by: word(label)}))
            for number, label in enumerate(self._names)
        ]
        return [*names, *([Series("All others", OTHERS)] if self._has_others else [])]


def _drawn(rows: Sequence[Row], series: Sequence[Series], kind: Kind) -> list[dict[str, Any]]:
    """What is drawn of the rows of a table: a part of a bar for each value that is not zero."""
    return [
        {
            "day": row[0],
            "date": day_words(row[0]),
            "name": one.name,
            "order": one.colour,
            "place": place,
            "value": row[2 + place],
            "text": shown(row[2 + place], kind),
        }
        for row in rows
        for place, one in enumerate(series)
        if row[2 + place]
    ]


def _drawn_before(
    before: dict[str, tuple[Document, str]], of_day: Value, kind: Kind
) -> list[dict[str, Any]]:
    """What is drawn of the span before: a line across the bar in whose place a day stands."""
    return [
        {
            "day": day,
            "date": day_words(was_on),
            "name": "All, one span before",
            "value": of_day(was),
            "text": shown(of_day(was), kind),
        }
        for day, (was, was_on) in before.items()
    ]


def _moved(ask: Ask, before: Document | None) -> dict[str, tuple[Document, str]]:
    """The days of the span before, by the day of this span that stands in the same place."""
    first, prior = ask.scope.window.from_date, ask.scope.prior()
    if not (before and first and prior and prior.from_date):
        return {}
    distance = timedelta((date.fromisoformat(first) - date.fromisoformat(prior.from_date)).days)
    return {
        (date.fromisoformat(day["date"]) + distance).isoformat(): (day, day["date"])
        for day in before["daily"]
        if is_day(day["date"])
    }


def _sum(values: Sequence[Any]) -> Any:
    held = [value for value in values if value is not None]
    if not held:
        return None
    return added_up(held) if any(isinstance(value, float) for value in held) else sum(held)


def _cost_of_day(day: Document) -> Any:
    return float(day["totalCost"])


def _cost(part: Document) -> Any:
    return float(part["cost"])
