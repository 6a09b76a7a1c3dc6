"""The IO manager under real Dagster runs: what assets hand over and get back."""


# Dagster reads the annotations of asset functions itself and cannot read postponed ones.

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.warehouses.io_manager import WarehouseIOManager
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, open_reader
from agentsview_assets.rules.versions import rules
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import ARCHIVE, frame

Make = Callable[[str, str], pd.DataFrame]
"""Makes the rows of a table and day."""

DAYS = ["2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04"]
PARTITIONS = dg.DailyPartitionsDefinition(start_date=DAYS[0], end_date="2026-07-31")
DAILY = {"partitions_def": PARTITIONS, "backfill_policy": dg.BackfillPolicy.single_run()}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def _rows_of_day(table: str, day: str) -> pd.DataFrame:
    """As many rows as the day's number says."""
    return frame(CONTRACTS[table], int(day[-2:]), day)


def _table(name: str, make: Make = _rows_of_day, **versions: Any) -> dg.AssetsDefinition:
    """A day-partitioned asset that hands over what `make` makes of each day."""

    @dg.asset(name=name, io_manager_key="warehouse", **DAILY)
    def made(context: dg.AssetExecutionContext) -> Frames:
        return Frames([make(name, day) for day in context.partition_keys], (ARCHIVE,), **versions)

    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path / 'warehouse.duckdb'}"


