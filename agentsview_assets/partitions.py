"""Day partitions of Dagster: the window that they span."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context

from agentsview_assets.rules.windows import days_between
from agentsview_assets.settings import Settings

if TYPE_CHECKING:
    from dagster._core.instance import DynamicPartitionsStore


class DailyPartitions(dg.DailyPartitionsDefinition):
    """Daily partitions that count their days instead of looking each of them up in a calendar.

    Dagster lists all of them for every table without days and for every check; a window of
    centuries would take it minutes.
    """

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """The days from the first to the last one."""
        with partition_loading_context(current_time, dynamic_partitions_store):
            first, last = self.get_first_partition_key(), self.get_last_partition_key()
        return list(_all_days(first, last)) if first and last else []


@functools.lru_cache(maxsize=1)
def _all_days(first: str, last: str) -> tuple[str, ...]:
    return tuple(days_between(first, last))


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from the start date to today, today included."""
    return DailyPartitions(start_date=settings.start_date, end_offset=1)
