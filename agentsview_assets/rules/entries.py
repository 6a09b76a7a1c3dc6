"""What the ledger holds of sessions: digests of rows and contents, and what each day says.

SQL over the tables of `landing_tables`. A digest is of all that a row or a session says and of the
rules it landed by; clocks, row ids and order are not among it.
"""

from __future__ import annotations

ROW_DIGEST = """CAST(hash($landing, w.worktree_name, w.worktree_root_path,
    t.starred_at_text, s.is_held,
    s.project, s.machine, s.agent, s.display_name, s.session_name, s.first_message, s.started_at,
    s.ended_at, s.created_at, s.message_count, s.user_message_count, s.parent_session_id,
    s.relationship_type, s.is_automated, s.deleted_at, s.cwd, s.git_branch, s.file_path,
    s.total_output_tokens, s.peak_context_tokens, s.has_total_output_tokens,
    s.has_peak_context_tokens, s.outcome, s.health_grade, s.termination_status,
    s.tool_failure_signal_count, s.secret_leak_count, s.secrets_rules_version,
    s.local_modified_at, s.file_mtime, s.file_size, s.file_hash, s.data_version) AS VARCHAR)"""
"""Everything that moves when agentsview writes the session, and what is kept of it elsewhere."""

CANDIDATES = f"""
INSERT INTO candidate
SELECT s.archive_id, s.id, s.message_count, {ROW_DIGEST} AS row_digest,
    CASE WHEN d.session_id IS NULL THEN l.row_digest ELSE d.row_digest END
        IS DISTINCT FROM {ROW_DIGEST} AS is_changed
FROM seen_session s
LEFT JOIN session d ON d.archive_id = s.archive_id AND d.session_id = s.id
LEFT JOIN worktree w ON w.archive_id = s.archive_id AND w.project = s.project
    AND w.machine = s.machine AND w.cwd = s.cwd
LEFT JOIN starred t ON t.archive_id = s.archive_id AND t.session_id = s.id
LEFT JOIN ledger l ON l.archive_id = s.archive_id AND l.session_id = s.id
"""
"""The sessions of an archive, and whether they differ from what has landed, or the ledger has."""

CONTENT_DIGESTS = """
CREATE OR REPLACE TEMP TABLE raw_content AS
SELECT session_id, CAST(sum(h) AS VARCHAR) AS content_digest FROM (
    SELECT session_id, CAST(hash(ordinal, role, is_system, timestamp, model, token_usage,
        claude_message_id, claude_request_id, source_uuid) AS HUGEINT) AS h FROM raw_message
    UNION ALL
    SELECT session_id, CAST(hash(row_number() OVER (PARTITION BY session_id ORDER BY id),
        event_key_order, message_ordinal, source, model, input_tokens, output_tokens,
        cache_creation_input_tokens, cache_read_input_tokens, reasoning_tokens, cost_usd,
        occurred_at, dedup_key) AS HUGEINT) FROM raw_event)
GROUP BY session_id
"""
"""One number for all that a session's messages and events say, without row ids.

Events have no ordinal of their own: their order is what names them, and of equal ones that of
their numbers' texts.
"""

SESSION_FACTS = (
    *("session_id", "project", "machine", "agent", "title", "started_at_text", "ended_at_text"),
    *("created_at_text", "started_on", "ended_on", "latest_message_text", "last_activity_text"),
    *("last_activity_julian", "message_count", "user_message_count", "assistant_message_count"),
    *("parent_session_id", "relationship_type", "is_automated", "deleted_at_text", "cwd"),
    *("git_branch", "total_output_tokens", "peak_context_tokens", "has_total_output_tokens"),
    *("has_peak_context_tokens", "outcome", "health_grade", "termination_status"),
    *("tool_failure_signal_count", "secret_leak_count", "secrets_rules_version"),
    *("display_name", "own_activity_julian", "answer_times"),
)
"""What a session's partition says of it; clocks and file stamps of a sync are not among it."""