def _run(
    warehouse: str,
    assets: Sequence[dg.AssetsDefinition],
    days: Sequence[str] = DAYS,
    selection: Sequence[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """One run over a contiguous range of days."""
    return dg.materialize(
        assets,
        selection=None if selection is None else [dg.AssetKey(name) for name in selection],
        resources={"warehouse": WarehouseIOManager(url=warehouse)},
        tags=dict(zip(RANGE, (days[0], days[-1]), strict=True)),
    )


def _read(warehouse: str, sql: str) -> list[tuple[Any, ...]]:
    with open_reader(warehouse) as reader:
        return reader.rows(sql)


def _everything(warehouse: str, table: str) -> list[tuple[Any, ...]]:
    keys = ", ".join(CONTRACTS[table].key)
    return _read(warehouse, f"SELECT * FROM {table} ORDER BY {keys}")


class TestWriting:
    def test_a_range_in_one_run_equals_its_days_one_by_one(self, tmp_path):
        at_once, one_by_one = (str(tmp_path / f"{name}.duckdb") for name in ("range", "days"))
        assets = [_table(name) for name in ("sessions", "usage_rows", "daily_usage")]
        _run(at_once, assets)
        for day in DAYS:
            _run(one_by_one, assets, [day])
        noted = (
            "SELECT asset, partition_date, row_count, input_version, rates_version "
            f"FROM {PARTITIONS_TABLE} ORDER BY ALL"
        )
        for table in ("sessions", "usage_rows", "daily_usage"):
            found = _everything(at_once, table)
            assert len(found) == 1 + 2 + 3 + 4
            assert _everything(one_by_one, table) == found
        assert _read(one_by_one, noted) == _read(at_once, noted)

    def test_days_rerun_in_the_middle_replace_themselves_only(self, warehouse):
        _run(warehouse, [_table("sessions")])
        _run(warehouse, [_table("sessions", _two_a_day)], DAYS[1:3])
        by_day = (
            "SELECT strftime(partition_date, '%d'), count(*) FROM sessions GROUP BY 1 ORDER BY 1"
        )
        assert _read(warehouse, by_day) == [("01", 1), ("02", 2), ("03", 2), ("04", 4)]

    def test_an_empty_day_is_cleared(self, warehouse):
        _run(warehouse, [_table("sessions")])
        _run(warehouse, [_table("sessions", lambda name, _day: CONTRACTS[name].empty())], [DAYS[3]])
        assert _read(warehouse, "SELECT count(*) FROM sessions") == [(1 + 2 + 3,)]

    def test_the_run_and_the_versions_of_each_day_are_noted(self, warehouse):
        versions = {
            "input_versions": {
                (ARCHIVE, DAYS[0]): "in-1",
                (ARCHIVE, DAYS[1]): "in-2",
                (ARCHIVE, "2026-08-01"): "another day's",
                ("archive-2", DAYS[0]): "another archive's",
            },
            "rates_versions": {(ARCHIVE, DAYS[1]): "rates-2"},
        }
        result = _run(warehouse, [_table("sessions", **versions)], DAYS[:3])
        made_by = rules().digests["sessions"]
        noted = f"SELECT * EXCLUDE (written_at) FROM {PARTITIONS_TABLE} ORDER BY partition_date"
        assert _read(warehouse, noted) == [
            ("sessions", ARCHIVE, DAYS[0], 1, "in-1", "", result.run_id, made_by),
            ("sessions", ARCHIVE, DAYS[1], 2, "in-2", "rates-2", result.run_id, made_by),
            ("sessions", ARCHIVE, DAYS[2], 3, "", "", result.run_id, made_by),
        ]

    def test_a_day_that_holds_nothing_and_never_did_is_not_recorded(self, warehouse):
        empty = _table("sessions", lambda name, _day: CONTRACTS[name].empty())
        _run(warehouse, [empty])
        assert _read(warehouse, f"SELECT count(*) FROM {PARTITIONS_TABLE}") == [(0,)]

    def test_a_day_that_should_hold_nothing_of_a_table_is_recorded(self, warehouse):
        versions = {(ARCHIVE, DAYS[1]): "v1"}
        empty = _table(
            "sessions", lambda name, _day: CONTRACTS[name].empty(), input_versions=versions
        )
        _run(warehouse, [empty])
        recorded = f"SELECT partition_date, row_count, input_version FROM {PARTITIONS_TABLE}"
        assert _read(warehouse, recorded) == [(DAYS[1], 0, "v1")]

    def test_rows_of_an_archive_that_is_not_written_are_refused(self, warehouse):
        def make(name: str, day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], 1, day, archive_id="archive-2")

        with pytest.raises(dg.Failure, match="archives that are not written here: archive-2"):
            _run(warehouse, [_table("sessions", make)])
        assert _read(warehouse, "SELECT count(*) FROM sessions") == [(0,)]

    def test_the_first_partition_clears_what_lies_before_it(self, warehouse):
        early = dg.DailyPartitionsDefinition(start_date="2026-06-01", end_date="2026-07-31")

        @dg.asset(name="sessions", io_manager_key="warehouse", partitions_def=early)
        def june() -> Frames:
            return Frames([_rows_of_day("sessions", "2026-06-05")], (ARCHIVE,))

        dg.materialize(
            [june],
            resources={"warehouse": WarehouseIOManager(url=warehouse)},
            partition_key="2026-06-05",
        )
        _run(warehouse, [_table("sessions")], DAYS[1:])
        assert _read(warehouse, "SELECT count(*) FROM sessions") == [(5 + 2 + 3 + 4,)]
        _run(warehouse, [_table("sessions")], DAYS[:1])
        assert _read(warehouse, "SELECT count(*) FROM sessions") == [(1 + 2 + 3 + 4,)]
        earlier = f"SELECT count(*) FROM {PARTITIONS_TABLE} WHERE partition_date < '{DAYS[0]}'"
        assert _read(warehouse, earlier) == [(0,)]

    def test_a_table_without_days_is_written_whole(self, warehouse):
        contract = CONTRACTS["model_rates"]

        @dg.asset(name="model_rates", io_manager_key="warehouse")
        def made() -> Frames:
            return Frames([frame(contract, 3)], (ARCHIVE,))

        result = dg.materialize([made], resources={"warehouse": WarehouseIOManager(url=warehouse)})
        assert _read(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]
        [event] = result.asset_materializations_for_node("model_rates")
        assert event.metadata["dagster/row_count"].value == 3


def _two_a_day(name: str, day: str) -> pd.DataFrame:
    return frame(CONTRACTS[name], 2, day, **({"title": "new"} if name == "sessions" else {}))


class TestRefusing:
    def _refused(self, warehouse: str, asset: dg.AssetsDefinition, message: str) -> None:
        _run(warehouse, [_table("sessions")])
        before = _everything(warehouse, "sessions")
        with pytest.raises(dg.Failure, match=message):
            _run(warehouse, [asset])
        assert _everything(warehouse, "sessions") == before
        assert _read(
            warehouse, f"SELECT DISTINCT row_count FROM {PARTITIONS_TABLE} ORDER BY 1"
        ) == [
            (1,),
            (2,),
            (3,),
            (4,),
        ]

    def test_a_broken_day_stops_the_whole_range_before_anything_is_written(self, warehouse):
        def make(name: str, day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], 3, day, **({"project": None} if day == DAYS[2] else {}))

        message = r"column project, rule not_nullable: 3 row\(s\), first keys: \(archive_id="
        self._refused(warehouse, _table("sessions", make), message)

    def test_a_row_of_another_day_is_refused(self, warehouse):
        def make(name: str, _day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], 2, "2026-07-09")

        self._refused(warehouse, _table("sessions", make), "outside the partitions being written")

    def test_something_that_is_no_table_is_refused(self, warehouse):
        @dg.asset(name="sessions", io_manager_key="warehouse", **DAILY)
        def made() -> Any:
            return {"session_id": "s1"}

        self._refused(warehouse, made, "sessions: expected frames, got dict")

    def test_nothing_downstream_is_made_of_a_refused_table(self, warehouse):
        ran = []

        @dg.asset(name="daily_usage", io_manager_key="warehouse", deps=["usage_rows"], **DAILY)
        def downstream(context: dg.AssetExecutionContext) -> Frames:
            ran.append(context.run_id)
            return Frames([], (ARCHIVE,))

        def make(name: str, day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], 1, day, input_tokens=-1)

        with pytest.raises(dg.Failure, match="column input_tokens"):
            _run(warehouse, [_table("usage_rows", make), downstream])
        assert ran == []
        assert _read(warehouse, "SELECT count(*) FROM usage_rows") == [(0,)]

    def test_a_failed_run_leaves_the_file_free_for_the_next(self, warehouse):
        def make(name: str, day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], 1, day, message_count=None)

        with pytest.raises(ContractError):
            _run(warehouse, [_table("sessions", make)])
        _run(warehouse, [_table("sessions")])
        assert _read(warehouse, "SELECT count(*) FROM sessions") == [(10,)]


