"""The answer of `/api/v1/usage/pairwise-comparison`: two models or projects side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.lookups import load_prices, resolve_archives
from agentsview_assets.documents.sessions.filters import split_words
from agentsview_assets.documents.usage.buckets import read_usage
from agentsview_assets.documents.usage.parts import day_entries, session_entry, totals_entry
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader

_COMPARED = (
    ("totalCost", "totalCostDelta", "totalCostDeltaRatio"),
    ("inputTokens", "inputTokensDelta", "inputTokensDeltaRatio"),
    ("outputTokens", "outputTokensDelta", "outputTokensDeltaRatio"),
    ("cacheCreationTokens", "cacheCreationDelta", "cacheCreationDeltaRatio"),
    ("cacheReadTokens", "cacheReadDelta", "cacheReadDeltaRatio"),
    ("totalTokens", "totalTokensDelta", "totalTokensDeltaRatio"),
    ("sessionCount", "sessionCountDelta", "sessionCountDeltaRatio"),
    ("costPerSession", "costPerSessionDelta", "costPerSessionRatio"),
    ("tokensPerSession", "tokensPerSessionDelta", "tokensPerSessionRatio"),
)
"""A figure of a side, and the names of its difference and its ratio."""


def pairwise_comparison(  # noqa: PLR0913 - what it can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    filters: UsageFilters,
    left: tuple[str, str],
    right: tuple[str, str],
    now: datetime,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the answer, its keys in the contract's order.

    Args:
        reader: The warehouse.
        window: First and last local date, both included; None leaves an end open.
        zone: Zone in which rows are given their date.
        filters: What rows of both sides are chosen by.
        left: Dimension, `model` or `project`, and names of it, separated by commas.
        right: Likewise.
        now: The present, with a zone.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        UsageError: A dimension is another word.
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    narrowed = [
        narrowed_filters(filters, name, *side) for name, side in (("left", left), ("right", right))
    ]
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=False)
    sides = []
    for chosen in narrowed:
        if chosen is None:
            sides.append(_side(dict.fromkeys(_NEEDED, 0), 0))
            continue
        scope = UsageScope(archive, window, zone, chosen, int(now.timestamp()))
        usage = read_usage(reader, scope, prices, by_project=False)
        totals = totals_entry(day_entries(usage, breakdown=False), usage)
        sides.append(_side(totals, session_entry(usage)["total"]))
    return {"left": sides[0], "right": sides[1], "deltas": _deltas(*sides)}


def narrowed_filters(
    filters: UsageFilters, side: str, dimension: str, value: str
) -> UsageFilters | None:
    """Return filters with the names of a side among those that they ask for anyway.

    Args:
        filters: The filters of both sides.
        side: `left` or `right`, for the message.
        dimension: `model` or `project`.
        value: Names, separated by commas.

    Returns:
        The filters; None where nothing can pass them.

    Raises:
        UsageError: The dimension is another word.
    """
    if dimension not in ("model", "project"):
        message = f"{side}_dimension must be model or project"
        raise UsageError(message)
    asked = filters.model if dimension == "model" else filters.project
    if asked:
        # Only where there are two lists are spaces around their parts forgiven.
        value = ",".join(name for name in split_words(asked) if name in split_words(value))
        if not value:
            return None
    if dimension == "model":
        return replace(filters, model=value)
    return replace(filters, project=value)


_NEEDED = ("totalCost", "inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")


def _side(totals: dict[str, Any], sessions: int) -> dict[str, Any]:
    found = {name: totals[name] for name in _NEEDED}
    found["totalTokens"] = sum(totals[name] for name in _NEEDED[1:])
    found["sessionCount"] = sessions
    if sessions:
        found["costPerSession"] = found["totalCost"] / sessions
        found["tokensPerSession"] = found["totalTokens"] / sessions
    return found


def _deltas(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Return right minus left; null where a side lacks the figure, or the ratio its divisor."""
    found: dict[str, Any] = {}
    for figure, delta_key, ratio_key in _COMPARED:
        before, after = left.get(figure), right.get(figure)
        delta = None if before is None or after is None else after - before
        found[delta_key] = delta
        found[ratio_key] = delta / before if delta is not None and before else None
    return found
