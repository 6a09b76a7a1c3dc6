"""The archive itself: observed, never made."""

import dagster as dg

from agentsview_assets.assets.common import ARCHIVE_KEY, window
from resources.archive_resource import ArchiveResource


def archive_asset(partitions: dg.DailyPartitionsDefinition) -> dg.SourceAsset:
    """The observed source, its data version by day a digest of all that it holds of that day."""

    @dg.observable_source_asset(
        name="archive",
        group_name="archive",
        description=(
            "An agentsview archive (`sessions.db`), read without being touched. Its data version "
            "by day is a digest of everything that it holds of that UTC day."
        ),
        partitions_def=partitions,
        required_resource_keys={ARCHIVE_KEY},
        tags={"dagster/kind/sqlite": ""},
    )
    def archive(context: dg.OpExecutionContext) -> dg.DataVersionsByPartition:
        source: ArchiveResource = getattr(context.resources, ARCHIVE_KEY)
        return dg.DataVersionsByPartition(source.observed().versions(window(partitions)))

    return archive
