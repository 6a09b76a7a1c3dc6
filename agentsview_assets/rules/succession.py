"""Which rows of an archive belong to the one that was found in its place, as SQL over the scratch.

An upgrade of agentsview gives an archive another identity, and so does another disk at the same
path. What tells them apart is what they hold: a session that the new archive holds too (id and
second of its start) is the new one's from then on, and so is a row without a session, such as
Cursor's. All other rows stay those of the archive that was there before.
"""

from __future__ import annotations

MOVED_SESSIONS = """
SELECT o.session_id FROM archive_sessions o JOIN archive_sessions n
    ON n.archive_id = ? AND n.session_id = o.session_id
    AND (n.start_epoch = o.start_epoch OR (n.start_epoch IS NULL AND o.start_epoch IS NULL))
WHERE o.archive_id = ? AND o.session_id <> ''
"""
"""Sessions of the ledger that an archive and its predecessor both hold."""

_REWRITTEN_KEY = "'^usage:[0-9a-f]{64}$'"
_EVENT = """
SELECT row_id, dedup_key, happened, spent,
    row_number() OVER (PARTITION BY happened, spent ORDER BY length(row_id), row_id) AS copy
FROM (
    SELECT {row_id} AS row_id, dedup_key,
        CASE WHEN epoch_seconds IS NULL THEN timestamp_text
            ELSE concat_ws('.', epoch_seconds, nanosecond) END AS happened,
        concat_ws('|', model, input_tokens, output_tokens, cache_creation_tokens,
            cache_read_tokens) AS spent
    FROM {rows} WHERE row_kind = 'cursor_event' AND archive_id = {archive})
"""

MOVED_EVENTS = f"""
WITH o AS ({_EVENT.format(row_id="row_id", rows="earlier_event", archive="$old")}),
    n AS ({
    _EVENT.format(
        row_id="'cursor#' || coalesce(timestamp_text, '') || '#c' || place",
        rows="usage",
        archive="$new",
    )
})
SELECT DISTINCT o.row_id FROM o JOIN n ON n.happened IS NOT DISTINCT FROM o.happened
WHERE o.dedup_key = n.dedup_key
    OR (n.spent = o.spent AND n.copy = o.copy AND (
        (o.dedup_key IS NULL AND n.dedup_key IS NULL)
        OR ($is_upgrade AND o.dedup_key <> n.dedup_key
            AND regexp_matches(n.dedup_key, {_REWRITTEN_KEY}))))
"""
"""Rows without a session that the new archive holds too: same key and time.

Release 0.40 gives every such row another key when it upgrades an archive. Where all sessions are
the new archive's too, an event of the same moment, model and tokens is therefore the same one.
"""
