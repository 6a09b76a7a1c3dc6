"""How the landed observations of some days become contract tables: one SELECT per table.

Parameters: `$first` is the window's first day, `$from` and `$to` the days asked for, `$archives` a
list of archives. A row belongs to its own UTC day, however late, and to the window's first day
where it has none or an earlier one. What today is decides nothing: a clock that is put right has no
row move.
"""

from __future__ import annotations

from agentsview_assets.rules.windows import LATEST

_TO_LATEST = f"$first::DATE AND DATE '{LATEST}'"


def partition_of(day: str) -> str:
    """SQL for the partition that a row of this UTC day (or NULL) lives in."""
    return f"CASE WHEN {day} BETWEEN {_TO_LATEST} THEN {day} ELSE $first::DATE END"


def in_slices(relation: str) -> str:
    """SQL condition: the row is of one of the archives, its partition between `$from` and `$to`."""
    day = f"{relation}.day"
    return (
        f"list_contains($archives, {relation}.archive_id) AND "
        f"(({day} BETWEEN $from::DATE AND $to::DATE AND {day} BETWEEN {_TO_LATEST})"
        f" OR ($from::DATE <= $first::DATE AND ({day} IS NULL OR {day} NOT BETWEEN {_TO_LATEST})))"
    )


def row_id(usage: str) -> str:
    """SQL for the name of a usage row: its session, what it is and its place there."""
    return (
        f"CASE {usage}.row_kind WHEN 'message' THEN {usage}.session_id || '#m' "
        f"WHEN 'usage_event' THEN {usage}.session_id || '#e' "
        f"ELSE 'cursor#' || coalesce({usage}.timestamp_text, '') || '#c' END || {usage}.place"
    )


def _partition_text(day: str) -> str:
    return f"CAST({partition_of(day)} AS VARCHAR)"


def _instant(epoch: str, nanosecond: str) -> str:
    """SQL for a timestamp in microseconds; NULL beyond what calendars of the stores can hold."""
    return (
        f"CASE WHEN {epoch} BETWEEN -62135596800 AND 253402300799 "
        f"THEN make_timestamptz({epoch} * 1000000 + {nanosecond} // 1000) END"
    )


SESSIONS = f"""
SELECT s.archive_id, {_partition_text("s.day")} AS partition_date, s.session_id, s.project,
    s.machine, s.agent, s.title, s.started_at_text, s.ended_at_text, s.created_at_text,
    {_instant("s.start_epoch", "s.start_nanosecond")} AS started_at,
    {_instant("s.end_epoch", "s.end_nanosecond")} AS ended_at,
    s.latest_message_text, s.started_on, s.ended_on, s.last_activity_text,
    s.last_activity_julian, s.message_count, s.user_message_count, s.assistant_message_count,
    s.parent_session_id, s.relationship_type,
    s.is_automated, s.deleted_at_text, s.cwd, s.git_branch,
    nullif(w.worktree_name, '') AS worktree_name,
    nullif(w.worktree_root_path, '') AS worktree_root_path, s.total_output_tokens,
    s.peak_context_tokens, s.has_total_output_tokens, s.has_peak_context_tokens, s.outcome,
    s.health_grade, s.termination_status, s.tool_failure_signal_count, s.secret_leak_count,
    s.secrets_rules_version, t.starred_at_text, s.display_name, s.own_activity_julian,
    s.answer_times
FROM session s LEFT JOIN worktree w USING (archive_id, project, machine, cwd)
LEFT JOIN starred t USING (archive_id, session_id)
WHERE NOT s.is_held AND {in_slices("s")}
ORDER BY partition_date, s.archive_id, s.session_id
"""

USAGE_ROWS = f"""
SELECT u.archive_id, {_partition_text("u.day")} AS partition_date,
    {row_id("u")} AS row_id, u.row_kind,
    u.session_id, u.source, u.ordinal, u.timestamp_text,
    {_instant("u.epoch_seconds", "u.nanosecond")} AS occurred_at, u.epoch_seconds, u.nanosecond,
    coalesce(s.project, '') AS project, coalesce(s.agent, 'cursor') AS agent,
    coalesce(s.machine, '') AS machine, u.model,
    CASE WHEN NOT s.is_held THEN {_partition_text("s.day")} END AS session_date,
    u.input_tokens, u.output_tokens, u.cache_creation_tokens, u.cache_read_tokens,
    u.reasoning_tokens,
    CASE WHEN u.output_tokens <> 0 THEN u.output_tokens ELSE u.reasoning_tokens END
        AS billable_output_tokens,
    u.reported_cost_usd, u.dedup_key, u.is_headless, u.event_key_order
FROM usage u
LEFT JOIN session s ON s.archive_id = u.archive_id AND s.session_id = u.session_id
    AND u.row_kind <> 'cursor_event'
WHERE {in_slices("u")}
"""

ACTIVITY_INTERVALS = f"""
SELECT i.archive_id, {_partition_text("i.day")} AS partition_date, i.session_id, i.ordinal,
    i.model, i.is_automated,
    {_instant("i.epoch_seconds", "i.nanosecond")} AS started_at,
    {_instant("i.epoch_seconds", "i.nanosecond + i.duration_ns")} AS ended_at,
    i.epoch_seconds, i.nanosecond, i.duration_ns
FROM interval i
WHERE {in_slices("i")}
"""

SLICES = {
    "sessions": SESSIONS,
    "usage_rows": USAGE_ROWS,
    "activity_intervals": ACTIVITY_INTERVALS,
}
"""The SELECT of every day-partitioned observation, by table name."""
