"""Deciding what runs: which tables of which days are out of date, and in how many runs.

What belongs here: comparing versions, and cutting the outcome into runs. What does not: running.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

from agentsview_assets.assets import all_assets
from agentsview_assets.connections import build_resources
from agentsview_assets.errors import UsageError
from agentsview_assets.partitions import coalesce, daily_partitions, days_between
from agentsview_assets.resources.observation_reader import DayWindow
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.store import Store
from agentsview_assets.settings import Settings
from agentsview_assets.transforms import staleness
from agentsview_assets.transforms.slices import EARLIEST, LATEST

GAP_DAYS = 5
"""Idle days bridged between ranges: a run's own cost is about that of so many empty days."""
NO_DAYS = ("", "")
"""The range of a run that makes only tables without days."""
EVERYTHING = frozenset(staleness.TABLES)

Range = tuple[str, str]
"""First and last day, both included."""


@dataclass(frozen=True)
class Request:
    """What the user asked for: bounds as `YYYY-MM-DD`, tables by selection, everything anew.

    `forget` are identities of archives whose rows are to go.
    """

    since: str | None = None
    until: str | None = None
    select: str | None = None
    force: bool = False
    forget: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The tables to make and the day ranges to make them for."""

    tables: frozenset[str]
    ranges: list[Range]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.tables


@dataclass(frozen=True)
class Step:
    """One Dagster run to make: some tables, over one contiguous range of days."""

    tables: frozenset[str]
    days: Range

    @property
    def partitions(self) -> int:
        """The partitions that it writes; a table without days counts as one."""
        length = len(days_between(*self.days)) if self.days[0] else 0
        daily = self.tables & set(staleness.DAILY_TABLES)
        return len(daily) * length + len(self.tables - daily)

    def halves(self) -> list[Step]:
        """The same in two runs; empty when it cannot be cut any further."""
        days = days_between(*self.days) if self.days[0] else []
        if len(days) < 2:  # noqa: PLR2004 - one day is the smallest
            return []
        middle = len(days) // 2
        cuts = ((days[0], days[middle - 1]), (days[middle], days[-1]))
        return [Step(self.tables, cut) for cut in cuts]


def window_of(settings: Settings) -> DayWindow:
    """The days that partitions exist for, at this moment."""
    return DayWindow(settings.start_date, settings.last_date)


def select_tables(settings: Settings, select: str | None) -> frozenset[str]:
    """The tables that a Dagster selection (or a list of names) means.

    Raises:
        UsageError: The selection means nothing.
    """
    if select is None:
        return EVERYTHING
    names = {name.strip() for name in select.split(",") if name.strip()}
    if names and names <= EVERYTHING:
        return frozenset(names)
    try:
        selection = dg.AssetSelection.from_string(select)
        assets, resources = all_assets(daily_partitions(settings)), build_resources(settings)
        keys = selection.resolve(dg.Definitions(assets, resources=resources).resolve_asset_graph())
    except dg.DagsterError as error:
        raise UsageError(f"--select {select!r}: {str(error).splitlines()[0]}") from None
    found = {key.path[-1] for key in keys} & EVERYTHING
    if not found:
        raise UsageError(
            f"--select {select!r}: no such asset; the assets are {', '.join(sorted(EVERYTHING))}"
        )
    return frozenset(found)


def plan_update(  # noqa: PLR0913 - what is compared, and what it is restricted to
    window: DayWindow,
    warehouse: Store,
    store: ObservationStore,
    expected: staleness.Expected,
    request: Request,
    names: frozenset[str],
) -> Plan:
    """What has to be made so that the warehouse holds what was observed.

    Args:
        window: The days that partitions exist for.
        warehouse: The warehouse.
        store: The observations, up to date.
        expected: The versions that an up-to-date warehouse has noted.
        request: What to restrict it to.
        names: The tables in question.
    """
    first, last = _bounds(request, window)
    noted = {n: warehouse.partitions(n) for n in names | set(staleness.DAILY_TABLES)}
    stale = {n: _stale(expected.of(n), noted[n], force=request.force) for n in names}
    daily = {
        name: {day for day in stale[name] if first <= day <= last}
        for name in names & set(staleness.DAILY_TABLES)
    }
    if not request.force:
        waiting = staleness.waiting_reports(expected, noted, store.reaches(window), (first, last))
        daily = {name: days - waiting for name, days in daily.items()}
    tables = {name for name, days in daily.items() if days}
    tables |= {name for name in names - set(staleness.DAILY_TABLES) if stale[name]}
    if tables & set(staleness.OBSERVATIONS):
        tables |= names & {*staleness.REPORTS, staleness.RATES_TABLE}
    days = set().union(*daily.values()) if daily else set()
    if tables == {staleness.RATES_TABLE} and names >= set(staleness.REPORTS) and not request.force:
        # With its prices and its rows as they were, it only lacks models of days left out.
        is_priced = noted[staleness.RATES_TABLE].get("", ("", ""))[0] == expected.prices
        tables -= {staleness.RATES_TABLE} if is_priced else set()
    if "session_model_usage" in tables:
        tables |= names & {"session_summaries"}
    # What lies before the window goes with its first partition, what lies after it with its last.
    placed = {window.clamp(day) for day in days}
    return Plan(frozenset(tables), coalesce(placed, GAP_DAYS))


def _bounds(request: Request, window: DayWindow) -> Range:
    """The days asked for; those beyond the window go with its first and last partition."""
    since, until = request.since or window.first, request.until or window.last
    return EARLIEST if since <= window.first else since, LATEST if until >= window.last else until


def _stale(
    versions: Mapping[str, staleness.Versions],
    noted: Mapping[str, staleness.Versions],
    *,
    force: bool,
) -> set[str]:
    return set(versions) | set(noted) if force else staleness.stale_partitions(versions, noted)


def phases(plan: Plan, *, is_split: bool = False) -> list[list[Step]]:
    """The runs to make, phase after phase.

    A session's report reads what the session spent on any day: with several ranges, no report is
    made before all of them are observed. What has no days is made once.

    Args:
        plan: Tables and ranges.
        is_split: Whether to observe apart even where one run could do it all.
    """
    observations = plan.tables & {*staleness.OBSERVATIONS}
    if not observations or (len(plan.ranges) < 2 and not is_split):  # noqa: PLR2004 - one range
        return [list(_steps(plan.tables, plan.ranges))]
    late = plan.tables & {*staleness.REPORTS, staleness.RATES_TABLE}
    return [list(_steps(tables, plan.ranges)) for tables in (plan.tables - late, late)]


def _steps(tables: frozenset[str], ranges: list[Range]) -> Iterator[Step]:
    daily = tables & {*staleness.DAILY_TABLES}
    if tables and not daily:
        yield Step(tables, NO_DAYS)
        return
    for number, days in enumerate(ranges):
        if daily:
            yield Step(tables if number == 0 else daily, days)


def without_days(ranges: Iterable[Range], bad: Iterable[str]) -> list[Range]:
    """The ranges with some days cut out of them."""
    left = {day for first, last in ranges for day in days_between(first, last)} - set(bad)
    return coalesce(left, 0)
