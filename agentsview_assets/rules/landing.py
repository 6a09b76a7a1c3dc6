"""How raw archive rows become observations: SQL over DuckDB, run once, while observing.

Inputs are the raw tables `raw_session`, `raw_message`, `raw_event` and `raw_cursor_event` of the
sessions being landed; `odd_usage` and `odd_time` hold the few texts that only the exact scanners
can read. Outputs are appended to the tables of `landing_tables`. Rules: usage report sections 1 to
6, activity report section 7, session export section 2.2, of the agentsview v1 contract.
"""

from __future__ import annotations

from collections.abc import Iterable

from agentsview_assets.rules.agents import AGENTS_WITHOUT_TOKENS
from agentsview_assets.rules.durations import GAP_SECONDS
from agentsview_assets.rules.julian import JULIAN_EPOCH_MS
from agentsview_assets.rules.timestamps import (
    epoch_seconds_sql,
    nanosecond_sql,
    plain_instant_predicate_sql,
)
from agentsview_assets.rules.token_usage import (
    MAX_TOKENS,
    TokenCounts,
    counter_sql,
    plain_usage_predicate_sql,
)


def _odd_times(relation: str, columns: tuple[str, ...]) -> str:
    texts = " UNION ".join(f"SELECT {column} AS text FROM {relation}" for column in columns)
    return (
        f"SELECT text FROM ({texts}) WHERE text <> '' AND NOT {plain_instant_predicate_sql('text')}"
    )


ODD_TIME_TEXTS = " UNION ".join(
    (
        _odd_times("raw_session", ("started_at", "ended_at", "created_at")),
        _odd_times("raw_event", ("occurred_at",)),
        _odd_times("raw_cursor_event", ("occurred_at",)),
        "SELECT timestamp FROM message WHERE timestamp <> '' AND own_epoch IS NULL",
    )
)
"""Time texts that are not of the plain shape; the exact parser reads them into `odd_time`."""

_ODD_MESSAGES = "SELECT session_id, ordinal FROM message WHERE is_usage AND NOT is_plain"

ODD_USAGE_TEXTS = f"""
SELECT DISTINCT r.token_usage FROM raw_message r SEMI JOIN ({_ODD_MESSAGES}) o
    ON o.session_id = r.session_id AND o.ordinal = r.ordinal
"""
"""Token texts that are not plain JSON; the exact scanner reads them into `odd_usage`."""


def _timed(relation: str, column: str, alias: str) -> str:
    """A relation with the instant of one text column as `<alias>_epoch`, `<alias>_nanosecond`."""
    return f"""(
    SELECT r.* EXCLUDE (is_plain_time, plain_epoch, plain_nanosecond),
        CASE WHEN is_plain_time THEN plain_epoch ELSE odd.epoch END AS {alias}_epoch,
        CASE WHEN is_plain_time THEN plain_nanosecond ELSE odd.nanosecond END
            AS {alias}_nanosecond,
        CASE WHEN is_plain_time THEN {_julian("plain_epoch", "plain_nanosecond")}
            ELSE odd.julian END AS {alias}_julian,
        CASE WHEN is_plain_time THEN left(r.{column}, 10) ELSE odd.utc_date END AS {alias}_date
    FROM (SELECT *, {_plain_time(column)} FROM {relation}) r
    LEFT JOIN odd_time odd ON odd.text = r.{column})"""


def _plain_time(column: str) -> str:
    """Predicate and parts side by side, outside any CASE, so that each is computed once."""
    return (
        f"{plain_instant_predicate_sql(column)} AS is_plain_time, "
        f"{epoch_seconds_sql(column)} AS plain_epoch, {nanosecond_sql(column)} AS plain_nanosecond"
    )


def _day(epoch: str) -> str:
    return (
        f"CASE WHEN {epoch} BETWEEN -62135596800 AND 253402300799 "
        f"THEN DATE '1970-01-01' + CAST(floor({epoch} / 86400.0) AS INTEGER) END"
    )


def _julian(epoch: str, nanosecond: str) -> str:
    """The sort value of exports: whole milliseconds, overshoot clamped, as a julian day."""
    second = f"((({epoch}) % 60 + 60) % 60)"
    fraction = f"least(({nanosecond}) / 1e9, 0.999)"
    millis = f"CAST(floor(({second} + {fraction}) * 1000 + 0.5) AS BIGINT)"
    return f"((({epoch}) - {second}) * 1000 + {millis} + {JULIAN_EPOCH_MS}) / 86400000.0"


_COUNTERS = TokenCounts._fields

