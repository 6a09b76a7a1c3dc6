"""Report tables from observations and rates: pure functions over Arrow tables.

Each runs one query on a private in-memory DuckDB; nothing is opened or written. Costs are linear
in tokens, so they are computed from sums; the one rule that is not (reasoning billed where there
is no output) is settled per row before, as `billable_output_tokens`.
"""

from __future__ import annotations

import functools

import duckdb
import pyarrow as pa

from agentsview_assets.rules.duplicates import session_order
from agentsview_assets.rules.durations import duration_seconds
from agentsview_assets.rules.rates import cache_savings_sql, computed_cost_sql
from agentsview_assets.rules.slices import partition_of

_MINUTE_NS = 60_000_000_000
_BUCKET_NS = 300_000_000_000
_EARLIEST = 62_135_596_800
"""Seconds from the year 0001, the first that calendars hold, to 1970."""
_SLOTS = 10_000_000_000
"""More than there are buckets between the years 0001 and 9999."""
_LATEST_BUCKET = (_EARLIEST + 253_402_300_799) // 300

_COUNTERS = (
    *("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"),
    "reasoning_tokens",
)
_SIDE_SUMS = (
    *("priced_input_tokens", "priced_output_tokens", "priced_cache_creation_tokens"),
    "priced_cache_read_tokens",
)


def _held(expression: str, name: str) -> str:
    """A sum of 128 bits as what a table holds; NULL, which no contract takes, beyond that."""
    return f"try_cast({expression} AS BIGINT) AS {name}"


def _all_held(relation: str, names: tuple[str, ...]) -> str:
    return ", ".join(_held(f"{relation}.{name}", name) for name in names)


_PRICED_SUMS = """
    count(*) FILTER (counts) AS usage_row_count,
    count(*) FILTER (counts AND reported_cost_usd IS NOT NULL) AS reported_row_count,
    coalesce(sum(input_tokens) FILTER (counts), 0) AS input_tokens,
    coalesce(sum(output_tokens) FILTER (counts), 0) AS output_tokens,
    coalesce(sum(cache_creation_tokens) FILTER (counts), 0) AS cache_creation_tokens,
    coalesce(sum(cache_read_tokens) FILTER (counts), 0) AS cache_read_tokens,
    coalesce(sum(reasoning_tokens) FILTER (counts), 0) AS reasoning_tokens,
    coalesce(sum(input_tokens) FILTER (computes), 0) AS priced_input_tokens,
    coalesce(sum(billable_output_tokens) FILTER (computes), 0) AS priced_output_tokens,
    coalesce(sum(cache_creation_tokens) FILTER (computes), 0)
        AS priced_cache_creation_tokens,
    coalesce(sum(cache_read_tokens) FILTER (computes), 0) AS priced_cache_read_tokens,
    coalesce(sum(input_tokens::HUGEINT + output_tokens + cache_creation_tokens + cache_read_tokens)
        FILTER (computes), 0) AS computed_tokens,
    coalesce(sum(reported_cost_usd) FILTER (counts), 0) AS reported_cost_usd"""

_COMPUTED_COST = computed_cost_sql("g", "r")

_UNPRICED = "CASE WHEN r.matched_pattern IS NULL THEN g.computed_tokens ELSE 0 END"

_PRICED_COLUMNS = f"""
    {_all_held("g", _COUNTERS)}, {_all_held("g", _SIDE_SUMS)},
    {_held(_UNPRICED, "unpriced_tokens")}, g.reported_cost_usd,
    {_COMPUTED_COST} AS computed_cost_usd,
    g.reported_cost_usd + {_COMPUTED_COST} AS cost_usd"""

_JUDGED = """judged AS (
    SELECT u.*, v.row_id IS NOT NULL AS has_duplicates,
        nullif(v.counting_row_id, u.row_id) AS duplicate_of
    FROM usage u LEFT JOIN (SELECT * FROM verdicts WHERE scope = 'archive') v
        ON v.archive_id = u.archive_id AND v.row_id = u.row_id
)"""
"""Usage rows with the verdict among those of their archive."""

