"""examples/dbt for real: dbt-duckdb over our warehouse, and the lineage that Dagster shows of it.

dbt and our own tools want different releases of a package, so that dbt has an environment of its
own, from the same lock.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.pythons import pythons, uv

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("dbt")]

OURS = "SELECT partition_date, project, SUM(cost_usd) FROM daily_usage GROUP BY 1, 2"
PROGRAM = """
import json, sys
import dagster as dg
sys.path.insert(0, sys.argv[1])
from definitions import defs
graph, key = defs.resolve_asset_graph(), dg.AssetKey("project_costs")
job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={key})
done = job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
print(json.dumps({
    "parents": [found.path for found in graph.get(key).parent_keys],
    "above": [found.path[-1] for found in graph.get(dg.AssetKey("daily_usage")).parent_keys],
    "succeeded": done.success,
    "checks": sorted(check.check_name for check in done.get_asset_check_evaluations()),
}))
"""


@pytest.fixture(scope="module")
def bin_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with dbt, from the lock."""
    folder = tmp_path_factory.mktemp("dbt") / "venv"
    here = next(iter(pythons().values()))
    command = [uv(), "sync", "--frozen", "--quiet", "--no-dev", "--group", "dbt", "--python", here]
    _run(*command, cwd=REPOSITORY, environ={**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)})
    return folder / "bin"


def _run(*command: str | Path, cwd: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def deployment(bin_: Path, sample_desk: Desk, tmp_path: Path) -> tuple[Desk, dict[str, str], Path]:
    """The sample's warehouse, the settings of a deployment, and a copy of the example."""
    desk = sample_desk.copied(tmp_path / "desk", with_history=False)
    example = tmp_path / "example"
    shutil.copytree(REPOSITORY / "examples" / "dbt", example)
    environ = {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DAGSTER_HOME": "",
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        "AGENTSVIEW_WAREHOUSE_FILE": str(desk.warehouse),
        **desk.settings,
    }
    _run("dbt", "parse", "--profiles-dir", ".", cwd=example, environ=environ)
    return desk, environ, example


def _build(environ: dict[str, str], example: Path) -> Any:
    out = _run("python", "-c", PROGRAM, example, cwd=example, environ=environ)
    return json.loads(out.strip().splitlines()[-1])


def _costs(desk: Desk, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(desk.warehouse), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


def test_a_model_is_made_from_daily_usage_its_lineage_shows_and_changes_reach_it(deployment):
    desk, environ, example = deployment
    built = _build(environ, example)
    assert built["parents"] == [["daily_usage"]]
    assert "usage_rows" in built["above"]
    assert built["succeeded"]
    assert len(built["checks"]) == 2
    before = _costs(desk, "FROM marts.project_costs")
    assert _rounded(before) == _rounded(_costs(desk, OURS)) != []
    # What dbt added is nothing that our own runs would trip over.
    assert desk.materialize()["up_to_date"]

    desk.edit("DELETE FROM usage_events", "DELETE FROM messages WHERE id % 2 = 0")
    desk.materialize("--verify")
    assert _build(environ, example)["succeeded"]
    after = _costs(desk, "FROM marts.project_costs")
    assert _rounded(after) == _rounded(_costs(desk, OURS)) != _rounded(before)


def _rounded(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sums of doubles depend in their last digits on the order in which an engine meets them."""
    return sorted((day, project, round(usd, 9)) for day, project, usd in rows)
