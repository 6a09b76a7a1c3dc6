"""Histories: what prices were and what changing them moved, kept by the assets that change it.

They cannot be made again from anything, so that they are no assets to materialise: `model_rates`
and `daily_usage` write them down, before what they tell of happens, and report it here.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.assets.common import (
    IO_MANAGER_KEY,
    OWNERS,
    table_metadata,
)
from agentsview_assets.transforms.rates import ModelRate
from agentsview_assets.transforms.repricing import next_history, next_restatements
from resources.io_manager import RunsWarehouse
from resources.store import Selection
from resources.work import METER
from schemas import CONTRACTS

if TYPE_CHECKING:
    from resources.store import Store

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


def note_rates(context: dg.AssetExecutionContext, rates: Iterable[ModelRate]) -> None:
    """Adds the rates that are new to `price_changes`."""
    contract, store = CONTRACTS["price_changes"], _store(context)
    with METER.measure():
        before = store.read(contract, Selection()).to_pylist()
        after = next_history(before, rates, datetime.now(UTC), context.run_id)
        added = len(after) - len(before)
        if added:
            frame = contract.frame(pa.Table.from_pylist(after, schema=contract.arrow_schema))
            store.replace(contract, [contract.validate(frame)], None, [])
    if added:
        _report(context, contract.name, {"dagster/row_count": len(after), "rates_added": added})


def note_restatements(
    context: dg.AssetExecutionContext, versions: Mapping[str, str], rates: pa.Table
) -> None:
    """Adds to `restatements` what pricing days of `daily_usage` anew is about to move.

    Args:
        context: Of the step that is about to replace these days.
        versions: The version of the rates by day, as it will be.
        rates: Rows of `model_rates`.
    """
    contract, store = CONTRACTS["restatements"], _store(context)
    with METER.measure():
        noted = store.partitions("daily_usage")
        days = sorted(
            day for day, rate in versions.items() if day in noted and noted[day][1] != rate
        )
        if not days:
            return
        added = _restate(store, days, rates, context.run_id)
    if added is not None:
        _report(context, contract.name, added)


def _restate(
    store: "Store", days: list[str], rates: pa.Table, run_id: str
) -> dict[str, Any] | None:
    """Writes the restatements of a span of days; returns what to tell of them, if there are any."""
    contract = CONTRACTS["restatements"]
    span = Selection(days=[days[0], days[-1]])
    before = store.read(contract, span)
    daily = store.read(CONTRACTS["daily_usage"], span)
    chosen = pa.compute.is_in(daily.column("partition_date"), pa.array(days))
    after = next_restatements(before, daily.filter(chosen), rates, datetime.now(UTC), run_id)
    if after.num_rows == before.num_rows == 0:
        return None
    frame = contract.frame(after)
    store.replace(contract, [contract.validate(frame)], [days[0], days[-1]], [])
    mine = frame[frame["run_id"] == run_id]
    return _told(mine) if len(mine) else None


def _told(rows: pd.DataFrame) -> dict[str, Any]:
    """What a price change moved, in numbers and as a table by project and model."""
    costs = ["old_cost_usd", "new_cost_usd"]
    sums = rows.groupby(["project", "model"])[costs].sum()
    moved = (sums["new_cost_usd"] - sums["old_cost_usd"]).abs().sort_values(ascending=False)
    shown = sums.loc[moved.index].head(_SHOWN).reset_index()
    lines = [
        f"| {row['project'] or '(none)'} | {row['model']} | {row['old_cost_usd']:,.4f} | "
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


def _store(context: dg.AssetExecutionContext) -> "Store":
    manager: RunsWarehouse = getattr(context.resources, IO_MANAGER_KEY)
    return manager.store


def _report(context: dg.AssetExecutionContext, name: str, metadata: Mapping[str, Any]) -> None:
    context.log_event(dg.AssetMaterialization(name, metadata=dict(metadata)))