# Predicate and counters stand in one SELECT list, outside any CASE: the JSON is extracted once.
MESSAGE_TIMES = """session_id, ordinal, role, is_system, timestamp, model,
    CASE WHEN is_plain_time THEN plain_epoch END AS own_epoch,
    CASE WHEN is_plain_time THEN plain_nanosecond END AS own_nanosecond"""

MESSAGE_TOKENS = f"""
    token_usage <> '' AND model <> '' AND model <> '<synthetic>' AS is_usage,
    claude_message_id, claude_request_id, source_uuid,
    {plain_usage_predicate_sql("token_usage")} AS is_plain,
    {", ".join(f"{counter_sql('token_usage', name)} AS {name}" for name in _COUNTERS)}"""

TIMED_MESSAGES = f"(SELECT *, {_plain_time('timestamp')} FROM raw_message)"

MESSAGES = f"""
CREATE OR REPLACE TEMP TABLE message AS
SELECT {MESSAGE_TIMES}, {MESSAGE_TOKENS}
FROM {TIMED_MESSAGES}
"""
"""The messages of the sessions being landed, with their instants and clamped counters."""

ODD_MESSAGE_TIMES = """
UPDATE message SET own_epoch = odd.epoch, own_nanosecond = odd.nanosecond
FROM odd_time odd WHERE odd.text = message.timestamp
"""

ODD_MESSAGE_USAGE = f"""
UPDATE message SET {", ".join(f"{name} = odd.{name}" for name in _COUNTERS)}
FROM odd_usage odd JOIN raw_message r ON r.token_usage = odd.text
WHERE r.session_id = message.session_id AND r.ordinal = message.ordinal AND NOT message.is_plain
"""

STARTS = f"""
CREATE OR REPLACE TEMP TABLE started AS
SELECT archive_id, id AS session_id, agent, is_automated = 1 AS is_automated, started_at,
    start_epoch, start_nanosecond, deleted_at IS NULL AS is_live, is_held
FROM {_timed("raw_session", "started_at", "start")}
"""


MESSAGE_USAGE = f"""
INSERT INTO usage BY NAME
SELECT s.archive_id, 'message' AS row_kind, m.ordinal AS place, m.session_id,
    'message' AS source, m.ordinal,
    CASE WHEN m.timestamp <> '' THEN m.timestamp ELSE s.started_at END AS timestamp_text,
    CASE WHEN m.timestamp <> '' THEN m.own_epoch ELSE s.start_epoch END AS epoch_seconds,
    CASE WHEN m.timestamp <> '' THEN m.own_nanosecond ELSE s.start_nanosecond END AS nanosecond,
    m.model,
    m.input_tokens, m.output_tokens, m.cache_creation_tokens, m.cache_read_tokens,
    m.reasoning_tokens,
    CASE WHEN m.claude_message_id <> '' AND m.claude_request_id <> ''
            THEN 'claude:' || m.claude_message_id || ':' || m.claude_request_id
        WHEN s.agent <> '' AND m.source_uuid <> ''
            THEN 'source:' || s.agent || ':' || m.source_uuid END AS dedup_key,
    {_day("CASE WHEN m.timestamp <> '' THEN m.own_epoch ELSE s.start_epoch END")} AS day
FROM message m JOIN started s ON s.session_id = m.session_id AND s.is_live
WHERE m.is_usage
"""


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _event_tokens(column: str) -> str:
    clamped = f"greatest(0, least({column}, {MAX_TOKENS}))"
    return (
        f"CASE source WHEN 'message' THEN 0 WHEN 'session' THEN greatest(0, {column}) "
        f"ELSE {clamped} END"
    )


