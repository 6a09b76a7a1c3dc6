"""What the dates in a warehouse say about clocks: rows after today, records from the future.

What belongs here: naming it. It is no error: rows lie under their own dates whatever a clock shows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agentsview_assets.documents.common.gaps import moment
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    PARTITIONS_TABLE,
    READINGS_TABLE,
)
from agentsview_assets.rules import staleness
from agentsview_assets.rules.shown_text import visible

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader

TOLERANCE = timedelta(minutes=5)
"""Clocks of a server and its clients differ a little."""
_OBSERVATIONS = ", ".join(f"'{table}'" for table in staleness.OBSERVATIONS)
_LATER = f"""
SELECT CAST(SUM(row_count) AS BIGINT), MIN(partition_date) FROM {PARTITIONS_TABLE}
WHERE asset IN ({_OBSERVATIONS}) AND row_count > 0 AND partition_date > ?
"""
_SESSION = """
SELECT MIN(session_id) FROM (
    SELECT session_id FROM usage_rows WHERE CAST(partition_date AS VARCHAR(10)) = ?
    UNION ALL SELECT session_id FROM sessions WHERE CAST(partition_date AS VARCHAR(10)) = ?
    UNION ALL SELECT session_id FROM activity_intervals
    WHERE CAST(partition_date AS VARCHAR(10)) = ?) AS found
WHERE session_id <> ''
"""
_LAST_RECORDS = f"""
SELECT CAST(MAX(written_at) AS VARCHAR(40)) FROM {PARTITIONS_TABLE}
UNION ALL SELECT CAST(MAX(observed_at) AS VARCHAR(40)) FROM {ARCHIVES_TABLE}
UNION ALL SELECT CAST(MAX(read_at) AS VARCHAR(40)) FROM {READINGS_TABLE}
"""


def clock_notes(reader: Reader, now: datetime) -> list[str]:
    """Says which rows are dated after today, and whether the warehouse knows a later time.

    Args:
        reader: The warehouse.
        now: The present by this machine's clock.
    """
    return [note for note in (_rows_after(reader, now), _clock_behind(reader, now)) if note]


def _rows_after(reader: Reader, now: datetime) -> str:
    today = now.astimezone(UTC).date().isoformat()
    count, first = reader.rows(_LATER, [today])[0]
    if not count:
        return ""
    session = reader.rows(_SESSION, [first] * 3)[0][0]
    named = f", session {visible(session)}" if session else ""
    rows = "1 row is" if count == 1 else f"{int(count):,} rows are"
    return f"{rows} dated after today (first: {first}{named}): was a clock ahead?"


def _clock_behind(reader: Reader, now: datetime) -> str:
    known = [moment(text) for (text,) in reader.rows(_LAST_RECORDS) if text]
    latest = max(known, default=now)
    if latest - now <= TOLERANCE:
        return ""
    return (
        f"this machine's clock ({_shown(now)}) is behind what the warehouse recorded "
        f"({_shown(latest)})"
    )


def _shown(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
