"""Report tables from observations and rates: pure functions over Arrow tables.

Each runs one query on a private in-memory DuckDB; nothing is opened or written. Costs are linear
in tokens, so they are computed from sums; the one rule that is not (reasoning billed where there
is no output) is settled per row before, as `billable_output_tokens`.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from agentsview_assets.transforms.slices import partition_of

_MINUTE_NS = 60_000_000_000

_PRICED_SUMS = """
    count(*) FILTER (counts) AS usage_row_count,
    count(*) FILTER (counts AND reported_cost_usd IS NOT NULL) AS reported_row_count,
    coalesce(sum(input_tokens) FILTER (counts), 0)::BIGINT AS input_tokens,
    coalesce(sum(output_tokens) FILTER (counts), 0)::BIGINT AS output_tokens,
    coalesce(sum(cache_creation_tokens) FILTER (counts), 0)::BIGINT AS cache_creation_tokens,
    coalesce(sum(cache_read_tokens) FILTER (counts), 0)::BIGINT AS cache_read_tokens,
    coalesce(sum(reasoning_tokens) FILTER (counts), 0)::BIGINT AS reasoning_tokens,
    coalesce(sum(input_tokens) FILTER (computes), 0)::BIGINT AS priced_input_tokens,
    coalesce(sum(billable_output_tokens) FILTER (computes), 0)::BIGINT AS priced_output_tokens,
    coalesce(sum(cache_creation_tokens) FILTER (computes), 0)::BIGINT
        AS priced_cache_creation_tokens,
    coalesce(sum(cache_read_tokens) FILTER (computes), 0)::BIGINT AS priced_cache_read_tokens,
    coalesce(sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens)
        FILTER (computes), 0)::BIGINT AS computed_tokens,
    coalesce(sum(reported_cost_usd) FILTER (counts), 0) AS reported_cost_usd"""

_COMPUTED_COST = """((g.priced_input_tokens * r.input_usd_per_mtok
        + g.priced_output_tokens * r.output_usd_per_mtok
        + g.priced_cache_creation_tokens * r.cache_write_usd_per_mtok
        + g.priced_cache_read_tokens * r.cache_read_usd_per_mtok) / 1000000.0)"""

_UNPRICED = "CASE WHEN r.matched_pattern IS NULL THEN g.computed_tokens ELSE 0 END"

_PRICED_COLUMNS = f"""
    g.priced_input_tokens, g.priced_output_tokens, g.priced_cache_creation_tokens,
    g.priced_cache_read_tokens, {_UNPRICED} AS unpriced_tokens, g.reported_cost_usd,
    {_COMPUTED_COST} AS computed_cost_usd,
    g.reported_cost_usd + {_COMPUTED_COST} AS cost_usd"""

_DAILY_USAGE = f"""
WITH counted AS (
    SELECT *, duplicate_of IS NULL AS counts,
        duplicate_of IS NULL AND reported_cost_usd IS NULL AS computes,
        CAST(floor(epoch_seconds / 86400.0) AS INTEGER) AS day_number,
        CASE WHEN epoch_seconds IS NULL THEN
            CASE WHEN strlen(timestamp_text) >= 10 THEN left(timestamp_text, 10) ELSE '' END
            END AS unread
    FROM usage
), g AS (
    SELECT archive_id, partition_date, day_number, unread, project, agent, model,
        coalesce(unread, CAST(DATE '1970-01-01' + day_number AS VARCHAR)) AS usage_date_text,
        count(*) FILTER (NOT counts) AS duplicate_row_count, {_PRICED_SUMS}
    FROM counted GROUP BY archive_id, partition_date, day_number, unread, project, agent, model
)
SELECT g.archive_id, g.partition_date, g.usage_date_text, g.project, g.agent, g.model,
    g.usage_row_count, g.duplicate_row_count, g.reported_row_count, g.input_tokens,
    g.output_tokens, g.cache_creation_tokens, g.cache_read_tokens, g.reasoning_tokens,
    {_PRICED_COLUMNS},
    (g.cache_read_tokens * (r.input_usd_per_mtok - r.cache_read_usd_per_mtok)
        + g.cache_creation_tokens * (r.input_usd_per_mtok - r.cache_write_usd_per_mtok))
        / 1000000.0 AS cache_savings_usd,
    r.pricing_digest
