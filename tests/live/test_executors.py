"""A process for each step: slower, and the same in the end; steps wait for each other to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from tests.support.everything import everything
from tests.support.in_process import Desk
from tests.support.machines import Machine
from tests.support.oracle import REPOSITORY
from tests.support.step_runs import carry_out

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Server

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("executors")]

START, LAST = "2026-10-29", "2026-11-10"
_RANGE = {
    "dagster/asset_partition_range_start": START,
    "dagster/asset_partition_range_end": LAST,
}


@pytest.mark.parametrize(
    "kind", ["duckdb", pytest.param("postgresql", marks=pytest.mark.endurance)]
)
def test_a_process_for_each_step_makes_the_same(kind: str, postgres_server: Server, tmp_path: Path):
    desk = Desk.with_sample(tmp_path / "desk").starting(START)
    desk.materialize()
    url = f"duckdb:///{tmp_path / 'steps.duckdb'}"
    if kind == "postgresql":
        url = postgres_server.database().url()
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "job", "execute"),
            *("-m", "agentsview_assets.definitions", "-j", "materialize"),
            *("--tags", json.dumps(_RANGE)),
        ],
        env={
            **os.environ,
            **desk.settings,
            "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": url,
            "AGENTSVIEW_ASSETS_EXECUTOR": "multiprocess",
            "AGENTSVIEW_ASSETS_WAIT": "600",
            "DAGSTER_HOME": str(tmp_path / "home"),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, wanted = everything(url), everything(str(desk.warehouse))
    assert {table for table in wanted if found[table] != wanted[table]} == set()


@pytest.mark.parametrize("assets", [(), ("sessions", "usage_rows", "activity_intervals")])
def test_an_archive_that_is_gone_is_one_failed_step(tmp_path: Path, assets: tuple[str, ...]):
    place = tmp_path / "gone"
    machine = Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        several = {"AGENTSVIEW_ASSETS_EXECUTOR": "multiprocess"}
        ran = carry_out(machine, instance, *assets, day=LAST, **several)
    [message] = ran.failed.values()
    assert message.startswith(f"archive {place}")
    assert (ran.done, ran.made) == (frozenset(), frozenset())
