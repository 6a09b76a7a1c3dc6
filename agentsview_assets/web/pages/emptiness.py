"""What a page says where nothing was used: what there is instead, and how to get to it."""

from __future__ import annotations

from typing import Any, NamedTuple

from agentsview_assets.web.pages.charts import is_day
from agentsview_assets.web.pages.formats import days
from agentsview_assets.web.pages.page import Ask


class Emptiness(NamedTuple):
    """Words for a page without usage.

    Attributes:
        words: What is so.
        links: What helps, with where it leads.
        command: What fills the warehouse, where it holds nothing at all.
    """

    words: str
    links: list[tuple[str, str]]
    command: str = ""


def emptiness(ask: Ask, document: dict[str, Any]) -> Emptiness | None:
    """What to say of a usage summary without any day; None for others."""
    if document["daily"]:
        return None
    first, last = ask.kept(("held",), lambda: _held(ask))
    if first is None:
        return Emptiness(
            "This warehouse holds no usage yet: nothing was read into it, or the archives that "
            "were hold none.",
            [],
            "agentsview-assets materialize",
        )
    chips = ask.scope.chips(ask.address)
    links = []
    if is_day(first) and is_day(last):
        span = days(first, last)
        href = ask.address.here(span=None, from_=first, to=last, page=None)
        links.append((f"All that the warehouse holds: {span}", href))
    if chips:
        nothing = dict.fromkeys((*ask.scope.names, "automation", "archive_id"))
        links.append(("The same days without filters", ask.address.here(**nothing)))
    words = "Nothing was used in these days"
    return Emptiness(f"{words}, as far as the filters go." if chips else f"{words}.", links)


def _held(ask: Ask) -> list[str | None]:
    [(first, last)] = ask.reader.rows(
        "SELECT MIN(usage_date_text), MAX(usage_date_text) FROM daily_usage "
        "WHERE usage_row_count > 0 AND usage_date_text >= '0001'"
    )
    return [first, last]