_DAILY_USAGE = f"""
WITH {_JUDGED}, counted AS (
    SELECT *, duplicate_of IS NULL AS counts,
        duplicate_of IS NULL AND reported_cost_usd IS NULL AS computes,
        CASE WHEN epoch_seconds IS NULL THEN
            CASE WHEN strlen(timestamp_text) >= 10 THEN left(timestamp_text, 10) ELSE '' END
            END AS head,
        try_cast(head AS DATE) AS head_day,
        -- A text that starts with a date belongs to the rows that have a time on that date.
        CASE WHEN CAST(head_day AS VARCHAR) = head THEN NULL ELSE head END AS unread,
        CAST(coalesce(floor(epoch_seconds / 86400.0), CASE WHEN unread IS NULL
            THEN head_day - DATE '1970-01-01' END) AS INTEGER) AS day_number
    FROM judged
), g AS (
    SELECT archive_id, partition_date, day_number, unread, project, agent, model,
        coalesce(unread, CAST(DATE '1970-01-01' + day_number AS VARCHAR)) AS usage_date_text,
        count(*) FILTER (NOT counts) AS duplicate_row_count, {_PRICED_SUMS}
    FROM counted GROUP BY archive_id, partition_date, day_number, unread, project, agent, model
)
SELECT g.archive_id, g.partition_date, g.usage_date_text, g.project, g.agent, g.model,
    g.usage_row_count, g.duplicate_row_count, g.reported_row_count, {_PRICED_COLUMNS},
    {cache_savings_sql("g", "r")} AS cache_savings_usd,
    r.pricing_digest
FROM g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
ORDER BY g.partition_date, g.archive_id, g.usage_date_text, g.project, g.agent, g.model
"""

_SESSION_MODEL_USAGE = f"""
WITH {_JUDGED}, first AS (
    SELECT *, true AS counts, reported_cost_usd IS NULL AS computes
    FROM judged WHERE NOT has_duplicates
    UNION ALL
    SELECT *, true, reported_cost_usd IS NULL FROM judged WHERE has_duplicates
    QUALIFY row_number() OVER (
        PARTITION BY archive_id, session_id, dedup_key ORDER BY {session_order()}) = 1
), contributing AS (
    SELECT * FROM first
    WHERE reported_cost_usd IS NOT NULL OR input_tokens <> 0 OR output_tokens <> 0
        OR cache_creation_tokens <> 0 OR cache_read_tokens <> 0 OR reasoning_tokens <> 0
), g AS (
    SELECT archive_id, session_date AS partition_date, session_id, model, {_PRICED_SUMS}
    FROM contributing GROUP BY ALL
)
SELECT g.archive_id, g.partition_date, g.session_id, g.model, g.usage_row_count,
    g.reported_row_count, {_PRICED_COLUMNS},
    CASE WHEN g.reported_row_count = 0 THEN 'computed'
        WHEN g.reported_row_count = g.usage_row_count THEN 'reported' ELSE 'mixed' END
        AS cost_source,
    r.pricing_digest
FROM g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
ORDER BY g.partition_date, g.archive_id, g.session_id, g.model
"""

_SUMMED = (*_COUNTERS, "unpriced_tokens")


def _or_none(has: str, names: tuple[str, ...]) -> str:
    """Sums as a table holds them, and 0 where there is nothing to sum up."""
    return ", ".join(_held(f"CASE WHEN {has} THEN {name} ELSE 0 END", name) for name in names)


_SESSION_SUMMARIES = f"""
WITH u AS (
    SELECT archive_id, session_id, count(*) AS model_count,
        {", ".join(f"sum({name}) AS {name}" for name in _SUMMED)}, sum(cost_usd) AS cost_usd,
        bool_and(t.reported_row_count = t.usage_row_count OR r.matched_pattern IS NOT NULL)
            AS has_cost
    FROM usage t JOIN rates r USING (archive_id, model)
    GROUP BY archive_id, session_id
)
SELECT s.archive_id, s.partition_date, s.session_id, s.project, s.machine, s.agent, s.cwd,
    s.git_branch, s.started_at, s.ended_at, s.last_activity_text,
    s.duration_seconds,
    s.message_count, s.user_message_count, s.assistant_message_count,
    CASE WHEN s.is_automated THEN 'automated' ELSE 'interactive' END AS classification,
    s.deleted_at_text IS NOT NULL AS is_deleted, s.parent_session_id,
    nullif(s.relationship_type, '') AS relationship_type, s.worktree_name, s.worktree_root_path,
    coalesce(u.model_count, 0) AS model_count, {_or_none("u.model_count > 0", _SUMMED)},
    coalesce(u.cost_usd, 0) AS cost_usd, coalesce(u.has_cost, false) AS has_cost, d.pricing_digest
FROM sessions s LEFT JOIN u USING (archive_id, session_id)
JOIN (SELECT DISTINCT archive_id, pricing_digest FROM digests) d USING (archive_id)
ORDER BY s.partition_date, s.archive_id, s.session_id
"""

