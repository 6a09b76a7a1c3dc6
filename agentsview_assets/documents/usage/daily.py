"""The v1 `usage daily` document: tokens and cost of every local day, from a warehouse.

What belongs here: what the document is made of. What does not: its parts (`parts`), and how it is
printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.lookups import (
    load_prices,
    project_map,
    resolve_archives,
)
from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.documents.usage.buckets import read_usage
from agentsview_assets.documents.usage.filters import UsageFilters
from agentsview_assets.documents.usage.parts import (
    SCHEMA_VERSION,
    day_entries,
    session_entry,
    totals_entry,
)
from agentsview_assets.documents.usage.query import UsageScope

if TYPE_CHECKING:
    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.resources.warehouses.reader import Reader


def usage_daily(  # noqa: PLR0913 - what a report can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    agents: str = "",
    breakdown: bool = False,
    offline: bool = False,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the document, its keys in the contract's order.

    Args:
        reader: The warehouse.
        window: First and last local date, both included; None leaves an end open.
        zone: Zone in which rows are given their date.
        agents: Comma-separated agent names; empty for all.
        breakdown: Fill the break-downs by project and agent.
        offline: Prefer the embedded prices to the archive's own.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=offline)
    filters = UsageFilters(agent=agents, include_automated=True)
    usage = read_usage(
        reader, UsageScope(archive, window, zone, filters), prices, by_project=breakdown
    )
    daily = day_entries(usage, breakdown=breakdown)
    return {
        "schema_version": SCHEMA_VERSION,
        "pricing": pricing_block(prices, usage.model_costs),
        "projects": project_map(reader, archive, usage.projects),
        "daily": daily,
        "totals": totals_entry(daily, usage),
        "sessionCounts": session_entry(usage),
    }