FROM g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
ORDER BY g.partition_date, g.archive_id, g.usage_date_text, g.project, g.agent, g.model
"""

_SESSION_MODEL_USAGE = f"""
WITH ranked AS (
    SELECT *, CASE WHEN has_duplicates THEN row_number() OVER (
            PARTITION BY archive_id, session_id, dedup_key
            ORDER BY coalesce(timestamp_text, ''), coalesce(ordinal, -1), row_id)
        ELSE 1 END AS place
    FROM usage
), contributing AS (
    SELECT *, true AS counts, reported_cost_usd IS NULL AS computes FROM ranked
    WHERE place = 1 AND (reported_cost_usd IS NOT NULL OR input_tokens <> 0 OR output_tokens <> 0
        OR cache_creation_tokens <> 0 OR cache_read_tokens <> 0 OR reasoning_tokens <> 0)
), g AS (
    SELECT archive_id, session_date AS partition_date, session_id, model, {_PRICED_SUMS}
    FROM contributing GROUP BY ALL
)
SELECT g.archive_id, g.partition_date, g.session_id, g.model, g.usage_row_count,
    g.reported_row_count, g.input_tokens, g.output_tokens, g.cache_creation_tokens,
    g.cache_read_tokens, g.reasoning_tokens, {_PRICED_COLUMNS},
    CASE WHEN g.reported_row_count = 0 THEN 'computed'
        WHEN g.reported_row_count = g.usage_row_count THEN 'reported' ELSE 'mixed' END
        AS cost_source,
    r.pricing_digest
