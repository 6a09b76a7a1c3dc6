"""What was published of a day and is no longer so, as rows: a pure function over tables.

What other rates do to the same tokens is a restatement of its own, so that the rest is what the
tokens themselves moved. Why a slice is restated at all is in `reasons`.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa

from agentsview_assets.rules.rates import SAME_MONEY, computed_cost_sql
from agentsview_assets.rules.reasons import CONTENT, PRICE, REMOVAL, Moved

COMPUTED_COST = computed_cost_sql("d", "r")
"""SQL of what a row `d` of `daily_usage` costs at the rates `r`, reported costs left out."""

_COUNTERS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
_TOKENS = f"sum({' + '.join(f'd.{name}::HUGEINT' for name in _COUNTERS)})"
_FELL = " AND ".join(f"coalesce(n.{name}, 0) <= o.{name}" for name in _COUNTERS)
_PLACE = "archive_id, partition_date, project, model"


def _sums(relation: str) -> str:
    counters = ", ".join(f"sum(d.{name}::HUGEINT) AS {name}" for name in _COUNTERS)
    return f"""SELECT {", ".join(f"d.{name}" for name in _PLACE.split(", "))},
        sum(d.cost_usd) AS cost, {_TOKENS} AS tokens, {counters},
        sum(d.usage_row_count) AS size, max(d.pricing_digest) AS digest,
        sum(CASE WHEN r.model IS NULL THEN d.cost_usd
            ELSE d.reported_cost_usd + {COMPUTED_COST} END) AS cost_now,
        coalesce(max(r.pricing_digest), max(d.pricing_digest)) AS digest_now
    FROM {relation} d LEFT JOIN rates r ON r.archive_id = d.archive_id AND r.model = d.model
    GROUP BY ALL"""


def _differs(one: str, other: str) -> str:
    return f"abs({one} - {other}) > {SAME_MONEY} * greatest(abs({one}), abs({other}))"


_RESTATED = f"""
WITH o AS ({_sums("old_rows")}), n AS ({_sums("new_rows")}), both_sides AS (
    SELECT {_PLACE}, s.reason, s.is_repriced, o.cost AS old_cost, n.cost AS new_cost,
        CASE WHEN s.is_repriced THEN o.cost_now ELSE o.cost END AS same_tokens,
        o.tokens AS old_tokens, n.tokens AS new_tokens, o.size AS old_size, n.size AS new_size,
        o.digest AS old_digest, coalesce(n.digest, o.digest_now) AS new_digest,
        coalesce(o.size > coalesce(n.size, 0) AND {_FELL}, false) AS is_less
    FROM o FULL JOIN n USING ({_PLACE}) JOIN moved s USING (archive_id, partition_date)
)
SELECT {_PLACE}, $now AS restated_at, '{PRICE}' AS reason, old_cost AS old_cost_usd,
    same_tokens AS new_cost_usd, try_cast(old_tokens AS BIGINT) AS old_tokens,
    try_cast(old_tokens AS BIGINT) AS tokens, old_digest AS old_pricing_digest,
    new_digest AS new_pricing_digest, $run_id AS run_id
FROM both_sides WHERE is_repriced AND {_differs("same_tokens", "old_cost")}
UNION ALL
SELECT {_PLACE}, $now, CASE WHEN is_less AND reason = '{CONTENT}' THEN '{REMOVAL}' ELSE reason END,
    coalesce(same_tokens, 0), coalesce(new_cost, 0), coalesce(try_cast(old_tokens AS BIGINT), 0),
    coalesce(try_cast(new_tokens AS BIGINT), 0), coalesce(old_digest, new_digest), new_digest,
    $run_id
FROM both_sides WHERE reason IS NOT NULL AND (
    old_tokens IS DISTINCT FROM new_tokens OR old_size IS DISTINCT FROM new_size
    OR {_differs("coalesce(new_cost, 0)", "coalesce(same_tokens, 0)")})
ORDER BY ALL
"""


def restatements(  # noqa: PLR0913 - what was and what is, and who says so when
    old: pa.Table,
    new: pa.Table,
    rates: pa.Table,
    moved: list[Moved],
    now: datetime,
    run_id: str,
) -> pa.Table:
    """What is published otherwise from now on, a row for each day, project, model and reason.

    Args:
        old: Rows of `daily_usage` of the slices, as last published.
        new: Those that take their place.
        rates: Rows of `model_rates`, as they are from now on.
        moved: The slices.
        now: The time of it.
        run_id: The run that does it.
    """
    slices = pa.table(
        {
            "archive_id": pa.array([m.place[0] for m in moved], pa.string()),
            "partition_date": pa.array([m.place[1] for m in moved], pa.string()),
            "reason": pa.array([m.reason for m in moved], pa.string()),
            "is_repriced": pa.array([m.is_repriced for m in moved], pa.bool_()),
        }
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in (
            ("old_rows", old), ("new_rows", new), ("rates", rates), ("moved", slices),
        ):  # fmt: skip
            connection.register(name, table)
        return connection.sql(_RESTATED, params={"now": now, "run_id": run_id}).to_arrow_table()