EVENT_USAGE = f"""
INSERT INTO usage BY NAME
SELECT s.archive_id, row_number() OVER (PARTITION BY e.session_id ORDER BY e.id) - 1 AS place,
    'usage_event' AS row_kind, e.session_id, e.source, e.message_ordinal AS ordinal,
    CASE WHEN e.occurred_at IS NOT NULL THEN e.occurred_at ELSE s.started_at END
        AS timestamp_text,
    CASE WHEN e.occurred_at IS NOT NULL THEN e.own_epoch ELSE s.start_epoch END AS epoch_seconds,
    CASE WHEN e.occurred_at IS NOT NULL THEN e.own_nanosecond ELSE s.start_nanosecond END
        AS nanosecond,
    e.model,
    {_event_tokens("input_tokens")} AS input_tokens,
    {_event_tokens("output_tokens")} AS output_tokens,
    {_event_tokens("cache_creation_input_tokens")} AS cache_creation_tokens,
    {_event_tokens("cache_read_input_tokens")} AS cache_read_tokens,
    CASE source WHEN 'message' THEN 0 ELSE reasoning_tokens END AS reasoning_tokens,
    e.cost_usd AS reported_cost_usd,
    -- An event without a key has its number, which only a key that looks like one can equal, of
    -- the same session and source: what else is read at the same time decides nothing.
    CASE WHEN e.dedup_key <> '' OR (e.session_id, e.source, 'id:' || e.id) IN (
            SELECT (session_id, source, dedup_key) FROM raw_event
            WHERE starts_with(dedup_key, 'id:') AND model <> '')
        THEN 'usage:' || e.session_id || ':' || e.source || ':' ||
            CASE WHEN e.dedup_key <> '' THEN e.dedup_key ELSE 'id:' || e.id END END AS dedup_key,
    e.event_key_order,
    {_day("CASE WHEN e.occurred_at IS NOT NULL THEN e.own_epoch ELSE s.start_epoch END")} AS day
FROM {_timed("raw_event", "occurred_at", "own")} e
JOIN started s ON s.session_id = e.session_id AND s.is_live
WHERE e.model <> ''
"""

CURSOR_USAGE = f"""
INSERT INTO usage BY NAME
SELECT archive_id, row_number() OVER (PARTITION BY occurred_at ORDER BY id) - 1 AS place,
    'cursor_event' AS row_kind, '' AS session_id, 'cursor' AS source,
    occurred_at AS timestamp_text, own_epoch AS epoch_seconds, own_nanosecond AS nanosecond, model,
    greatest(0, least(input_tokens, {MAX_TOKENS})) AS input_tokens,
    greatest(0, least(output_tokens, {MAX_TOKENS})) AS output_tokens,
    greatest(0, least(cache_write_tokens, {MAX_TOKENS})) AS cache_creation_tokens,
    greatest(0, least(cache_read_tokens, {MAX_TOKENS})) AS cache_read_tokens,
    0 AS reasoning_tokens,
    charged_cents / 100.0 AS reported_cost_usd,
    CASE WHEN dedup_key <> '' THEN 'usage:' || dedup_key END AS dedup_key,
    is_headless <> 0 AS is_headless, {_day("own_epoch")} AS day
FROM {_timed("raw_cursor_event", "occurred_at", "own")}
WHERE model <> ''
"""

INTERVALS = f"""
INSERT INTO interval BY NAME
WITH pair AS (
    SELECT s.archive_id, m.session_id, s.is_automated, m.ordinal, m.own_epoch AS epoch_seconds,
        m.own_nanosecond AS nanosecond,
        lead(m.own_epoch) OVER turn - m.own_epoch AS seconds,
        lead(m.own_nanosecond) OVER turn - m.own_nanosecond AS nanoseconds,
        CASE WHEN lead(m.role) OVER turn = 'assistant' AND lead(m.model) OVER turn <> ''
            THEN lead(m.model) OVER turn END AS answered_by
    FROM message m JOIN started s ON s.session_id = m.session_id AND s.is_live
        AND NOT s.is_held
    WHERE m.timestamp <> ''
    WINDOW turn AS (PARTITION BY m.session_id ORDER BY m.ordinal)
), span AS (
    SELECT * REPLACE (coalesce(last_value(answered_by IGNORE NULLS) OVER (
            PARTITION BY session_id ORDER BY ordinal
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 'unknown') AS answered_by),
        CASE WHEN seconds > {GAP_SECONDS} THEN {GAP_SECONDS}000000000
            ELSE least(seconds * 1000000000 + nanoseconds, {GAP_SECONDS}000000000)
            END AS duration_ns
    FROM pair
    WHERE seconds IS NOT NULL AND (seconds > 0 OR (seconds = 0 AND nanoseconds > 0))
)
SELECT archive_id, session_id, ordinal, answered_by AS model, is_automated, epoch_seconds,
    nanosecond, duration_ns, {_day("epoch_seconds")} AS day
FROM span WHERE duration_ns > 0
"""
"""Consecutive timed messages, five minutes at most; the model is the last one that answered."""

MESSAGE_TOTALS = f"""
CREATE OR REPLACE TEMP TABLE message_total AS
SELECT session_id,
    count(*) FILTER (role = 'assistant' AND is_system = 0) AS assistant_message_count,
    max(timestamp) FILTER (timestamp <> '') AS latest_text, max(julian) AS latest_julian,
    max({{'j': coalesce(julian, -1e300), 't': timestamp}}) FILTER (timestamp <> '') AS latest
FROM (SELECT m.*, CASE WHEN odd.text IS NULL THEN {_julian("own_epoch", "own_nanosecond")}
        ELSE odd.julian END AS julian
    FROM message m LEFT JOIN odd_time odd ON odd.text = m.timestamp)
GROUP BY session_id
"""

