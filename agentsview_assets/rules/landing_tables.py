"""The tables that rows land in while an archive is observed, as DDL of DuckDB."""

from __future__ import annotations

SCRATCH_DDL = """
CREATE TABLE ledger (
    archive_id TEXT, session_id TEXT, row_digest TEXT, content_digest TEXT, days TEXT);
CREATE TABLE candidate (
    archive_id TEXT, id TEXT, message_count BIGINT, row_digest TEXT, is_changed BOOLEAN);
CREATE TABLE entry (
    archive_id TEXT, session_id TEXT, day TEXT, digest TEXT, models TEXT[], reads TEXT[]);
CREATE TABLE session (
    archive_id TEXT, session_id TEXT, project TEXT, machine TEXT, agent TEXT, title TEXT,
    started_at_text TEXT, ended_at_text TEXT, created_at_text TEXT,
    start_epoch BIGINT, start_nanosecond BIGINT, end_epoch BIGINT, end_nanosecond BIGINT,
    latest_message_text TEXT, started_on TEXT, ended_on TEXT, last_activity_text TEXT,
    last_activity_julian DOUBLE,
    message_count BIGINT, user_message_count BIGINT, assistant_message_count BIGINT,
    parent_session_id TEXT, relationship_type TEXT, is_automated BOOLEAN, deleted_at_text TEXT,
    cwd TEXT, git_branch TEXT, file_path TEXT, total_output_tokens BIGINT,
    peak_context_tokens BIGINT, has_total_output_tokens BOOLEAN, has_peak_context_tokens BOOLEAN,
    outcome TEXT, health_grade TEXT, termination_status TEXT, tool_failure_signal_count BIGINT,
    secret_leak_count BIGINT, day DATE, row_digest TEXT,
    content_digest TEXT, is_held BOOLEAN, secrets_rules_version TEXT, display_name TEXT,
    own_activity_julian DOUBLE, answer_times TEXT);
CREATE TABLE starred (archive_id TEXT, session_id TEXT, starred_at_text TEXT);
CREATE TABLE usage (
    archive_id TEXT, row_kind TEXT,
    session_id TEXT, source TEXT, ordinal BIGINT, place BIGINT,
    timestamp_text TEXT, epoch_seconds BIGINT, nanosecond BIGINT, model TEXT,
    input_tokens BIGINT, output_tokens BIGINT, cache_creation_tokens BIGINT,
    cache_read_tokens BIGINT, reasoning_tokens BIGINT, reported_cost_usd DOUBLE, dedup_key TEXT,
    is_headless BOOLEAN, event_key_order BIGINT, day DATE);
CREATE TABLE machines (
    archive_id TEXT, machine TEXT, kind TEXT, label TEXT, is_own BOOLEAN);
CREATE TABLE interval (
    archive_id TEXT, session_id TEXT, ordinal BIGINT, model TEXT, is_automated BOOLEAN,
    epoch_seconds BIGINT, nanosecond BIGINT, duration_ns BIGINT, day DATE);
CREATE TABLE worktree (
    archive_id TEXT, project TEXT, machine TEXT, cwd TEXT, worktree_name TEXT,
    worktree_root_path TEXT);
CREATE TABLE project_observations (
    archive_id TEXT, evidence TEXT, project TEXT, machine TEXT, root_path TEXT, git_remote TEXT,
    worktree_name TEXT, worktree_root_path TEXT, layout TEXT);
CREATE TABLE model_pricing (
    archive_id TEXT, layer TEXT, model_pattern TEXT, input_usd_per_mtok DOUBLE,
    output_usd_per_mtok DOUBLE, cache_write_usd_per_mtok DOUBLE, cache_read_usd_per_mtok DOUBLE,
    updated_at_text TEXT, table_version TEXT);
"""

SESSION_TABLES = ("session", "usage", "interval")
"""Tables whose rows belong to one session each."""
