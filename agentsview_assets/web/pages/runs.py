"""Links to runs of the Dagster UI, where one is named."""

from __future__ import annotations

from urllib.parse import quote

from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Link, Row


def run_link(ask: Ask, place: int) -> Link | None:
    """The link from a run to its page.

    Args:
        ask: The request.
        place: Where a row has the run.
    """
    url = ask.serving.dagster_url
    if not url:
        return None

    def link(row: Row) -> str | None:
        return f"{url}/runs/{quote(row[place], safe='')}" if row[place] else None

    return link
