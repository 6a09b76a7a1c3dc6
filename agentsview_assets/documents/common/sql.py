"""Pieces of portable SQL with the values of their placeholders, and how they are put together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.rules.text import displayable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sql(NamedTuple):
    """A piece of a query and the values of its placeholders."""

    text: str
    params: tuple[object, ...] = ()


NOTHING = Sql("1 = 0")
"""The condition that no row passes."""


def all_of(tests: Sequence[Sql]) -> Sql:
    """Return the condition that all of some conditions hold; of none, that holds always."""
    return _joined(" AND ", tests) if tests else Sql("1 = 1")


def any_of(tests: Sequence[Sql]) -> Sql:
    """Return the condition that one of some conditions holds; of none, that never holds."""
    joined = _joined(" OR ", tests)
    return joined._replace(text=f"({joined.text})") if tests else NOTHING


def one_of(column: str, values: Sequence[str]) -> Sql:
    """Return the condition that a text is one of some values, exactly."""
    return Sql(f"{column} IN ({marks(values)})", tuple(map(comparable, values)))


def none_of(column: str, values: Sequence[str]) -> Sql:
    """Return the condition that a text is none of some values."""
    return Sql(f"{column} NOT IN ({marks(values)})", tuple(map(comparable, values)))


def marks(values: Sequence[object]) -> str:
    """Return a placeholder for each value, separated by commas."""
    return ", ".join("?" * len(values))


def comparable(text: str) -> str:
    """Return a text from outside as warehouses hold it: they take no bytes that are no UTF-8."""
    return displayable(text)


def stepwise(expression: str, steps: Sequence[tuple[int, object]]) -> str:
    """SQL of a step function.

    Args:
        expression: What it is a function of.
        steps: Where each step starts, ascending, and the SQL of its value, which holds until the
            next one; the first one holds before it, too.
    """
    cases = "".join(
        f"WHEN {expression} < {until} THEN {value} " for (_, value), (until, _) in pairwise(steps)
    )
    last = steps[-1][1]
    return f"CASE {cases}ELSE {last} END" if cases else str(last)


def _joined(operator: str, tests: Sequence[Sql]) -> Sql:
    return Sql(
        operator.join(test.text for test in tests),
        tuple(value for test in tests for value in test.params),
    )
