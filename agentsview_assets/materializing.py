"""Materialising what is out of date: observe, plan, run the graph over day ranges.

What belongs here: the runs and what becomes of them. What does not: deciding what runs, how
anything is computed, or the terminal.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agentsview_assets import settings as clock
from agentsview_assets.documents.common.alarms import unchecked_tables
from agentsview_assets.documents.common.clock import clock_notes
from agentsview_assets.errors import AssetsError, ContractError, HeldBackError
from agentsview_assets.giving_up import give_up, require_forgettable
from agentsview_assets.keeping_out import (
    finish,
    is_due,
    rewrite_files,
    take_out_credentials,
)
from agentsview_assets.outcome import Outcome, Progress
from agentsview_assets.planning import (
    Plan,
    Range,
    Request,
    plan_update,
    select_tables,
    window_of,
)
from agentsview_assets.resources.archives.asked import Options
from agentsview_assets.resources.archives.held_rows import MOST_NAMED
from agentsview_assets.resources.archives.observing_all import Seen, require_readable
from agentsview_assets.resources.archives.resource import ArchiveResource
from agentsview_assets.resources.own_files import remove_earlier_store
from agentsview_assets.resources.warehouses.known import predecessors
from agentsview_assets.resources.warehouses.opening import check_stores, is_there, open_store
from agentsview_assets.resources.warehouses.reader import size
from agentsview_assets.resources.warehouses.store import Store
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.staleness import Expected, expected_slices, made_days
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from agentsview_assets.archive_urls import ArchiveUrl

__all__ = ["Progress", "Request", "Summary", "materialize"]


@dataclass
class Summary:
    """What happened, in numbers; the attributes are the keys of `materialize --json`.

    `notes` is not among them: what is odd about clocks is said on stderr.
    """

    archive: str
    archive_id: str
    warehouse: str
    up_to_date: bool = True
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changed_sessions: int = 0
    ranges: list[Range] = field(default_factory=list)
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


def materialize(
    settings: Settings,
    request: Request,
    progress: Progress,
    started: float,
    instance: dg.DagsterInstance | None = None,
) -> Summary:
    """Brings the warehouse up to date with the archive.

    Args:
        settings: Archive, warehouse and window.
        request: What to restrict it to.
        progress: Told each step in words.
        started: `time.perf_counter()` at the start of the command.
        instance: Keeps the history; the warehouse's own if not given.

    Returns:
        What was done.

    Raises:
        AssetsError: Something the user can mend; the warehouse is as whole as it was. Days whose
            rows break a contract are named; all others were made.
    """
    worked_before, METER.listener = METER.seconds, progress
    source = ArchiveResource.of(settings)
    names = select_tables(settings, request.select)
    window = window_of(settings)
    with contextlib.ExitStack() as opened:
        opened.callback(source.close)
        with METER.measure():
            # Open throughout: opening a DuckDB file costs more than most that is done with it.
            warehouse = opened.enter_context(_warehouse(settings, request, progress))
            made, rules = made_days(warehouse.partitions("usage_rows")), warehouse.rules()
            seen = _observe(source, warehouse, window, request, progress)
            if not warehouse.is_deduplicated():
                warehouse.deduplicate()  # what a run left that died, and sessions that came or went
            expected = expected_here(source, warehouse, window)
            plan = plan_update(
                window, warehouse.all_partitions(), expected, request, names, warehouse.outdated()
            )
            with warehouse.reading() as reader:
                unchecked = unchecked_tables(reader)
        summary = Summary(
            archive=source.shown,
            archive_id=seen.archive_id,
            unread=[note for _, note in seen.unread],
            warehouse=settings.warehouse,
            up_to_date=plan.is_empty,
            changed_sessions=seen.sessions,
            ranges=plan.ranges,
        )
        outcome = Outcome()
        worked, began = METER.seconds, time.perf_counter()
        if not (plan.is_empty and seen.is_unchanged) or unchecked:
            progress(
                "loading Dagster"
            )  # which takes a second or more: silence would look like a hang
            from agentsview_assets.assets.archive import evaluations, observations  # noqa: PLC0415
            from agentsview_assets.assets.naming import Names  # noqa: PLC0415
            from agentsview_assets.connections import build_resources  # noqa: PLC0415
            from agentsview_assets.running import history, run_plan  # noqa: PLC0415

            with history(settings, instance) as kept:
                called = Names(settings.key_prefix)
                for event in observations(kept, called, source, seen, warehouse, made, window):
                    kept.report_runless_asset_event(event)
                for found in evaluations(called, source, warehouse):
                    kept.report_runless_asset_event(found)
                resources = build_resources(settings, source)
                outcome = run_plan(
                    settings,
                    plan,
                    resources,
                    kept,
                    progress,
                    unchecked,
                    lambda: _left(settings, warehouse, source, request, names),
                )
            summary.assets = sorted(plan.tables)
            summary.partitions = outcome.partitions
        summary.history_seconds = time.perf_counter() - began - (METER.seconds - worked)
        reason = None
        if summary.partitions or is_due(settings, rules):
            reason = finish(warehouse, settings, progress)
        _measure(warehouse, summary)
    if reason is not None:
        rewrite_files(settings, reason, progress)
    _require_all(outcome, seen.held)
    summary.bytes = sum(size(warehouse) for warehouse in settings.warehouses)
    summary.work_seconds = METER.seconds - worked_before
    summary.total_seconds = time.perf_counter() - started
    return summary


def _left(
    settings: Settings,
    warehouse: Store,
    source: ArchiveResource,
    request: Request,
    names: frozenset[str],
) -> Plan:
    """What a run has put out of date: days on which other rows count now."""
    window = window_of(settings)
    with METER.measure():
        expected = expected_here(source, warehouse, window)
        recorded, outdated = warehouse.all_partitions(), warehouse.outdated()
    request = replace(request, force=False)
    return plan_update(window, recorded, expected, request, names, outdated)


@contextlib.contextmanager
def _warehouse(settings: Settings, request: Request, progress: Progress) -> Iterator[Store]:
    """The open warehouse, made where there is none once there is something to put into it."""
    first, *others = settings.warehouses
    # One that is there is told of when it is opened, before any work.
    if (others or not is_there(first)) and not check_stores(settings.warehouse):
        require_forgettable((), require_readable(_named(settings)), request.forget)
    remove_earlier_store(settings.state_dir)
    with open_store(settings.warehouse) as warehouse:
        take_out_credentials(warehouse, progress)
        yield warehouse


def _named(settings: Settings) -> tuple[ArchiveUrl, ...]:
    """The archives that a command reads.

    Raises:
        ConfigError: None of them is on this machine.
    """
    return settings.queues.only(settings.archives, None)


def _observe(
    source: ArchiveResource,
    warehouse: Store,
    window: DayWindow,
    request: Request,
    progress: Progress,
) -> Seen:
    """Looks at the archives, and gives up those that are to go."""
    progress(f"observing {source.shown}")
    seen = source.refresh(
        warehouse,
        window,
        Options(
            progress=_counted(progress),
            is_verified=request.verify or request.force,
            opening=_load_ahead,
        ),
        is_new_placing=request.new_settings,
    )
    give_up(warehouse, seen.origins, request.forget, progress)
    for found in seen.taken:
        progress(f"note: {found.told()}")
    if seen.cleaned:
        progress(f"kept credentials out that {seen.cleaned:,} texts of the archive hold")
    return seen


def expected_here(source: ArchiveResource, warehouse: Store, window: DayWindow) -> Expected:
    """What is expected of the archives that a run reads, and of those whose place they took."""
    seen = source.observed(warehouse, window)
    archives = {*seen.origins, *predecessors(seen.origins, warehouse.successions())}
    known = {archive.archive_id for archive in warehouse.archives()}
    archives &= known
    landed = source.price_rows(archives)
    read = frozenset(archives) - source.looked
    kept = warehouse.price_rows(read) if read else []
    return expected_slices(warehouse.expected(archives), [*landed, *kept], window)


def _require_all(outcome: Outcome, held: Sequence[str]) -> None:
    """Names what could not be made: rows that cannot be read, and days that break a contract.

    Raises:
        AssetsError: There is something.
    """
    whole: AssetsError | None = None
    try:
        outcome.require_whole()
    except ContractError as error:
        whole = error
    if held:
        message = (
            f"{len(held):,} row(s) cannot be read and are left out, everything else is there. Mend "
            "or remove them with agentsview and run this again:\n" + "\n".join(held[:MOST_NAMED])
        )
        if len(held) > MOST_NAMED:
            message += f"\nand {len(held) - MOST_NAMED:,} more, which `status --json` names"
        raise HeldBackError(f"{whole}\n{message}" if whole else message)
    if whole is not None:
        raise whole


def _load_ahead() -> None:
    """Loads Dagster beside the reading of an archive, which leaves a processor idle meanwhile."""
    name = "agentsview_assets.running"
    if name not in sys.modules:
        threading.Thread(target=importlib.import_module, args=(name,), daemon=True).start()


def _counted(progress: Progress) -> Callable[[str, int, int], None]:
    def counted(what: str, done: int, total: int) -> None:
        progress(f"{what}: {done:,} of {total:,}")

    return counted


def _measure(warehouse: Store, summary: Summary) -> None:
    """Adds to a summary what the warehouse now holds of the tables that were made."""
    with warehouse.reading() as reader:
        if summary.assets:
            counts = " UNION ALL ".join(
                f"SELECT '{table}', COUNT(*) FROM {table}" for table in summary.assets
            )
            found = {table: int(count) for table, count in reader.rows(counts)}
            summary.rows_by_table = {table: found[table] for table in summary.assets}
        unpriced = reader.rows(
            "SELECT DISTINCT model FROM model_rates WHERE matched_pattern IS NULL ORDER BY model"
        )
        digest = reader.rows("SELECT max(pricing_digest) FROM effective_pricing")
        summary.notes = clock_notes(reader, clock.now())
    summary.rows = sum(summary.rows_by_table.values())
    summary.unpriced_models = [row[0] for row in unpriced]
    summary.pricing_digest = digest[0][0] or ""
