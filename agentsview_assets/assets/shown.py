"""What a person sees of a materialisation in the UI: numbers to plot, a table, a chart, lineage.

What belongs here: metadata made of what is being written anyway. What does not: reading anything.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from agentsview_assets.assets.lineage import column_lineage
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.rules.charts import as_markdown, bar_chart
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.schemas import CONTRACTS

TOP_PROJECTS = 10
_TOKENS = ["input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"]


def show_lineage(context: dg.AssetExecutionContext, table: str) -> None:
    """Puts the column lineage on the last event of a step: the UI reads it there.

    On every day's event it would make the history several times as large.
    """
    lineage = column_lineage(table)
    if lineage is not None:
        has_days = CONTRACTS[table].partition_column is not None
        last = context.partition_keys[-1] if has_days else None
        context.add_asset_metadata({"dagster/column_lineage": lineage}, partition_key=last)


def show_usage(context: dg.AssetExecutionContext, frames: Frames) -> Frames:
    """The frames of `daily_usage`, adding up as they pass what the UI shows of them."""
    return dataclasses.replace(frames, frames=_watched(context, frames))


def _watched(context: dg.AssetExecutionContext, frames: Frames) -> Iterator[pd.DataFrame]:
    seen = _Seen()
    for frame in frames.frames:
        seen.add(frame)
        yield frame
    partitions = set(context.partition_keys)
    for day, tokens in seen.tokens.items():
        if day not in partitions:
            continue  # made with the last day, which it comes after
        numbers = {"tokens": tokens, "unpriced_tokens": seen.unpriced[day]}
        context.add_asset_metadata(numbers, partition_key=day)
    if seen.costs:
        last = context.partition_keys[-1]
        context.add_asset_metadata(
            {
                "top_projects": dg.MetadataValue.md(seen.table()),
                "cost_chart": dg.MetadataValue.md(seen.chart()),
            },
            partition_key=last,
        )


class _Seen:
    """Sums over the rows of `daily_usage` that have passed."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = defaultdict(int)
        self.unpriced: dict[str, int] = defaultdict(int)
        self.costs: dict[str, float] = defaultdict(float)
        self._projects: dict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0])

    def add(self, frame: pd.DataFrame) -> None:
        """Adds the rows of a frame."""
        counted = frame.assign(tokens=frame[_TOKENS].sum(axis=1))
        names = ["cost_usd", "tokens", "unpriced_tokens"]
        for day, row in counted.groupby("partition_date")[names].sum().iterrows():
            self.costs[str(day)] += float(row["cost_usd"])
            self.tokens[str(day)] += int(row["tokens"])
            self.unpriced[str(day)] += int(row["unpriced_tokens"])
        for project, row in counted.groupby("project")[names].sum().iterrows():
            sums = self._projects[str(project)]
            for place, name in enumerate(names):
                sums[place] += float(row[name])

    @property
    def _span(self) -> str:
        days = sorted(self.costs)
        return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"

    def _ranked(self) -> list[tuple[str, list[float]]]:
        return sorted(self._projects.items(), key=lambda item: (-item[1][0], item[0]))

    def table(self) -> str:
        """The projects that cost most."""
        rows = [
            f"| {_cell(project)} | {cost:,.2f} | {int(tokens):,} | {int(unpriced):,} |"
            for project, (cost, tokens, unpriced) in self._ranked()[:TOP_PROJECTS]
        ]
        total = f"| **all {len(self._projects)}** | **{sum(self.costs.values()):,.2f}** | "
        total += f"**{sum(self.tokens.values()):,}** | **{sum(self.unpriced.values()):,}** |"
        head = ["| project | cost, USD | tokens | unpriced tokens |", "|---|--:|--:|--:|"]
        return "\n".join([f"{self._span}", "", *head, *rows, total])

    def chart(self) -> str:
        """Cost by day, or of a single day by project."""
        if len(self.costs) > 1:
            bars = sorted(self.costs.items())
            drawn = bar_chart(f"cost by day, {self._span}", bars)
        else:
            bars = [(name or "(none)", sums[0]) for name, sums in self._ranked()[:TOP_PROJECTS]]
            drawn = bar_chart(f"cost by project, {self._span}", bars)
        return as_markdown(drawn, f"cost of {self._span}")


def _cell(text: str) -> str:
    return markdown(text or "(none)")