class TestMetadata:
    @pytest.mark.parametrize("days", [DAYS, DAYS[1:2]])
    def test_each_partitions_event_has_its_own_row_count_and_cost(self, warehouse, days):
        def make(name: str, day: str) -> pd.DataFrame:
            return frame(CONTRACTS[name], int(day[-2:]), day, cost_usd=0.25)

        result = _run(warehouse, [_table("daily_usage", make)], days)
        events = result.asset_materializations_for_node("daily_usage")
        found = {
            event.partition: (
                event.metadata["dagster/partition_row_count"].value,
                event.metadata["cost_usd"].value,
            )
            for event in events
        }
        assert found == {day: (int(day[-2:]), 0.25 * int(day[-2:])) for day in days}

    def test_a_day_without_rows_has_a_count_and_a_cost_of_zero(self, warehouse):
        def make(name: str, day: str) -> pd.DataFrame:
            contract = CONTRACTS[name]
            return contract.empty() if day == DAYS[1] else frame(contract, 1, day, cost_usd=2.0)

        events = _run(
            warehouse, [_table("daily_usage", make)], DAYS[:2]
        ).asset_materializations_for_node("daily_usage")
        by_day = {event.partition: event.metadata for event in events}
        assert by_day[DAYS[1]]["dagster/partition_row_count"].value == 0
        assert by_day[DAYS[1]]["cost_usd"].value == 0.0

    def test_a_table_without_costs_has_none_on_its_events(self, warehouse):
        events = _run(warehouse, [_table("sessions")]).asset_materializations_for_node("sessions")
        assert len(events) == len(DAYS)
        assert all("cost_usd" not in event.metadata for event in events)


