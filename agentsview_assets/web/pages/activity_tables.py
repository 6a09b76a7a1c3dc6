"""The tables of the activity page: by time, by project, agent and model, by session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agentsview_assets.documents.activity.calendar import instant_of
from agentsview_assets.rules.timestamps import format_utc_seconds
from agentsview_assets.web.pages.activity_report import MOST_SESSIONS
from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Link, Row, Table

PERSON: Final = 0
PROGRAM: Final = 1
"""Which colours sessions of people and of programs have."""


def local(ask: Ask, text: str) -> datetime:
    """A moment of a document by the clock of the page's zone, as if that were UTC."""
    found = datetime.fromisoformat(text)
    offset = found.astimezone(ask.scope.zone.tzinfo).utcoffset() or timedelta()
    return (found + offset).replace(tzinfo=UTC)


def buckets_table(ask: Ask, document: dict[str, Any], table_name: str, title: str) -> Table:
    """What each bucket that has begun came to.

    Args:
        ask: The request.
        document: The activity report.
        table_name: Tells it from its like.
        title: What the chart above it shows.
    """
    buckets = document["buckets"][: document["elapsed_bucket_count"]]
    totals, peak = document["totals"], document["peak"]

    def rows_of(row: Row) -> str:
        first = row[0][:10]
        end = datetime.fromisoformat(row[1])
        last = max((end - timedelta(seconds=1)).date().isoformat(), first)
        return ask.address.there("/rows", span=None, from_=first, to=last)

    def spans_of(row: Row) -> str:
        since, until = (_instant(text) for text in row[:2])
        return ask.address.there("/spans", since=since, until=until)

    all_spans, all_rows = ask.address.there("/spans"), ask.address.there("/rows")
    return Table(
        name=f"{table_name}_by_time",
        caption=title,
        columns=[
            Column("start", "From", "text"),
            Column("end", "To", "text"),
            Column("agent_minutes", "Agent minutes", "minutes", spans_of, all_spans),
            Column("max_agents", "Most at once", "whole", spans_of, all_spans),
            Column("interactive_at_peak", "Of people", "whole", spans_of, swatch=PERSON),
            Column("automated_at_peak", "Of programs", "whole", spans_of, swatch=PROGRAM),
            Column("output_tokens", "Output", "tokens", rows_of, all_rows),
            Column("cost", "Cost", "usd", rows_of, all_rows, "USD"),
        ],
        rows=[
            [
                *(_clock_text(ask, bucket[end]) for end in ("start", "end")),
                *(bucket[key] for key in _SHOWN),
            ]
            for bucket in buckets
        ],
        total=[
            "All",
            None,
            totals["agent_minutes"],
            peak["agents"],
            None,
            None,
            totals["output_tokens"],
            totals["cost"],
        ],
        asset="activity_intervals",
        note=f"Clock of {ask.scope.zone.name}.",
    )


def _clock_text(ask: Ask, text: str) -> str:
    """A moment by the page's clock, with its offset where that may be another one at another time.

    Hours that clocks show twice are told apart by it.
    """
    found = datetime.fromisoformat(text).astimezone(ask.scope.zone.tzinfo)
    return found.isoformat(" ", "minutes").removesuffix("+00:00")


def _instant(clock_text: str) -> str:
    found = datetime.fromisoformat(clock_text)
    return format_utc_seconds(instant_of(found if found.tzinfo else found.replace(tzinfo=UTC)))


_SHOWN: Final = (
    *("agent_minutes", "max_agents", "interactive_at_peak", "automated_at_peak"),
    *("output_tokens", "cost"),
)


def breakdown_table(ask: Ask, document: dict[str, Any], by: str) -> Table:
    """What each name of a dimension came to, the most active first."""
    worked = document["totals"]["agent_minutes"]

    def rows_of(row: Row) -> str:
        return ask.address.there("/rows", **{f"in_{by}": word(row[0])})

    def spans_of(started_by: str = "") -> Link:
        return ask.address.leading("/spans", f"in_{by}", of=started_by)

    return Table(
        name=f"by_{by}",
        caption=f"By {by}",
        columns=[
            Column(by, by.capitalize(), "name", link=_page_of(ask, by)),
            Column("agent_minutes", "Agent minutes", "minutes", link=spans_of()),
            Column("share", "Share", "share"),
            Column("interactive_agent_minutes", "Of people", "minutes", link=spans_of("people")),
            Column("automated_agent_minutes", "Of programs", "minutes", link=spans_of("programs")),
            Column("cost", "Cost", "usd", unit="USD", link=rows_of),
            Column("interactive_cost", "Of people", "usd", unit="USD"),
            Column("automated_cost", "Of programs", "usd", unit="USD"),
        ],
        rows=[
            [
                entry["key"],
                entry["agent_minutes"],
                entry["agent_minutes"] / worked if worked else None,
                entry["interactive_agent_minutes"],
                entry["automated_agent_minutes"],
                entry["cost"],
                entry["interactive_cost"],
                entry["automated_cost"],
            ]
            for entry in document[f"by_{by}"]
        ],
        asset="activity_intervals",
    )


def _page_of(ask: Ask, by: str) -> Link:
    if by == "agent":
        return lambda row: ask.address.here(agent=word(row[0]))
    return lambda row: ask.address.there(f"/{by}s/{path_part(row[0])}")


def sessions_table(ask: Ask, document: dict[str, Any]) -> Table:
    """The sessions that were most active."""
    entries = document["by_session"]
    return Table(
        name="by_session",
        caption="Sessions most active",
        columns=[
            Column(
                "title",
                "Session",
                "name",
                link=lambda row: ask.address.there(f"/sessions/{path_part(row[-1])}"),
            ),
            Column("project", "Project", "name"),
            Column("agent", "Agent", "name"),
            Column("model", "Model", "name"),
            Column(
                "agent_minutes",
                "Agent minutes",
                "minutes",
                link=lambda row: ask.address.there("/spans", in_session=word(row[-1])),
            ),
            Column("first_active", "First active", "moment"),
            Column("last_active", "Last active", "moment"),
            Column(
                "cost",
                "Cost",
                "usd",
                unit="USD",
                link=lambda row: ask.address.there("/rows", in_session=word(row[-1])),
            ),
            Column("id", "Id", "id"),
        ],
        rows=[
            [
                entry["title"],
                entry["project"],
                entry["agent"],
                entry["primary_model"] or None,
                entry["agent_minutes"],
                entry["first_active"],
                entry["last_active"],
                entry["cost"],
                entry["session_id"],
            ]
            for entry in entries
        ],
        asset="activity_intervals",
        note=f"The first {MOST_SESSIONS}." if len(entries) == MOST_SESSIONS else "",
    )
