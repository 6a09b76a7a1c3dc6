"""What a person sees of a materialisation in the UI: numbers to plot, a table, a chart, lineage.

What belongs here: metadata made of what is being written anyway. What does not: reading anything.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from agentsview_assets.assets.lineage import column_lineage
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.rules.charts import as_markdown, bar_chart
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.schemas import CONTRACTS

TOP_PROJECTS = 10
_SUMS = ["cost_usd", "tokens", "unpriced_tokens"]
_TOKENS = ["input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"]


def show_lineage(context: dg.AssetExecutionContext, names: Names, table: str) -> None:
    """Puts the column lineage on the last event of a step: the UI reads it there.

    On every day's event it would make the history several times as large.
    """
    lineage = column_lineage(table, names)
    if lineage is not None:
        has_days = CONTRACTS[table].partition_column is not None
        last = context.partition_keys[-1] if has_days else None
        shown = {"dagster/column_lineage": lineage}
        context.add_asset_metadata(shown, asset_key=names.key(table), partition_key=last)


def show_usage(context: dg.AssetExecutionContext, frames: Frames) -> Frames:
    """The frames of `daily_usage`, adding up as they pass what the UI shows of them."""
    return dataclasses.replace(frames, frames=_watched(context, frames))


def _watched(context: dg.AssetExecutionContext, frames: Frames) -> Iterator[pd.DataFrame]:
    seen: dict[str, _Day] = defaultdict(_Day)
    for frame in frames.frames:
        counted = frame.assign(tokens=frame[_TOKENS].sum(axis=1))
        sums = counted.groupby(["partition_date", "project"], sort=False)[_SUMS].sum()
        for day, project, *values in sums.reset_index().itertuples(index=False):
            seen[str(day)].add(str(project), values)
        yield frame
    partitions = set(context.partition_keys)
    for name, of_day in seen.items():
        # What lies beyond the partitions is made with the last day, which it comes after.
        if name in partitions:
            context.add_asset_metadata(of_day.metadata(name), partition_key=name)


class _Day:
    """Sums over the rows of a day of `daily_usage` that have passed, by project."""

    def __init__(self) -> None:
        self._projects: dict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0])

    def add(self, project: str, values: Sequence[Any]) -> None:
        """Adds to a project: cost, tokens and those without a price."""
        sums = self._projects[project]
        for place, value in enumerate(values):
            sums[place] += float(value)

    def metadata(self, day: str) -> dict[str, Any]:
        """What the UI shows of the day: numbers that it plots, a table and a chart."""
        ranked = sorted(self._projects.items(), key=lambda item: (-item[1][0], item[0]))
        bars = [(name or "(none)", sums[0]) for name, sums in ranked[:TOP_PROJECTS]]
        _, tokens, unpriced = (sum(sums[place] for _, sums in ranked) for place in range(3))
        return {
            "tokens": int(tokens),
            "unpriced_tokens": int(unpriced),
            "top_projects": dg.MetadataValue.md(_table(day, ranked)),
            "cost_chart": dg.MetadataValue.md(
                as_markdown(bar_chart(f"cost by project, {day}", bars), f"cost of {day}")
            ),
        }


def _table(day: str, ranked: Sequence[tuple[str, list[float]]]) -> str:
    """The projects that cost most."""
    rows = [
        f"| {_cell(project)} | {cost:,.2f} | {int(tokens):,} | {int(unpriced):,} |"
        for project, (cost, tokens, unpriced) in ranked[:TOP_PROJECTS]
    ]
    cost, tokens, unpriced = (sum(sums[place] for _, sums in ranked) for place in range(3))
    total = f"| **all {len(ranked)}** | **{cost:,.2f}** | "
    total += f"**{int(tokens):,}** | **{int(unpriced):,}** |"
    head = ["| project | cost, USD | tokens | unpriced tokens |", "|---|--:|--:|--:|"]
    return "\n".join([day, "", *head, *rows, total])


def _cell(text: str) -> str:
    return markdown(text or "(none)")
