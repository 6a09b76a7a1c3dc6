"""Pricing anew what the warehouse holds, when prices change, without reading any session.

What belongs here: finding out what a change of prices moves, and running that. What does not: the
arithmetic, and the terminal.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.prices import (
    Prices,
    last_prices,
    read_all_prices,
    require_known,
)
from agentsview_assets.resources.warehouses.expected import expected_rows
from agentsview_assets.resources.warehouses.known import known_archives, successions
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, Reader, open_reader
from agentsview_assets.resources.work import METER
from agentsview_assets.rules import pricing, staleness
from agentsview_assets.rules.money import added_up
from agentsview_assets.rules.rates import (
    PRICE_ROWS,
    PRICED_TOKENS,
    SAME_MONEY,
    ModelRate,
    model_rates,
    price_tables,
)
from agentsview_assets.rules.repricing import moved_rates
from agentsview_assets.rules.windows import LATEST, DayWindow, coalesce
from agentsview_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from agentsview_assets.outcome import Progress
    from agentsview_assets.resources.warehouses.store import Archive, Succession

MOST_RUNS = 12
"""Ranges that are run one by one; more are bridged over days that need nothing."""
Rates = dict[tuple[str, str], ModelRate]


@dataclass(frozen=True)
class ModelImpact:
    """What a price change does to one model: rates in USD per million tokens, None if unpriced."""

    archive_id: str
    model: str
    old_rates: tuple[float, ...] | None
    new_rates: tuple[float, ...] | None
    days: int
    old_cost_usd: float
    new_cost_usd: float


@dataclass
class Impact:
    """What a price change does; the attributes are the keys of `reprice --json`."""

    warehouse: str
    archive: str
    archive_id: str
    dry_run: bool
    up_to_date: bool
    unread: list[str] = field(default_factory=list)
    models: list[ModelImpact] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    old_cost_usd: float = 0.0
    new_cost_usd: float = 0.0
    old_pricing_digest: str = ""
    new_pricing_digest: str = ""
    ranges: list[tuple[str, str]] = field(default_factory=list)
    partitions: int = 0
    seconds: float = 0.0


def assess(settings: Settings, *, dry_run: bool = True) -> Impact:
    """Works out what the prices that hold now would move, and writes nothing.

    Args:
        settings: Archives, warehouse and window.
        dry_run: Whether nothing is to follow: an archive out of reach then has the prices that it
            had when it was last read, and is named.

    Raises:
        ArchiveError: The archive is gone, or is not the one observed into this warehouse.
        WarehouseError: The warehouse cannot be read.
    """
    unread: list[str] = []
    with open_reader(settings.warehouse) as reader:
        held = reader.rows(PRICE_ROWS)
        if dry_run:
            prices, unread = _reachable_prices(settings, _Known(reader), held)
        else:
            prices = read_all_prices(settings.seen_everywhere)
        require_known(_Known(reader), prices)
        known = {found.archive_id for found in prices}
        rows = [row for row in held if row[0] not in known]
        rows += [row for found in prices for row in found.rows]
        impact = _impact(settings, reader, rows)
    impact.archive = ", ".join(archive.shown for archive in settings.archives)
    impact.archive_id, impact.dry_run = ", ".join(sorted(known)), dry_run
    impact.up_to_date = impact.up_to_date and set(held) == set(rows)
    impact.unread = unread
    return impact


def _reachable_prices(
    settings: Settings, warehouse: _Known, held: list[tuple[object, ...]]
) -> tuple[list[Prices], list[str]]:
    """The prices of all archives, and what is said of those that cannot be read now.

    Raises:
        ArchiveError: One cannot be read, and the warehouse knows nothing of it.
    """
    found: list[Prices] = []
    unread: list[str] = []
    # Those of queues have the prices that their workers last read.
    for archive in settings.seen_everywhere:
        try:
            found += read_all_prices([archive])
        except ArchiveError as error:
            last = last_prices(warehouse, archive, held)
            if last is None:
                raise
            found.append(last)
            unread.append(str(error))
    return found, unread


def _impact(settings: Settings, reader: Reader, rows: list[tuple[object, ...]]) -> Impact:
    columns = ", ".join(ModelRate._fields)
    old = _by_model(ModelRate(*row) for row in reader.rows(f"SELECT {columns} FROM model_rates"))
    seen = reader.rows("SELECT archive_id, model, COUNT(*) FROM usage_rows GROUP BY 1, 2")
    new = _by_model(model_rates(seen, price_tables(rows)))
    places = _affected_slices(reader, new, settings.start_date)
    impact = Impact(settings.warehouse, "", "", dry_run=True, up_to_date=not places)
    impact.days = sorted({day for _, day in places})
    impact.models = _model_impacts(reader, old, new, places)
    impact.old_cost_usd = added_up(model.old_cost_usd for model in impact.models)
    impact.new_cost_usd = added_up(model.new_cost_usd for model in impact.models)
    digests = ("/".join(sorted({rate.pricing_digest for rate in r.values()})) for r in (old, new))
    impact.old_pricing_digest, impact.new_pricing_digest = digests
    return impact


def _by_model(rates: Iterable[ModelRate]) -> Rates:
    return {(rate.archive_id, rate.model): rate for rate in rates}


class _Known(NamedTuple):
    """A warehouse that is only read, asked for its archives."""

    reader: Reader

    def archives(self) -> list[Archive]:
        """The archives whose observations it holds."""
        return known_archives(self.reader.rows)

    def successions(self) -> list[Succession]:
        """The archives that another one was found in the place of."""
        return successions(self.reader.rows)


def _affected_slices(reader: Reader, rates: Rates, first: str) -> set[staleness.Slice]:
    """The slices of which a report was priced with other rates than these."""
    window = DayWindow(first, LATEST)
    priced = {archive_id for archive_id, _ in rates}
    rows = expected_rows(reader.rows, priced)
    expected = staleness.expected_of(rows, rates, window).rates
    marks = ", ".join("?" for _ in staleness.REPORTS)
    recorded = reader.rows(
        "SELECT archive_id, partition_date, rates_version "
        f"FROM {PARTITIONS_TABLE} WHERE asset IN ({marks})",
        list(staleness.REPORTS),
    )
    return {
        (archive_id, day)
        for archive_id, day, version in recorded
        if day >= first and expected.get((archive_id, day), version) != version
    }


_COSTS = """
SELECT CAST(partition_date AS VARCHAR), archive_id, model, SUM(cost_usd), SUM(reported_cost_usd),
    {sums}
