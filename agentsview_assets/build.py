"""Putting the graph together from settings: assets, resources and how they run.

What belongs here: the functions that build. What does not: anything that happens on import.
"""

from __future__ import annotations

import warnings

import dagster as dg

# Single-run backfills are what ranges of days need; the warning about their status is known.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

from agentsview_assets.assets import all_assets  # noqa: E402 - after the filter
from agentsview_assets.assets.common import ARCHIVE_KEY, IO_MANAGER_KEY  # noqa: E402
from agentsview_assets.partitions import daily_partitions  # noqa: E402
from agentsview_assets.settings import OBSERVATION_STORE, Settings  # noqa: E402
from resources.archive_resource import ArchiveResource  # noqa: E402
from resources.io_manager import WarehouseIOManager  # noqa: E402


def archive_source(settings: Settings) -> ArchiveResource:
    """The archive to read, with the store of what was observed in it."""
    return ArchiveResource(
        archive=str(settings.archive),
        store_path=str(settings.state_dir / OBSERVATION_STORE),
        with_titles=settings.with_titles,
    )


def build_resources(settings: Settings) -> dict[str, object]:
    """The archive to read and the warehouse to write."""
    return {
        ARCHIVE_KEY: archive_source(settings),
        IO_MANAGER_KEY: WarehouseIOManager(url=settings.warehouse),
    }


def build_definitions(settings: Settings) -> dg.Definitions:
    """The graph over the settings' archive, warehouse and days."""
    return dg.Definitions(
        assets=all_assets(daily_partitions(settings)),
        resources=build_resources(settings),
        # A process per step costs seconds each, and a DuckDB file has one writer anyway.
        executor=dg.in_process_executor,
    )
