"""Whether the observations are what the rules make of an archive: duplicates, coverage, age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agentsview_assets.checks.verdict import Verdict, table
from agentsview_assets.documents.gaps import STALE_AFTER, moment
from agentsview_assets.resources.warehouse import (
    ARCHIVES_TABLE,
    PARTITIONS_TABLE,
    SUCCESSIONS_TABLE,
    Reader,
)

MOST_WITHOUT = 0.5
"""Share of an agent's sessions without usage beyond which its numbers tell little."""

_KEYS = f"""
SELECT COUNT(*), SUM(is_missing),
    SUM(CASE WHEN is_missing = 0 AND is_odd = 1 AND runs = 1 THEN 1 ELSE 0 END),
    SUM(CASE WHEN is_missing = 0 AND is_odd = 1 AND runs > 1 THEN 1 ELSE 0 END)
FROM (
    SELECT runs, CASE WHEN counting = 0 AND pointed_at = 0 THEN 1 ELSE 0 END AS is_missing,
        CASE WHEN counting = 1 AND COALESCE(lowest, counts) = counts
            AND COALESCE(highest, counts) = counts THEN 0 ELSE 1 END AS is_odd
    FROM (
        SELECT COUNT(DISTINCT p.run_id) AS runs, COUNT(t.row_id) AS pointed_at,
            SUM(CASE WHEN u.duplicate_of IS NULL THEN 1 ELSE 0 END) AS counting,
            MAX(CASE WHEN u.duplicate_of IS NULL THEN u.row_id END) AS counts,
            MIN(u.duplicate_of) AS lowest, MAX(u.duplicate_of) AS highest
        FROM usage_rows u JOIN {PARTITIONS_TABLE} p ON p.asset = 'usage_rows'
            AND p.partition_date = CAST(u.partition_date AS VARCHAR(10))
        LEFT JOIN (SELECT archive_id, row_id FROM usage_rows WHERE dedup_key IS NOT NULL) t
            ON t.archive_id = u.archive_id AND t.row_id = u.duplicate_of
        WHERE u.dedup_key IS NOT NULL
        GROUP BY u.archive_id, u.dedup_key) AS keyed) AS judged
"""
"""Of each key: does one row count, do the others point at it, or is that row of a day not made?"""
_SEEN = "SELECT COUNT(*), COUNT(duplicate_of) FROM usage_rows"


def duplicates_removed(reader: Reader) -> Verdict:
    """Of the rows that share a key exactly one counts, and the others point at it."""
    keys, missing, wrong, waiting = (int(n or 0) for n in reader.rows(_KEYS)[0])
    rows, removed = (int(n) for n in reader.rows(_SEEN)[0])
    numbers = {
        "rows": rows, "duplicates": removed, "keys": keys, "wrong_keys": wrong,
        "keys_across_runs": waiting, "keys_of_days_not_made": missing,
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
            f"; {waiting:,} keys lie on days of which one is out of date (run `agentsview-assets "
            "materialize`, or the job `update`)"
        )
        return Verdict(passed=False, words=words, numbers=numbers)
    words += "; of every key exactly one row counts"
    if missing:
        words += f", that of {missing:,} keys on days that are not in the warehouse"
    return Verdict(passed=True, words=words, numbers=numbers)


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
