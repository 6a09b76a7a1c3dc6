"""A folder that has `resources` and `schemas` of its own, as most repositories of companies do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agentsview_assets.resources.dagster_home import history
from tests.support.in_process import Desk

DAGSTER = str(Path(sys.executable).with_name("dagster"))
THEIRS = ("resources", "schemas", "assets", "checks", "rules", "documents")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A finished warehouse, to look at only."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("made").resolve())
    desk.materialize("--since", "2026-11-10")
    return desk


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A repository whose packages have our folders' names and nothing of ours in them."""
    for name in THEIRS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("THEIRS = True\n")
    return tmp_path


def run_in(folder: Path, desk: Desk, *command: str) -> str:
    """Runs a command there and returns what it said."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(desk.folder),
        "TZ": "UTC",
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        "DAGSTER_HOME": str(home_of(desk)),
    }
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def home_of(desk: Desk) -> Path:
    return desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster"


def test_dagster_loads_our_graph_there(company: Path, desk: Desk) -> None:
    command = (DAGSTER, "definitions", "validate", "-m", "agentsview_assets.definitions")
    assert "Validation successful" in run_in(company, desk, *command)


def test_our_module_reports_there(company: Path, desk: Desk) -> None:
    said = run_in(company, desk, sys.executable, "-m", "agentsview_assets", "status")
    assert "usage_rows" in said


def test_dagster_opens_a_prepared_home_there(company: Path, desk: Desk) -> None:
    assert "OddPathRunStorage" in run_in(company, desk, DAGSTER, "instance", "info")


def test_a_home_that_captured_what_steps_print_does_so_no_more(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(history.HOME_VARIABLE, "")
        config = history.prepare_home(tmp_path) / "dagster.yaml"
        now = yaml.safe_load(config.read_text())
        assert now["compute_logs"]["class"] == "NoOpComputeLogManager"
        earlier = {name: value for name, value in now.items() if name != "compute_logs"}
        config.write_text(yaml.safe_dump(earlier, sort_keys=False))
        history.prepare_home(tmp_path)
        assert yaml.safe_load(config.read_text()) == now
        config.write_text(yaml.safe_dump({**earlier, "compute_logs": {"module": "theirs"}}))
        history.prepare_home(tmp_path)
        assert yaml.safe_load(config.read_text())["compute_logs"] == {"module": "theirs"}


@pytest.mark.parametrize("earlier", ["resources.history", "agentsview_assets.resources.history"])
def test_a_home_of_an_earlier_release_is_mended_and_keeps_its_settings(
    tmp_path: Path, earlier: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(history.HOME_VARIABLE, "")
        home = history.prepare_home(tmp_path)
        config = home / "dagster.yaml"
        now = config.read_text() + "retention: {}\n"
        config.write_text(now.replace(history.__name__, earlier))
        history.prepare_home(tmp_path)
    assert config.read_text() == now
