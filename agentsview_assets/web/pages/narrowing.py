"""Names that narrow rows and spans further than window and filters: `in_project=…` in an address.

What belongs here: these parameters, written and read. What does not: what they are names of, which
rows and spans know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.web.pages.address import name_of, word
from agentsview_assets.web.pages.formats import name
from agentsview_assets.web.pages.page import Ask


def narrowed_to(names: Mapping[str, str]) -> dict[str, object]:
    """The parameters that narrow to names.

    Args:
        names: Dimension -> the only name.
    """
    return {f"in_{dimension}": word(only) for dimension, only in names.items()}


def within(ask: Ask, columns: Sequence[str]) -> dict[str, str]:
    """Column -> the only name of it that an address asks for.

    Args:
        ask: The request.
        columns: Those that it may narrow; `session_id` is `in_session` there.
    """
    return {
        column: name_of(value)
        for column in columns
        if (value := ask.address.value(f"in_{_dimension(column)}"))
    }


def within_tests(ask: Ask, columns: Sequence[str]) -> list[Sql]:
    """The tests of `within`."""
    return [Sql(f"{column} = ?", (only,)) for column, only in within(ask, columns).items()]


def within_words(ask: Ask, columns: Sequence[str]) -> list[str]:
    """The same in words."""
    return [f"{_dimension(column)} {name(only)}" for column, only in within(ask, columns).items()]


def _dimension(column: str) -> str:
    return column.removesuffix("_id")
