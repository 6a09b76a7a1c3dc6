"""The instance for teams: history, queue and warehouse in PostgreSQL, and no password in either."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING
from unittest import mock

import dagster as dg
import pytest

from agentsview_assets.assets.common import POOL
from agentsview_assets.build import build_definitions
from agentsview_assets.materializing import Request, materialize
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.settings import load_settings
from tests.support.in_process import SAMPLE
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postgres import Database, Server

DAYS = ("2026-11-03", "2026-11-06")


@pytest.fixture
def warehouse(database: Database) -> str:
    """A warehouse whose role has to give a password."""
    url = database.url_with_password()
    database.run(f"GRANT CREATE ON DATABASE {database.name} TO with_password")
    return url


@pytest.fixture
def history(postgres_server: Server) -> Database:
    """The database of Dagster's own tables."""
    return postgres_server.database()


@pytest.fixture
def environment(tmp_path: Path, warehouse: str, history: Database) -> Iterator[dict[str, str]]:
    """The environment of a team's machine, with the instance's file in its folder."""
    home, archive = tmp_path / "dagster", tmp_path / "archive"
    home.mkdir()
    archive.mkdir()
    shutil.copy(REPOSITORY / "deploy" / "dagster.yaml", home)
    shutil.copy(SAMPLE, archive / "sessions.db")
    storage = f"postgresql+psycopg2://owner@127.0.0.1:{history.port}/{history.name}"
    values = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_STORAGE_URL": storage,
        "AGENTSVIEW_ASSETS_ARCHIVE": str(archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": warehouse,
        "AGENTSVIEW_ASSETS_START_DATE": "2026-10-29",
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    with mock.patch.dict(os.environ, values):
        yield values


def _days_made(instance: dg.DagsterInstance, asset: str) -> set[str]:
    return set(instance.get_materialized_partitions(dg.AssetKey(asset)))


def _everything_kept(database: Database) -> str:
    """All that a database holds, as one text."""
    tables = database.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert tables
    rows = [str(database.run(f"SELECT {name}::text FROM public.{name}")) for (name,) in tables]
    packed = database.run("SELECT snapshot_body FROM public.snapshots")
    return "\n".join([*rows, *(zlib.decompress(bytes(body)).decode() for (body,) in packed)])


def test_a_backfill_keeps_history_and_warehouse_in_postgresql(environment, history, warehouse):
    settings = load_settings()
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        request = Request(since=DAYS[0], until=DAYS[1])
        told: list[str] = []
        summary = materialize(settings, request, told.append, time.perf_counter(), instance)
        assert summary.ranges == [DAYS]
        assert len(_days_made(instance, "daily_usage")) == 4
        runs = instance.get_runs()
        assert runs
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    with open_reader(settings.warehouse) as reader:
        days = reader.rows("SELECT DISTINCT partition_date FROM daily_usage ORDER BY 1")
        assert [str(day) for (day,) in days] == sorted({str(day) for (day,) in days})
        assert days
    shown = [repr(summary), repr(settings), *told, _everything_kept(history)]
    assert not any("s3cret" in text for text in shown)


def test_dagsters_own_command_backfills_a_range_in_one_run(environment, history):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "asset", "materialize"),
            *("-m", "agentsview_assets.definitions", "--select", "key:sessions"),
            *("--partition-range", "...".join(DAYS)),
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        assert len(instance.get_runs()) == 1
        assert len(_days_made(instance, "sessions")) == 4
    assert "s3cret" not in done.stdout + done.stderr + _everything_kept(history)


def test_runs_write_side_by_side_and_a_pool_can_order_them(environment):
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        concurrency = instance.get_concurrency_config()
        assert concurrency.run_queue_config.max_concurrent_runs == 4
        assert concurrency.pool_config.default_pool_limit is None
        assert str(concurrency.pool_config.pool_granularity.value) == "op"
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 60
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    definitions = build_definitions(load_settings())
    for asset in definitions.resolve_asset_graph().asset_nodes:
        if asset.is_materializable:
            assert asset.pools == {POOL}, asset.key
