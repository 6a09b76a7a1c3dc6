"""The answer of `/api/v1/usage/comparison`: a cost beside that of as many days before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.lookups import load_prices, resolve_archives
from agentsview_assets.documents.common.window import Window, date_days
from agentsview_assets.documents.usage.buckets import read_usage
from agentsview_assets.documents.usage.parts import day_entries, totals_entry
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import format_date

if TYPE_CHECKING:
    from datetime import datetime

    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader


def usage_comparison(  # noqa: PLR0913 - what it can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    filters: UsageFilters,
    current_cost: float,
    now: datetime,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the answer, its keys in the contract's order.

    Args:
        reader: The warehouse.
        window: First and last local date of the current days, both included.
        zone: Zone in which rows are given their date.
        filters: What rows are chosen by.
        current_cost: What the current days cost, in USD. With one that is no finite number,
            `deltaPct` is none either, which JSON cannot hold.
        now: The present, with a zone.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        UsageError: An end of the window is open.
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    before = prior_window(window)
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=False)
    scope = UsageScope(archive, before, zone, filters, int(now.timestamp()))
    usage = read_usage(reader, scope, prices, by_project=False)
    prior = totals_entry(day_entries(usage, breakdown=False), usage)["totalCost"]
    return {
        "priorFrom": before.from_date,
        "priorTo": before.to_date,
        "priorTotalCost": prior,
        "deltaPct": (current_cost - prior) / prior if prior > 0 else 0.0,
    }


def prior_window(window: Window) -> Window:
    """Return the window of as many days that ends on the day before.

    Raises:
        UsageError: An end of the window is open.
    """
    if window.from_date is None or window.to_date is None:
        message = "usage comparison requires from and to when no_default_range is true"
        raise UsageError(message)
    first, last = date_days(window.from_date), date_days(window.to_date)
    return Window(format_date(2 * first - last - 1), format_date(first - 1))