_ACTIVITY_BUCKETS = f"""
WITH {_JUDGED}, source AS (
    -- One integer stands for archive and bucket: grouping by texts would cost as much again.
    SELECT archive_id, row_number() OVER (ORDER BY archive_id) * {_SLOTS}::BIGINT AS base
    FROM (SELECT archive_id FROM intervals UNION SELECT archive_id FROM usage)
), span AS (
    SELECT base + epoch_seconds // 300 AS slot, session_id, is_automated,
        (epoch_seconds % 300) * 1000000000 + nanosecond AS opens, duration_ns
    FROM (SELECT archive_id, session_id, is_automated, nanosecond, duration_ns,
            -- Integer division truncates; counting from the year 0001 keeps it positive.
            epoch_seconds + {_EARLIEST} AS epoch_seconds
        FROM intervals WHERE epoch_seconds >= -{_EARLIEST}) JOIN source USING (archive_id)
), piece AS (
    SELECT slot, session_id, is_automated, opens,
        least(opens + duration_ns, {_BUCKET_NS}) AS closes
    FROM span
    UNION ALL
    SELECT slot + 1, session_id, is_automated, 0, opens + duration_ns - {_BUCKET_NS}
    FROM span WHERE opens + duration_ns > {_BUCKET_NS}
), change AS (
    SELECT slot, moment, sum(delta)::INTEGER AS delta, sum(automated)::INTEGER AS automated
    FROM (
        SELECT slot, opens AS moment, 1 AS delta, is_automated::INTEGER AS automated FROM piece
        UNION ALL
        SELECT slot, closes, -1, -is_automated::INTEGER FROM piece)
    GROUP BY slot, moment
), live AS (
    SELECT slot, moment, sum(delta) OVER turn AS agents, sum(automated) OVER turn AS automated,
        lead(moment) OVER turn - moment AS lasts
    FROM change WINDOW turn AS (PARTITION BY slot ORDER BY moment)
), peak AS (
    SELECT slot, max(agents)::BIGINT AS max_agents,
        -- The first moment of the peak decides: most agents, then earliest.
        arg_max(automated, agents * {_BUCKET_NS}::BIGINT - moment)::BIGINT AS automated_at_peak,
        sum(lasts) FILTER (agents > 0) / {_MINUTE_NS}.0 AS active_minutes
    FROM live GROUP BY slot
), worked AS (
    SELECT slot, count(DISTINCT session_id) AS session_count,
        sum(closes - opens) / {_MINUTE_NS}.0 AS agent_minutes,
        coalesce(sum(closes - opens) FILTER (is_automated), 0) / {_MINUTE_NS}.0
            AS automated_agent_minutes,
        coalesce(sum(closes - opens) FILTER (NOT is_automated), 0) / {_MINUTE_NS}.0
            AS interactive_agent_minutes
    FROM piece GROUP BY slot
), spent AS (
    SELECT archive_id, base + (epoch_seconds + {_EARLIEST}) // 300 AS slot, model, {_PRICED_SUMS}
    FROM (SELECT *, true AS counts, reported_cost_usd IS NULL AS computes FROM judged
        WHERE duplicate_of IS NULL AND epoch_seconds >= -{_EARLIEST}) JOIN source USING (archive_id)
    GROUP BY archive_id, slot, model
), cost AS (
    SELECT g.slot, true AS is_spent, {", ".join(f"sum(g.{n}) AS {n}" for n in _COUNTERS[:4])},
        sum({_UNPRICED}) AS unpriced_tokens,
        sum(g.reported_cost_usd + {_COMPUTED_COST}) AS cost_usd
    FROM spent g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
    GROUP BY g.slot
), joined AS (
    SELECT coalesce(p.slot, c.slot) AS slot, p.* EXCLUDE (slot), w.* EXCLUDE (slot),
        c.* EXCLUDE (slot)
    FROM peak p JOIN worked w USING (slot) FULL JOIN cost c ON c.slot = p.slot
), placed AS (
    SELECT *, {partition_of("bucket_day")} AS partition_day
    FROM (SELECT *, DATE '0001-01-01' + CAST(bucket // 288 AS INTEGER) AS bucket_day
        FROM (SELECT *, slot % {_SLOTS} AS bucket FROM joined) WHERE bucket <= {_LATEST_BUCKET})
)
SELECT s.archive_id, strftime(partition_day, '%Y-%m-%d') AS partition_date,
    make_timestamptz((bucket * 300 - {_EARLIEST}) * 1000000) AS bucket_start,
    coalesce(max_agents, 0) AS max_agents, coalesce(automated_at_peak, 0) AS automated_at_peak,
    coalesce(max_agents - automated_at_peak, 0) AS interactive_at_peak,
    coalesce(session_count, 0) AS session_count, coalesce(active_minutes, 0) AS active_minutes,
    coalesce(agent_minutes, 0) AS agent_minutes,
    coalesce(automated_agent_minutes, 0) AS automated_agent_minutes,
    coalesce(interactive_agent_minutes, 0) AS interactive_agent_minutes,
    {_or_none("is_spent", (*_COUNTERS[:4], "unpriced_tokens"))}, coalesce(cost_usd, 0) AS cost_usd,
    d.pricing_digest
FROM placed JOIN source s ON s.base = slot - bucket
JOIN (SELECT DISTINCT archive_id, pricing_digest FROM digests) d USING (archive_id)
WHERE partition_day BETWEEN $from::DATE AND $to::DATE
ORDER BY partition_date, s.archive_id, bucket_start
"""


