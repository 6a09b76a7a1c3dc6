"""What is known when runs are planned: what is out of date, and what is on its way.

What belongs here: pure questions about it. What does not: cutting it into runs
(`automation.wanted`), and finding it out (`automation.looking`).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from agentsview_assets.planning import NO_DAYS, Range, Stale
from agentsview_assets.rules import staleness
from agentsview_assets.rules.staleness import Expected, Slice
from agentsview_assets.rules.windows import DayWindow

DAILY = frozenset(staleness.DAILY_TABLES)
OBSERVATIONS, REPORTS = frozenset(staleness.OBSERVATIONS), frozenset(staleness.REPORTS)
PRICES = frozenset(staleness.PRICE_TABLES)
OF_THE_WAREHOUSE = REPORTS | {"project_identities", "effective_pricing", staleness.RATES_TABLE}
"""Tables that are made without opening an archive."""


@dataclass(frozen=True)
class OnItsWay:
    """What an unfinished run makes: tables over days of archives, None for all archives."""

    tables: frozenset[str]
    days: Range = NO_DAYS
    archives: frozenset[str] | None = None

    def is_about(self, archive: str) -> bool:
        """Whether it makes slices of an archive."""
        return self.archives is None or archive in self.archives


@dataclass(frozen=True)
class Known:
    """All that decides what is wanted.

    Attributes:
        window: The days that partitions exist for.
        expected: The versions that up-to-date slices have recorded.
        stale: What is out of date.
        readable: Archives that can be read now: of others only reports can be made.
        on_their_way: What unfinished runs make.
        rules: The digest of each table's rules.
        is_deduplicated: Whether it is decided what counts.
        revision: Tells one state of the warehouse from the next.
        queues: The queue of each archive that only the workers of one see.
    """

    window: DayWindow
    expected: Expected
    stale: Stale
    readable: frozenset[str]
    on_their_way: tuple[OnItsWay, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    is_deduplicated: bool = True
    revision: int = 0
    queues: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def _ways(self) -> dict[tuple[str, str], list[Range]]:
        """The days that unfinished runs make of a table and archive, as far as was asked."""
        return {}

    def free(self, table: str) -> set[Slice]:
        """The slices of a table that are out of date, can be made, and are on nobody's way."""
        return {
            place
            for place in self.stale.places.get(table, ())
            if (table in OF_THE_WAREHOUSE or place[0] in self.readable)
            and not self.is_on_its_way(table, place)
        }

    def is_on_its_way(self, table: str, place: Slice) -> bool:
        """Whether an unfinished run makes a slice."""
        archive, day = place
        key = (table, archive)
        if key not in self._ways:
            runs = (r for r in self.on_their_way if table in r.tables and r.is_about(archive))
            self._ways[key] = [run.days for run in runs]
        return any(not day or is_in(self.window.clamp(day), days) for days in self._ways[key])

    def is_being_priced(self, archive: str) -> bool:
        """Whether an unfinished run reads an archive's prices, which may move its reports."""
        return any(run.tables & PRICES and run.is_about(archive) for run in self.on_their_way)

    def is_ready(
        self, place: Slice, days: Range = NO_DAYS, made: Collection[str] = frozenset()
    ) -> bool:
        """Whether all that the reports of a slice read is recorded.

        Args:
            place: The slice.
            days: Days that are made first, in the same run.
            made: The observations that are made of them.
        """
        archive, _ = place
        others = {(archive, day) for day in self.expected.reads.get(place, ())}
        for other in (place, *others):
            missing = {n for n in OBSERVATIONS if other in self.stale.places.get(n, ())}
            is_here = is_in(self.window.clamp(other[1]), days)
            if missing and not (is_here and missing <= {*made}):
                return False
            if any(self.is_on_its_way(name, other) for name in OBSERVATIONS):
                return False
        return True


def is_in(day: str, days: Range) -> bool:
    """Whether a day is one of a range."""
    return days[0] <= day <= days[1]


class Slices:
    """Slices by table and archive: a run is about a few archives, and there may be thousands."""

    def __init__(self, tables: Mapping[str, Iterable[Slice]], window: DayWindow) -> None:
        self._clamp = window.clamp
        self.tables: dict[str, dict[str, set[Slice]]] = {}
        for table, places in tables.items():
            found = self.tables[table] = {}
            for place in places:
                found.setdefault(place[0], set()).add(place)

    def places(self, names: Iterable[str]) -> set[Slice]:
        """All slices of some tables."""
        return set().union(*(of for name in names for of in self.tables[name].values()))

    def within(self, names: Iterable[str], days: Range, archives: Iterable[str]) -> set[Slice]:
        """The slices of some tables that a run over some days of some archives makes."""
        mine = [*archives]
        found = set().union(*(self.tables[name].get(a, ()) for name in names for a in mine))
        return {place for place in found if is_in(self._clamp(place[1]), days)}

    def days(self, names: Iterable[str]) -> dict[str, set[str]]:
        """The archives of which a run makes slices of some tables, by its days."""
        by_day: dict[str, set[str]] = defaultdict(set)
        for archive, day in self.places(names):
            by_day[self._clamp(day)].add(archive)
        return by_day
