"""The graph that Dagster loads, pinned by a snapshot, and the history that it keeps.

After a wanted change of the graph: `python -m tests.unit.test_definitions` writes the snapshot
anew, and the difference is reviewed with the change.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage

from agentsview_assets.build import build_definitions
from agentsview_assets.resources.dagster_home.event_log import (
    MOST_ENGINES,
    PooledSqliteEventLogStorage,
)
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.settings import load_settings
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier

SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.json"
START_DATE = "2026-07-01"
PATIENCE_SECONDS = 120


def _graph() -> dg.BaseAssetGraph:
    settings = load_settings({"AGENTSVIEW_ASSETS_START_DATE": START_DATE})
    return build_definitions(settings).resolve_asset_graph()


def describe_graph() -> dict[str, Any]:
    """Return all that a user of the Dagster UI sees of each asset, as plain values."""
    graph = _graph()
    keys = sorted(graph.get_all_asset_keys())
    return {key.to_user_string(): _describe(graph.get(key)) for key in keys}


def _describe(node: Any) -> dict[str, Any]:
    policy = node.backfill_policy
    return {
        "group": node.group_name,
        "description": node.description,
        "deps": {
            parent.to_user_string(): _mapping(node, parent) for parent in sorted(node.parent_keys)
        },
        "partitions": node.partitions_def and _partitions(node.partitions_def),
        "backfill_policy": policy and policy.policy_type.value,
        "is_made": node.is_materializable,
        "is_observed": node.is_observable,
        "kinds": sorted(node.kinds),
        "owners": sorted(node.owners),
        "columns": [
            f"{column.name} {column.type}{'' if column.constraints.nullable else ' NOT NULL'}"
            for column in _columns(node)
        ],
    }


def _mapping(node: Any, parent: dg.AssetKey) -> str:
    mapping = node.partition_mappings.get(parent)
    return "by default" if mapping is None else str(mapping)


def _partitions(definition: dg.TimeWindowPartitionsDefinition) -> dict[str, Any]:
    return {
        "kind": type(definition).__name__,
        "start": definition.start.date().isoformat(),
        "zone": definition.timezone,
        "end_offset": definition.end_offset,
    }


def _columns(node: Any) -> list[dg.TableColumn]:
    schema = node.metadata.get("dagster/column_schema")
    return list(schema.columns) if schema else []


class TestTheGraph:
    def test_it_is_the_one_of_the_snapshot(self):
        assert describe_graph() == json.loads(SNAPSHOT.read_text())

    def test_every_asset_says_what_it_is_and_who_to_ask(self):
        graph = _graph()
        for key in graph.get_all_asset_keys():
            node = graph.get(key)
            assert node.description, key
            assert node.kinds, key
            assert node.group_name != "default", key
        for key in graph.materializable_asset_keys:
            assert graph.get(key).owners, key
            assert graph.get(key).code_version, key

    @pytest.mark.parametrize(
        ("warehouse", "kinds", "table", "uri"),
        [
            (
                "duckdb:////data/agents.duckdb",
                {"python", "duckdb"},
                "agents.main.daily_usage",
                None,
            ),
            ("sqlite:////data/agents.db", {"python", "sqlite"}, "main.daily_usage", None),
            (
                "postgresql://me:geheim@host:5433/usage?schema=ours",
                {"python", "postgresql"},
                "usage.ours.daily_usage",
                "postgresql://me@host:5433/usage?schema=ours",
            ),
            (
                "postgresql://me@host/usage?schema=ours duckdb:////data/agents.duckdb",
                {"python", "postgresql", "duckdb"},
                "usage.ours.daily_usage",
                "postgresql://me@host/usage?schema=ours",
            ),
        ],
    )
    def test_a_table_says_in_which_warehouse_it_is(self, warehouse, kinds, table, uri):
        settings = load_settings({"AGENTSVIEW_ASSETS_WAREHOUSE": warehouse})
        graph = build_definitions(settings).resolve_asset_graph()
        node = graph.get(dg.AssetKey("daily_usage"))
        assert node.kinds == kinds
        assert node.metadata["dagster/table_name"] == table
        assert node.metadata["dagster/storage_kind"] == warehouse.partition(":")[0]
        assert node.metadata["dagster/uri"] == (uri or warehouse)
        for key in graph.get_all_asset_keys():
            assert "geheim" not in repr(graph.get(key).metadata)

    def test_every_column_of_every_table_is_described_with_its_unit(self):
        graph = _graph()
        for key in graph.materializable_asset_keys:
            contract = CONTRACTS[key.path[-1]]
            shown = {column.name: column for column in _columns(graph.get(key))}
            assert list(shown) == list(contract.column_names)
            for column in contract.columns:
                assert shown[column.name].description.startswith(column.description)
                assert (column.unit or "") in shown[column.name].description

    def test_day_partitioned_assets_are_those_whose_table_has_days(self):
        graph = _graph()
        for key in graph.materializable_asset_keys:
            by_day = CONTRACTS[key.path[-1]].partition_column is not None
            node = graph.get(key)
            assert node.is_partitioned == by_day
            assert (node.backfill_policy is not None) == by_day

    def test_the_days_end_with_today(self):
        node = _graph().get(dg.AssetKey("usage_rows"))
        settings = load_settings({"AGENTSVIEW_ASSETS_START_DATE": START_DATE})
        keys = node.partitions_def.get_partition_keys()
        assert keys[0] == START_DATE
        assert keys[-1] in {settings.last_date, load_settings({}).last_date}

    def test_building_it_opens_nothing(self, tmp_path):
        environ = {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(tmp_path / "missing"),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(tmp_path / "none.duckdb"),
        }
        build_definitions(load_settings(environ)).resolve_asset_graph()
        assert list(tmp_path.iterdir()) == []


class TestLoading:
    def test_dagster_validates_the_workspace_from_the_root_of_the_project(self, tmp_path):
        dagster = Path(sys.executable).with_name("dagster")
        done = subprocess.run(
            [str(dagster), "definitions", "validate", "-w", "workspace.yaml"],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(tmp_path),
                "DAGSTER_HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Validation successful" in done.stdout + done.stderr
        assert not (tmp_path / ".local").exists()


DAYS = dg.DailyPartitionsDefinition(start_date="2026-07-01", end_date="2026-08-01")
RANGE = {
    "dagster/asset_partition_range_start": "2026-07-01",
    "dagster/asset_partition_range_end": "2026-07-05",
}


def _small_assets() -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    policy = dg.BackfillPolicy.single_run()

    @dg.asset(partitions_def=DAYS, backfill_policy=policy)
    def first() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"rows": 7})

    @dg.asset(partitions_def=DAYS, backfill_policy=policy, deps=[first])
    def second() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(data_version=dg.DataVersion("v1"))

    @dg.asset(deps=[second])
    def failing() -> None:
        raise ValueError("on purpose")

    @dg.asset_check(asset=first)
    def checked() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return [first, second, failing, checked]


@contextmanager
def _instance(home: Path, storage: type[SqliteEventLogStorage]) -> Iterator[dg.DagsterInstance]:
    """A fresh instance whose event log is of the class named."""
    home.mkdir()
    config = {
        "event_log_storage": {
            "module": storage.__module__,
            "class": storage.__name__,
            "config": {"base_dir": str(home / "history")},
        }
    }
    (home / "dagster.yaml").write_text(json.dumps(config))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert type(instance.event_log_storage) is storage
        yield instance


def _told(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """What the event log tells of a run and its assets, without ids and times."""
    storage = instance.event_log_storage
    keys = sorted(instance.all_asset_keys())
    latest = instance.get_latest_materialization_events(keys)
    return {
        "events": [_event(record, run_id) for record in instance.all_logs(run_id)],
        "connection": [
            _event(record.event_log_entry, run_id)
            for record in instance.get_records_for_run(run_id, limit=1000).records
        ],
        "keys": keys,
        "materialized": {
            key: [
                (r.event_log_entry.asset_materialization.partition, r.storage_id)
                for r in instance.fetch_materializations(key, limit=100).records
            ]
            for key in keys
        },
        "partitions": {key: sorted(instance.get_materialized_partitions(key)) for key in keys},
        "latest": {
            key: event and event.asset_materialization.metadata for key, event in latest.items()
        },
        "tags": storage.get_latest_tags_by_partition(
            keys[-1], dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]
        ),
        "stats": (
            storage.get_stats_for_run(run_id).steps_succeeded,
            storage.get_stats_for_run(run_id).steps_failed,
        ),
        "steps": {(s.step_key, s.status) for s in storage.get_step_stats_for_run(run_id)},
        "has_index": storage.has_secondary_index("asset_key_table"),
    }


def _event(record: dg.EventLogEntry, run_id: str) -> tuple[Any, ...]:
    assert record.run_id == run_id
    event = record.dagster_event
    return (
        record.level,
        record.step_key,
        event and event.event_type_value,
        event and event.asset_key,
        event and event.partition,
    )


_STORED = {
    "event_logs": "id, dagster_event_type, step_key, asset_key, partition",
    "asset_event_tags": "event_id, asset_key, key",
    "asset_keys": """asset_key, json_extract(last_materialization, '$.storage_id'),
        json_extract(last_materialization, '$.event_log_entry.dagster_event.event_specific_data'
            || '.materialization.partition'), last_run_id IS NULL,
        last_materialization_timestamp IS NULL""",
    "asset_check_executions": """asset_key, check_name, partition, execution_status,
        evaluation_event_storage_id, materialization_event_storage_id""",
}


def _stored(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of an event log's database, without what differs from run to run."""
    with closing(sqlite3.connect(database)) as opened:
        return {
            table: opened.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()
            for table, columns in _STORED.items()
        }


