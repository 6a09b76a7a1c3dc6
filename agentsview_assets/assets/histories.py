"""Histories: what prices were and what changing them moved, kept by the assets that change it.

They cannot be made again from anything, so that they are no assets to materialise: `model_rates`
and `daily_usage` write them down together with what they tell of, and report it here.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.assets.common import OWNERS, table_metadata
from agentsview_assets.assets.looking import store_of
from agentsview_assets.resources.outputs import Frames, HistoryRows
from agentsview_assets.resources.store import Selection, Slices
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms.rates import ModelRate
from agentsview_assets.transforms.repricing import next_history, restatements
from agentsview_assets.transforms.shown_text import markdown

_SHOWN = 30
_DEPS = {"price_changes": ["model_rates"], "restatements": ["model_rates", "daily_usage"]}


def history_specs() -> list[dg.AssetSpec]:
    """The histories as the graph shows them: reported, never started."""
    return [
        dg.AssetSpec(
            name,
            deps=deps,
            group_name=CONTRACTS[name].group,
            description=CONTRACTS[name].description,
            owners=OWNERS,
            kinds={"python"},
            metadata=table_metadata(CONTRACTS[name]),
        )
        for name, deps in _DEPS.items()
    ]


def note_rates(
    context: dg.AssetExecutionContext, rates: Iterable[ModelRate], archives: tuple[str, ...]
) -> None:
    """Adds the rates of some archives that are new to `price_changes`."""
    contract, store = CONTRACTS["price_changes"], store_of(context)
    with METER.measure():
        before = store.read(contract, Selection(archives=archives)).to_pylist()
        after = next_history(before, rates, datetime.now(UTC), context.run.run_id)
        added = len(after) - len(before)
        if added:
            frame = contract.frame(pa.Table.from_pylist(after, schema=contract.arrow_schema))
            store.replace(contract, [contract.validate(frame)], Slices(archives), [])
    if added:
        _report(context, contract.name, {"dagster/row_count": len(after), "rates_added": added})


def with_restatements(context: dg.AssetExecutionContext, frames: Frames, rates: pa.Table) -> Frames:
    """The frames of `daily_usage` with what pricing these days anew moves, for `restatements`.

    Both are written in one transaction: what the history tells has happened, and what has happened
    is told, whatever dies.
    """
    contract, store = CONTRACTS["restatements"], store_of(context)
    with METER.measure():
        recorded = store.partitions("daily_usage")
        moved_slices = {
            place
            for place, rate in frames.rates_versions.items()
            if place in recorded and recorded[place][1] != rate
        }
        days = sorted(day for _, day in moved_slices)
        if not days:
            return frames
        daily = store.read(
            CONTRACTS["daily_usage"],
            Selection(days=[days[0], days[-1]], archives=frames.archives),
        )
        places = zip(
            *(daily.column(name).to_pylist() for name in ("archive_id", "partition_date")),
            strict=True,
        )
        daily = daily.filter(pa.array([place in moved_slices for place in places], pa.bool_()))
        moved = restatements(daily, rates, datetime.now(UTC), context.run.run_id)
        if not moved.num_rows:
            return frames
        rows = contract.validate(contract.frame(moved))
    added = HistoryRows(contract, rows, _told(rows))
    return dataclasses.replace(frames, additions=(*frames.additions, added))


def _told(rows: pd.DataFrame) -> dict[str, Any]:
    """What a price change moved, in numbers and as a table by project and model."""
    costs = ["old_cost_usd", "new_cost_usd"]
    sums = rows.groupby(["project", "model"])[costs].sum()
    moved = (sums["new_cost_usd"] - sums["old_cost_usd"]).abs().sort_values(ascending=False)
    shown = sums.loc[moved.index].head(_SHOWN).reset_index()
    lines = [
        f"| {markdown(row['project'] or '(none)')} | {markdown(row['model'])} | "
        f"{row['old_cost_usd']:,.4f} | "
        f"{row['new_cost_usd']:,.4f} |"
        for row in shown.to_dict("records")
    ]
    head = ["| project | model | old cost, USD | new cost, USD |", "|---|---|--:|--:|"]
    old, new = (float(rows[name].sum()) for name in costs)
    return {
        "rows_added": len(rows),
        "days": int(rows["partition_date"].nunique()),
        "old_cost_usd": old,
        "new_cost_usd": new,
        "cost_moved_usd": new - old,
        "by_project_and_model": dg.MetadataValue.md("\n".join([*head, *lines])),
    }


def _report(context: dg.AssetExecutionContext, name: str, metadata: Mapping[str, Any]) -> None:
    context.log_event(dg.AssetMaterialization(name, metadata=dict(metadata)))