ENTRIES = f"""
INSERT INTO entry
WITH fact AS (
    SELECT archive_id, session_id, day, hash('session', {", ".join(SESSION_FACTS)},
        nullif(worktree_name, ''), nullif(worktree_root_path, ''), starred_at_text) AS said,
        NULL AS model, NULL AS reads
    FROM session LEFT JOIN worktree USING (archive_id, project, machine, cwd)
    LEFT JOIN starred USING (archive_id, session_id)
    WHERE NOT is_held AND {{mine}}
    UNION ALL
    -- Tokens count on their own day, and on the day their session started.
    SELECT archive_id, session_id, unnest(CASE WHEN is_apart THEN [day, started_on] ELSE [day] END),
        said, model, unnest(CASE WHEN is_apart THEN [NULL, coalesce(CAST(day AS VARCHAR), '')]
            ELSE [NULL] END)
    FROM (
        SELECT u.archive_id, u.session_id, u.day, s.day AS started_on, u.model,
            s.day IS DISTINCT FROM u.day AND u.row_kind <> 'cursor_event' AS is_apart,
            hash('usage', u.row_kind, u.place, u.source, u.ordinal, u.timestamp_text,
                u.model, u.input_tokens, u.output_tokens, u.cache_creation_tokens,
                u.cache_read_tokens, u.reasoning_tokens, u.reported_cost_usd, u.dedup_key,
                u.is_headless, u.event_key_order,
                s.project, s.agent, s.machine, s.day, s.is_held) AS said
        FROM usage u LEFT JOIN session s USING (archive_id, session_id)
        WHERE {{mine}})
    UNION ALL
    -- A span that may run past midnight is read on the day that it runs into, too.
    SELECT archive_id, session_id, day, said, NULL, NULL FROM ({{spans}})
    UNION ALL
    SELECT archive_id, session_id, day + 1, said, NULL, CASE WHEN
        (epoch_seconds % 86400) * 1000000000 + nanosecond + duration_ns > 86400000000000
        THEN CAST(day AS VARCHAR) END
    FROM ({{spans}}) WHERE (epoch_seconds % 86400) >= 86100
)
SELECT archive_id, session_id, coalesce(CAST(day AS VARCHAR), '') AS day,
    md5(CAST(sum(CAST(said AS HUGEINT)) AS VARCHAR)),
    list_sort(coalesce(list(DISTINCT model) FILTER (model IS NOT NULL), [])),
    list_sort(coalesce(list(DISTINCT reads) FILTER (reads IS NOT NULL), []))
FROM fact GROUP BY 1, 2, 3
""".replace(
    "{spans}",
    """SELECT *, hash('span', ordinal, model, epoch_seconds, nanosecond, duration_ns,
        is_automated) AS said FROM interval WHERE {mine}""",
)
"""What sessions say on each UTC day, as sums of row hashes: free of row ids, clocks and order.

`{mine}` is a condition on `archive_id` and `session_id`.
"""

_DAYS = (
    """to_json(list({'day': day, 'says': digest, 'models': models, 'reads': reads} ORDER BY day))"""
)

LEDGER_ROWS = f"""
WITH said AS (
    SELECT session_id, {_DAYS} AS days FROM entry
    WHERE archive_id = $archive AND session_id IN (SELECT id FROM landed) GROUP BY session_id
), now AS (
    SELECT archive_id, session_id, s.row_digest, s.content_digest, s.start_epoch,
        s.deleted_at_text IS NOT NULL AS is_deleted, s.is_held,
        CAST(coalesce(e.days, '[]') AS VARCHAR) AS days
    FROM session s LEFT JOIN said e USING (session_id)
    WHERE archive_id = $archive AND session_id IN (SELECT id FROM landed)
    UNION ALL
    SELECT $archive, '', '', md5(days), NULL, false, false, CAST(days AS VARCHAR) FROM said
    WHERE session_id = ''
)
SELECT now.*, known.days IS DISTINCT FROM now.days AS is_moved, known.days AS known_days
FROM now LEFT JOIN ledger known USING (archive_id, session_id)
WHERE known.row_digest IS DISTINCT FROM now.row_digest
    OR known.content_digest IS DISTINCT FROM now.content_digest
    OR known.days IS DISTINCT FROM now.days
"""
"""The sessions just landed as the ledger is to have them, where it has them otherwise."""

KNOWN_ENTRIES = """
INSERT INTO entry
SELECT archive_id, session_id, found.day, found.says, found.models, found.reads FROM (
    SELECT archive_id, session_id, unnest(from_json(days,
        '[{"day": "VARCHAR", "says": "VARCHAR", "models": ["VARCHAR"], "reads": ["VARCHAR"]}]'))
        AS found
    FROM ledger WHERE archive_id = $archive AND session_id NOT IN (SELECT id FROM landed)
        AND session_id IN (SELECT id FROM candidate WHERE archive_id = $archive))
"""
"""What the ledger says of the sessions of an archive that are still there and have not landed."""

EXPECTED_DAYS = """
SELECT archive_id, day,
    md5(string_agg(session_id || ' ' || digest, ',' ORDER BY session_id)),
    to_json(list_sort(list_distinct(flatten(list(models))))),
    to_json(list_sort(list_distinct(flatten(list(reads)))))
FROM entry WHERE archive_id = $archive AND list_contains($days, day)
GROUP BY archive_id, day
"""
"""What each day of an archive holds, of all its sessions."""
