"""Observations: what the archives hold, as facts.

What belongs here: the assets that read the archive. What does not: prices and reports.
"""

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import (
    ARCHIVE_KEY,
    IO_MANAGER_KEY,
    days_of,
    table_asset,
    window,
)
from agentsview_assets.assets.looking import source_of, store_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.warehouses.outputs import Frames

DAILY = ("sessions", "usage_rows", "activity_intervals")
WHOLE = ("project_observations", "machines", "model_pricing")
_KEYS = (ARCHIVE_KEY, IO_MANAGER_KEY)


def observation_assets(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The day-partitioned and the whole observations."""
    return [
        make(names, name, partitions)
        for make, tables in ((_daily, DAILY), (_whole, WHOLE))
        for name in tables
    ]


def _daily(
    names: Names, name: str, partitions: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @table_asset(names, name, partitions, deps=[ARCHIVE], resources=_KEYS)
    def observation(context: dg.AssetExecutionContext) -> Frames:
        days = window(partitions)
        source, archives = source_of(context, days)
        return source.frames(name, archives, days_of(context), days, store_of(context))

    return observation


def _whole(
    names: Names, name: str, partitions: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @table_asset(names, name, deps=[ARCHIVE], resources=_KEYS)
    def observation(context: dg.AssetExecutionContext) -> Frames:
        days = window(partitions)
        source, archives = source_of(context, days)
        return source.frame(name, archives, days, store_of(context))

    return observation