ANSWER_TIMES = f"""
CREATE OR REPLACE TEMP TABLE answer AS
SELECT session_id,
    CAST(to_json(list({{'model': model, 'times': times}} ORDER BY model)) AS VARCHAR) AS times
FROM (
    SELECT m.session_id, m.model, list_sort(list(DISTINCT
        CASE WHEN m.timestamp <> '' THEN m.timestamp ELSE s.started_at END)) AS times
    FROM message m JOIN started s ON s.session_id = m.session_id
        AND s.agent IN ({_quoted(AGENTS_WITHOUT_TOKENS)})
    WHERE m.role = 'assistant' AND m.model <> '<synthetic>'
    GROUP BY m.session_id, m.model)
GROUP BY session_id
"""
"""When agents that record no tokens answered: whether they did in a window is all that is known."""

SESSIONS = f"""
INSERT INTO session BY NAME
SELECT s.archive_id, s.id AS session_id, s.project, s.machine, s.agent,
    coalesce(nullif(s.display_name, ''), nullif(s.session_name, ''),
        nullif(s.first_message, ''), nullif(s.project, ''), s.id) AS title,
    CASE WHEN s.display_name = '' AND s.session_name <> '' THEN coalesce(
        nullif(s.first_message, ''), nullif(s.project, ''), s.id) END AS display_name,
    CASE WHEN coalesce(s.ended_at, '') <> '' THEN s.end_julian
        WHEN coalesce(s.started_at, '') <> '' THEN s.start_julian ELSE s.created_julian END
        AS own_activity_julian,
    a.times AS answer_times,
    s.started_at AS started_at_text, s.ended_at AS ended_at_text,
    s.created_at AS created_at_text, s.start_epoch, s.start_nanosecond, s.end_epoch,
    s.end_nanosecond,
    CASE WHEN coalesce(s.ended_at, '') = '' THEN t.latest_text END AS latest_message_text,
    CASE WHEN coalesce(s.started_at, '') <> '' THEN s.start_date ELSE s.created_date END
        AS started_on,
    CASE WHEN coalesce(s.ended_at, '') <> '' THEN s.end_date
        WHEN t.latest_text IS NOT NULL THEN t.latest_text_date
        WHEN coalesce(s.started_at, '') <> '' THEN s.start_date ELSE s.created_date END
        AS ended_on,
    coalesce(nullif(s.ended_at, ''), t.latest.t, nullif(s.started_at, ''), s.created_at)
        AS last_activity_text,
    coalesce(s.end_julian, t.latest_julian, s.start_julian, s.created_julian)
        AS last_activity_julian,
    s.message_count, s.user_message_count,
    coalesce(t.assistant_message_count, 0) AS assistant_message_count, s.parent_session_id,
    s.relationship_type, s.is_automated = 1 AS is_automated, s.deleted_at AS deleted_at_text,
    s.cwd, s.git_branch, s.file_path, s.total_output_tokens, s.peak_context_tokens,
    s.has_total_output_tokens <> 0 AS has_total_output_tokens,
    s.has_peak_context_tokens <> 0 AS has_peak_context_tokens, s.outcome, s.health_grade,
    s.termination_status, s.tool_failure_signal_count, s.secret_leak_count,
    {_day("s.start_epoch")} AS day, s.row_digest,
    coalesce(c.content_digest, '') AS content_digest, s.is_held,
    nullif(s.secrets_rules_version, '') AS secrets_rules_version
FROM {
    _timed(
        _timed(_timed("raw_session", "started_at", "start"), "ended_at", "end"),
        "created_at",
        "created",
    )
} s
LEFT JOIN (
    SELECT t.*, coalesce(odd.utc_date, CASE WHEN odd.text IS NULL THEN left(t.latest_text, 10) END)
        AS latest_text_date
    FROM message_total t LEFT JOIN odd_time odd ON odd.text = t.latest_text
) t ON t.session_id = s.id
LEFT JOIN raw_content c ON c.session_id = s.id
LEFT JOIN answer a ON a.session_id = s.id
"""

LANDING_STEPS = (
    ODD_MESSAGE_TIMES,
    ODD_MESSAGE_USAGE,
    STARTS,
    MESSAGE_USAGE,
    EVENT_USAGE,
    INTERVALS,
    MESSAGE_TOTALS,
    ANSWER_TIMES,
    SESSIONS,
)
"""What lands the batch once `odd_time` and `odd_usage` are there, in order."""
