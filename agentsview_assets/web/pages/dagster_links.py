"""Links to assets and runs in the Dagster UI, where one is named."""

from __future__ import annotations

from urllib.parse import quote

from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Link, Row
from agentsview_assets.web.serving import Serving


def asset_url(serving: Serving, table: str) -> str:
    """The page of the asset that makes a table; empty where no UI is named.

    Args:
        serving: The server's settings.
        table: Name of the table.
    """
    if not serving.dagster_url:
        return ""
    key = "/".join(quote(part, safe="") for part in (*serving.key_prefix, table))
    return f"{serving.dagster_url}/assets/{key}"


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