FROM g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
ORDER BY g.partition_date, g.archive_id, g.session_id, g.model
"""

_SESSION_SUMMARIES = """
WITH u AS (
    SELECT archive_id, session_id, count(*) AS model_count,
        sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens,
        sum(cache_creation_tokens)::BIGINT AS cache_creation_tokens,
        sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
        sum(reasoning_tokens)::BIGINT AS reasoning_tokens, sum(cost_usd) AS cost_usd,
        sum(unpriced_tokens)::BIGINT AS unpriced_tokens,
        bool_and(t.reported_row_count = t.usage_row_count OR r.matched_pattern IS NOT NULL)
            AS has_cost
    FROM usage t JOIN rates r USING (archive_id, model)
    GROUP BY archive_id, session_id
)
SELECT s.archive_id, s.partition_date, s.session_id, s.project, s.machine, s.agent, s.cwd,
    s.git_branch, s.started_at, s.ended_at, s.last_activity_text,
    CASE WHEN coalesce(s.ended_at, s.last_activity_at) >= s.started_at
        THEN date_diff('second', s.started_at, coalesce(s.ended_at, s.last_activity_at)) END
        AS duration_seconds,
    s.message_count, s.user_message_count, s.assistant_message_count,
    CASE WHEN s.is_automated THEN 'automated' ELSE 'interactive' END AS classification,
    s.deleted_at_text IS NOT NULL AS is_deleted, s.parent_session_id,
    nullif(s.relationship_type, '') AS relationship_type, s.worktree_name, s.worktree_root_path,
    coalesce(u.model_count, 0) AS model_count, coalesce(u.input_tokens, 0) AS input_tokens,
    coalesce(u.output_tokens, 0) AS output_tokens,
    coalesce(u.cache_creation_tokens, 0) AS cache_creation_tokens,
    coalesce(u.cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(u.reasoning_tokens, 0) AS reasoning_tokens, coalesce(u.cost_usd, 0) AS cost_usd,
    coalesce(u.has_cost, false) AS has_cost, coalesce(u.unpriced_tokens, 0) AS unpriced_tokens,
    d.pricing_digest
FROM (SELECT *, try_cast(last_activity_text AS TIMESTAMPTZ) AS last_activity_at FROM sessions) s
LEFT JOIN u USING (archive_id, session_id)
JOIN (SELECT DISTINCT archive_id, pricing_digest FROM digests) d USING (archive_id)
ORDER BY s.partition_date, s.archive_id, s.session_id
"""

_ACTIVITY_BUCKETS = f"""
WITH span AS (
    SELECT archive_id, session_id, is_automated,
        epoch_seconds * 1000000000::HUGEINT + nanosecond AS opens,
        epoch_seconds * 1000000000::HUGEINT + nanosecond + duration_ns AS closes
    FROM intervals
), piece AS (
    SELECT archive_id, session_id, is_automated, bucket,
        greatest(opens, bucket * 300000000000) AS opens,
        least(closes, (bucket + 1) * 300000000000) AS closes
    FROM (SELECT *, unnest(generate_series(
            CAST(floor(opens / 300000000000) AS BIGINT),
            CAST(floor((closes - 1) / 300000000000) AS BIGINT))) AS bucket FROM span)
), change AS (
    SELECT archive_id, bucket, moment, sum(delta) AS delta, sum(automated) AS automated FROM (
        SELECT archive_id, bucket, opens AS moment, 1 AS delta, is_automated::INT AS automated
        FROM piece
        UNION ALL
        SELECT archive_id, bucket, closes, -1, -is_automated::INT FROM piece)
    GROUP BY ALL
), live AS (
    SELECT archive_id, bucket, moment, sum(delta) OVER turn AS agents,
        sum(automated) OVER turn AS automated, lead(moment) OVER turn - moment AS lasts
    FROM change WINDOW turn AS (PARTITION BY archive_id, bucket ORDER BY moment)
), peak AS (
    SELECT archive_id, bucket, max(agents)::BIGINT AS max_agents,
        arg_max(automated, (agents, -moment))::BIGINT AS automated_at_peak,
        sum(lasts) FILTER (agents > 0) / {_MINUTE_NS}.0 AS active_minutes
    FROM live GROUP BY ALL
), worked AS (
    SELECT archive_id, bucket, count(DISTINCT session_id) AS session_count,
        sum(closes - opens) / {_MINUTE_NS}.0 AS agent_minutes,
        coalesce(sum(closes - opens) FILTER (is_automated), 0) / {_MINUTE_NS}.0
            AS automated_agent_minutes,
        coalesce(sum(closes - opens) FILTER (NOT is_automated), 0) / {_MINUTE_NS}.0
            AS interactive_agent_minutes
    FROM piece GROUP BY ALL
), spent AS (
    SELECT u.archive_id, CAST(floor(u.epoch_seconds / 300.0) AS BIGINT) AS bucket, u.model,
        {_PRICED_SUMS}
    FROM (SELECT *, true AS counts, reported_cost_usd IS NULL AS computes FROM usage
        WHERE duplicate_of IS NULL AND epoch_seconds IS NOT NULL) u
    GROUP BY ALL
), cost AS (
    SELECT g.archive_id, g.bucket, sum(g.input_tokens)::BIGINT AS input_tokens,
        sum(g.output_tokens)::BIGINT AS output_tokens,
        sum(g.cache_creation_tokens)::BIGINT AS cache_creation_tokens,
        sum(g.cache_read_tokens)::BIGINT AS cache_read_tokens,
        sum({_UNPRICED})::BIGINT AS unpriced_tokens,
        sum(g.reported_cost_usd + {_COMPUTED_COST}) AS cost_usd
    FROM spent g LEFT JOIN rates r ON r.archive_id = g.archive_id AND r.model = g.model
    GROUP BY ALL
), joined AS (
    SELECT coalesce(p.archive_id, c.archive_id) AS archive_id,
        coalesce(p.bucket, c.bucket) AS bucket,
        p.* EXCLUDE (archive_id, bucket), w.* EXCLUDE (archive_id, bucket),
        c.* EXCLUDE (archive_id, bucket)
    FROM peak p JOIN worked w USING (archive_id, bucket)
    FULL JOIN cost c ON c.archive_id = p.archive_id AND c.bucket = p.bucket
    WHERE coalesce(p.bucket, c.bucket) BETWEEN -207118656 AND 844671007
), placed AS (
    SELECT *, {partition_of("bucket_day")} AS partition_day
    FROM (SELECT *, DATE '1970-01-01' + CAST(floor(bucket / 288.0) AS INTEGER) AS bucket_day
        FROM joined)
)
SELECT archive_id, strftime(partition_day, '%Y-%m-%d') AS partition_date,
    make_timestamptz(bucket * 300000000) AS bucket_start,
    coalesce(max_agents, 0) AS max_agents, coalesce(automated_at_peak, 0) AS automated_at_peak,
    coalesce(max_agents - automated_at_peak, 0) AS interactive_at_peak,
    coalesce(session_count, 0) AS session_count, coalesce(active_minutes, 0) AS active_minutes,
    coalesce(agent_minutes, 0) AS agent_minutes,
    coalesce(automated_agent_minutes, 0) AS automated_agent_minutes,
    coalesce(interactive_agent_minutes, 0) AS interactive_agent_minutes,
    coalesce(input_tokens, 0) AS input_tokens, coalesce(output_tokens, 0) AS output_tokens,
    coalesce(cache_creation_tokens, 0) AS cache_creation_tokens,
    coalesce(cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(unpriced_tokens, 0) AS unpriced_tokens, coalesce(cost_usd, 0) AS cost_usd,
    d.pricing_digest
FROM placed JOIN (SELECT DISTINCT archive_id, pricing_digest FROM digests) d USING (archive_id)
WHERE partition_day BETWEEN $from::DATE AND $to::DATE
ORDER BY partition_date, archive_id, bucket_start
"""


def daily_usage(usage: pa.Table, rates: pa.Table) -> pa.Table:
    """Rolls usage rows up to day, project, agent and model.

    Args:
        usage: Columns of `usage_rows`, duplicates included.
        rates: Rows of `model_rates` for every model in `usage`.
    """
    return _run(_DAILY_USAGE, {}, usage=usage, rates=rates)


def session_model_usage(usage: pa.Table, rates: pa.Table) -> pa.Table:
    """Sums each session's usage by model, leaving out a session's own repeats.

    Args:
        usage: Columns of `usage_rows` of whole sessions.
        rates: Rows of `model_rates`.
    """
    return _run(_SESSION_MODEL_USAGE, {}, usage=usage, rates=rates)


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
    return _run(
        _SESSION_SUMMARIES, {}, sessions=sessions, usage=usage, rates=rates, digests=digests
    )


def activity_buckets(
    intervals: pa.Table,
    usage: pa.Table,
    rates: pa.Table,
    digests: pa.Table,
    days: dict[str, str],
) -> pa.Table:
    """Cuts activity into five minutes of the UTC clock.

    Args:
        intervals: Rows of `activity_intervals`, the day before the first one included.
        usage: Rows of `usage_rows` of the days.
        rates: Rows of `model_rates`.
        digests: The `archive_id` and `pricing_digest` of `effective_pricing`.
        days: `first` and `last` day of the window, `from` and `to` of the days asked for.
    """
    return _run(
        _ACTIVITY_BUCKETS, days, intervals=intervals, usage=usage, rates=rates, digests=digests
    )


def _run(sql: str, parameters: dict[str, str], **tables: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=parameters).to_arrow_table()