def daily_usage(usage: pa.Table, verdicts: pa.Table, rates: pa.Table) -> pa.Table:
    """Rolls usage rows up to day, project, agent and model.

    Args:
        usage: Columns of `usage_rows`, duplicates included.
        verdicts: Columns of `duplicates` that concern these rows.
        rates: Rows of `model_rates` for every model in `usage`.
    """
    return _run(_DAILY_USAGE, {}, usage=usage, verdicts=verdicts, rates=rates)


def session_model_usage(usage: pa.Table, verdicts: pa.Table, rates: pa.Table) -> pa.Table:
    """Sums each session's usage by model, leaving out a session's own repeats.

    Args:
        usage: Columns of `usage_rows` of whole sessions.
        verdicts: Columns of `duplicates` that concern these rows.
        rates: Rows of `model_rates`.
    """
    return _run(_SESSION_MODEL_USAGE, {}, usage=usage, verdicts=verdicts, rates=rates)


def session_summaries(
    sessions: pa.Table, usage: pa.Table, rates: pa.Table, digests: pa.Table
) -> pa.Table:
    """Joins sessions with their usage.

    Args:
        sessions: Rows of `sessions`.
        usage: Rows of `session_model_usage` of those sessions.
        rates: Rows of `model_rates`.
        digests: The `archive_id` and `pricing_digest` of `effective_pricing`.
    """
    lasting = sessions.append_column("duration_seconds", _durations(sessions))
    return _run(_SESSION_SUMMARIES, {}, sessions=lasting, usage=usage, rates=rates, digests=digests)


def _durations(sessions: pa.Table) -> pa.Array:
    names = ("started_at_text", "ended_at_text", "last_activity_text")
    times = zip(*(sessions.column(name).to_pylist() for name in names), strict=True)
    found = [duration_seconds(start, end or last) for start, end, last in times]
    return pa.array(found, pa.int64())


def activity_buckets(  # noqa: PLR0913 - what a bucket is made of
    intervals: pa.Table,
    usage: pa.Table,
    verdicts: pa.Table,
    rates: pa.Table,
    digests: pa.Table,
    days: dict[str, str],
) -> pa.Table:
    """Cuts activity into five minutes of the UTC clock.

    Args:
        intervals: Rows of `activity_intervals`, the day before the first one included.
        usage: Rows of `usage_rows` of the days.
        verdicts: Columns of `duplicates` that concern these rows.
        rates: Rows of `model_rates`.
        digests: The `archive_id` and `pricing_digest` of `effective_pricing`.
        days: `first` day of the window, `from` and `to` of the days asked for.
    """
    tables = {"intervals": intervals, "usage": usage, "verdicts": verdicts}
    return _run(_ACTIVITY_BUCKETS, days, **tables, rates=rates, digests=digests)


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    """An empty database, made once: making one takes longer than a small report."""
    connection = duckdb.connect()
    connection.execute("SET GLOBAL preserve_insertion_order = false")
    return connection


def _run(sql: str, parameters: dict[str, str], **tables: pa.Table) -> pa.Table:
    with _engine().cursor() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=parameters).to_arrow_table()
