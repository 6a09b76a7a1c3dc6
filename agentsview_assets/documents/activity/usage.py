"""The usage of an activity report, priced: what it adds to sessions, buckets and totals."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from agentsview_assets.rules.pricing import NO_RATES, row_cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentsview_assets.documents.activity.query import UsageQuery
    from agentsview_assets.documents.activity.sessions import Session
    from agentsview_assets.rules.pricing import PricingTable


class ActivityUsage:
    """Tokens and cost of the rows that count.

    Attributes:
        models: Model -> whether it has computed costs, and whether it has reported ones.
        bucket_costs: USD of each bucket.
        bucket_tokens: Output tokens of each bucket.
        cost: USD of all rows.
        costs: USD of interactive sessions, and of automated ones.
        output_tokens: Output tokens of all rows.
    """

    def __init__(
        self,
        query: UsageQuery,
        prices: PricingTable,
        sessions: Mapping[str, Session],
        starts: Sequence[int],
    ) -> None:
        """Read and price the rows, and hand each session its share.

        Args:
            query: Where the rows come from.
            prices: Price rows in force.
            sessions: The report's sessions by id; their costs and tokens are filled in.
            starts: Moments at which buckets start, ascending.
        """
        self.models: dict[str, tuple[bool, bool]] = {}
        self.bucket_costs = [0.0] * len(starts)
        self.bucket_tokens = [0] * len(starts)
        self.cost = 0.0
        self.costs = [0.0, 0.0]
        self.output_tokens = 0
        self._prices = prices
        rows = [row for row in query.usage_sums(starts) if row[0] in sessions]
        if _may_cancel_out(rows, prices):
            rows = [row for row in query.usage_one_by_one(starts) if row[0] in sessions]
        for session_id, model, moment, *amounts in rows:
            self._add(sessions[session_id], model, bisect_right(starts, moment) - 1, amounts)

    def _add(self, session: Session, model: str, bucket: int, amounts: Sequence[Any]) -> None:
        reported, *counts, usd, _, _ = amounts
        uncached, billable, created, read, output = map(int, counts)
        computed_before, reported_before = self.models.get(model, (False, False))
        self.models[model] = (computed_before or not reported, reported_before or bool(reported))
        row = None if reported else self._prices.price(model)
        cost = float(usd) if reported else 0.0
        if row is not None:
            cost = row_cost(
                row.rates,
                input_tokens=uncached,
                billable_output_tokens=billable,
                cache_creation_tokens=created,
                cache_read_tokens=read,
            )
        self.cost += cost
        self.costs[session.is_automated] += cost
        self.output_tokens += output
        self.bucket_costs[bucket] += cost
        self.bucket_tokens[bucket] += output
        session.cost += cost
        session.costs[model] = session.costs.get(model, 0.0) + cost
        session.output_tokens += output


def _may_cancel_out(rows: Sequence[tuple[Any, ...]], prices: PricingTable) -> bool:
    """Tell whether costs may be negative.

    Sums that come to nothing are left out of the report, and whether they do depends then on the
    order of their terms. Otherwise they are zero only if every term is.
    """
    return any(row[-1] < 0 or row[-2] < 0 for row in rows) or any(
        rate < 0 for model in {row[1] for row in rows} for rate in _rates(prices, model)
    )


def _rates(prices: PricingTable, model: str) -> tuple[float, ...]:
    row = prices.price(model)
    return row.rates if row else NO_RATES
