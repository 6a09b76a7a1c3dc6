"""Whether the observations are what the rules make of an archive: duplicates, coverage, age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agentsview_assets.checks.verdict import Verdict, table
from agentsview_assets.documents.common.gaps import STALE_AFTER, moment
from agentsview_assets.resources.warehouses.counting_once import counted_once
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    SUCCESSIONS_TABLE,
    Reader,
)

MOST_WITHOUT = 0.5
"""Share of an agent's sessions without usage beyond which its numbers tell little."""


def duplicates_removed(reader: Reader) -> Verdict:
    """Of the rows that share a key exactly one counts, and the others point at it."""
    found = counted_once(reader)
    numbers = {
        "rows": found.rows, "duplicates": found.duplicates, "keys": found.keys,
        "wrong_keys": found.wrong, "keys_pending": found.pending,
    }  # fmt: skip
    return Verdict(
        passed=not (found.wrong or found.pending),
        words=found.words,
        numbers=numbers,
        is_wrong=bool(found.wrong),
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
