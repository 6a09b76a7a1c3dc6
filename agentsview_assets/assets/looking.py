"""What the assets of a run work on: its warehouse, its archives, and whose slices it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.assets.archive import evaluations, look, observations
from agentsview_assets.assets.common import (
    ARCHIVE_KEY,
    IO_MANAGER_KEY,
    how_to_look,
    named_archives,
)
from agentsview_assets.assets.naming import Names
from agentsview_assets.rules.staleness import made_days

if TYPE_CHECKING:
    import dagster as dg

    from agentsview_assets.resources.archives.resource import ArchiveResource
    from agentsview_assets.resources.warehouses.io_manager import RunsWarehouse
    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.rules.staleness import Slice
    from agentsview_assets.rules.windows import DayWindow


def _resource(context: dg.AssetExecutionContext, key: str) -> Any:
    return getattr(context.resources, _names(context).of(key))


def _names(context: dg.AssetExecutionContext) -> Names:
    """The names of the instance that a step belongs to, which may be a step of several assets."""
    return Names.beside(next(iter(context.selected_asset_keys)))


def warehouse_of(context: dg.AssetExecutionContext) -> RunsWarehouse:
    """The warehouse of a run, as the run has it open."""
    found: RunsWarehouse = _resource(context, IO_MANAGER_KEY)
    return found


def store_of(context: dg.AssetExecutionContext) -> Store:
    """The warehouse of a run."""
    return warehouse_of(context).store


def source_of(
    context: dg.AssetExecutionContext, days: DayWindow
) -> tuple[ArchiveResource, tuple[str, ...]]:
    """The archives of a run, looked at once, and those of them whose slices it makes.

    What is seen is an observation of the run: what is out of date shows, whoever looks.

    Raises:
        AssetsError: None of them can be read, which is recorded.
    """
    source: ArchiveResource = _resource(context, ARCHIVE_KEY)
    store = store_of(context)
    is_first, names = not source.has_looked, _names(context)
    if is_first:
        how = how_to_look(context.run.tags)
        look(context.instance, names, source, store, days, how)
    seen = source.observed(store, days)
    if is_first:
        made = made_days(store.partitions("usage_rows"))
        for event in observations(context.instance, names, source, seen, store, made, days):
            if event.asset_key not in context.selected_asset_keys:
                context.log_event(event)
        for found in evaluations(names, source, store):
            context.log_event(found)
    for taken in seen.taken:
        context.log.warning(taken.told())
    named = named_archives(context)
    return source, tuple(sorted(name for name in seen.origins if named is None or name in named))


def archives_of(context: dg.AssetExecutionContext) -> tuple[str, ...]:
    """The archives of the warehouse whose slices a run makes: all, where it names none."""
    named = named_archives(context)
    known = {archive.archive_id for archive in store_of(context).archives()}
    return tuple(sorted(known if named is None else known & set(named)))


def copied_versions(
    context: dg.AssetExecutionContext, upstream: str, archives: tuple[str, ...]
) -> dict[Slice, str]:
    """The recorded versions of a table without days, for one that is made of it alone."""
    recorded = store_of(context).partitions(upstream)
    return {place: version for place, (version, _) in recorded.items() if place[0] in archives}
