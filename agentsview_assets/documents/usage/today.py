"""What today cost: the figure of `usage statusline`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.documents.common.window import Window
from agentsview_assets.documents.usage.daily import usage_daily

if TYPE_CHECKING:
    from datetime import datetime

    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.resources.warehouses.reader import Reader


def cost_today(  # noqa: PLR0913 - what can be asked for, all by name
    reader: Reader,
    *,
    zone: Zone,
    now: datetime,
    agents: str = "",
    offline: bool = False,
    archive_id: str | None = None,
) -> float:
    """Return the USD that the local date of now has cost so far.

    Args:
        reader: The warehouse.
        zone: Zone of the date.
        now: The present, with a zone.
        agents: Comma-separated agent names; empty for all.
        offline: Prefer the embedded prices to the archive's own.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is ambiguous or absent.
    """
    today = f"{now.astimezone(zone.tzinfo):%Y-%m-%d}"
    document = usage_daily(
        reader,
        window=Window(today, today),
        zone=zone,
        agents=agents,
        offline=offline,
        archive_id=archive_id,
    )
    return float(document["totals"]["totalCost"])
