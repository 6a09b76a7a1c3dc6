"""The v1 `usage daily` document: tokens and cost of every local day, from a warehouse.

What belongs here: sums, money and the shape of the document. What does not: which rows count
(`usage_query`), and how the document is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.lookups import (
    load_prices,
    project_map,
    resolve_archives,
)
from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.documents.usage.query import CountedRows, UsageScope
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.money import added_up
from agentsview_assets.rules.pricing import NO_RATES, cache_savings, row_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable

SCHEMA_VERSION = 1
USD_PER_CREDIT = 0.01
CREDIT_AGENTS = frozenset({"copilot", "vscode-copilot", "windsurf", "visualstudio-copilot"})

_SUMMED = (
    *("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"),
    "billable_output_tokens",
)


@dataclass(slots=True)
class Amounts:
    """Tokens of the four counters and their cost in USD."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    cost: float = 0.0

    def add(self, other: Amounts) -> None:
        """Add the amounts of another bucket to this one."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_creation_tokens += other.cache_creation_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cost += other.cost

    def entry(self, cost_key: str) -> dict[str, Any]:
        """Return the amounts under the contract's names, the cost under `cost_key`."""
        return {
            "inputTokens": int64(self.input_tokens),
            "outputTokens": int64(self.output_tokens),
            "cacheCreationTokens": int64(self.cache_creation_tokens),
            "cacheReadTokens": int64(self.cache_read_tokens),
            cost_key: self.cost,
        }


@dataclass(slots=True)
class Bucket:
    """The rows of one date, project, agent and model that are priced alike.

    `project` is empty when the report does not break down by project.
    """

    date: str
    project: str
    agent: str
    model: str
    reported: bool
    amounts: Amounts
    savings: float


