"""Day partitions: the window that they span, and runs of days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import dagster as dg

from agentsview_assets.settings import Settings
from resources.observation_reader import DayWindow


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from the start date to today, today included."""
    return dg.DailyPartitionsDefinition(start_date=settings.start_date, end_offset=1)


def window_of(partitions: dg.PartitionsDefinition) -> DayWindow:
    """The first and last day for which partitions exist."""
    keys = partitions.get_partition_keys()
    return DayWindow(keys[0], keys[-1])


def days_between(first: str, last: str) -> list[str]:
    """All days from first to last, both included."""
    start = date.fromisoformat(first)
    span = (date.fromisoformat(last) - start).days
    return [(start + timedelta(days=n)).isoformat() for n in range(span + 1)]


def coalesce(days: Iterable[str], gap: int) -> list[tuple[str, str]]:
    """Joins days into ranges, bridging up to `gap` days in between.

    A run costs more than a few idle days, so that bridging small gaps is cheaper.
    """
    ranges: list[tuple[str, str]] = []
    for day in sorted(days):
        if ranges and _distance(ranges[-1][1], day) <= gap + 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _distance(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days
