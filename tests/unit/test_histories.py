"""Why histories are told by events (docs/adr/0019): what Dagster does with them as outputs."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.execution.asset_backfill import build_run_requests_with_backfill_policies

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings

DAYS = dg.DailyPartitionsDefinition(start_date="2026-07-01", end_date="2026-08-01")
RANGE = {
    "dagster/asset_partition_range_start": "2026-07-01",
    "dagster/asset_partition_range_end": "2026-07-05",
}
REPORT, HISTORY = "daily_usage", "restatements"


def _writer(
    made: tuple[str, ...],
    *,
    can_subset: bool = False,
    days: dg.DailyPartitionsDefinition | None = None,
) -> dg.AssetsDefinition:
    """A step that writes a report and its history."""

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(REPORT, partitions_def=DAYS, skippable=True),
            dg.AssetSpec(HISTORY, partitions_def=days, skippable=True),
        ],
        can_subset=can_subset,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def writer() -> Iterator[dg.MaterializeResult[None]]:
        for name in made:
            yield dg.MaterializeResult(asset_key=name)

    return writer


def _run(writer: dg.AssetsDefinition, *chosen: str) -> tuple[bool, dict[str, set[str]]]:
    """Whether a run of a range of days succeeds, and the days of each asset then."""
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [writer], selection=[*chosen], tags=RANGE, instance=instance, raise_on_error=False
        )
        keys = map(dg.AssetKey, (REPORT, HISTORY))
        return done.success, {k.path[-1]: instance.get_materialized_partitions(k) for k in keys}


def _planned(writer: dg.AssetsDefinition) -> list[list[str]]:
    """The runs of a backfill of both, each with its assets."""
    graph = dg.Definitions(assets=[writer]).resolve_asset_graph()
    wanted: set[Any] = set()
    for key in map(dg.AssetKey, (REPORT, HISTORY)):
        days = DAYS.get_partition_keys()[:5] if graph.get(key).is_partitioned else [None]
        wanted |= {AssetKeyPartitionKey(key, day) for day in days}
    with dg.DagsterInstance.ephemeral() as instance:
        requests = build_run_requests_with_backfill_policies(wanted, graph, instance)
    return [sorted(key.path[-1] for key in r.asset_selection or ()) for r in requests]


class TestAsOutputs:
    def test_of_a_part_that_is_not_chosen_nothing_can_be_told(self):
        writer = _writer((REPORT, HISTORY), can_subset=True)
        assert _run(writer, REPORT, HISTORY)[0]
        assert not _run(writer, REPORT)[0]
        assert sorted(_planned(writer)) == [[REPORT], [HISTORY]]

    def test_without_parts_a_backfill_plans_a_run_that_cannot_be(self):
        writer = _writer((REPORT, HISTORY))
        assert sorted(_planned(writer)) == [[REPORT], [HISTORY]]
        with pytest.raises(dg.DagsterInvalidDefinitionError):
            _run(writer, REPORT)

    def test_with_days_of_its_own_a_day_without_restatements_shows_as_missing(self):
        writer = _writer((REPORT,), can_subset=True, days=DAYS)
        succeeded, days = _run(writer, REPORT, HISTORY)
        assert (succeeded, len(days[REPORT]), len(days[HISTORY])) == (True, 5, 0)

    def test_a_history_without_days_gets_the_policy_of_the_days(self):
        graph = dg.Definitions(assets=[_writer((), can_subset=True)]).resolve_asset_graph()
        assert graph.get(dg.AssetKey(HISTORY)).backfill_policy == dg.BackfillPolicy.single_run()


class TestAsTheyAre:
    @pytest.mark.parametrize("name", ["restatements", "price_changes"])
    def test_nobody_starts_one_and_the_graph_says_who_writes_it(self, name):
        node = build_definitions(load_settings({})).resolve_asset_graph().get(dg.AssetKey(name))
        assert not node.is_materializable
        assert dg.AssetKey("model_rates") in node.parent_keys
