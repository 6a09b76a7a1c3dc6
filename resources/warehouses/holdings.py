"""Which archives a warehouse holds of a day, and which it lacks, for people who look at that day.

What belongs here: asking the warehouse, after something was written. What does not: which slices
are out of date (`rules.staleness`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from agentsview_assets.resources.archives.held_rows import MOST_NAMED
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    EXPECTED_TABLE,
    PARTITIONS_TABLE,
    READINGS_TABLE,
)
from agentsview_assets.rules.shown_text import some_of, unlinked
from agentsview_assets.rules.staleness import DAILY

Ask = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

_HELD = f"""
SELECT partition_date, archive_id FROM {PARTITIONS_TABLE}
WHERE asset = ? AND partition_date BETWEEN ? AND ?
"""
_UNMADE = f"""
SELECT e.partition_date, COALESCE(a.path, e.archive_id)
FROM {EXPECTED_TABLE} e
LEFT JOIN {PARTITIONS_TABLE} p
    ON p.asset = ? AND p.archive_id = e.archive_id AND p.partition_date = e.partition_date
LEFT JOIN {ARCHIVES_TABLE} a ON a.archive_id = e.archive_id
WHERE e.part = '{DAILY}' AND e.partition_date BETWEEN ? AND ? AND p.archive_id IS NULL
"""
_UNREAD = f"""
SELECT archive, archive_id, CASE WHEN read_at IS NULL THEN ''
    ELSE CAST(failing_since AS VARCHAR(40)) END FROM {READINGS_TABLE} WHERE reason <> ''
"""


class Holding(NamedTuple):
    """What a table holds of a day.

    Attributes:
        held: How many archives.
        lacking: The archives that it lacks: what they hold of the day was not made, or they could
            not be read since.
    """

    held: int
    lacking: tuple[str, ...]

    def metadata(self) -> dict[str, Any]:
        """The same as the UI shows it: two numbers to plot, and the names of what is lacking."""
        first = [*map(unlinked, self.lacking[:MOST_NAMED])]
        names = some_of(first, len(self.lacking), ", ")
        return {
            "archives_held": self.held,
            "archives_lacking": len(self.lacking),
            **({"lacking": names} if names else {}),
        }


def holdings(ask: Ask, table: str, days: Sequence[str]) -> Mapping[str, Holding]:
    """What a table holds of each of some contiguous days.

    Args:
        ask: Runs a query with `?` placeholders.
        table: A table with days.
        days: The days, in order.
    """
    bounds = [table, days[0], days[-1]]
    held: dict[str, set[str]] = defaultdict(set)
    for day, archive in ask(_HELD, bounds):
        held[day].add(archive)
    lacking: dict[str, set[str]] = defaultdict(set)
    for day, name in ask(_UNMADE, bounds):
        lacking[day].add(name)
    for name, archive, since in ask(_UNREAD, []):
        for day in days:
            # What was read before it failed is there; what came since nobody knows.
            if day >= since[:10]:
                lacking[day].add(name)
                held[day].discard(archive)
    return {day: Holding(len(held[day]), tuple(sorted(lacking[day]))) for day in days}
