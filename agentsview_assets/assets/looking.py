"""Looking at the archives from a step, and noting in the warehouse what was found there.

What belongs here: that every run which observes says so, whoever started it. What does not: what
is made of what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentsview_assets.assets.common import ARCHIVE_KEY, IO_MANAGER_KEY
from agentsview_assets.errors import AssetsError
from agentsview_assets.resources.run_notes import DAILY, PRICES, PROJECTS, Expectation, Reading

if TYPE_CHECKING:
    import dagster as dg

    from agentsview_assets.resources.archive_resource import ArchiveResource
    from agentsview_assets.resources.io_manager import RunsWarehouse
    from agentsview_assets.resources.observation_reader import DayWindow
    from agentsview_assets.resources.store import Store
    from agentsview_assets.transforms.staleness import Expected


def source_of(context: dg.AssetExecutionContext, days: DayWindow) -> ArchiveResource:
    """The archives of a run, once it is sure that writing what they hold loses nobody's rows.

    They are observed once per run; what was found is noted in the warehouse.

    Raises:
        AssetsError: None of them can be read, which is noted, too; or the warehouse holds rows of
            archives that they lack.
    """
    source: ArchiveResource = getattr(context.resources, ARCHIVE_KEY)
    manager: RunsWarehouse = getattr(context.resources, IO_MANAGER_KEY)
    try:
        store = source.observed()
    except AssetsError as error:
        if error.unread:
            manager.store.note_readings(read_in_vain(error))
        raise
    for taken in source.require_kept(manager.store):
        context.log.warning(taken.told())
    if not source.is_noted:
        note_observed(manager.store, source, store.expected(days))
    return source


def note_observed(
    warehouse: Store, source: ArchiveResource, expected: Expected, forgotten: Sequence[str] = ()
) -> None:
    """Notes which days the archives hold, at which versions, and how reading them went."""
    warehouse.note_observation(_expectation(expected), source.readings, forgotten)
    source.noted()


def read_in_vain(error: AssetsError) -> list[Reading]:
    """The archives that a failure is about, as they are noted."""
    return [Reading(archive, "", reason) for archive, reason in error.unread]


def _expectation(expected: Expected) -> Expectation:
    daily = {
        (DAILY, day): (version, expected.rates.get(day, ""))
        for day, version in expected.observations.items()
    }
    return {
        **daily,
        (PROJECTS, ""): (expected.projects, ""),
        (PRICES, ""): (expected.prices, expected.all_rates),
    }
