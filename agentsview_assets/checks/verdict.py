"""What a check says: in words, in numbers, and how much it matters.

What belongs here: the shape of an answer and small helpers for numbers. What does not: questions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.rules.shown_text import markdown

TOLERANCE = 1e-9
"""Difference below which two costs are the same money: a share, or USD of sums below one."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check.

    Attributes:
        passed: Whether it holds.
        words: What was found, in a sentence with its numbers; no Markdown.
        numbers: What the UI plots and lists.
        is_wrong: Whether a failure means wrong numbers; otherwise it only warns.
        rules: What to record of the warehouse, or to forget where it is None; see `Store.rules`.
    """

    passed: bool
    words: str
    numbers: dict[str, Any] = field(default_factory=dict)
    is_wrong: bool = False
    rules: Mapping[str, str | None] = field(default_factory=dict)

    def result(self, name: str, asset: dg.AssetKey | str) -> dg.AssetCheckResult:
        """The same for Dagster."""
        severity = dg.AssetCheckSeverity.ERROR if self.is_wrong else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=self.passed,
            check_name=name,
            asset_key=asset,
            severity=severity,
            description=markdown(self.words),
            metadata=self.numbers,
        )

    def evaluation(self, name: str, asset: dg.AssetKey) -> dg.AssetCheckEvaluation:
        """The same for who finds it out without a step of its own."""
        result = self.result(name, asset)
        return dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=name,
            passed=self.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
        )


@dataclass(frozen=True)
class Check:
    """A question about one table of the warehouse.

    Attributes:
        name: Its name, unique on its asset.
        asset: The asset that it is about.
        about: What it asks, for people.
        ask: Answers it from the warehouse.
        is_blocking: Whether what is made from the asset must not be made after a wrong number.
    """

    name: str
    asset: str
    about: str
    ask: Callable[[Reader], Verdict]
    is_blocking: bool = False


def same(one: float, other: float) -> bool:
    """Whether two costs are the same money; what is no number equals itself."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    # Costs that cancel out leave a residue of rounding, which is no share of anything.
    return one == other or abs(one - other) <= TOLERANCE * max(abs(one), abs(other), 1.0)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Any:
    """Rows as a table that the UI shows."""
    cells = [[markdown(str(value)) for value in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return dg.MetadataValue.md("\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]))
