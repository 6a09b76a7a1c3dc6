"""Pages of rows that are counted off: which one an address asks for, and those beside it."""

from __future__ import annotations

from typing import Final

from agentsview_assets.errors import UsageError
from agentsview_assets.web.pages.page import Ask

PER_PAGE: Final = 100
_MOST_PAGES: Final = 1_000_000


def page_number(ask: Ask) -> int:
    """The page asked for, from 0.

    Raises:
        UsageError: It is no number, or one beyond any table.
    """
    text = ask.address.value("page", "0")
    if not (text.isascii() and text.isdigit() and int(text[:8]) < _MOST_PAGES):
        raise UsageError("page: expected a whole number")
    return int(text[:8])


def turns(ask: Ask, count: int) -> dict[str, str]:
    """Where earlier and further rows are, as a table has them.

    Args:
        ask: The request.
        count: How many rows there are on all pages.
    """
    number, here = page_number(ask), ask.address.here
    has_more = (number + 1) * PER_PAGE < count
    return {
        "next_href": here(page=number + 1) if has_more else "",
        "before_href": here(page=number - 1 or None) if number else "",
    }


def limit(ask: Ask) -> str:
    """The end of a query that gives the rows of the page asked for."""
    return f"LIMIT {PER_PAGE} OFFSET {PER_PAGE * page_number(ask)}"
