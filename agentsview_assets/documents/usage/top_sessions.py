"""The answer of `/api/v1/usage/top-sessions`: the sessions that cost most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.common.lookups import (
    load_prices,
    resolve_archives,
)
from agentsview_assets.documents.common.sql import marks
from agentsview_assets.documents.usage.buckets import IS_REPORTED, Amounts, priced, sums
from agentsview_assets.documents.usage.query import CountedRows, UsageScope
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable

DEFAULT_LIMIT = 20
"""How many sessions there are where 0 are asked for."""

# Of copies of one session that which counts tells of all.
_OWNER = """COALESCE((SELECT c.canonical_archive_id FROM session_copies c
    WHERE c.archive_id = counted.archive_id AND c.session_id = counted.session_id),
    counted.archive_id)"""


class _Session(NamedTuple):
    archive_id: str
    session_id: str


def top_sessions(  # noqa: PLR0913 - what it can be asked for, all by name
    reader: Reader,
    *,
    window: Window,
    zone: Zone,
    filters: UsageFilters,
    limit: int = 0,
    now: datetime,
    archive_id: str | None = None,
) -> list[dict[str, Any]]:
    """Return the sessions, the most expensive first, of equal ones the least id.

    Args:
        reader: The warehouse.
        window: First and last local date, both included; None leaves an end open.
        zone: Zone in which rows are given their date.
        filters: What rows are chosen by.
        limit: Most sessions; 0 for `DEFAULT_LIMIT`.
        now: The present, with a zone.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    archive = resolve_archives(reader, archive_id)
    prices = load_prices(reader, archive, offline=False)
    # Usage without a session is not even looked at: a session's row that has its key counts.
    scope = UsageScope(archive, window, zone, filters, int(now.timestamp()), with_cursor=False)
    found = _costs(reader, CountedRows(reader, scope), prices)
    order = sorted(found, key=lambda s: (-found[s].amounts.cost, utf8_bytes(s.session_id)))
    top = order[: limit or DEFAULT_LIMIT]
    known = _rows_of(reader, top)
    return [_entry(session, found[session], known.get(session)) for session in top]


class _Spent(NamedTuple):
    """What counts for a session, and its labels as usage rows have them."""

    amounts: Amounts
    agent: str
    project: str


def _costs(reader: Reader, rows: CountedRows, prices: PricingTable) -> dict[_Session, _Spent]:
    found: dict[_Session, _Spent] = {}
    for archive_id, session_id, agent, project, model, reported, *values in reader.rows(
        f"""
        SELECT owner, session_id, MIN(agent), MIN(project), model, reported, {sums(reader)}
        FROM (SELECT counted.*, {_OWNER} AS owner, {IS_REPORTED} AS reported
            FROM ({rows.sql.text}) AS counted) AS owned
        GROUP BY owner, session_id, model, reported ORDER BY 1, 2, 5, 6
        """,
        rows.sql.params,
    ):
        session = _Session(archive_id, session_id)
        spent = found.setdefault(session, _Spent(Amounts(), agent, project))
        spent.amounts.add(priced(prices, model, reported, values).amounts)
    return found


def _rows_of(reader: Reader, sessions: Sequence[_Session]) -> dict[_Session, tuple[Any, ...]]:
    if not sessions:
        return {}
    rows = reader.rows(
        "SELECT archive_id, session_id, COALESCE(display_name, title), agent, project, "
        "COALESCE(started_at_text, '') "
        f"FROM sessions WHERE session_id IN ({marks(sessions)})",
        [session.session_id for session in sessions],
    )
    return {_Session(*row[:2]): row[2:] for row in rows}


def _entry(session: _Session, spent: _Spent, row: tuple[Any, ...] | None) -> dict[str, Any]:
    # A session whose row was left out is known by its usage alone.
    name, agent, project, started = row or (
        spent.project or session.session_id,
        spent.agent,
        spent.project,
        "",
    )
    return {
        "sessionId": session.session_id,
        "displayName": name,
        "agent": agent,
        "project": project,
        "startedAt": started,
        "totalTokens": int64(spent.amounts.tokens),
        "cost": spent.amounts.cost,
    }
