"""An upgrade of a live deployment: a worker of the old release refuses, and a new one carries on.

The old release is a copy of this one that knows an earlier schema of warehouses.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.failures import OUTDATED_TAG
from agentsview_assets.resources.warehouses.reader import SCHEMA_VERSION
from tests.live.teams import WORKER_TAG, Databases, alone, daemon, sample_as, worker
from tests.support.in_process import run_here
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Live, LiveRun
    from tests.support.postgres import Server

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("upgrade")]


def _old_release(folder: Path) -> str:
    """The package as a release of the schema before had it."""
    for name in ("agentsview_assets", "resources", "schemas"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, symlinks=True, ignore=leave)
    file = folder / "resources" / "warehouses" / "reader.py"
    known = f"SCHEMA_VERSION = {SCHEMA_VERSION}\n"
    assert known in file.read_text()
    file.write_text(file.read_text().replace(known, f"SCHEMA_VERSION = {SCHEMA_VERSION - 1}\n"))
    return str(folder)


def _refused(live: Live) -> list[LiveRun]:
    return [run for run in live.runs() if OUTDATED_TAG in run.tags]


def test_a_worker_of_an_old_release_refuses_and_a_new_one_makes_what_it_left(
    postgres_server: Server, tmp_path: Path
):
    databases = Databases.on(postgres_server)
    environ = databases.environ([sample_as(tmp_path / "archive")])
    old = {**environ, "PYTHONPATH": _old_release(tmp_path / "old")}
    with (
        worker("old@here", tmp_path, old) as before,
        worker("older@here", tmp_path, old) as earlier,
    ):
        here = {**environ, "DAGSTER_HOME": "", "XDG_DATA_HOME": str(tmp_path / "first")}
        made = run_here(["materialize", "--json", "--until", "2026-11-01"], here)
        assert made.code == 0, made.err
        with daemon(tmp_path, environ) as live:
            live.until(lambda live: len(_refused(live)) > 1, "nobody refuses")
            before.process.wait()
            earlier.process.wait()
            refused = _refused(live)
            assert {run.tags[WORKER_TAG] for run in refused} == {"old@here", "older@here"}
            assert {run.status for run in refused} == {"FAILURE"}
            assert any("older than the warehouse" in line for line in before.log)
            with worker("new@here", tmp_path, environ):
                runs = live.until_quiet()
    again = [run for run in runs if run.run_id not in {run.run_id for run in refused}]
    assert {(run.status, run.tags[WORKER_TAG]) for run in again} == {("SUCCESS", "new@here")}
    assert alone(environ, postgres_server, tmp_path / "alone") == set()


def test_a_worker_of_an_old_release_does_not_even_start_on_a_newer_warehouse(
    postgres_server: Server, tmp_path: Path
):
    environ = Databases.on(postgres_server).environ([sample_as(tmp_path / "archive")])
    here = {**environ, "DAGSTER_HOME": "", "XDG_DATA_HOME": str(tmp_path / "first")}
    assert run_here(["materialize", "--json"], here).code == 0
    old = {**environ, "PYTHONPATH": _old_release(tmp_path / "old")}
    started = worker("old@here", tmp_path, old)
    with pytest.raises(AssertionError, match="newer version"), started:
        pass
    assert started.process.wait() == 1
    assert re.search("error: .*upgrade agentsview-assets", "".join(started.log))
