"""What docs/downstream.md says of assets that others make from ours."""

import importlib.util
import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from agentsview_assets.build import build_definitions
from examples.stock_io_manager import FramesIOManager
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.reconciling import settings_of

START, DAY = "2026-10-29", "2026-11-03"
SPENT = f"SELECT SUM(cost_usd) FROM daily_usage WHERE partition_date = '{DAY}'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("made"), START)


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return made.copied(tmp_path / "desk")


def _deployed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names the desk in the environment, as a deployment does."""
    monkeypatch.setenv("AGENTSVIEW_ASSETS_ARCHIVE", str(desk.archive))
    monkeypatch.setenv("AGENTSVIEW_ASSETS_WAREHOUSE", str(desk.warehouse))
    monkeypatch.setenv("AGENTSVIEW_ASSETS_START_DATE", START)


def _example(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example, as Dagster loads it in a deployment."""
    _deployed(desk, monkeypatch)
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

    def test_a_table_of_theirs_lies_beside_ours_and_is_read(self, desk, monkeypatch):
        example = _example(desk, monkeypatch)
        assert _run(example.defs, "project_costs", partition_key=DAY).success
        wanted = desk.rows(
            "SELECT partition_date::VARCHAR, project, SUM(cost_usd) FROM daily_usage "
            f"WHERE partition_date = '{DAY}' GROUP BY 1, 2 ORDER BY 3 DESC"
        )
        stored = desk.rows("SELECT day, project, usd FROM project_costs ORDER BY usd DESC")
        assert stored == [(day, project, pytest.approx(usd)) for day, project, usd in wanted]
        done = _run(example.defs, "dearest_project")
        assert _metadata(done, "dearest_project")["project"] == wanted[0][1]


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


class TestAnIoManagerOfDagstersOwn:
    @pytest.mark.parametrize("annotation", [pd.DataFrame, pa.Table])
    def test_it_finds_the_rows_of_a_day(self, desk, annotation):
        got: list[Any] = []

        def theirs(daily_usage: Any) -> None:
            assert isinstance(daily_usage, annotation)
            got.append(daily_usage)

        ins = {"daily_usage": dg.AssetIn(input_manager_key="stock", dagster_type=annotation)}
        mine = dg.Definitions(
            assets=[dg.asset(theirs, ins=ins, partitions_def=dg.DailyPartitionsDefinition(START))],
            resources={"stock": FramesIOManager(database=str(desk.warehouse))},
        )
        ours = build_definitions(settings_of(desk))
        assert _run(dg.Definitions.merge(ours, mine), "theirs", partition_key=DAY).success
        [(rows,)] = desk.rows(f"SELECT COUNT(*) FROM daily_usage WHERE partition_date = '{DAY}'")
        assert len(got[0]) == rows > 0

    @pytest.mark.parametrize("kind", [pd.DataFrame, pa.Table])
    def test_it_stores_days_in_a_file_of_their_own(self, tmp_path, kind):
        file = tmp_path / "theirs.duckdb"

        @dg.asset(
            partitions_def=dg.DailyPartitionsDefinition(START),
            io_manager_key="stock",
            metadata={"partition_expr": "day"},
        )
        def theirs(context: dg.AssetExecutionContext) -> kind:
            frame = pd.DataFrame({"usd": [1.5], "day": [date.fromisoformat(context.partition_key)]})
            return frame if kind is pd.DataFrame else pa.Table.from_pandas(frame)

        stock = {"stock": FramesIOManager(database=str(file))}
        for day in (DAY, START, DAY):
            assert dg.materialize([theirs], resources=stock, partition_key=day).success
        with duckdb.connect(str(file)) as stored:
            rows = stored.sql("SELECT CAST(day AS VARCHAR), usd FROM public.theirs").fetchall()
        assert sorted(rows) == [(START, 1.5), (DAY, 1.5)]


class TestThePage:
    """What docs/downstream.md shows is what works."""

    def _blocks(self) -> list[str]:
        page = (REPOSITORY / "docs" / "downstream.md").read_text(encoding="utf-8")
        return re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)

    def _defs(self, desk, monkeypatch, marker: str) -> dg.Definitions:
        _deployed(desk, monkeypatch)
        [block] = [block for block in self._blocks() if marker in block]
        names: dict[str, Any] = {"__name__": "page"}
        exec(compile(block, "docs/downstream.md", "exec"), names)  # noqa: S102 - our own page
        return names["defs"]

    def test_every_block_is_executed_here(self):
        assert len(self._blocks()) == 2

    def test_a_table_of_ones_own_is_stored(self, desk, monkeypatch):
        defs = self._defs(desk, monkeypatch, "UserTablesIOManager")
        assert _run(defs, "team_days", partition_key=DAY).success
        assert desk.rows("SELECT day, team, usd FROM team_days") == [(DAY, "red", 1.5)]

    def test_an_io_manager_of_dagsters_own_reads_ours(self, desk, monkeypatch):
        defs = self._defs(desk, monkeypatch, "FramesIOManager")
        done = _run(defs, "rows_of_day", partition_key=DAY)
        [(rows,)] = desk.rows(f"SELECT COUNT(*) FROM daily_usage WHERE partition_date = '{DAY}'")
        assert _metadata(done, "rows_of_day")["rows"] == rows > 0


def test_every_table_with_days_says_where_a_days_rows_are(desk: Desk) -> None:
    graph = build_definitions(settings_of(desk)).resolve_asset_graph()
    for node in graph.asset_nodes:
        if node.is_partitioned and node.is_materializable:
            assert node.metadata["partition_expr"] == "partition_date", node.key
            assert node.metadata["schema"] == "main", node.key
