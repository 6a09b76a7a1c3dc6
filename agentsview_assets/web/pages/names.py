"""The names that a page can be narrowed by: what the lists of its form offer."""

from __future__ import annotations

from agentsview_assets.web.pages.address import word
from agentsview_assets.web.pages.formats import name
from agentsview_assets.web.pages.page import Ask

_MOST = 300
_USED = ("project", "agent", "model")


def options(ask: Ask) -> dict[str, list[tuple[str, str, bool]]]:
    """For each dimension the value, the text and whether it is chosen, names in their order."""
    found: dict[str, list[str]] = ask.kept(("options",), lambda: _known(ask))
    chosen = {**ask.scope.names, "archive_id": _only(ask.scope.archive_id)}
    return {
        dimension: [
            (word(value), name(value), value in chosen[dimension])
            for value in sorted({*names, *chosen[dimension]})
        ]
        for dimension, names in found.items()
    }


def _only(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _known(ask: Ask) -> dict[str, list[str]]:
    names = {
        dimension: [
            found
            for (found,) in ask.reader.rows(
                f"SELECT {dimension} FROM daily_usage GROUP BY {dimension} "
                f"ORDER BY SUM(cost_usd) DESC, {dimension} LIMIT {_MOST}"
            )
        ]
        for dimension in _USED
    }
    for dimension, table in (("machine", "machines"), ("archive_id", "machines")):
        names[dimension] = [
            found
            for (found,) in ask.reader.rows(
                f"SELECT DISTINCT {dimension} FROM {table} ORDER BY 1 LIMIT {_MOST}"
            )
        ]
    return names
