"""What docs/downstream.md says of assets that others make from ours."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dagster._core.storage.db_io_manager import DbTypeHandler, TableSlice
from dagster_duckdb import build_duckdb_io_manager
from dagster_duckdb.io_manager import DuckDbClient

from agentsview_assets.build import build_definitions
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.reconciling import settings_of

START, DAY = "2026-10-29", "2026-11-03"
SPENT = f"SELECT SUM(cost_usd) FROM daily_usage WHERE partition_date = '{DAY}'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk.with_sample(tmp_path_factory.mktemp("made")).starting(START)
    desk.materialize()
    return desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return made.copied(tmp_path / "desk")


def _example(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example, as Dagster loads it in a deployment."""
    monkeypatch.setenv("AGENTSVIEW_ASSETS_ARCHIVE", str(desk.archive))
    monkeypatch.setenv("AGENTSVIEW_ASSETS_WAREHOUSE", str(desk.warehouse))
    monkeypatch.setenv("AGENTSVIEW_ASSETS_START_DATE", START)
    path = REPOSITORY / "examples" / "downstream.py"
    spec = importlib.util.spec_from_file_location("downstream", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(definitions: dg.Definitions, *names: str, **more: Any) -> Any:
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey(name) for name in names}
    )
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), **more)


def _metadata(done: Any, name: str) -> dict[str, Any]:
    [event] = done.asset_materializations_for_node(name)
    return {key: value.value for key, value in event.metadata.items()}


class TestTheExample:
    def test_a_day_of_theirs_is_made_from_the_same_day_of_ours(self, desk, monkeypatch):
        example = _example(desk, monkeypatch)
        done = _run(example.defs, "cost_of_day", partition_key=DAY)
        [(spent,)] = desk.rows(SPENT)
        assert _metadata(done, "cost_of_day")["usd"] == pytest.approx(spent)

    def test_an_asset_without_days_is_made_from_all_of_them(self, desk, monkeypatch):
        done = _run(_example(desk, monkeypatch).defs, "cost_by_project")
        [(projects,)] = desk.rows("SELECT COUNT(DISTINCT project) FROM daily_usage")
        assert _metadata(done, "cost_by_project")["projects"] == projects

    def test_the_graph_shows_what_it_is_made_from(self, desk, monkeypatch):
        graph = _example(desk, monkeypatch).defs.resolve_asset_graph()
        for name in ("cost_of_day", "cost_by_project"):
            assert graph.get(dg.AssetKey(name)).parent_keys == {dg.AssetKey("daily_usage")}


def _of_type(desk: Desk, annotation: Any) -> Any:
    """What an asset whose input is so annotated gets of a day."""
    got: list[Any] = []

    @dg.asset(partitions_def=dg.DailyPartitionsDefinition(START))
    def theirs(daily_usage) -> None:
        got.append(daily_usage)

    theirs = dg.asset(
        theirs.op.compute_fn.decorated_fn,
        name="theirs",
        partitions_def=dg.DailyPartitionsDefinition(START),
        ins={"daily_usage": dg.AssetIn(dagster_type=annotation)},
    )
    ours = build_definitions(settings_of(desk))
    done = _run(
        dg.Definitions.merge(ours, dg.Definitions(assets=[theirs])), "theirs", partition_key=DAY
    )
    assert done.success
    return got[0]


class TestKindsOfInput:
    @pytest.mark.parametrize("annotation", [pd.DataFrame, pa.Table])
    def test_rows_come_as_the_annotation_says(self, desk, annotation):
        found = _of_type(desk, annotation)
        [(rows,)] = desk.rows(f"SELECT COUNT(*) FROM daily_usage WHERE partition_date = '{DAY}'")
        assert isinstance(found, annotation)
        assert len(found) == rows

    def test_or_as_polars_frames(self, desk):
        frame, lazy = _of_type(desk, pl.DataFrame), _of_type(desk, pl.LazyFrame)
        assert isinstance(frame, pl.DataFrame)
        assert isinstance(lazy, pl.LazyFrame)
        assert frame["cost_usd"].sum() == pytest.approx(desk.rows(SPENT)[0][0])
        assert lazy.collect().equals(frame)

    def test_or_as_a_duckdb_relation(self, desk):
        found = _of_type(desk, duckdb.DuckDBPyRelation)
        assert found.aggregate("SUM(cost_usd)").fetchall() == [
            pytest.approx(row) for row in desk.rows(SPENT)
        ]


class ArrowHandler(DbTypeHandler[pa.Table]):
    """Arrow for Dagster's own DuckDB IO manager: the way round the pandas that its others need."""

    @property
    def supported_types(self) -> list[type]:
        return [pa.Table]

    def handle_output(
        self, context: dg.OutputContext, table_slice: TableSlice, obj: pa.Table, connection: Any
    ) -> None:
        context.log.info("%s rows", obj.num_rows)
        name = f"{table_slice.schema}.{table_slice.table}"
        connection.register("obj", obj)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM obj LIMIT 0")
        connection.execute(f"INSERT INTO {name} FROM obj")

    def load_input(
        self, context: dg.InputContext, table_slice: TableSlice, connection: Any
    ) -> pa.Table:
        sql = DuckDbClient.get_select_statement(table_slice)
        context.log.info(sql)
        return connection.sql(sql).to_arrow_table()


class TestAnIoManagerOfDagstersOwn:
    def test_it_finds_the_rows_of_a_day(self, desk):
        ours = build_definitions(settings_of(desk))
        got: list[pa.Table] = []

        @dg.asset(
            partitions_def=dg.DailyPartitionsDefinition(START),
            ins={"daily_usage": dg.AssetIn(input_manager_key="stock")},
        )
        def theirs(daily_usage: pa.Table) -> None:
            got.append(daily_usage)

        stock = build_duckdb_io_manager([ArrowHandler()]).configured(
            {"database": str(desk.warehouse)}
        )
        mine = dg.Definitions(assets=[theirs], resources={"stock": stock})
        assert _run(dg.Definitions.merge(ours, mine), "theirs", partition_key=DAY).success
        [(rows,)] = desk.rows(f"SELECT COUNT(*) FROM daily_usage WHERE partition_date = '{DAY}'")
        assert got[0].num_rows == rows > 0


def test_every_table_with_days_says_where_a_days_rows_are(desk: Desk) -> None:
    graph = build_definitions(settings_of(desk)).resolve_asset_graph()
    for node in graph.asset_nodes:
        if node.is_partitioned and node.is_materializable:
            assert node.metadata["partition_expr"] == "partition_date", node.key
            assert node.metadata["schema"] == "main", node.key
