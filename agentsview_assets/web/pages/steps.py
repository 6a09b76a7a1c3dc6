"""What a session used, row by row: a chart, and the table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.money import added_up
from agentsview_assets.web.pages.address import path_part
from agentsview_assets.web.pages.charts import (
    MOST_SERIES,
    OTHERS,
    Chart,
    Series,
    colour,
    specification,
    tip,
    value_axis,
)
from agentsview_assets.web.pages.formats import Kind, name, shown
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Table

_MOST_BARS: Final = 240
"""More rows than that are drawn some at a time."""
_COUNTERS: Final = (
    ("input_tokens", "Input"),
    ("output_tokens", "Output"),
    ("cache_creation_input_tokens", "Cache writes"),
    ("cache_read_input_tokens", "Cache reads"),
)


def steps_chart(ask: Ask, entries: Sequence[dict[str, Any]], rows_href: str) -> Chart:
    """What each row cost, in their order; tokens where nothing has a cost.

    Args:
        ask: The request.
        entries: The `breakdown` of the session's usage document.
        rows_href: Where the session's rows are.
    """
    has_cost = any(entry["cost_usd"] for entry in entries)
    kind: Kind = "usd" if has_cost else "tokens"
    models = _models(entries, has_cost=has_cost)
    names = models[:MOST_SERIES]
    size = -(-len(entries) // _MOST_BARS)
    bars = _bars(entries, names, size, has_cost=has_cost)
    note = f"Each bar is {size} rows, one after the other; the table has every row."
    return Chart(
        name="steps",
        title="Cost of each step" if has_cost else "Tokens of each step",
        spec=_spec(bars, kind, len(names), has_others=len(models) > len(names)),
        table=_table(ask, entries, rows_href),
        legend=[
            *(Series(name(model), number) for number, model in enumerate(names)),
            *([Series("All others", OTHERS)] if len(models) > len(names) else []),
        ],
        note=note if size > 1 else "",
    )


def _value(entry: dict[str, Any], *, has_cost: bool) -> Any:
    return entry["cost_usd"] if has_cost else _tokens(entry)


def _tokens(entry: dict[str, Any]) -> int:
    return sum(int(entry[key]) for key, _ in _COUNTERS)


def _models(entries: Sequence[dict[str, Any]], *, has_cost: bool) -> list[str]:
    """The models, the one with the most first."""
    sums: dict[str, float] = {}
    for entry in entries:
        sums[entry["model"]] = sums.get(entry["model"], 0) + _value(entry, has_cost=has_cost)
    return sorted(sums, key=lambda model: (-sums[model], utf8_bytes(model)))


def _bars(
    entries: Sequence[dict[str, Any]], names: Sequence[str], size: int, *, has_cost: bool
) -> list[dict[str, Any]]:
    kind: Kind = "usd" if has_cost else "tokens"
    bars = []
    for begin in range(0, len(entries), size):
        group = entries[begin : begin + size]
        for order in [*range(len(names)), OTHERS]:
            held = [entry for entry in group if _order(entry["model"], names) == order]
            values = [_value(entry, has_cost=has_cost) for entry in held]
            value = added_up(values) if has_cost else sum(values)
            if not value:
                continue
            bars.append(
                {
                    "step": begin // size + 1,
                    "at": _label(group),
                    "name": "All others" if order == OTHERS else name(names[order]),
                    "order": order,
                    "value": value,
                    "text": shown(value, kind),
                }
            )
    return bars


def _label(group: Sequence[dict[str, Any]]) -> str:
    first, last = group[0]["label"], group[-1]["label"]
    return name(first) if len(group) == 1 else f"{name(first)} – {name(last)}"


def _order(model: str, names: Sequence[str]) -> int:
    return names.index(model) if model in names else OTHERS


def _spec(
    bars: Sequence[dict[str, Any]], kind: Kind, count: int, *, has_others: bool
) -> dict[str, Any]:
    orders = [*range(count), *([OTHERS] if has_others else [])]
    last = max((bar["step"] for bar in bars), default=1)
    layer = {
        "data": {"values": list(bars)},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "step",
                "type": "ordinal",
                "scale": {"domain": list(range(1, last + 1)), "paddingInner": 0.15},
                "axis": {"title": None, "labels": False, "domain": True},
            },
            "y": {**value_axis(kind), "stack": "zero"},
            "color": {
                "field": "order",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": orders, "range": [colour(number) for number in orders]},
            },
            "tooltip": tip("at", "name", "text"),
        },
    }
    return specification([layer])


def _table(ask: Ask, entries: Sequence[dict[str, Any]], rows_href: str) -> Table:
    costs = [entry["cost_usd"] for entry in entries if entry["has_cost"]]
    return Table(
        name="steps_table",
        caption="What each step used",
        columns=[
            Column("label", "Step", "name"),
            Column("time", "Time", "name", about="As the archive has it"),
            Column(
                "model",
                "Model",
                "name",
                link=lambda row: ask.address.there(f"/models/{path_part(row[2])}"),
            ),
            Column("source", "Source", "name"),
            *(Column(key, title, "tokens", total_href=rows_href) for key, title in _COUNTERS),
            Column("cost", "Cost", "usd", total_href=rows_href, unit="USD"),
        ],
        rows=[
            [
                entry["label"],
                entry["timestamp"] or None,
                entry["model"],
                entry["source"],
                *(entry[key] for key, _ in _COUNTERS),
                entry["cost_usd"] if entry["has_cost"] else None,
            ]
            for entry in entries
        ],
        total=[
            "All",
            None,
            None,
            None,
            *(sum(entry[key] for entry in entries) for key, _ in _COUNTERS),
            added_up(costs) if costs else None,
        ],
        asset="usage_rows",
    )