FROM daily_usage GROUP BY 1, 2, 3
"""


def _model_impacts(
    reader: Reader, old: Rates, new: Rates, places: set[staleness.Slice]
) -> list[ModelImpact]:
    """What moves, model by model: those whose rates do, and those that a killed run left."""
    costs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    costs_sql = _COSTS.format(sums=", ".join(map(reader.whole_sum, PRICED_TOKENS)))
    for day, archive_id, model, cost, reported, *tokens in reader.rows(costs_sql):
        rate = new.get((archive_id, model))
        if (archive_id, day) in places and rate is not None:
            uncached, output, created, read = map(int, tokens)
            computed = pricing.row_cost(
                pricing.Rates(*rate[4:8]),
                input_tokens=uncached,
                billable_output_tokens=output,
                cache_creation_tokens=created,
                cache_read_tokens=read,
            )
            costs.setdefault((archive_id, model), []).append((cost, reported + computed))
    moved = {(now.archive_id, now.model) for _, now in moved_rates(old, new)}
    moved |= {key for key, found in costs.items() if any(_differ(*pair) for pair in found)}
    return [
        ModelImpact(
            *key,
            _shown(old.get(key)),
            _shown(new[key]),
            len(costs.get(key, ())),
            added_up(before for before, _ in costs.get(key, ())),
            added_up(after for _, after in costs.get(key, ())),
        )
        for key in sorted(moved)
    ]


def _differ(before: float, after: float) -> bool:
    return abs(before - after) > SAME_MONEY * max(abs(before), abs(after))


def _shown(rate: ModelRate | None) -> tuple[float, ...] | None:
    return rate[4:8] if rate is not None and rate.matched_pattern is not None else None


def reprice(
    settings: Settings,
    impact: Impact,
    progress: Progress,
    instance: dg.DagsterInstance | None = None,
) -> Impact:
    """Makes the price tables and the affected days of the reports anew.

    Args:
        settings: Archive, warehouse and window.
        impact: What `assess` has found.
        progress: Told each step in words.
        instance: Keeps the history; the warehouse's own if not given.

    Returns:
        The impact, with what was done.

    Raises:
        AssetsError: Something the user can mend; every day is priced by the one table or the other.
    """
    from agentsview_assets.connections import build_resources  # noqa: PLC0415 - imports Dagster
    from agentsview_assets.planning import Plan  # noqa: PLC0415
    from agentsview_assets.resources.archives.prices_resource import PricesOfArchives  # noqa: PLC0415
    from agentsview_assets.running import history, run_plan  # noqa: PLC0415

    started = time.perf_counter()
    impact.dry_run = False
    # Days after today are made with today's partition.
    impact.ranges = _ranges(sorted({min(day, settings.last_date) for day in impact.days}))
    tables = {*staleness.PRICE_TABLES, staleness.RATES_TABLE}
    plan = Plan(
        frozenset(tables | ({*staleness.REPORTS} if impact.days else set())),
        impact.ranges,
        frozenset(impact.archive_id.split(", ")),
    )
    METER.listener = progress
    source = PricesOfArchives.of(settings)
    with contextlib.closing(source), history(settings, instance) as kept:
        outcome = run_plan(settings, plan, build_resources(settings, source), kept, progress)
    outcome.require_whole()
    impact.partitions = outcome.partitions
    impact.seconds = time.perf_counter() - started
    return impact


def _ranges(days: list[str]) -> list[tuple[str, str]]:
    """The days and no others, unless that would take too many runs."""
    ranges = coalesce(days, 0)
    gap = 1
    while len(ranges) > MOST_RUNS:
        ranges, gap = coalesce(days, gap), gap * 2
    return ranges


__all__ = ["Impact", "ModelImpact", "assess", "reprice"]
