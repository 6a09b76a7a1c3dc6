"""The archive itself: observed, never made.

What belongs here: which days' versions are reported. What does not: how a version is worked out.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from agentsview_assets.assets.common import (
    ARCHIVE_KEY,
    DOCS,
    IO_MANAGER_KEY,
    LEDGER,
    how_to_look,
    window,
)
from agentsview_assets.assets.naming import Names
from agentsview_assets.checks.archives import archive_evaluations
from agentsview_assets.errors import ArchiveError, ConfigError
from agentsview_assets.resources.archives.asked import Options
from agentsview_assets.resources.archives.held_rows import MOST_NAMED
from agentsview_assets.resources.archives.observing_all import Seen
from agentsview_assets.resources.archives.resource import ArchiveResource
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.warehouses.holdings import Holding
from agentsview_assets.resources.warehouses.io_manager import RunsWarehouse
from agentsview_assets.resources.warehouses.store import Store
from agentsview_assets.rules.shown_text import unlinked
from agentsview_assets.rules.staleness import by_day, made_days, observed_slices
from agentsview_assets.rules.windows import DayWindow

ARCHIVE = "archive"
KEPT = "kept"
"""Version of the ledger, always: what changed in it is told by `archive`, day by day."""
NOTHING = "nothing"
"""Version of a day that no longer holds anything."""


def archive_asset(names: Names, partitions: dg.DailyPartitionsDefinition) -> dg.SourceAsset:
    """The observed source, its data version by day a digest of all that it holds of that day."""

    @dg.observable_source_asset(
        key=names.key(ARCHIVE),
        group_name=names.of("archive"),
        description=(
            "Your agentsview archive, `sessions.db`: looked at, never written. Observing it tells "
            "what changed since the last look: its data version by day is a digest of everything "
            "that it holds of that UTC day, whatever agentsview rewrote around it. Only days "
            "whose version moved are reported. If the archive cannot be read, the versions stay "
            "as they were and the step says why."
        ),
        partitions_def=partitions,
        required_resource_keys={names.of(ARCHIVE_KEY), names.of(IO_MANAGER_KEY)},
        metadata={"docs": dg.MetadataValue.path(f"{DOCS}/operations.md")},
        tags={"dagster/kind/sqlite": ""},
    )
    def archive(context: dg.OpExecutionContext) -> dg.DataVersionsByPartition:
        source: ArchiveResource = getattr(context.resources, names.of(ARCHIVE_KEY))
        manager: RunsWarehouse = getattr(context.resources, names.of(IO_MANAGER_KEY))
        days, tags = window(partitions), context.run.tags
        with failures_in_words((context.instance, context.run.run_id)):
            how = how_to_look(tags)
            seen = look(context.instance, names, source, manager.store, days, how)
            manager.store.deduplicate()  # sessions that came or went may be copies of others
        made = made_days(manager.store.partitions("usage_rows"))
        kept = recorded(context.instance, names)
        versions, moved = _versions(kept, seen, manager.store, made, days)
        context.log_event(_summary(names, source, seen, versions, moved))
        context.log_event(_written(names, seen))
        for found in evaluations(names, source, manager.store):
            context.log_event(found)  # type: ignore[arg-type]  # it takes them, and says otherwise
        return dg.DataVersionsByPartition(moved)

    return archive


def look(  # noqa: PLR0913 - who looks, at what, and how
    instance: dg.DagsterInstance,
    names: Names,
    source: ArchiveResource,
    store: Store,
    days: DayWindow,
    options: Options,
) -> Seen:
    """Looks at the archives; one that fails leaves word of that on their checks.

    Raises:
        AssetsError: None of them can be read.
    """
    try:
        return source.refresh(store, days, options)
    except (ArchiveError, ConfigError):
        # What a failing step says of its assets, Dagster drops.
        for found in evaluations(names, source, store):
            instance.report_runless_asset_event(found)
        raise


def evaluations(
    names: Names, source: ArchiveResource, store: Store
) -> list[dg.AssetCheckEvaluation]:
    """What the checks of the archives find after a look."""
    with store.reading() as reader:
        return list(archive_evaluations(names, reader, source.unread_days))


def observed_days(warehouse: Store, seen: Seen, days: DayWindow) -> dict[str, str]:
    """The version by day of what the archives hold, of other queues' as last seen."""
    return by_day(observed_slices(warehouse.expected({*seen.origins, *seen.elsewhere}), days))


