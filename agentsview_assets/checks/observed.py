"""Whether the observations are what the rules make of an archive: duplicates, coverage, age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agentsview_assets.checks.verdict import Verdict, table
from agentsview_assets.documents.common.gaps import STALE_AFTER, moment
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    PENDING_TABLE,
    SUCCESSIONS_TABLE,
    Reader,
)

MOST_WITHOUT = 0.5
"""Share of an agent's sessions without usage beyond which its numbers tell little."""

_WRONG = """
WITH shared AS (
SELECT archive_id, dedup_key, COUNT(*) AS held FROM usage_rows
WHERE dedup_key IS NOT NULL AND dedup_key NOT IN (
    SELECT name FROM {pending} WHERE kind = 'key')
GROUP BY archive_id, dedup_key HAVING COUNT(*) > 1
), verdicts AS (
SELECT d.archive_id, d.dedup_key, COUNT(*) AS judged, COUNT(u.row_id) AS there,
    SUM(CASE WHEN d.row_id = d.counting_row_id THEN 1 ELSE 0 END) AS counting,
    COUNT(DISTINCT d.counting_row_id) AS pointed_at
FROM duplicates d LEFT JOIN usage_rows u ON u.archive_id = d.archive_id AND u.row_id = d.row_id
    AND u.dedup_key = d.dedup_key
WHERE d.scope = 'archive' AND d.dedup_key NOT IN (SELECT name FROM {pending} WHERE kind = 'key')
GROUP BY d.archive_id, d.dedup_key
)
SELECT (SELECT COUNT(*) FROM shared),
    (SELECT COUNT(*) FROM shared LEFT JOIN verdicts
        ON verdicts.archive_id = shared.archive_id AND verdicts.dedup_key = shared.dedup_key
        WHERE verdicts.judged IS NULL OR verdicts.judged <> shared.held),
    (SELECT COUNT(*) FROM verdicts
        WHERE there <> judged OR counting <> 1 OR pointed_at <> 1)
"""
"""Keys that rows share; of how many a member is missing; of how many not exactly one row counts."""
_SEEN = """
SELECT (SELECT COUNT(*) FROM usage_rows), (SELECT COUNT(*) FROM duplicates
    WHERE scope = 'archive' AND row_id <> counting_row_id)
"""
_PENDING = f"SELECT COUNT(DISTINCT name) FROM {PENDING_TABLE} WHERE kind = 'key'"


def duplicates_removed(reader: Reader) -> Verdict:
    """Of the rows that share a key exactly one counts, and the others point at it."""
    found = reader.rows(_WRONG.format(pending=PENDING_TABLE))[0]
    keys, missing, odd = (int(n or 0) for n in found)
    wrong = missing + odd
    waiting = int(reader.rows(_PENDING)[0][0])
    rows, removed = (int(n) for n in reader.rows(_SEEN)[0])
    numbers = {
        "rows": rows, "duplicates": removed, "keys": keys, "wrong_keys": wrong,
        "keys_pending": waiting,
    }  # fmt: skip
    words = f"{removed:,} of {rows:,} usage rows are duplicates of another, under {keys:,} keys"
    if wrong:
        words += (
            f"; of {wrong:,} keys not exactly one row counts, so that tokens are counted twice or "
            "not at all"
        )
        return Verdict(passed=False, words=words, numbers=numbers, is_wrong=True)
    if waiting:
        words += (
            f"; of {waiting:,} keys it is not decided yet (run `agentsview-assets materialize`, or "
            "the job `update`)"
        )
        return Verdict(passed=False, words=words, numbers=numbers)
    return Verdict(
        passed=True, words=f"{words}; of every key exactly one row counts", numbers=numbers
    )


_COVERAGE = """
SELECT s.agent, COUNT(*), SUM(CASE WHEN u.session_id IS NULL THEN 1 ELSE 0 END)
FROM sessions s
LEFT JOIN (SELECT DISTINCT archive_id, session_id FROM usage_rows) u
    ON u.archive_id = s.archive_id AND u.session_id = s.session_id
WHERE s.message_count > 0
GROUP BY s.agent ORDER BY s.agent
"""


def coverage(reader: Reader) -> Verdict:
    """How many sessions with messages have no usage, by agent: some agents report none."""
    found = [(agent, int(total), int(without)) for agent, total, without in reader.rows(_COVERAGE)]
    total, without = sum(row[1] for row in found), sum(row[2] for row in found)
    numbers: dict[str, Any] = {"sessions": total, "sessions_without_usage": without}
    numbers["by_agent"] = table(("agent", "sessions with messages", "without usage"), found)
    words = f"{without:,} of {total:,} sessions with messages have no usage"
    blind = [agent for agent, count, lacking in found if lacking > MOST_WITHOUT * count]
    if blind:
        words += f"; most of {', '.join(blind)}: their costs are not the whole story"
    return Verdict(passed=not blind, words=words, numbers=numbers)


def freshness(reader: Reader) -> Verdict:
    """When each archive of the warehouse was last observed."""
    found = reader.rows(
        f"SELECT archive_id, path, CAST(observed_at AS VARCHAR(40)) FROM {ARCHIVES_TABLE} "
        # Of an archive that another one took the place of, nothing new is to come.
        f"WHERE archive_id NOT IN (SELECT archive_id FROM {SUCCESSIONS_TABLE}) "
        "ORDER BY archive_id"
    )
    ages = [(archive, path, _age(seen)) for archive, path, seen in found]
    late = [row for row in ages if row[2] > STALE_AFTER]
    oldest = max((age for *_, age in ages), default=timedelta())
    numbers: dict[str, Any] = {
        "archives": len(ages),
        "oldest_hours": round(oldest.total_seconds() / 3600, 2),
        "by_archive": table(("archive", "path", "observed ago"), ages),
    }
    if late:
        names = ", ".join(f"{path} ({_hours(age)})" for _, path, age in late)
        return Verdict(
            passed=False,
            words=f"nothing new for more than {_hours(STALE_AFTER)} from {names}: either nobody "
            "worked there, or nobody observes it any more",
            numbers=numbers,
        )  # fmt: skip
    return Verdict(
        passed=True,
        words=f"{len(ages)} archives, all written to the warehouse within {_hours(STALE_AFTER)}",
        numbers=numbers,
    )


def _age(seen: str) -> timedelta:
    return max(timedelta(), datetime.now(UTC) - moment(seen))


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.0f} h"
