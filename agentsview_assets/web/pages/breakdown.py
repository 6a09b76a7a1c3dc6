"""Tables of what each name of a dimension came to in a window."""

from __future__ import annotations

from typing import Any

from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.charts import Chart, ranked_bars
from agentsview_assets.web.pages.daily import COUNTER_TITLES
from agentsview_assets.web.pages.figures import COUNTERS, PARTS, tokens_of
from agentsview_assets.web.pages.formats import name, usd
from agentsview_assets.web.pages.narrowing import narrowed_to
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.scope import NAMED
from agentsview_assets.web.pages.table import Column, Link, Table

_MOST_BARS = 15
_PAGES = {"project": "/projects/", "model": "/models/"}
_COUNTED = {"project": "byProject", "agent": "byAgent"}


def breakdown_table(ask: Ask, document: dict[str, Any], by: str, **more: str) -> Table:
    """What each name came to, the most expensive first.

    Args:
        ask: The request.
        document: The usage summary.
        by: The dimension.
        more: Dimension -> the only name that the page is about, for links to rows.
    """
    totals = document["totals"]
    sessions = document["sessionCounts"].get(_COUNTED.get(by, ""))
    rows_of, all_rows = _rows_link(ask, by, more), ask.address.there("/rows", **narrowed_to(more))
    columns = [
        Column(by, NAMED[by], "name", link=_page_link(ask, by)),
        Column("cost", "Cost", "usd", rows_of, all_rows, "USD"),
        Column("share", "Share", "share"),
        Column("tokens", "Tokens", "tokens", rows_of, all_rows),
        *(
            Column(column, title, "tokens", rows_of, all_rows)
            for column, title in COUNTER_TITLES.values()
        ),
        *(
            [Column("sessions", "Sessions", "whole", rows_of, all_rows)]
            if sessions is not None
            else []
        ),
    ]
    return Table(
        name=f"by_{by}",
        caption=f"By {by}",
        columns=columns,
        rows=[_row(entry, by, totals["totalCost"], sessions) for entry in document[PARTS[by][2]]],
        total=[
            "All",
            totals["totalCost"],
            None,
            tokens_of(totals),
            *(totals[counter] for counter in COUNTERS),
            *([document["sessionCounts"]["total"]] if sessions is not None else []),
        ],
        asset="usage_rows",
    )


def costs_chart(document: dict[str, Any], by: str, table: Table) -> Chart:
    """The names of a dimension that cost most, above the table that has all.

    Args:
        document: The usage summary.
        by: The dimension.
        table: What each of its names came to.
    """
    found = [entry for entry in document[PARTS[by][2]] if entry["cost"] > 0][:_MOST_BARS]
    values = [
        {"name": name(entry[by]), "value": entry["cost"], "text": usd(entry["cost"])}
        for entry in found
    ]
    return Chart(
        f"{by}s",
        f"Cost by {by}",
        ranked_bars(values, "usd"),
        table,
        note=f"The {len(found)} that cost most; the table has all."
        if len(table.rows) > len(found)
        else "",
        is_open=True,
    )


def _row(entry: dict[str, Any], by: str, cost: float, sessions: dict[str, int] | None) -> list[Any]:
    return [
        entry[by],
        entry["cost"],
        entry["cost"] / cost if cost else None,
        tokens_of(entry),
        *(entry[counter] for counter in COUNTERS),
        *([sessions.get(entry[by], 0)] if sessions is not None else []),
    ]


def _page_link(ask: Ask, by: str) -> Link:
    if by in _PAGES:
        return lambda row: ask.address.there(f"{_PAGES[by]}{path_part(row[0])}")
    return lambda row: ask.address.here(**{by: word(row[0])})


def _rows_link(ask: Ask, by: str, more: dict[str, str]) -> Link:
    narrowed = narrowed_to({dimension: only for dimension, only in more.items() if dimension != by})
    return ask.address.leading("/rows", f"in_{by}", **narrowed)
