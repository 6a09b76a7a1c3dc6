"""Deciding what runs: which tables of which days are out of date, and in how many runs.

What belongs here: comparing versions, and cutting the outcome into runs. What does not: running.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agentsview_assets.errors import UsageError
from agentsview_assets.rules import staleness
from agentsview_assets.rules.outdated import stale_slices
from agentsview_assets.rules.staleness import Slice, Versions
from agentsview_assets.rules.waiting import waiting_reports
from agentsview_assets.rules.windows import (
    EARLIEST,
    LATEST,
    DayWindow,
    coalesce,
    days_between,
)
from agentsview_assets.settings import Settings

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

    `forget` are identities of archives whose rows are to go. `verify` compares all contents of the
    archives, whatever their sessions' rows say. `new_settings` goes on where the warehouse was made
    with another START_DATE or other TITLES.
    """

    since: str | None = None
    until: str | None = None
    select: str | None = None
    force: bool = False
    forget: tuple[str, ...] = ()
    verify: bool = False
    new_settings: bool = False


@dataclass(frozen=True)
class Plan:
    """The tables to make, the day ranges to make them for, and the archives whose slices."""

    tables: frozenset[str]
    ranges: list[Range]
    archives: frozenset[str] = frozenset()

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
    return _of_expression(settings, select)


def _of_expression(settings: Settings, select: str) -> frozenset[str]:
    import dagster as dg  # noqa: PLC0415 - whoever names tables does without it

    from agentsview_assets.assets import all_assets  # noqa: PLC0415
    from agentsview_assets.assets.naming import Names  # noqa: PLC0415
    from agentsview_assets.connections import build_resources  # noqa: PLC0415
    from agentsview_assets.partitions import daily_partitions  # noqa: PLC0415

    try:
        selection = dg.AssetSelection.from_string(select)
        assets = all_assets(daily_partitions(settings), Names(settings.key_prefix))
        resources = build_resources(settings)
        keys = selection.resolve(dg.Definitions(assets, resources=resources).resolve_asset_graph())
    except dg.DagsterError as error:
        raise UsageError(f"--select {select!r}: {str(error).splitlines()[0]}") from None
    found = {key.path[-1] for key in keys} & EVERYTHING
    if not found:
        raise UsageError(
            f"--select {select!r}: no such asset; the assets are {', '.join(sorted(EVERYTHING))}"
        )
    return frozenset(found)


def plan_update(  # noqa: PLR0913 - all that decides what is made
    window: DayWindow,
    recorded: Mapping[str, Mapping[Slice, Versions]],
    expected: staleness.Expected,
    request: Request,
    names: frozenset[str],
    outdated: Mapping[str, Collection[Slice]],
) -> Plan:
    """What has to be made so that the warehouse holds what was observed.

    Args:
        window: The days that partitions exist for.
        recorded: The versions that each table's slices were made from.
        expected: The versions of up-to-date slices, of the archives in question.
        request: What to restrict it to.
        names: The tables in question.
        outdated: Slices that other rules made, by table.
    """
    first, last = _bounds(request, window)
    stale, changed, found = stale_tables(recorded, expected, names, outdated, force=request.force)
    daily = {
        name: {place for place in stale[name] if first <= place[1] <= last}
        for name in names & set(staleness.DAILY_TABLES)
    }
    if not request.force:
        waiting = waiting_reports(expected, found, (first, last))
        daily = {name: places - (waiting - changed[name]) for name, places in daily.items()}
    tables = {name for name, places in daily.items() if places}
    tables |= {name for name in names - set(staleness.DAILY_TABLES) if stale[name]}
    places = set().union(*daily.values()) if daily else set[Slice]()
    archives = {archive for name in tables for archive, _ in daily.get(name, stale[name])}
    if tables & set(staleness.OBSERVATIONS):
        tables |= names & {*staleness.REPORTS, staleness.RATES_TABLE}
    is_late = tables == {staleness.RATES_TABLE} and not changed[staleness.RATES_TABLE]
    if is_late and names >= set(staleness.REPORTS) and not request.force:
        # With its prices and its rows as they were, it only lacks models of days left out.
        is_priced = all(
            found[staleness.RATES_TABLE].get((archive, ""), ("", ""))[0] == version
            for archive, version in expected.prices.items()
        )
        tables -= {staleness.RATES_TABLE} if is_priced else set()
    if "session_model_usage" in tables:
        tables |= names & {"session_summaries"}
    # What lies before the window goes with its first partition, what lies after it with its last.
    placed = {window.clamp(day) for _, day in places}
    return Plan(frozenset(tables), coalesce(placed, GAP_DAYS), frozenset(archives))


class Stale(NamedTuple):
    """What is out of date, by table.

    Attributes:
        places: All slices that are.
        changed: Those of them that other rules made.
        recorded: The versions that slices of these archives were made from.
    """

    places: Mapping[str, set[Slice]]
    changed: Mapping[str, set[Slice]]
    recorded: Mapping[str, Mapping[Slice, Versions]]


def stale_tables(
    recorded: Mapping[str, Mapping[Slice, Versions]],
    expected: staleness.Expected,
    names: frozenset[str],
    outdated: Mapping[str, Collection[Slice]],
    *,
    force: bool = False,
) -> Stale:
    """The slices of some tables that are out of date, of the archives that are expected.

    Args:
        recorded: The versions that each table's slices were made from.
        expected: The versions of up-to-date slices, of the archives in question.
        names: The tables in question.
        outdated: Slices that other rules made, by table.
        force: Whether everything counts as out of date.
    """
    found = {n: _of(recorded.get(n, {}), expected.archives) for n in {*EVERYTHING, *names}}
    changed = {n: found[n].keys() & set(outdated.get(n, ())) for n in names}
    places = {n: _stale(expected.of(n), found[n], force=force) | changed[n] for n in names}
    return Stale(places, changed, found)


def _of(recorded: Mapping[Slice, Versions], archives: Collection[str]) -> dict[Slice, Versions]:
    return {place: versions for place, versions in recorded.items() if place[0] in archives}


def _bounds(request: Request, window: DayWindow) -> Range:
    """The days asked for; those beyond the window go with its first and last partition."""
    since, until = request.since or window.first, request.until or window.last
    return EARLIEST if since <= window.first else since, LATEST if until >= window.last else until


def _stale(
    versions: Mapping[Slice, Versions], recorded: Mapping[Slice, Versions], *, force: bool
) -> set[Slice]:
    return {*versions, *recorded} if force else stale_slices(versions, recorded)


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
