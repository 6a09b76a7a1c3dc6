"""What a change of prices means: which rates moved, and what that does to costs already published.

Costs are linear in tokens, and `daily_usage` keeps the tokens that were priced, so that the cost of
a day at other rates follows from the day's own rows. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from agentsview_assets.transforms.rates import ModelRate, computed_cost_sql

RATES = (
    "matched_pattern",
    "source",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "cache_read_usd_per_mtok",
)
"""What of a model's rate is kept in the history; a change of the source alone is no change."""
_PRICES = tuple(name for name in RATES if name != "source")
TOLERANCE = 1e-9
"""Relative difference below which two costs are the same money."""

Row = dict[str, Any]

COMPUTED_COST = computed_cost_sql("d", "r")
"""SQL of what a row `d` of `daily_usage` costs at the rates `r`, reported costs left out."""

_RESTATED = f"""
WITH cost AS (
    SELECT d.archive_id, d.partition_date, d.project, d.model, sum(d.cost_usd) AS old_cost_usd,
        sum(d.reported_cost_usd + {COMPUTED_COST}) AS new_cost_usd,
        try_cast(sum(d.input_tokens::HUGEINT + d.output_tokens + d.cache_creation_tokens
            + d.cache_read_tokens) AS BIGINT) AS tokens,
        max(d.pricing_digest) AS old_pricing_digest, max(r.pricing_digest) AS new_pricing_digest
    FROM daily d JOIN rates r ON r.archive_id = d.archive_id AND r.model = d.model
    GROUP BY ALL
)
SELECT archive_id, partition_date, project, model, $now AS restated_at, old_cost_usd, new_cost_usd,
    tokens, old_pricing_digest, new_pricing_digest, $run_id AS run_id
FROM cost
WHERE abs(new_cost_usd - old_cost_usd)
    > {TOLERANCE} * greatest(abs(new_cost_usd), abs(old_cost_usd))
"""


def next_history(
    history: Iterable[Row], rates: Iterable[ModelRate], now: datetime, run_id: str
) -> list[Row]:
    """The history of rates with those now in force; equal to the history given if none moved.

    Args:
        history: Rows of `price_changes`.
        rates: The rates in force of every model seen.
        now: The time from which they are.
        run_id: The run that makes them so.
    """
    rows = [dict(row) for row in history]
    in_force = {(row["archive_id"], row["model"]): row for row in rows if row["valid_to"] is None}
    for rate in rates:
        last = in_force.get((rate.archive_id, rate.model))
        if last is not None:
            if all(last[name] == getattr(rate, name) for name in _PRICES):
                continue
            last["valid_to"] = now
        rows.append(
            {
                "archive_id": rate.archive_id,
                "model": rate.model,
                **{name: getattr(rate, name) for name in RATES},
                "valid_from": now,
                "valid_to": None,
                "pricing_digest": rate.pricing_digest,
                "run_id": run_id,
            }
        )
    return rows


def restatements(daily: pa.Table, rates: pa.Table, now: datetime, run_id: str) -> pa.Table:
    """What pricing some days at other rates moves.

    Args:
        daily: Rows of `daily_usage` of those days, as last published.
        rates: Rows of `model_rates`, as they are from now on.
        now: The time of it.
        run_id: The run that does it.
    """
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("daily", daily)
        connection.register("rates", rates)
        return connection.sql(_RESTATED, params={"now": now, "run_id": run_id}).to_arrow_table()


def moved_rates(
    old: Mapping[tuple[str, str], ModelRate], new: Mapping[tuple[str, str], ModelRate]
) -> list[tuple[ModelRate | None, ModelRate]]:
    """The models whose matched rates are others than before, each with both; None if it is new."""
    return [
        (old.get(key), rate)
        for key, rate in sorted(new.items())
        if (last := old.get(key)) is None
        or any(getattr(last, name) != getattr(rate, name) for name in _PRICES)
    ]
