"""Pages of rows that are counted off: which one an address asks for."""

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
