"""The sums of a usage report: rows added up in buckets, priced, and added up by names.

What belongs here: sums and money. What does not: which rows count (`query`), and the shape of any
document.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.usage.query import CountedRows
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.money import added_up
from agentsview_assets.rules.pricing import NO_RATES, cache_savings, row_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agentsview_assets.documents.usage.query import UsageScope
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable

SUMMED = (
    *("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"),
    "billable_output_tokens",
)
"""The counters of rows that are added up."""


@dataclass(slots=True)
class Amounts:
    """Tokens of the four counters and their cost in USD."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """The tokens of all four counters."""
        cached = self.cache_creation_tokens + self.cache_read_tokens
        return self.input_tokens + self.output_tokens + cached

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


class Priced(NamedTuple):
    """What sums of rows of one model cost.

    Attributes:
        amounts: Tokens and cost.
        savings: USD that the cache saved.
    """

    amounts: Amounts
    savings: float


class Usage(NamedTuple):
    """What a report is made of.

    Attributes:
        buckets: The rows that count, added up and priced.
        sessions: How many sessions of each project and agent they are of. A pair whose rows all
            come from Cursor has no session, but its project is still in the report.
    """

    buckets: Sequence[Bucket]
    sessions: Mapping[tuple[str, str], int]

    @property
    def projects(self) -> set[str]:
        """The labels of all projects that rows count for."""
        return {project for project, _ in self.sessions}

    @property
    def model_costs(self) -> dict[str, tuple[bool, bool]]:
        """For each model whether it has computed costs, and whether it has reported ones."""
        costs: dict[str, tuple[bool, bool]] = {}
        for bucket in self.buckets:
            computed, reported = costs.get(bucket.model, (False, False))
            costs[bucket.model] = (computed or not bucket.reported, reported or bucket.reported)
        return costs

    @property
    def savings(self) -> float:
        """USD that the cache saved."""
        return added_up(map(attrgetter("savings"), self.buckets))


def read_usage(
    reader: Reader, scope: UsageScope, prices: PricingTable, *, by_project: bool
) -> Usage:
    """Add up and price the rows of a report.

    Args:
        reader: The warehouse.
        scope: What the report is about.
        prices: The price rows in force.
        by_project: Whether buckets are told apart by project.
    """
    rows = CountedRows(reader, scope)
    buckets = _buckets(reader, rows, prices, by_project=by_project)
    return Usage(buckets, _session_counts(reader, rows))


def sums(reader: Reader) -> str:
    """Return the select list of what `priced` takes: a row's sums of tokens and reported cost."""
    counters = ", ".join(map(reader.whole_sum, SUMMED))
    return f"{counters}, {reader.exact_sum('reported_cost_usd')}"


IS_REPORTED = "CASE WHEN reported_cost_usd IS NULL THEN 0 ELSE 1 END"
"""SQL by which rows are told apart whose costs come about in different ways."""


def priced(prices: PricingTable, model: str, reported: object, found: Sequence[Any]) -> Priced:
    """Price what rows of one model sum to; cost is linear in tokens.

    Args:
        prices: The price rows in force.
        model: Their model.
        reported: Whether their source reported what they cost.
        found: The values of `sums`.
    """
    *counts, usd = found
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
    return Priced(amounts, savings)


def _buckets(
    reader: Reader, rows: CountedRows, prices: PricingTable, *, by_project: bool
) -> list[Bucket]:
    """Sum the rows, the coarser the fewer, and price the sums.

    Ordered, because the last digits of sums of money depend on the order of their terms.
    """
    project = "project" if by_project else "''"
    found = reader.rows(
        f"""
        SELECT local_seconds - local_seconds % 86400 AS midnight, odd_time, {project} AS label,
               agent, model, {IS_REPORTED} AS reported, {sums(reader)}
        FROM ({rows.sql.text}) AS counted
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3, 4, 5, 6
        """,
        rows.sql.params,
    )
    buckets = []
    for midnight, odd_time, label, agent, model, reported, *values in found:
        amounts, savings = priced(prices, model, reported, values)
        date = rows.local_date(midnight, odd_time)
        buckets.append(Bucket(date, label, agent, model, bool(reported), amounts, savings))
    return buckets


def _session_counts(reader: Reader, rows: CountedRows) -> dict[tuple[str, str], int]:
    found = reader.rows(
        f"""
        SELECT project, agent, COUNT(DISTINCT CASE WHEN source <> 'cursor' THEN session_id END)
        FROM ({rows.sql.text}) AS counted GROUP BY project, agent
        """,
        rows.sql.params,
    )
    return {(project, agent): sessions for project, agent, sessions in found}


def by_cost(
    items: Iterable[Any], name_of: Callable[[Any], str], amounts_of: Callable[[Any], Amounts]
) -> list[tuple[str, Amounts]]:
    """Sum amounts by a name; the most expensive first, equal ones in the order of their bytes."""
    totals: dict[str, Amounts] = {}
    for item in items:
        totals.setdefault(name_of(item), Amounts()).add(amounts_of(item))
    return sorted(totals.items(), key=lambda item: (-item[1].cost, utf8_bytes(item[0])))


def entries(name_key: str, items: Iterable[tuple[str, Amounts]]) -> list[dict[str, Any]]:
    """Return named amounts under the contract's names, the name under `name_key`."""
    return [{name_key: name, **amounts.entry("cost")} for name, amounts in items]