class TestLoading:
    def _loaded(self, warehouse: str, kind: type, **arguments: Any) -> Any:
        """What an asset of 2 and 3 July is given of `usage_rows`."""
        given = []

        @dg.asset(
            name="daily_usage",
            io_manager_key="warehouse",
            ins={"usage_rows": dg.AssetIn(**arguments)},
            **DAILY,
        )
        def downstream(usage_rows: kind) -> Frames:  # type: ignore[valid-type]
            given.append(usage_rows)
            return Frames([], (ARCHIVE,))

        upstream = _table("usage_rows", _usage_over_midnight)
        _run(warehouse, [upstream])
        _run(warehouse, [upstream, downstream], DAYS[1:3], selection=["daily_usage"])
        [found] = given
        return found

    def test_an_upstream_table_comes_as_a_frame_of_its_contract(self, warehouse):
        found = self._loaded(warehouse, pd.DataFrame)
        contract = CONTRACTS["usage_rows"]
        assert contract.validate(found, DAYS[1:3]) is not None
        assert len(found) == 2 + 3

    def test_it_comes_as_an_arrow_table_when_that_is_asked_for(self, warehouse):
        found = self._loaded(warehouse, pa.Table)
        assert found.column_names == list(CONTRACTS["usage_rows"].column_names)
        assert sorted(set(found["partition_date"].to_pylist())) == DAYS[1:3]

    def test_only_the_columns_named_are_read(self, warehouse):
        columns = ["archive_id", "row_id", "input_tokens"]
        found = self._loaded(warehouse, pa.Table, metadata={"columns": columns})
        assert found.column_names == columns
        assert found.num_rows == 2 + 3

    def test_another_day_column_decides_which_rows_are_read(self, warehouse):
        found = self._loaded(warehouse, pa.Table, metadata={"day_column": "session_date"})
        assert sorted(set(found["partition_date"].to_pylist())) == DAYS[2:]
        assert sorted(set(found["session_date"].to_pylist())) == DAYS[1:3]
        assert found.num_rows == 3 + 4

    def test_counting_reads_all_days(self, warehouse):
        found = self._loaded(
            warehouse,
            pa.Table,
            metadata={"count_by": ["archive_id"]},
            partition_mapping=dg.AllPartitionMapping(),
        )
        assert found.to_pylist() == [{"archive_id": "archive-1", "row_count": 10}]

    def test_a_partition_mapping_widens_the_days(self, warehouse):
        mapping = dg.TimeWindowPartitionMapping(
            start_offset=-1, allow_nonexistent_upstream_partitions=True
        )
        found = self._loaded(warehouse, pa.Table, partition_mapping=mapping)
        assert sorted(set(found["partition_date"].to_pylist())) == DAYS[:3]


def _usage_over_midnight(name: str, day: str) -> pd.DataFrame:
    """Usage whose session began the day before."""
    before = f"2026-07-{int(day[-2:]) - 1:02d}" if day != DAYS[0] else "2026-06-30"
    return frame(CONTRACTS[name], int(day[-2:]), day, session_date=before)


class TestTheFence:
    def test_a_run_that_was_declared_dead_while_it_worked_writes_nothing(self, tmp_path):
        warehouse = f"sqlite:///{tmp_path / 'warehouse.sqlite'}"
        _run(warehouse, [_table("sessions")])
        before = _everything(warehouse, "sessions")
        with dg.DagsterInstance.ephemeral() as instance:

            def cut_off(name: str, day: str) -> pd.DataFrame:
                """Rows that take so long that the monitor fails the run meanwhile."""
                [run] = instance.get_runs()
                if day == DAYS[-1]:
                    instance.report_run_failed(run)
                return _rows_of_day(name, "2026-07-09").assign(partition_date=day)

            done = dg.materialize(
                [_table("sessions", cut_off)],
                resources={"warehouse": WarehouseIOManager(url=warehouse)},
                tags=dict(zip(RANGE, (DAYS[0], DAYS[-1]), strict=True)),
                instance=instance,
                raise_on_error=False,
            )
        assert not done.success
        [failure] = [e for e in done.all_events if e.is_step_failure]
        assert "was declared dead (failure)" in failure.step_failure_data.error.message
        assert _everything(warehouse, "sessions") == before
