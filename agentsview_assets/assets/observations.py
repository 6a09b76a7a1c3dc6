"""Observations: what the archives hold, as facts.

What belongs here: the assets that read the archive. What does not: prices and reports.

The assets with days are one graph of steps, those without days another: one step looks at the
archives, then one step makes each table. Archives that cannot be read are one failed step, and rows
that break a contract keep only their own table back (docs/adr/0022).
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import (
    ARCHIVE_KEY,
    IO_MANAGER_KEY,
    LEDGER,
    POOL,
    backfill_policy,
    days_of,
    in_words,
    table_spec,
    window,
)
from agentsview_assets.assets.looking import source_of, store_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.assets.shown import show_lineage
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.rules.versions import rules

DAILY = ("sessions", "usage_rows", "activity_intervals")
WHOLE = ("project_observations", "machines", "model_pricing")
LOOK = "look_at_archives"
"""The step that fails when the archives cannot be read."""
_FROM = (ARCHIVE, LEDGER)
_LOOKED = "looked"
"""What it hands to the steps of the tables: nothing but that it has been."""

Make = Callable[[dg.AssetExecutionContext, str], Frames]


def observation_assets(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The day-partitioned and the whole observations."""

    def daily(context: dg.AssetExecutionContext, name: str) -> Frames:
        days = window(partitions)
        source, archives = source_of(context, days)
        return source.frames(name, archives, days_of(context), days, store_of(context))

    def whole(context: dg.AssetExecutionContext, name: str) -> Frames:
        days = window(partitions)
        source, archives = source_of(context, days)
        return source.frame(name, archives, days, store_of(context))

    look = _look(names, partitions)
    return [
        _observed(names, "daily_observations", look, dict.fromkeys(DAILY, daily), partitions),
        _observed(names, "whole_observations", look, dict.fromkeys(WHOLE, whole), None),
    ]


def _look(names: Names, partitions: dg.DailyPartitionsDefinition) -> dg.OpDefinition:
    @dg.op(
        name=names.of(LOOK),
        description="Looks at the archives, and says why if none of them can be read.",
        ins={source: dg.In(dg.Nothing) for source in _FROM},
        out={_LOOKED: dg.Out(dg.Nothing)},
        required_resource_keys=_resources(names),
        pool=names.of(POOL),
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def look(context: dg.AssetExecutionContext) -> None:
        with in_words(context):
            source_of(context, window(partitions))

    return look


def _table(names: Names, name: str, make: Make) -> dg.OpDefinition:
    @dg.op(
        name=names.of(name),
        ins={_LOOKED: dg.In(dg.Nothing)},
        out=dg.Out(io_manager_key=names.of(IO_MANAGER_KEY), code_version=rules().digests[name]),
        required_resource_keys=_resources(names),
        pool=names.of(POOL),
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def observation(context: dg.AssetExecutionContext) -> Frames:
        with in_words(context):
            frames = make(context, name)
        show_lineage(context, names, name)
        return frames

    return observation


def _resources(names: Names) -> set[str]:
    return {names.of(ARCHIVE_KEY), names.of(IO_MANAGER_KEY)}


def _observed(
    names: Names,
    name: str,
    look: dg.OpDefinition,
    makes: dict[str, Make],
    partitions: dg.DailyPartitionsDefinition | None,
) -> dg.AssetsDefinition:
    """Tables that are made after one look, of which any may be chosen."""
    steps = {table: _table(names, table, make) for table, make in makes.items()}

    @dg.graph(
        name=names.of(name),
        ins={source: dg.GraphIn() for source in _FROM},
        out={table: dg.GraphOut() for table in steps},
    )
    def observed(archive: Any, archive_sessions: Any) -> Any:
        looked = look(archive=archive, archive_sessions=archive_sessions)
        return {table: step(looked) for table, step in steps.items()}

    return dg.AssetsDefinition(
        node_def=observed,
        keys_by_input_name={source: names.key(source) for source in _FROM},
        keys_by_output_name={table: names.key(table) for table in steps},
        specs=[table_spec(names, table, _FROM, partitions) for table in steps],
        can_subset=True,
        backfill_policy=backfill_policy(partitions),
    )
