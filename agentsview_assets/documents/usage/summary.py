"""The answer of `/api/v1/usage/summary`: `usage daily` with filters, and its totals by name."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.lookups import (
    load_prices,
    project_map,
    resolve_archives,
)
from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.documents.usage.buckets import Amounts, by_cost, entries, read_usage
from agentsview_assets.documents.usage.parts import (
    SCHEMA_VERSION,
    day_entries,
    session_entry,
    totals_entry,
)
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.documents.usage.tokenless import missing_tokens, were_at_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.documents.usage.buckets import Usage
    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable

NO_SESSION_COUNTS: dict[str, Any] = {"total": 0, "byProject": None, "byAgent": None}
"""What stands for `sessionCounts` where they are not asked for."""


def usage_summary(  # noqa: PLR0913 - what it can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    filters: UsageFilters,
    breakdowns: bool = True,
    session_counts: bool = True,
    now: datetime,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the answer, its keys in the contract's order.

    Args:
        reader: The warehouse.
        window: First and last local date, both included; None leaves an end open.
        zone: Zone in which rows are given their date.
        filters: What rows are chosen by.
        breakdowns: Fill the break-downs by project and agent, and the three lists of totals.
        session_counts: Count sessions.
        now: The present, with a zone.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=False)
    scope = UsageScope(archive, window, zone, filters, int(now.timestamp()))
    usage = read_usage(reader, scope, prices, by_project=breakdowns)
    answer = summary_of(reader, scope, prices, usage, breakdowns=breakdowns)
    if not session_counts:
        answer["sessionCounts"] = dict(NO_SESSION_COUNTS)
    return answer


def summary_of(
    reader: Reader,
    scope: UsageScope,
    prices: PricingTable,
    usage: Usage,
    *,
    breakdowns: bool,
) -> dict[str, Any]:
    """Return the answer about usage that was read already, sessions counted.

    Args:
        reader: The warehouse.
        scope: What the usage is of.
        prices: What it was priced with.
        usage: The usage, by project where that is to be broken down.
        breakdowns: Fill the break-downs by project and agent, and the three lists of totals.
    """
    window = scope.window
    daily = day_entries(usage, breakdown=breakdowns)
    totals = totals_entry(daily, usage)
    shown = daily if breakdowns else []
    answer = {
        "schema_version": SCHEMA_VERSION,
        "pricing": pricing_block(prices, usage.model_costs),
        "projects": project_map(reader, scope.archive_id, usage.projects),
        "from": window.from_date or "",
        "to": window.to_date or "",
        "totals": totals,
        "daily": daily,
        "projectTotals": _summed(shown, "projectBreakdowns", "project", "project"),
        "modelTotals": _summed(shown, "modelBreakdowns", "modelName", "model"),
        "agentTotals": _summed(shown, "agentBreakdowns", "agent", "agent"),
        "sessionCounts": session_entry(usage),
        "cacheStats": _cache_stats(totals),
    }
    lacking = missing_tokens(scope.filters.agents, totals)
    if lacking and were_at_work(reader, scope):
        answer["unsupportedUsage"] = {"kind": lacking}
    return answer


def _summed(
    daily: Iterable[Mapping[str, Any]], parts: str, name_key: str, shown_key: str
) -> list[dict[str, Any]]:
    """Add up one of the break-downs of days, day after day."""
    items = (item for day in daily for item in day[parts])
    return entries(shown_key, by_cost(items, itemgetter(name_key), _amounts))


def _amounts(entry: Mapping[str, Any]) -> Amounts:
    return Amounts(
        entry["inputTokens"],
        entry["outputTokens"],
        entry["cacheCreationTokens"],
        entry["cacheReadTokens"],
        entry["cost"],
    )


def _cache_stats(totals: Mapping[str, Any]) -> dict[str, Any]:
    read, uncached = totals["cacheReadTokens"], totals["inputTokens"]
    return {
        "cacheReadTokens": read,
        "cacheCreationTokens": totals["cacheCreationTokens"],
        "uncachedInputTokens": uncached,
        "outputTokens": totals["outputTokens"],
        "hitRate": read / (read + uncached) if read + uncached > 0 else 0.0,
        "savingsVsUncached": totals["cacheSavings"],
    }