class TestTheEventLog:
    def _run(self, instance: dg.DagsterInstance) -> str:
        """Runs the small assets, the last of which fails, and returns the id of the run."""
        done = dg.materialize(_small_assets(), instance=instance, tags=RANGE, raise_on_error=False)
        assert not done.success
        return done.run_id

    @pytest.mark.parametrize("batch", ["0", "3", "1000"])
    def test_it_tells_the_same_of_a_run_as_dagsters_own(self, tmp_path, monkeypatch, batch):
        told = []
        for storage in (SqliteEventLogStorage, PooledSqliteEventLogStorage):
            monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
            with _instance(tmp_path / storage.__name__, storage) as instance:
                told.append(_told(instance, self._run(instance)))
        stock, pooled = told
        assert len(stock["events"]) > 20
        assert len(stock["partitions"][dg.AssetKey("first")]) == 5
        assert pooled == stock

    @pytest.mark.parametrize("batch", ["3", "1000"])
    def test_events_written_together_leave_the_rows_of_events_written_alone(
        self, tmp_path, monkeypatch, batch
    ):
        stored = []
        for storage, size in ((SqliteEventLogStorage, "0"), (PooledSqliteEventLogStorage, batch)):
            monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", size)
            history = tmp_path / storage.__name__ / "history"
            with _instance(history.parent, storage) as instance:
                run_id = self._run(instance)
            stored.append([_stored(history / f"{name}.db") for name in ("index", run_id)])
        alone, together = stored
        counts = {table: len(rows) for table, rows in alone[0].items()}
        assert counts == {
            "event_logs": 29,
            "asset_keys": 3,
            "asset_event_tags": 10,
            "asset_check_executions": 6,
        }
        assert together == alone

    def test_events_written_together_take_few_transactions(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
        taken = []
        monkeypatch.setattr(
            PooledSqliteEventLogStorage, "store_event", lambda _self, event: taken.append(event)
        )
        with _instance(tmp_path / "home", PooledSqliteEventLogStorage) as instance:
            self._run(instance)
        alone = {event.dagster_event.event_type_value for event in taken if event.dagster_event}
        assert "STEP_START" in alone
        assert not alone & {"ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED"}

    @pytest.mark.parametrize(
        ("writer", "reader"),
        [
            (SqliteEventLogStorage, PooledSqliteEventLogStorage),
            (PooledSqliteEventLogStorage, SqliteEventLogStorage),
        ],
    )
    def test_what_one_of_them_stored_the_other_reads(self, tmp_path, writer, reader):
        with _instance(tmp_path / "home", writer) as instance:
            run_id = self._run(instance)
            written = [_event(record, run_id) for record in instance.all_logs(run_id)]
        storage = reader(str(tmp_path / "home" / "history"))
        try:
            assert [_event(r, run_id) for r in storage.get_logs_for_run(run_id)] == written
        finally:
            storage.dispose()

    def test_it_makes_one_engine_for_each_file_and_no_connection_for_each_event(
        self, tmp_path, monkeypatch
    ):
        made: list[str] = []
        connected: list[str] = []
        create = sa.create_engine

        def count(url: str, **options: Any) -> sa.Engine:
            engine = create(url, **options)
            made.append(url)
            sa.event.listen(engine, "connect", lambda *_: connected.append(url))
            return engine

        monkeypatch.setattr(
            "agentsview_assets.resources.dagster_home.event_log.sa.create_engine", count
        )
        with _instance(tmp_path / "home", PooledSqliteEventLogStorage) as instance:
            made.clear()
            connected.clear()
            runs = [self._run(instance) for _ in range(2)]
            logs = [url for url in made if "history" in url]
            assert {*runs} <= {Path(url).stem for url in logs} <= {*runs, "index"}
            assert len(logs) == len(set(logs))
            # Making a file takes a second connection; events take none.
            assert len([url for url in connected if "history" in url]) <= 2 * len(logs)

    def test_it_keeps_few_files_open_however_many_runs_it_is_asked_about(self, tmp_path):
        storage = PooledSqliteEventLogStorage(str(tmp_path))
        try:
            for number in range(MOST_ENGINES + 8):
                assert storage.get_logs_for_run(f"run-{number}") == []
            assert len(_open_files(tmp_path)) <= 3 * MOST_ENGINES
            assert storage.get_logs_for_run("run-0") == []
        finally:
            storage.dispose()
        assert _open_files(tmp_path) == []

    def test_a_run_and_an_assets_history_can_be_deleted_and_made_again(self, tmp_path):
        first = dg.AssetKey("first")
        with _instance(tmp_path / "home", PooledSqliteEventLogStorage) as instance:
            run_id = self._run(instance)
            instance.delete_run(run_id)
            assert instance.all_logs(run_id) == []
            instance.wipe_assets([first])
            assert instance.get_materialized_partitions(first) == set()
            self._run(instance)
            assert len(instance.get_materialized_partitions(first)) == 5


def _open_files(folder: Path) -> list[Path]:
    """The files of a folder that this process holds open."""
    return [link for link in Path("/proc/self/fd").iterdir() if _is_under(link, folder)]


def _is_under(link: Path, folder: Path) -> bool:
    try:
        return link.readlink().is_relative_to(folder)
    except OSError:
        return False


class TestTheHome:
    def test_it_lies_beside_the_warehouse_and_keeps_quiet(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DAGSTER_HOME", "")
        home = prepare_home(tmp_path)
        assert home == tmp_path / "dagster"
        assert os.environ["DAGSTER_HOME"] == str(home)
        with dg.DagsterInstance.get() as instance:
            assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
            assert instance.telemetry_enabled is False
            assert instance.nux_enabled is False

    def test_a_home_of_the_users_own_is_left_as_it_is(self, tmp_path, monkeypatch):
        own = tmp_path / "own"
        own.mkdir()
        monkeypatch.setenv("DAGSTER_HOME", str(own))
        assert prepare_home(tmp_path / "state") == own
        assert list(own.iterdir()) == []
        assert not (tmp_path / "state").exists()

    def test_a_home_of_which_only_the_settings_were_written_is_completed(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("DAGSTER_HOME", "")
        home = prepare_home(tmp_path)
        for path in (home / "history").glob("*.db"):
            path.unlink()
        (home / ".prepared").unlink()
        monkeypatch.setenv("DAGSTER_HOME", "")
        prepare_home(tmp_path)
        assert (home / "history" / "index.db").exists()

    def test_two_processes_that_make_it_at_once_both_succeed(self, tmp_path):
        processes = multiprocessing.get_context("spawn")
        barrier = processes.Barrier(2)
        made = [
            processes.Process(target=_prepare_and_run, args=(str(tmp_path), barrier, str(number)))
            for number in range(2)
        ]
        for process in made:
            process.start()
        for process in made:
            process.join(PATIENCE_SECONDS)
        assert [process.exitcode for process in made] == [0, 0]
        with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
            assert {run.tags["number"] for run in instance.get_runs()} == {"0", "1"}
            assert all(run.is_success for run in instance.get_runs())


def _prepare_and_run(state_dir: str, barrier: Barrier, number: str) -> None:
    """What each of two processes does: makes the home at the same time, then runs something."""
    os.environ.pop("DAGSTER_HOME", None)
    barrier.wait(PATIENCE_SECONDS)
    prepare_home(Path(state_dir))

    @dg.asset(name=f"asset_{number}")
    def nothing() -> None:
        return None

    with dg.DagsterInstance.get() as instance:
        assert dg.materialize([nothing], instance=instance, tags={"number": number}).success


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does to `DAGSTER_HOME` is undone after it."""
    monkeypatch.setenv("DAGSTER_HOME", os.environ.get("DAGSTER_HOME", ""))


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(describe_graph(), indent=1, sort_keys=True) + "\n")
