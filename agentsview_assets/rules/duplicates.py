"""Which of several usage rows with one key counts: orders and keys of the v1 contract, as SQL.

The contract has three orders, and a verdict of its own for each: over all time and in usage reports
by time text, in activity reports by instant, in a session by time text within it. Each stands here
once; whoever chooses among candidates asks for it by name. The SQL is that of every backend.

Rows of one moment and session differ in the last number of their ids: the shorter is the smaller.
"""

from __future__ import annotations

from collections.abc import Callable

RULE = "v1"
OWN, ALL = "archive", "all"
"""Among which rows a verdict holds: those of the row's archive, or those of all."""

Binary = Callable[[str], str]
"""SQL that orders a text expression by its bytes."""


def _as_stored(expression: str) -> str:
    return expression


def text_order(binary: Binary = _as_stored, *, first: str = "") -> str:
    """The order of usage: first in time text, session id, ordinal.

    Args:
        binary: How the backend orders texts by their bytes; contracted columns are so by nature.
        first: SQL that decides among rows that are equal up to there, such as of two archives.
    """
    text = binary("COALESCE(timestamp_text, '')")
    place = f"{text}, {binary('session_id')}, COALESCE(ordinal, -1)"
    return f"{place}{f', {first}' if first else ''}, {_row_order(binary)}"


def instant_order(binary: Binary = _as_stored, *, last: str = "") -> str:
    """The order of activity: first in instant, session id, ordinal.

    Args:
        binary: See `text_order`.
        last: SQL that decides among rows that are equal in all of it.
    """
    place = f"epoch_seconds, nanosecond, {binary('session_id')}, COALESCE(ordinal, -1)"
    return f"{place}, {_row_order(binary)}{f', {last}' if last else ''}"


def session_order(binary: Binary = _as_stored) -> str:
    """The order within a session, for exports: first in time text and ordinal."""
    text = binary("COALESCE(timestamp_text, '')")
    return f"{text}, COALESCE(ordinal, -1), {_row_order(binary)}"


def _row_order(binary: Binary) -> str:
    return f"row_kind, LENGTH(row_id), {binary('row_id')}"


_NUMBERED = "'usage:' || u.session_id || ':' || u.source || ':id:'"
HAS_OWN_NUMBER = (
    f"(u.row_kind = 'usage_event' AND SUBSTR(u.dedup_key, 1, LENGTH({_NUMBERED})) = {_NUMBERED})"
)
"""Whether the key of a usage row `u` is a number of its archive, which means nothing elsewhere."""

SHARED_KEY = f"""CASE WHEN u.dedup_key IS NOT NULL AND NOT {HAS_OWN_NUMBER} THEN u.dedup_key
        WHEN c.session_id IS NOT NULL THEN 'row:' || u.row_id END"""
"""The key by which archives share a row `u`; of copies of a session `c`, place by place."""

_MEMBER = (
    "archive_id, row_id, partition_date, session_id, session_date, dedup_key, "
    "counting_archive_id, counting_row_id"
)

OWN_VERDICTS = f"""
INSERT INTO duplicates (rule, scope, {_MEMBER})
SELECT '{RULE}', '{OWN}', archive_id, row_id, partition_date, session_id, session_date, dedup_key,
    archive_id, FIRST_VALUE(row_id) OVER (PARTITION BY archive_id, dedup_key
        ORDER BY {text_order()})
FROM usage_rows
WHERE (archive_id, dedup_key) IN (
    SELECT archive_id, dedup_key FROM usage_rows
    WHERE dedup_key IN (SELECT name FROM {{pending}} WHERE kind = 'key')
    GROUP BY archive_id, dedup_key HAVING COUNT(*) > 1)
"""
"""Of each archive, the rows that share a pending key and the one that counts."""

ALL_VERDICTS = f"""
INSERT INTO duplicates (rule, scope, {_MEMBER})
SELECT '{RULE}', '{ALL}', archive_id, row_id, partition_date, session_id, session_date, shared_key,
    FIRST_VALUE(archive_id) OVER turn, FIRST_VALUE(row_id) OVER turn
FROM (
    SELECT keyed.*, MIN(archive_id) OVER (PARTITION BY shared_key) AS least,
        MAX(archive_id) OVER (PARTITION BY shared_key) AS greatest
    FROM (
        SELECT u.*, {SHARED_KEY} AS shared_key
        FROM usage_rows u LEFT JOIN session_copies c
            ON c.archive_id = u.archive_id AND c.session_id = u.session_id
        WHERE u.dedup_key IN (SELECT name FROM {{pending}} WHERE kind = 'key')
            OR u.session_id IN (SELECT name FROM {{pending}} WHERE kind = 'session')
    ) AS keyed WHERE shared_key IS NOT NULL
        AND (shared_key LIKE 'row:%'
            OR shared_key IN (SELECT name FROM {{pending}} WHERE kind = 'key'))
) AS shared WHERE least <> greatest
WINDOW turn AS (PARTITION BY shared_key ORDER BY {text_order(first="archive_id")})
"""
"""Of all archives, the rows that share a pending key and the one that counts: of equal ones that
of the least archive id. When an archive was seen or named decides nothing."""

COPIES = """
INSERT INTO session_copies (archive_id, session_id, canonical_archive_id)
SELECT archive_id, session_id, canonical FROM (
    SELECT archive_id, session_id,
        COUNT(*) OVER (PARTITION BY session_id, COALESCE(start_epoch, 0)) AS copies,
        FIRST_VALUE(archive_id) OVER (PARTITION BY session_id, COALESCE(start_epoch, 0)
            ORDER BY is_held, archive_id) AS canonical
    FROM archive_sessions
    WHERE NOT is_deleted AND session_id IN (SELECT name FROM {pending} WHERE kind = 'session')
) AS held WHERE copies > 1
"""
"""Sessions that several archives hold outside their trash: same id, same second of the start.

Short ids of subagents can be equal by chance; their starts are not.
"""