def usage_daily(  # noqa: PLR0913 - what a report can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    agents: str = "",
    breakdown: bool = False,
    offline: bool = False,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the document, its keys in the contract's order.

    Args:
        reader: The warehouse.
        window: First and last local date, both included; None leaves an end open.
        zone: Zone in which rows are given their date.
        agents: Comma-separated agent names; empty for all.
        breakdown: Fill the break-downs by project and agent.
        offline: Prefer the embedded prices to the archive's own.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=offline)
    rows = CountedRows(reader, UsageScope(archive, window, zone, agents))
    buckets = _buckets(reader, rows, prices, by_project=breakdown)
    counts = _session_counts(reader, rows)
    days: dict[str, list[Bucket]] = {}
    for bucket in buckets:
        days.setdefault(bucket.date, []).append(bucket)
    daily = [
        _day_entry(date, days[date], breakdown=breakdown) for date in sorted(days, key=utf8_bytes)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "pricing": pricing_block(prices, _model_costs(buckets)),
        "projects": project_map(reader, archive, {project for project, _ in counts}),
        "daily": daily,
        "totals": _totals(daily, buckets),
        "sessionCounts": _session_entry(counts),
    }


def _buckets(
    reader: Reader, rows: CountedRows, prices: PricingTable, *, by_project: bool
) -> list[Bucket]:
    """Sum the rows, the coarser the fewer, and price the sums: cost is linear in tokens.

    Ordered, because the last digits of sums of money depend on the order of their terms.
    """
    project = "project" if by_project else "''"
    found = reader.rows(
        f"""
        SELECT local_seconds - local_seconds % 86400 AS midnight, odd_time, {project} AS label,
               agent, model, CASE WHEN reported_cost_usd IS NULL THEN 0 ELSE 1 END AS reported,
               {", ".join(map(reader.whole_sum, _SUMMED))},
               {reader.exact_sum("reported_cost_usd")}
        FROM ({rows.sql.text}) AS counted
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3, 4, 5, 6
        """,
        rows.sql.params,
    )
    return [
        _priced(prices, rows.local_date(midnight, odd_time), labels)
        for midnight, odd_time, *labels in found
    ]


def _priced(prices: PricingTable, date: str, values: list[Any]) -> Bucket:
    project, agent, model, reported, *counts, usd = values
    uncached, output, created, read, billable = map(int, counts)
    amounts = Amounts(uncached, output, created, read, float(usd))
    row = prices.price(model)
    rates = row.rates if row else NO_RATES
    if not reported:
        amounts.cost = row_cost(
            rates,
            input_tokens=amounts.input_tokens,
            billable_output_tokens=billable,
            cache_creation_tokens=amounts.cache_creation_tokens,
            cache_read_tokens=amounts.cache_read_tokens,
        )
    savings = cache_savings(
        rates,
        cache_creation_tokens=amounts.cache_creation_tokens,
        cache_read_tokens=amounts.cache_read_tokens,
    )
    return Bucket(date, project, agent, model, bool(reported), amounts, savings)


def _model_costs(buckets: Iterable[Bucket]) -> dict[str, tuple[bool, bool]]:
    """Return for each model whether it has computed costs, and whether it has reported ones."""
    costs: dict[str, tuple[bool, bool]] = {}
    for bucket in buckets:
        computed, reported = costs.get(bucket.model, (False, False))
        costs[bucket.model] = (computed or not bucket.reported, reported or bucket.reported)
    return costs


def _day_entry(date: str, buckets: Sequence[Bucket], *, breakdown: bool) -> dict[str, Any]:
    models = _by_cost(buckets, attrgetter("model"))
    total = Amounts()
    for _, amounts in models:
        total.add(amounts)
    shown = buckets if breakdown else ()
    return {
        "date": date,
        **total.entry("totalCost"),
        "modelsUsed": [name for name, _ in models],
        "modelBreakdowns": _entries("modelName", models),
        "projectBreakdowns": _entries("project", _by_cost(shown, attrgetter("project"))),
        "agentBreakdowns": _entries("agent", _by_cost(shown, attrgetter("agent"))),
    }


def _by_cost(
    buckets: Iterable[Bucket], name_of: Callable[[Bucket], str]
) -> list[tuple[str, Amounts]]:
    """Sum buckets by a name; the most expensive first, equal ones in the order of their bytes."""
    sums: dict[str, Amounts] = {}
    for bucket in buckets:
        sums.setdefault(name_of(bucket), Amounts()).add(bucket.amounts)
    return sorted(sums.items(), key=lambda item: (-item[1].cost, utf8_bytes(item[0])))


def _entries(name_key: str, items: Iterable[tuple[str, Amounts]]) -> list[dict[str, Any]]:
    return [{name_key: name, **amounts.entry("cost")} for name, amounts in items]


def _totals(daily: Iterable[Mapping[str, Any]], buckets: Iterable[Bucket]) -> dict[str, Any]:
    totals = Amounts().entry("totalCost")
    for day in daily:
        for key, value in totals.items():
            total = value + day[key]
            totals[key] = int64(total) if isinstance(total, int) else total
    credit = _credits(buckets)
    if credit > 0:
        totals["copilotAICredits"] = credit
    totals["cacheSavings"] = added_up(map(attrgetter("savings"), buckets))
    return totals


def _credits(buckets: Iterable[Bucket]) -> float:
    """Return the AI credits that the cost of the agents with credits stands for."""
    costs: dict[tuple[str, str], float] = {}
    for bucket in buckets:
        if bucket.agent in CREDIT_AGENTS:
            key = (bucket.date, bucket.agent)
            costs[key] = costs.get(key, 0.0) + bucket.amounts.cost
    return added_up(cost / USD_PER_CREDIT for cost in costs.values())


def _session_counts(reader: Reader, rows: CountedRows) -> dict[tuple[str, str], int]:
    """Count the sessions of each project and agent that rows count for.

    A pair whose rows all come from Cursor has no session, but its project is still in the report.
    """
    found = reader.rows(
        f"""
        SELECT project, agent, COUNT(DISTINCT CASE WHEN source <> 'cursor' THEN session_id END)
        FROM ({rows.sql.text}) AS counted GROUP BY project, agent
        """,
        rows.sql.params,
    )
    return {(project, agent): sessions for project, agent, sessions in found}


def _session_entry(counts: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "total": sum(counts.values()),
        "byProject": _sums((project, count) for (project, _), count in counts.items()),
        "byAgent": _sums((agent, count) for (_, agent), count in counts.items()),
    }


def _sums(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up the counts of each label, labels in byte order, those without any left out."""
    sums: dict[str, int] = {}
    for label, count in counts:
        if count:
            sums[label] = sums.get(label, 0) + count
    return {label: sums[label] for label in sorted(sums, key=utf8_bytes)}
