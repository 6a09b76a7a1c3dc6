"""What several archives have in common: SQL over the observation store, run after observing.

The verdict on duplicates within an archive is the archive's own (`landing.VERDICTS`) and stays as
it is: a report of one archive never depends on another. Here is what counts where all archives are
reported together, as if agentsview had all of their sessions in one: of rows that share a key the
first in time text, session id and ordinal, and of equal ones that of the least archive id. When
an archive was seen or named decides nothing.
"""

from __future__ import annotations

from agentsview_assets.transforms.landing import row_id

SHARING_DDL = """
CREATE TABLE IF NOT EXISTS unread (archive TEXT, state TEXT, note TEXT, tried_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS settled (digest TEXT);
"""

DIGEST = """
SELECT md5(coalesce(string_agg(concat_ws('|', archive_id, signature), ',' ORDER BY archive_id), ''))
FROM archive
"""
"""What the verdicts across archives were worked out from."""

SHARED_SESSIONS = """
INSERT INTO session_elsewhere
SELECT archive_id, session_id, CASE WHEN first <> archive_id THEN first END
FROM (
    SELECT s.archive_id, s.session_id, count(*) OVER copies AS copies,
        first_value(s.archive_id) OVER (PARTITION BY s.session_id, coalesce(s.start_epoch, 0)
            ORDER BY s.is_held, s.archive_id) AS first
    FROM session s
    WHERE s.deleted_at_text IS NULL
    WINDOW copies AS (PARTITION BY s.session_id, coalesce(s.start_epoch, 0))
) WHERE copies > 1
"""
"""Sessions that several archives hold outside their trash: same id, same second of the start.

Short ids of subagents can be equal by chance; their starts are not.
"""

_HAS_OWN_KEY = (
    "u.row_kind = 'usage_event' AND "
    "starts_with(u.dedup_key, 'usage:' || u.session_id || ':' || u.source || ':id:')"
)

SHARED_ROWS = f"""
INSERT INTO elsewhere
WITH keyed AS (
    -- Row ids differ between archives: copies of a session are compared place by place instead.
    SELECT u.number, u.archive_id, u.session_id, u.ordinal, u.row_kind, u.place,
        coalesce(u.timestamp_text, '') AS time_text, {row_id("u")} AS row_id,
        CASE WHEN u.dedup_key IS NOT NULL AND NOT ({_HAS_OWN_KEY}) THEN u.dedup_key
            WHEN x.session_id IS NOT NULL THEN 'row:' || {row_id("u")} END AS shared_key
    FROM usage u
    LEFT JOIN session_elsewhere x ON x.archive_id = u.archive_id AND x.session_id = u.session_id
), shared AS (
    SELECT shared_key FROM keyed WHERE shared_key IS NOT NULL
    GROUP BY shared_key HAVING min(archive_id) <> max(archive_id)
), ranked AS (
    SELECT k.*, first_value(struct_pack(archive_id := archive_id, row_id := row_id)) OVER (
        PARTITION BY shared_key ORDER BY time_text, session_id, coalesce(ordinal, -1),
            archive_id, row_kind, place) AS first
    FROM keyed k JOIN shared USING (shared_key)
)
SELECT number, shared_key, CASE WHEN first.archive_id <> archive_id THEN first.archive_id END,
    CASE WHEN first.archive_id <> archive_id THEN first.row_id END
FROM ranked
"""
"""Rows that share a key with a row of another archive, and the one that counts in their place."""
