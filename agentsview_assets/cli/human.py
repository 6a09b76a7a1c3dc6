"""The `usage daily` document as the aligned table that people read in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.cli.tables import aligned
from agentsview_assets.documents.usage.filters import UsageFilters
from agentsview_assets.documents.usage.tokenless import missing_tokens
from agentsview_assets.rules.money import cost_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HEADER = ("DATE", "INPUT", "OUTPUT", "CACHE_CR", "CACHE_RD", "COST", "MODELS")
_COUNTERS = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")

_NOTES = {
    "copilot-no-token-data": (
        "note: these GitHub Copilot records do not include token or cost data "
        "that agentsview can total."
    ),
    "no-token-data": "note: matching sessions do not record per-message token usage.",
}


def usage_table(document: Mapping[str, Any], *, breakdown: bool) -> str:
    """Return the table, one line a day and a last line of totals, each ending in a line feed.

    Args:
        document: A `usage daily` document.
        breakdown: Add a line for each model below its day.
    """
    dashes = tuple("-" * len(name) for name in HEADER)
    total = document["totals"]
    rows = [
        HEADER,
        dashes,
        *_day_rows(document["daily"], breakdown=breakdown),
        dashes,
        ("TOTAL", *_amounts(total, total["totalCost"]), ""),
    ]
    return aligned(rows)


def agents_note(document: Mapping[str, Any], agents: str) -> str | None:
    """Explain totals of zero for agents that keep no tokens; None where there is nothing to say.

    Args:
        document: A `usage daily` document.
        agents: The agent filter that made it.
    """
    kind = missing_tokens(UsageFilters(agent=agents).agents, document["totals"])
    return _NOTES[kind] if kind else None


def _day_rows(daily: Sequence[Mapping[str, Any]], *, breakdown: bool) -> Iterator[tuple[str, ...]]:
    for day in daily:
        yield (day["date"], *_amounts(day, day["totalCost"]), ", ".join(day["modelsUsed"]))
        for model in day["modelBreakdowns"] if breakdown else ():
            yield (f"  {model['modelName']}", *_amounts(model, model["cost"]), "")


def _amounts(entry: Mapping[str, Any], usd: float) -> tuple[str, ...]:
    return (*(str(entry[key]) for key in _COUNTERS), cost_text(usd))
