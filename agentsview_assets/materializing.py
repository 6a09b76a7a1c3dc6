"""Materialising what is out of date: observe, compare versions, run the graph over day ranges.

What belongs here: deciding what runs. What does not: how anything is computed, or the terminal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from agentsview_assets.assets import all_assets
from agentsview_assets.assets.common import ARCHIVE_KEY
from agentsview_assets.build import archive_source, build_resources
from agentsview_assets.errors import (
    DISK_FULL,
    AssetsError,
    UsageError,
    WarehouseError,
    is_disk_full,
)
from agentsview_assets.partitions import coalesce, daily_partitions, days_between
from agentsview_assets.settings import Settings, warehouse_path
from agentsview_assets.transforms import staleness
from resources.history import explain_history, prepare_home
from resources.io_manager import open_store
from resources.observation_reader import DayWindow
from resources.observations import ObservationStore
from resources.store import Store
from resources.work import METER

GAP_DAYS = 5
"""Idle days bridged between ranges: a run's own cost is about that of so many empty days."""
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_NO_DAYS = ("", "")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What the user asked for: bounds as `YYYY-MM-DD`, tables by selection, everything anew."""

    since: str | None = None
    until: str | None = None
    select: str | None = None
    force: bool = False


@dataclass
class Summary:
    """What happened, in numbers; the attributes are the keys of `materialize --json`."""

    archive: str
    archive_id: str
    warehouse: str
    up_to_date: bool = True
    changed_sessions: int = 0
    ranges: list[tuple[str, str]] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    partitions: int = 0
    rows: int = 0
    rows_by_table: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    pricing_digest: str = ""
    unpriced_models: list[str] = field(default_factory=list)
    work_seconds: float = 0.0
    history_seconds: float = 0.0
    total_seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The tables to make and the day ranges to make them for."""

    tables: frozenset[str]
    ranges: list[tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.tables


def materialize(settings: Settings, request: Request, tell: Tell, started: float) -> Summary:
    """Brings the warehouse up to date with the archive.

    Args:
        settings: Archive, warehouse and window.
        request: What to restrict it to.
        tell: Told each step in words.
        started: `time.perf_counter()` at the start of the command.

    Returns:
        What was done.

    Raises:
        AssetsError: Something the user can mend; the warehouse is as whole as it was.
    """
    worked_before = METER.seconds
    source = archive_source(settings)
    resources = {**build_resources(settings), ARCHIVE_KEY: source}
    names = _selected(settings, request.select)
    if warehouse_path(settings.warehouse).exists():
        with open_store(settings.warehouse):
            pass  # a warehouse that cannot be written is told before anything is read
    try:
        with METER.measure():
            tell(f"observing {source.archive}")
            observed = source.refresh(progress=_progress(tell), force=request.force)
            plan = _plan(settings, source.observed(), request, names)
        summary = Summary(
            archive=source.archive,
            archive_id=observed.archive_id,
            warehouse=settings.warehouse,
            up_to_date=plan.is_empty,
            changed_sessions=observed.sessions,
            ranges=plan.ranges,
        )
        if not plan.is_empty:
            _run(settings, plan, resources, tell, summary)
    finally:
        source.close()
    _measure(settings, summary)
    summary.work_seconds = METER.seconds - worked_before
    summary.total_seconds = time.perf_counter() - started
    return summary


def _progress(tell: Tell) -> Callable[[str, int, int], None]:
    def progress(what: str, done: int, total: int) -> None:
        tell(f"{what}: {done:,} of {total:,}")

    return progress


def _selected(settings: Settings, select: str | None) -> frozenset[str]:
    """The tables that a Dagster selection (or a list of names) means.

    Raises:
        UsageError: The selection means nothing.
    """
    everything = frozenset(
        (*staleness.DAILY_TABLES, *staleness.PROJECT_TABLES, *staleness.PRICE_TABLES,
         staleness.RATES_TABLE)
    )  # fmt: skip
    if select is None:
        return everything
    names = {name.strip() for name in select.split(",") if name.strip()}
    if names and names <= everything:
        return frozenset(names)
    try:
        selection = dg.AssetSelection.from_string(select)
        keys = selection.resolve(all_assets(daily_partitions(settings)))
    except dg.DagsterError as error:
        raise UsageError(f"--select {select!r}: {str(error).splitlines()[0]}") from None
    found = {key.path[-1] for key in keys} & everything
    if not found:
        raise UsageError(
            f"--select {select!r}: no such asset; the assets are {', '.join(sorted(everything))}"
        )
    return frozenset(found)


def _plan(
    settings: Settings, store: ObservationStore, request: Request, names: frozenset[str]
) -> Plan:
    window = DayWindow(settings.start_date, settings.last_date)
    expected = staleness.expected_versions(
        store.versions(window),
        store.models(window),
        store.rows("SELECT * FROM model_pricing"),
        store.table_version("project_observations"),
        store.table_version("model_pricing"),
    )
    first, last = request.since or window.first, request.until or window.last
    with open_store(settings.warehouse) as warehouse:
        stale = {name: _stale(warehouse, expected, name, force=request.force) for name in names}
    daily = {
        name: {day for day in stale[name] if _in_bounds(day, first, last, window)}
        for name in names & set(staleness.DAILY_TABLES)
    }
    tables = {name for name, days in daily.items() if days}
    tables |= {name for name in names - set(staleness.DAILY_TABLES) if stale[name]}
    if tables & set(staleness.OBSERVATIONS):
        tables |= names & {*staleness.REPORTS, staleness.RATES_TABLE}
    days = set().union(*daily.values()) if daily else set()
    if "session_model_usage" in tables:
        tables |= names & {"session_summaries"}
    # What an earlier window left before this one is cleared by this one's first partition.
    placed = {max(day, window.first) for day in days}
    return Plan(frozenset(tables), coalesce(placed, GAP_DAYS))


def _in_bounds(day: str, first: str, last: str, window: DayWindow) -> bool:
    """Days before the window are left by an earlier one; its first partition clears them."""
    return first <= max(day, window.first) <= last


def _stale(warehouse: Store, expected: staleness.Expected, name: str, *, force: bool) -> set[str]:
    versions = expected.of(name)
    noted = warehouse.partitions(name)
    if force:
        return set(versions) | set(noted)
    return staleness.stale_partitions(versions, noted)


def _run(
    settings: Settings, plan: Plan, resources: dict[str, Any], tell: Tell, summary: Summary
) -> None:
    try:
        prepare_home(settings.state_dir)
    except OSError as error:
        raise WarehouseError(f"run history {error.filename}: {error.strerror}") from None
    summary.assets = sorted(plan.tables)
    before = METER.seconds
    started = time.perf_counter()
    METER.listener = tell
    with dg.DagsterInstance.get() as instance:
        for tables, (first, last) in _steps(plan.tables, plan.ranges):
            if first:
                tell(f"materialising {len(tables)} assets, {first} to {last}")
            summary.partitions += _partitions(tables, first, last)
            _materialize(settings, tables, (first, last), resources, instance)
    summary.history_seconds = time.perf_counter() - started - (METER.seconds - before)


def _steps(
    tables: frozenset[str], ranges: list[tuple[str, str]]
) -> Iterator[tuple[frozenset[str], tuple[str, str]]]:
    """The runs to make, each of some tables and days.

    A session's report reads what the session spent on any day: with several ranges, no report is
    made before all of them are observed. What has no days is made once.
    """
    reports = tables & {*staleness.REPORTS}
    observations = tables & {*staleness.OBSERVATIONS}
    if len(ranges) < 2 or not observations:  # noqa: PLR2004 - one range is made in one run
        phases = [tables]
    else:
        late = reports | tables & {staleness.RATES_TABLE}
        phases = [tables - late, late]
    for phase in phases:
        daily = phase & {*staleness.DAILY_TABLES}
        if not daily and phase:
            yield phase, _NO_DAYS
            continue
        for number, days in enumerate(ranges):
            if daily:
                yield phase if number == 0 else daily, days


def _partitions(tables: Iterable[str], first: str, last: str) -> int:
    days = len(days_between(first, last)) if first else 0
    daily = frozenset(tables) & set(staleness.DAILY_TABLES)
    return len(daily) * days + len(frozenset(tables) - daily)


def _materialize(
    settings: Settings,
    tables: frozenset[str],
    days: tuple[str, str],
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
) -> None:
    assets = all_assets(daily_partitions(settings))
    try:
        dg.materialize(
            assets,
            selection=[dg.AssetKey(name) for name in tables],
            resources=resources,
            instance=instance,
            tags={RANGE_START: days[0], RANGE_END: days[1]} if days[0] else {},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    except Exception as error:
        found = _user_error(error)
        if found is None:
            raise
        raise found from None


def _user_error(error: BaseException | None) -> AssetsError | None:
    """The user's error inside the ones that Dagster wraps around it.

    One of ours tells more than what became of the history: a full disk takes that down as well.
    """
    chain: list[BaseException] = []
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    told = [inner for inner in chain if isinstance(inner, AssetsError)]
    told += [found for inner in chain if (found := explain_history(inner)) is not None]
    if not told and any(is_disk_full(inner) for inner in chain):
        told = [WarehouseError(DISK_FULL)]
    return told[0] if told else None


def _measure(settings: Settings, summary: Summary) -> None:
    from resources.warehouse import open_reader  # noqa: PLC0415 - after the writers are closed

    with open_reader(settings.warehouse) as reader:
        for table in sorted(summary.assets):
            count = reader.rows(f"SELECT count(*) FROM {table}")[0][0]
            summary.rows_by_table[table] = int(count)
        unpriced = reader.rows(
            "SELECT model FROM model_rates WHERE matched_pattern IS NULL ORDER BY model"
        )
        digest = reader.rows("SELECT max(pricing_digest) FROM effective_pricing")
    summary.rows = sum(summary.rows_by_table.values())
    summary.unpriced_models = [row[0] for row in unpriced]
    summary.pricing_digest = digest[0][0] or ""
    summary.bytes = Path(warehouse_path(settings.warehouse)).stat().st_size
