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

from agentsview_assets.assets.common import table_spec
from agentsview_assets.assets.looking import store_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.warehouses.outputs import Frames, HistoryRows
from agentsview_assets.resources.warehouses.store import Selection, Slices, Store
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.rates import ModelRate
from agentsview_assets.rules.reasons import Moved, Record, moved_slices
from agentsview_assets.rules.repricing import next_history
from agentsview_assets.rules.restating import restatements
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.rules.versions import recorded_rules
from agentsview_assets.schemas import CONTRACTS

_SHOWN = 30
_DEPS = {"price_changes": ["model_rates"], "restatements": ["model_rates", "daily_usage"]}


def history_specs(names: Names) -> list[dg.AssetSpec]:
    """The histories as the graph shows them: reported, never started."""
    return [table_spec(names, name, deps) for name, deps in _DEPS.items()]


def record_rates(
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
    """The frames of `daily_usage` with what they restate of days that were published before.

    Both are written in one transaction: what the history tells has happened, and what has happened
    is told, whatever dies.
    """
    contract, daily, store = CONTRACTS["restatements"], CONTRACTS["daily_usage"], store_of(context)
    with METER.measure():
        moved = _moved(store, frames)
        if not moved:
            return frames
        # The rows of a report are few: all can be looked at before they are written.
        made = list(frames.frames)
        frames = dataclasses.replace(frames, frames=made)
        days = sorted(slice_.place[1] for slice_ in moved)
        selection = Selection(days=[days[0], days[-1]], archives=frames.archives)
        new = pa.concat_tables([daily.arrow_schema.empty_table(), *map(_as_text, made)])
        found = restatements(
            store.read(daily, selection), new, rates, moved, datetime.now(UTC), context.run.run_id
        )
        if not found.num_rows:
            return frames
        rows = contract.validate(contract.frame(found))
    added = HistoryRows(contract, rows, _told(rows))
    return dataclasses.replace(frames, additions=(*frames.additions, added))


def _moved(store: Store, frames: Frames) -> list[Moved]:
    """The slices of a report that are written otherwise than they were published."""
    rules, span = recorded_rules("daily_usage", is_report=True), frames.span
    recorded = store.records("daily_usage")
    before = {place: record for place, record in recorded.items() if place[0] in frames.archives}
    if not before:
        return []
    after = {
        place: Record(version, frames.rates_versions.get(place, ""), rules)
        for place, version in frames.input_versions.items()
    }
    moved = moved_slices(before, after, store.expected_since())
    return [m for m in moved if span is None or span.first <= m.place[1] <= span.last]


def _as_text(frame: pd.DataFrame) -> pa.Table:
    """Rows of `daily_usage` as they are read: days as text."""
    schema = CONTRACTS["daily_usage"].arrow_schema
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)


def _told(rows: pd.DataFrame) -> dict[str, Any]:
    """What was restated, in numbers and as a table by project, model and reason."""
    costs = ["old_cost_usd", "new_cost_usd"]
    sums = rows.groupby(["project", "model", "reason"])[costs].sum()
    moved = (sums["new_cost_usd"] - sums["old_cost_usd"]).abs().sort_values(ascending=False)
    shown = sums.loc[moved.index].head(_SHOWN).reset_index()
    lines = [
        f"| {markdown(row['project'] or '(none)')} | {markdown(row['model'])} | {row['reason']} | "
        f"{row['old_cost_usd']:,.4f} | {row['new_cost_usd']:,.4f} |"
        for row in shown.to_dict("records")
    ]
    head = ["| project | model | reason | old cost, USD | new cost, USD |", "|---|---|---|--:|--:|"]
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
    key = Names.beside(context.asset_key).key(name)
    context.log_event(dg.AssetMaterialization(key, metadata=dict(metadata)))
