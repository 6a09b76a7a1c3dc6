"""The table of the sessions that cost most."""

from __future__ import annotations

from typing import Any

from agentsview_assets.documents.usage.top_sessions import DEFAULT_LIMIT, top_sessions
from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.figures import usage_key
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Row, Table


def top_sessions_table(ask: Ask, **more: str) -> Table:
    """The sessions that cost most in a window.

    Args:
        ask: The request.
        more: Dimension -> the only name of it.
    """
    found: list[dict[str, Any]] = ask.kept(
        usage_key(ask, "top", None, more),
        lambda: top_sessions(ask.reader, **ask.scope.options(None, **more)),
    )
    link = ask.address.there

    def rows_of(row: Row) -> str:
        return link("/rows", in_session=word(row[-1]))

    return Table(
        name="top_sessions",
        caption="Sessions that cost most",
        columns=[
            Column(
                "title", "Session", "name", link=lambda r: link(f"/sessions/{path_part(r[-1])}")
            ),
            Column("project", "Project", "name"),
            Column("agent", "Agent", "name"),
            Column("started", "Start", "text"),
            Column("cost", "Cost", "usd", rows_of, unit="USD"),
            Column("tokens", "Tokens", "tokens", rows_of),
            Column("session_id", "Id", "id"),
        ],
        rows=[
            [
                entry["displayName"] or entry["sessionId"],
                entry["project"],
                entry["agent"],
                entry["startedAt"],
                entry["cost"],
                entry["totalTokens"],
                entry["sessionId"],
            ]
            for entry in found
        ],
        note=f"At most {DEFAULT_LIMIT}." if len(found) == DEFAULT_LIMIT else "",
        asset="usage_rows",
    )
