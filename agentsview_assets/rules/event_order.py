"""The order of usage events that go by their number: agentsview compares it as text.

What belongs here: SQL over what was read of an archive, `read_event` and `seen_session`. What does
not: numbers in rows, which another sync gives anew.
"""

from __future__ import annotations

ORDERED_EVENTS = """
SELECT * EXCLUDE (own_key, session_start), CASE WHEN starts_with(own_key, 'id:') THEN
    dense_rank() OVER (PARTITION BY session_id, model = '',
        coalesce(occurred_at, session_start, ''), coalesce(message_ordinal, -1), source,
        starts_with(own_key, 'id:') ORDER BY own_key) - 1 END AS event_key_order
FROM (
    SELECT e.*, s.started_at AS session_start,
        CASE WHEN e.dedup_key <> '' THEN e.dedup_key ELSE 'id:' || e.id END AS own_key
    FROM read_event e LEFT JOIN seen_session s ON s.id = e.session_id)
"""
"""The events with `event_key_order`: the place, from 0, of an event whose key begins with `id:`.

A place among those of one session, time text, ordinal and source only: it moves with nothing else,
and not when all events are numbered anew, unless their texts go another way then. Events without a
model are no usage and take no place of those that are.
"""
