"""The first page: what the days of a window cost, beside the same span before."""

from __future__ import annotations

from typing import Any

from agentsview_assets.web.pages.breakdown import breakdown_table
from agentsview_assets.web.pages.daily import day_charts, dimension_of
from agentsview_assets.web.pages.emptiness import emptiness
from agentsview_assets.web.pages.figures import tokens_of, usage_beside, with_machines
from agentsview_assets.web.pages.formats import change, percent, short, usd
from agentsview_assets.web.pages.narrowing import narrowed_to
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page


def overview(ask: Ask) -> Content:
    """Fills the page."""
    document, before = usage_beside(ask)
    by = dimension_of(ask)
    if by == "machine":
        document = with_machines(ask, document)
    return Content(
        title="Overview",
        lead=ask.scope.words,
        figures=head_figures(ask, document, before),
        charts=day_charts(ask, document, before, by),
        tables=[breakdown_table(ask, document, by)],
        values={"empty": emptiness(ask, document), "by": by, "without": ""},
        template="overview.html",
    )


def head_figures(
    ask: Ask, document: dict[str, Any], before: dict[str, Any] | None, **more: str
) -> list[Figure]:
    """Cost, tokens, sessions and cache of a window, beside those of the one before.

    Args:
        ask: The request.
        document: The usage summary.
        before: The one of the same span before.
        more: Dimension -> the only name that the page is about, for links to rows.
    """
    totals, rows = document["totals"], ask.address.there("/rows", **narrowed_to(more))
    tokens, sessions = tokens_of(totals), document["sessionCounts"]["total"]
    cache = document["cacheStats"]
    was = before["totals"] if before and before["daily"] else None
    return [
        Figure(
            "Cost",
            usd(totals["totalCost"]),
            repr(totals["totalCost"]),
            rows,
            _beside(totals["totalCost"], was and was["totalCost"], usd) + _unpriced(document),
        ),
        Figure(
            "Tokens",
            short(tokens),
            f"{tokens}",
            rows,
            _beside(tokens, was and tokens_of(was), short),
        ),
        Figure(
            "Sessions",
            f"{sessions:,}",
            f"{sessions}",
            rows,
            _beside(sessions, was and before and before["sessionCounts"]["total"], "{:,}".format),
        ),
        Figure(
            "From cache",
            percent(cache["hitRate"]),
            repr(cache["hitRate"]),
            rows,
            f"of the input; saved {usd(cache['savingsVsUncached'])}",
        ),
    ]


def _unpriced(document: dict[str, Any]) -> str:
    lacking = sum(document["unpriced"].values())
    return f"; {short(lacking)} tokens have no price" if lacking else ""


def _beside(now: Any, before: Any, text: Any) -> str:
    if before is None:
        return "nothing on record before"
    moved = change(float(now), float(before))
    return f"{text(before)} before{f', {moved}' if moved else ''}"


PAGE = Page("/", overview, nav="Overview")