def moved_days(
    versions: Mapping[str, str], recorded: Mapping[str, str], made: Mapping[str, str]
) -> dict[str, str]:
    """The days whose version is not the last known one, with the version that they have now.

    Args:
        versions: Version by day as just observed.
        recorded: Version by day as last reported to Dagster.
        made: Version by day that the warehouse was made from: a history that was materialised
            before anybody observed it is known, too, and must not look new.
    """
    known = {**made, **recorded}
    # Of an archive of which nothing is known, every day is as new as the other: nothing moved.
    if not known:
        return {}
    moved = {day: version for day, version in versions.items() if known.get(day) != version}
    gone = {day for day, version in known.items() if version not in ("", NOTHING)} - set(versions)
    return moved | dict.fromkeys(gone, NOTHING)


def with_partition(moved: Mapping[str, str], days: DayWindow) -> dict[str, str]:
    """Without the days beyond the window, which have no partition that Dagster could be told of."""
    return {day: version for day, version in moved.items() if days.first <= day <= days.last}


def recorded(instance: dg.DagsterInstance, names: Names) -> dict[str, str]:
    """The data version of each day as it was last reported to Dagster."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        names.key(ARCHIVE), dg.DagsterEventType.ASSET_OBSERVATION, [DATA_VERSION_TAG]
    )
    return {day: tags[DATA_VERSION_TAG] for day, tags in found.items() if DATA_VERSION_TAG in tags}


def _versions(
    recorded: Mapping[str, str],
    seen: Seen,
    warehouse: Store,
    made: Mapping[str, str],
    days: DayWindow,
) -> tuple[dict[str, str], dict[str, str]]:
    """The version by day of what was seen: of all days, and of those that moved."""
    versions = observed_days(warehouse, seen, days)
    return versions, with_partition(moved_days(versions, recorded, made), days)


def observations(  # noqa: PLR0913 - what was seen, where, and what was known before
    instance: dg.DagsterInstance,
    names: Names,
    source: ArchiveResource,
    seen: Seen,
    warehouse: Store,
    made: Mapping[str, str],
    days: DayWindow,
) -> Iterator[dg.AssetObservation | dg.AssetMaterialization]:
    """What Dagster is to be told of a look at the archives: the days that moved, and all in all.

    That the ledger was written is told as well, whoever looked.

    Args:
        instance: Knows what it was told before.
        names: By which it knows the archives.
        source: The archives.
        seen: What the look found.
        warehouse: Has it in its ledger.
        made: Version by day that the warehouse was made from, before anything is made of this.
        days: The days that partitions exist for.
    """
    versions, moved = _versions(recorded(instance, names), seen, warehouse, made, days)
    key = names.key(ARCHIVE)
    for day, version in sorted(moved.items()):
        yield dg.AssetObservation(key, partition=day, tags={DATA_VERSION_TAG: version})
    yield _summary(names, source, seen, versions, moved)
    yield _written(names, seen)


def _written(names: Names, seen: Seen) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        names.key(LEDGER), metadata=of_ledger(seen), tags={DATA_VERSION_TAG: KEPT}
    )


def of_ledger(seen: Seen) -> dict[str, int]:
    """What the UI shows of the ledger after a look."""
    return {"archives_read": len(seen.origins), "sessions_read": seen.sessions}


def _summary(
    names: Names,
    source: ArchiveResource,
    seen: Seen,
    versions: Mapping[str, str],
    moved: Mapping[str, str],
) -> dg.AssetObservation:
    days = sorted(versions)
    span = f"{len(days):,} days, {days[0]} to {days[-1]}" if days else "no days"
    return dg.AssetObservation(
        names.key(ARCHIVE),
        description=f"{span}; {len(moved):,} changed since the last observation",
        metadata={
            "archive": unlinked(source.shown),
            "unread": unlinked("; ".join(note for _, note in seen.unread)),
            "archives_read": len(seen.origins),
            **Holding(len(seen.origins), tuple(name for name, _ in seen.unread)).metadata(),
            "archives_unread": len(seen.unread),
            "rows_left_out": len(seen.held),
            **({"left_out": unlinked("; ".join(seen.held[:MOST_NAMED]))} if seen.held else {}),
            "archive_id": unlinked(seen.archive_id),
            "days": len(days),
            "days_changed": len(moved),
            "sessions_read": seen.sessions,
        },
    )
