"""Which rows of an archive belong to the one that was found in its place: SQL over the store.

An upgrade of agentsview gives an archive another identity, and so does another disk at the same
path. What tells them apart is what they hold: a session that the new archive holds too (id and
second of its start) is the new one's from then on, and so is a row without a session, such as
Cursor's. All other rows stay those of the archive that was there before.

Parameters: `$old` and `$new` are identities of archives.
"""

from __future__ import annotations

SUCCESSION_DDL = """
CREATE TABLE IF NOT EXISTS succession (
    archive_id TEXT, path TEXT, successor TEXT, found_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS leaving (archive_id TEXT, reason TEXT);
"""
"""Who was found where whom was, and the archives whose rows are to leave the warehouse."""

FORGOTTEN, TAKEN_OVER = "forgotten", "taken over"
"""Why an archive's rows are to leave: somebody gave them up, or they are another one's now."""

MOVED_SESSIONS = """
CREATE OR REPLACE TEMP TABLE moved_session AS
SELECT o.session_id AS id FROM session o JOIN session n ON n.archive_id = $new
    AND n.session_id = o.session_id AND n.start_epoch IS NOT DISTINCT FROM o.start_epoch
WHERE o.archive_id = $old
"""

_REWRITTEN_KEY = "'^usage:[0-9a-f]{64}$'"

MOVED_EVENTS = f"""
CREATE OR REPLACE TEMP TABLE moved_event AS
WITH event AS (
    SELECT number, archive_id, dedup_key, happened, spent,
        row_number() OVER (PARTITION BY archive_id, happened, spent ORDER BY place, number) AS copy
    FROM (
        SELECT *, CASE WHEN epoch_seconds IS NULL THEN timestamp_text
                ELSE concat_ws('.', epoch_seconds, nanosecond) END AS happened,
            concat_ws('|', model, input_tokens, output_tokens, cache_creation_tokens,
                cache_read_tokens) AS spent
        FROM usage WHERE row_kind = 'cursor_event' AND archive_id IN ($old, $new))
)
SELECT DISTINCT o.number FROM event o JOIN event n
    ON n.happened IS NOT DISTINCT FROM o.happened
WHERE o.archive_id = $old AND n.archive_id = $new AND (
    o.dedup_key = n.dedup_key
    OR (n.spent = o.spent AND n.copy = o.copy AND (
        (o.dedup_key IS NULL AND n.dedup_key IS NULL)
        OR ($is_upgrade AND o.dedup_key <> n.dedup_key
            AND regexp_matches(n.dedup_key, {_REWRITTEN_KEY})))))
"""
"""Rows without a session that the new archive holds too: same key and time.

Release 0.40 gives every such row another key when it upgrades an archive. Where all sessions are
the new archive's too, an event of the same moment, model and tokens is therefore the same one.
"""
