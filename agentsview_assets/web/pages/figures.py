"""The numbers of pages about usage: the document that the API answers with, and what it lacks.

What belongs here: asking for them, once for a state of the warehouse. What does not: showing them.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from agentsview_assets.documents.common.gaps import ALL, late_slices
from agentsview_assets.documents.common.window import Window
from agentsview_assets.documents.usage.buckets import (
    IS_REPORTED,
    Amounts,
    Usage,
    by_cost,
    entries,
    priced,
    read_usage,
    sums,
)
from agentsview_assets.documents.usage.parts import day_entries, totals_entry
from agentsview_assets.documents.usage.query import CountedRows, UsageScope
from agentsview_assets.documents.usage.rolled import rolled_parts, rolled_usage
from agentsview_assets.documents.usage.summary import summary_of
from agentsview_assets.rules.pricing import PricingTable
from agentsview_assets.schemas.reports import DAILY_USAGE
from agentsview_assets.web.pages.page import Ask

COUNTERS: Final = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
PARTS: Final = {
    "project": ("projectBreakdowns", "project", "projectTotals"),
    "model": ("modelBreakdowns", "modelName", "modelTotals"),
    "agent": ("agentBreakdowns", "agent", "agentTotals"),
    "machine": ("machineBreakdowns", "machine", "machineTotals"),
}
"""For each dimension: where a day has its parts, what names them, and where the totals are."""


def scoped(ask: Ask, window: Window | None = None, **more: str) -> UsageScope:
    """What usage a page is about.

    Args:
        ask: The request.
        window: Another window than its own.
        more: Dimension -> the only name of it.
    """
    return UsageScope(
        ask.archive,
        window or ask.scope.window,
        ask.scope.zone,
        ask.scope.filters(**more),
        int(ask.now.timestamp()),
    )


def usage_of(ask: Ask, window: Window | None = None, **more: str) -> dict[str, Any]:
    """The usage summary of a page, and `unpriced`: tokens without any price, by model.

    Args:
        ask: The request.
        window: Another window than its own.
        more: Dimension -> the only name of it.
    """
    found: dict[str, Any] = ask.kept(
        usage_key(ask, "usage", window, more), lambda: _read(ask, window, more)
    )
    return found


def usage_key(
    ask: Ask, name: str, window: Window | None, more: dict[str, str]
) -> tuple[object, ...]:
    """What tells a question about usage from all others, for `Ask.kept`.

    Args:
        ask: The request.
        name: Which question it is.
        window: Another window than that of the page.
        more: Dimension -> the only name of it.
    """
    scope = ask.scope
    return (
        *(name, window or scope.window, scope.zone.name, tuple(scope.names.items())),
        *(scope.automation, scope.archive_id, tuple(sorted(more.items()))),
    )


def usage_beside(ask: Ask, **more: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The usage summary of a page, and totals, days and sessions of the same span before.

    Args:
        ask: The request.
        more: Dimension -> the only name of it.

    Returns:
        Both; None for the latter where the window has no ends.
    """
    prior = ask.scope.prior()
    if prior is None:
        return usage_of(ask, None, **more), None
    document, before = ask.kept(
        usage_key(ask, "beside", None, more), lambda: _beside(ask, prior, more)
    )
    return document, before


def tokens_of(entry: dict[str, Any]) -> int:
    """The tokens of all four counters of a part of a document."""
    return sum(int(entry[name]) for name in COUNTERS)


def with_machines(ask: Ask, document: dict[str, Any], **more: str) -> dict[str, Any]:
    """The same document with its days, and its totals, broken down by machine as well."""
    parts: dict[str, list[dict[str, Any]]] = ask.kept(
        usage_key(ask, "machines", None, more), lambda: _machines(ask, more)
    )
    daily = [{**day, "machineBreakdowns": parts.get(day["date"], [])} for day in document["daily"]]
    items = (item for day in daily for item in day["machineBreakdowns"])
    totals = entries("machine", by_cost(items, itemgetter("machine"), _amounts))
    return {**document, "daily": daily, "machineTotals": totals}


def _read(ask: Ask, window: Window | None, more: dict[str, str]) -> dict[str, Any]:
    scope = scoped(ask, window, **more)
    usage = rolled_usage(ask.reader, scope, ask.prices, late_days(ask))
    return _document(ask, scope, usage or _by_rows(ask, scope))


def _beside(ask: Ask, prior: Window, more: dict[str, str]) -> list[dict[str, Any]]:
    scope, was = scoped(ask, None, **more), scoped(ask, prior, **more)
    window = Window(prior.from_date, scope.window.to_date)
    both = rolled_parts(
        *(ask.reader, scope._replace(window=window), ask.prices, late_days(ask)),
        split=scope.window.from_date or "",
    )
    before, usage = both or (_by_rows(ask, was), _by_rows(ask, scope))
    daily = day_entries(before, breakdown=False)
    return [
        _document(ask, scope, usage),
        {
            "daily": daily,
            "totals": totals_entry(daily, before),
            "sessionCounts": {"total": sum(before.sessions.values())},
        },
    ]


def _by_rows(ask: Ask, scope: UsageScope) -> Usage:
    return read_usage(ask.reader, scope, ask.prices, by_project=True)


def _document(ask: Ask, scope: UsageScope, usage: Usage) -> dict[str, Any]:
    document = summary_of(ask.reader, scope, ask.prices, usage, breakdowns=True)
    return {**document, "unpriced": _unpriced(usage, ask.prices)}


def late_days(ask: Ask) -> list[tuple[str, str]]:
    """The archives and days of which something shown here is out of date."""
    found = ask.kept(("late",), lambda: sorted(map(list, _late(ask))))
    return [(archive, day) for archive, day in found]


def _late(ask: Ask) -> frozenset[tuple[str, str]]:
    reads = ALL._replace(
        daily=(*ALL.daily, DAILY_USAGE.name), priced=(*ALL.priced, DAILY_USAGE.name)
    )
    late = late_slices(ask.reader, reads)
    return late.missing | late.outdated


def _unpriced(usage: Usage, prices: PricingTable) -> dict[str, int]:
    found: dict[str, int] = {}
    for bucket in usage.buckets:
        if not bucket.reported and prices.price(bucket.model) is None and bucket.amounts.tokens:
            found[bucket.model] = found.get(bucket.model, 0) + bucket.amounts.tokens
    return found


def _machines(ask: Ask, more: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Parts of each day by machine, the most expensive first."""
    scope = scoped(ask, None, **more)
    rows = CountedRows(ask.reader, scope)
    days: dict[str, list[tuple[str, Amounts]]] = {}
    for midnight, odd_time, machine, model, reported, *values in ask.reader.rows(
        f"""
        SELECT local_seconds - local_seconds % 86400 AS midnight, odd_time, machine, model,
               {IS_REPORTED} AS reported, {sums(ask.reader)}
        FROM ({rows.sql.text}) AS counted
        GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3, 4, 5
        """,
        rows.sql.params,
    ):
        amounts = priced(ask.prices, model, reported, values).amounts
        days.setdefault(rows.local_date(midnight, odd_time), []).append((machine, amounts))
    return {
        date: entries("machine", by_cost(items, itemgetter(0), itemgetter(1)))
        for date, items in days.items()
    }


def _amounts(entry: dict[str, Any]) -> Amounts:
    uncached, output, created, read = (entry[name] for name in COUNTERS)
    return Amounts(uncached, output, created, read, entry["cost"])
