"""What sessions say on each day, entered beside the ledger's own entries while one looks.

What belongs here: the tables `entry` and `ledger` of the scratch. What does not: reading archives.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from agentsview_assets.resources.archives.small_tables import PROJECT_TABLES
from agentsview_assets.resources.warehouses.known import LeftOut
from agentsview_assets.resources.warehouses.ledger import LEDGER
from agentsview_assets.rules import entries
from agentsview_assets.rules.credentials.secrets import clean, clean_identifier
from agentsview_assets.rules.staleness import DAILY, PRICES, PROJECTS, ExpectedRow
from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.asked import Needed
    from agentsview_assets.resources.archives.odd_values import HeldRow
    from agentsview_assets.resources.archives.scratch import Scratch


def need_sessions(scratch: Scratch, archive_id: str, needed: Needed) -> None:
    """Adds the sessions of some days that have not landed to the table `needed`."""
    first = needed.window.first
    own = f"(day BETWEEN $from AND $to AND day >= '{first}')"
    earlier = f"(day < '{first}')" if needed.span.first <= first else "false"
    scratch.db.execute(
        "INSERT INTO needed SELECT DISTINCT session_id FROM entry WHERE archive_id = $archive "
        f"AND session_id <> '' AND ({own} OR {earlier}) AND session_id NOT IN "
        "(SELECT session_id FROM session WHERE archive_id = $archive)",
        {"archive": archive_id, "from": needed.span.first, "to": needed.span.last},
    )


def name_landed(scratch: Scratch, archive_id: str) -> None:
    """Names the sessions of an archive that have landed, and what has none, in `landed`."""
    scratch.db.execute(
        "CREATE OR REPLACE TEMP TABLE landed AS SELECT session_id AS id FROM session "
        "WHERE archive_id = ? UNION ALL SELECT ''",
        [archive_id],
    )


def enter(scratch: Scratch, archive_id: str) -> None:
    """Enters what the sessions that have landed say on each day."""
    name_landed(scratch, archive_id)
    mine = "archive_id = $archive AND session_id IN (SELECT id FROM landed)"
    scratch.db.execute(f"DELETE FROM entry WHERE {mine}", {"archive": archive_id})
    scratch.db.execute(entries.ENTRIES.replace("{mine}", mine), {"archive": archive_id})


class Moved(NamedTuple):
    """Sessions that the ledger has otherwise.

    Attributes:
        rows: Rows of `archive_sessions`.
        days: Days that they touch or touched.
        sessions: Those whose row, messages or events are others.
    """

    rows: pa.Table
    days: set[str]
    sessions: int


def changed_entries(scratch: Scratch, archive_id: str) -> Moved:
    """Of the sessions that have landed those that the ledger has otherwise."""
    found: pa.Table = scratch.db.sql(
        entries.LEDGER_ROWS, params={"archive": archive_id}
    ).to_arrow_table()
    rows = found.select(list(CONTRACTS[LEDGER.name].column_names)).cast(LEDGER.arrow_schema)
    moved = found.filter(found.column("is_moved"))
    texts = moved.column("days").to_pylist() + moved.column("known_days").to_pylist()
    days = {day for text in set(texts) if text for day in days_of(text)}
    count = sum(1 for name in rows.column("session_id").to_pylist() if name)
    return Moved(rows, days, count)


def days_of(text: str) -> list[str]:
    """The days that an entry of the ledger names."""
    return [row["day"] for row in json.loads(text)]


def expected_days(scratch: Scratch, archive_id: str, days: set[str]) -> list[ExpectedRow]:
    """What some days of an archive hold now, of all its sessions."""
    if not days:
        return []
    found = scratch.rows(entries.EXPECTED_DAYS, {"archive": archive_id, "days": sorted(days)})
    return [
        ExpectedRow(
            archive, DAILY, day, version, tuple(json.loads(models)), tuple(json.loads(reads))
        )
        for archive, day, version, models, reads in found
    ]


def expected_parts(scratch: Scratch, archive_id: str) -> list[ExpectedRow]:
    """What an archive holds now of what has no days."""
    versions = (
        (PROJECTS, scratch.version(PROJECT_TABLES, archive_id)),
        (PRICES, scratch.version(("model_pricing",), archive_id)),
    )
    return [ExpectedRow(archive_id, part, "", version) for part, version in versions]


def still_left_out(
    met: Iterable[HeldRow], before: Sequence[LeftOut], archive_id: str, unread: Collection[str]
) -> list[LeftOut]:
    """The rows that cannot be read: those met now, and those of sessions not read now.

    Args:
        met: Rows met now.
        before: Rows met before.
        archive_id: The archive.
        unread: Sessions that are still there and were not read now.
    """
    kept = [
        row
        for row in before
        if row.source_table in ("messages", "usage_events") and row.session_id in unread
    ]
    found = [
        LeftOut(
            archive_id, row.table, clean_identifier(row.session_id), clean(row.row),
            clean(row.reason),
        )
        for row in dict.fromkeys(met)
    ]  # fmt: skip
    return list(dict.fromkeys([*kept, *found]))
