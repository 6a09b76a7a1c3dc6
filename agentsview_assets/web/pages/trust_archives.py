"""What is known of archives: how old, what was not read of them, and what several of them share."""

from __future__ import annotations

from typing import Any, Final

from agentsview_assets.documents.common.gaps import last_readings
from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.resources.warehouses.known import known_archives
from agentsview_assets.resources.warehouses.reader import LEFT_OUT_TABLE
from agentsview_assets.rules.duplicates import ALL, OWN
from agentsview_assets.web.pages.charts import Chart, ranked_bars
from agentsview_assets.web.pages.formats import age, name
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Table

_MOST_BARS: Final = 20
_MOST_LISTED: Final = 500
_HOUR: Final = 3600
_SCOPES: Final = {OWN: "Within an archive", ALL: "Among archives"}
_DUPLICATES: Final = """
SELECT scope, archive_id, COUNT(DISTINCT dedup_key), COUNT(*),
    SUM(CASE WHEN row_id <> counting_row_id OR archive_id <> counting_archive_id
        THEN 1 ELSE 0 END)
FROM duplicates GROUP BY scope, archive_id ORDER BY scope DESC, archive_id
"""
_COPIES: Final = """
SELECT archive_id, canonical_archive_id, COUNT(*) FROM session_copies
WHERE archive_id <> canonical_archive_id GROUP BY 1, 2 ORDER BY 1, 2
"""
_LEFT_OUT: Final = f"""
SELECT source_table, row_name, session_id, reason, archive_id
FROM {LEFT_OUT_TABLE} ORDER BY archive_id, source_table, session_id, row_name
LIMIT {_MOST_LISTED}
"""


def ages_differ(document: dict[str, Any]) -> bool:
    """Whether a chart of ages would show anything: some archives, not all of them just read."""
    ages = [found["age_seconds"] for found in document["archives"]]
    return len(ages) > 1 and max(ages) >= _HOUR


def archives_chart(ask: Ask, document: dict[str, Any]) -> Chart:
    """How long ago each archive was read, the longest first."""
    alive = [found for found in document["archives"] if found["succeeded_by"] is None]
    ranked = sorted(alive, key=lambda found: (-found["age_seconds"], found["archive_id"]))
    values = [
        {
            "name": _short(found["archive_id"]),
            "value": found["age_seconds"] / _HOUR,
            "text": f"read {age(found['age_seconds'])} ago",
        }
        for found in ranked[:_MOST_BARS]
    ]
    rest = len(ranked) - _MOST_BARS
    return Chart(
        name="ages",
        title="Hours since archives were read",
        spec=ranked_bars(values, "minutes"),
        table=archives_table(ask, document),
        note=f"The {_MOST_BARS} oldest; the table has all." if rest > 0 else "",
        is_open=True,
    )


def _short(archive_id: str) -> str:
    return name(archive_id if len(archive_id) <= 16 else f"{archive_id[:13]}…")  # noqa: PLR2004


def archives_table(ask: Ask, document: dict[str, Any]) -> Table:
    """How every archive stands."""
    paths = {found.archive_id: found.path for found in known_archives(ask.reader.rows)}
    reasons = {found.archive_id: found.reason for found in last_readings(ask.reader)}
    rows = [
        [
            paths.get(found["archive_id"], ""),
            _state(found),
            found["age_seconds"] / _HOUR,
            found["days_out_of_date"],
            found["first_day_out_of_date"],
            found["tokens"],
            found["unpriced_tokens"],
            found["rows_left_out"],
            reasons.get(found["archive_id"]) or None,
            found["read_at"],
            found["observed_at"],
            found["archive_id"],
            found["rules_digest"],
            found["pricing_digest"],
        ]
        for found in document["archives"]
    ]
    # Archives that were named, and that nobody ever could read.
    rows += [
        [
            None,
            "never read",
            *[None] * 6,
            found.reason or None,
            None,
            None,
            found.archive,
            None,
            None,
        ]
        for found in last_readings(ask.reader)
        if not found.archive_id
    ]
    return Table(
        name="archives",
        caption="Archives",
        columns=[
            Column("path", "Archive", "name"),
            Column("state", "State"),
            Column("age_hours", "Hours since read", "minutes"),
            Column("days_out_of_date", "Days out of date", "whole"),
            Column("first_day_out_of_date", "The first", "day"),
            Column("tokens", "Tokens", "tokens"),
            Column("unpriced_tokens", "Unpriced", "tokens"),
            Column("rows_left_out", "Rows left out", "whole"),
            Column("reason", "Why not read", "name"),
            Column("read_at", "Read", "moment"),
            Column("observed_at", "Changed", "moment", about="When something new was in it"),
            Column("archive_id", "Id", "id"),
            Column("rules_digest", "Rules", "digest"),
            Column("pricing_digest", "Prices", "digest"),
        ],
        rows=rows,
        note="As `/api/v1/completeness` tells it.",
        asset="archive_sessions",
    )


def _state(found: dict[str, Any]) -> str:
    if found["succeeded_by"]:
        return "another took its place"
    if found["failing_since"]:
        return "cannot be read"
    return "out of date" if found["days_out_of_date"] else "up to date"


def duplicates_table(ask: Ask) -> Table:
    """How many rows share a key with others, and are counted once."""
    return Table(
        name="duplicates",
        caption="Rows counted once",
        sql=Sql(_DUPLICATES),
        columns=[
            Column("scope", "Compared"),
            Column("archive_id", "Archive", "id"),
            Column("keys", "Keys shared", "whole"),
            Column("rows", "Rows that share one", "whole"),
            Column("left_out", "Not counted", "whole"),
        ],
        rows=[
            [_SCOPES.get(scope, scope), archive, int(keys), int(rows), int(out or 0)]
            for scope, archive, keys, rows, out in ask.reader.rows(_DUPLICATES)
        ],
        asset="duplicates",
    )


def copies_table(ask: Ask) -> Table:
    """Sessions that several archives hold."""
    return Table(
        name="session_copies",
        caption="Sessions that several archives hold",
        sql=Sql(_COPIES),
        columns=[
            Column("archive_id", "Archive", "id"),
            Column("canonical_archive_id", "Counts in", "id"),
            Column("sessions", "Sessions", "whole"),
        ],
        rows=[[archive, owner, int(count)] for archive, owner, count in ask.reader.rows(_COPIES)],
        asset="session_copies",
    )


def left_out_table(ask: Ask) -> Table:
    """Rows of archives that cannot be read."""
    rows = ask.reader.rows(_LEFT_OUT)
    return Table(
        name="left_out",
        caption="Rows left out",
        columns=[
            Column("source_table", "Of table", "name"),
            Column("row", "Row", "name"),
            Column("session_id", "Session", "id"),
            Column("reason", "Why", "name"),
            Column("archive_id", "Archive", "id"),
        ],
        rows=rows,
        note=f"The first {_MOST_LISTED}." if len(rows) == _MOST_LISTED else "",
        sql=Sql(_LEFT_OUT),
    )
