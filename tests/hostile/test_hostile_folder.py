"""A folder that somebody else filled: none of its code runs, none of its settings count."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.ui.safe_path import ROOT, leave_current_folder, safe_environment
from tests.support.in_process import Desk
from tests.support.served_ui import ServedUi

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = (str(Path(sys.executable).with_name("agentsview-assets")),)
MODULE = (sys.executable, "-m", "agentsview_assets")
SAFE_MODULE = (sys.executable, "-P", "-m", "agentsview_assets")
# With `python -m`, Python itself takes these from the current folder before any line of ours.
_PYTHONS_OWN = {*sys.stdlib_module_names, "agentsview_assets", "__main__"}
_TRAP = """import os, pathlib
with open(os.environ["TRAP"], "a") as trap:
    trap.write(f"{{__file__}} in {{os.getpid()}}\\n")
raise SystemExit("the folder's code ran: {name}")
"""


def _fill(folder: Path, evil: Path) -> None:
    """What a checkout may hold: each module that is ever imported, and each file that is read."""
    ours = {"resources", "schemas", "sitecustomize", "usercustomize", "dagster_cloud", "conftest"}
    names = ours | {name.partition(".")[0] for name in sys.modules}
    for name in names - _PYTHONS_OWN - set(sys.builtin_module_names):
        if name.isidentifier():
            text = _TRAP.format(name=name)
            (folder / f"{name}.py").write_text(text)
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(text)
    variables = {
        "AGENTSVIEW_ASSETS_WAREHOUSE": evil / "warehouse.duckdb",
        "AGENTSVIEW_ASSETS_ARCHIVE": evil / "archive",
        "DAGSTER_HOME": evil / "home",
        "PYTHONPATH": folder,
        "DAGSTER_GRPC_HOST": "evil.example",
    }
    env = "".join(f"{name}={value}\n" for name, value in variables.items())
    (folder / ".env").write_text(env)
    load = "load_from:\n  - python_module: yaml\n"
    for name in ("workspace.yaml", "dagster.yaml", "dagster.yml"):
        (folder / name).write_text(load)
    project = '[tool.dagster]\nmodule_name = "yaml"\n[tool.dg]\ndirectory_type = "workspace"\n'
    for name in ("pyproject.toml", "dg.toml"):
        (folder / name).write_text(project)


class World:
    """A desk, and a hostile folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk.with_sample(folder / "desk")
        self.trap, self.evil, self.here = folder / "trap", folder / "evil", folder / "here"
        self.here.mkdir()
        _fill(self.here, self.evil)
        self.before = self._files()

    def _files(self) -> set[str]:
        return {str(path) for path in self.here.rglob("*") if path.is_file()}

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a user who named archive and warehouse and nothing else."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.desk.folder),
            "AGENTSVIEW_ASSETS_ARCHIVE": str(self.desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(self.desk.warehouse),
            "AGENTSVIEW_ASSETS_START_DATE": "2026-11-01",
            "TRAP": str(self.trap),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def leave_to_python(self) -> None:
        """Takes away what Python runs when it starts, wherever an empty entry leads it.

        The last one is run by a file of setuptools, where that is installed.
        """
        for name in ("sitecustomize", "usercustomize", "_distutils_hack"):
            (self.here / f"{name}.py").unlink()
            shutil.rmtree(self.here / name)
        self.before = self._files()

    def run(
        self, program: Sequence[str], *arguments: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command there."""
        return subprocess.run(
            [*program, *arguments],
            cwd=self.here,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def require_untouched(self) -> None:
        """Nothing of the folder ran, was believed or was added to."""
        assert not self.trap.exists(), self.trap.read_text()
        assert not self.evil.exists()
        assert self._files() == self.before


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("program", [SCRIPT, MODULE, SAFE_MODULE], ids=["script", "-m", "-P -m"])
def test_commands_run_nothing_of_it(world, program):
    done = world.run(program, "status", "--json")
    assert "the folder's code ran" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    world.require_untouched()


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("program", "path"),
    [(SCRIPT, ":"), (MODULE, "")],
    ids=["script with an empty path", "-m"],
)
def test_neither_does_a_whole_day_of_work(world, program, path):
    more = {"PYTHONPATH": path} if path else {}
    if path:
        world.leave_to_python()
    for arguments in (
        ["materialize", "--json"],
        ["usage", "daily", "--json", "--all"],
        ["activity", "report", "--json", "--date", "2026-11-03"],
        ["export", "sessions", "--format", "ndjson"],
        ["reprice", "--dry-run"],
        ["status"],
    ):
        done = world.run(program, *arguments, **more)
        assert "the folder's code ran" not in done.stderr
        assert "Traceback" not in done.stderr
        if arguments[0] in ("materialize", "usage", "reprice"):
            assert done.returncode == 0, done.stderr
    world.require_untouched()


@pytest.mark.hostile
def test_the_ui_and_its_runs_work_elsewhere(world):
    environ = {**world.environ, "PYTHONPATH": "", "AGENTSVIEW_ASSETS_WAREHOUSE": ""}
    options = ("--warehouse", "../desk/warehouse.duckdb", "--archive", "../desk/archive")
    with ServedUi(world.desk, *options, cwd=world.here, environ=environ, program=SCRIPT) as ui:
        launched = ui.graphql(
            """mutation { launchRun(executionParams: {selector: {
              repositoryLocationName: "agentsview_assets", repositoryName: "__repository__",
              jobName: "observe"}, runConfigData: "{}"}) { __typename } }"""
        )
        assert launched["launchRun"]["__typename"] == "LaunchRunSuccess"
        assert _ended(ui) == {"SUCCESS"}, "".join(ui.log)
    assert world.desk.warehouse.exists()  # a path from here still means here
    assert "the folder's code ran" not in "".join(ui.log)
    world.require_untouched()


def _ended(ui: ServedUi) -> set[str]:
    """How the runs ended, once they have."""
    while True:
        runs = ui.graphql("{ runsOrError { ... on Runs { results { jobName status } } } }")
        found = {run["status"] for run in runs["runsOrError"]["results"]}
        if found and not found & {"QUEUED", "NOT_STARTED", "STARTING", "STARTED", "MANAGED"}:
            return found


class TestTheSearchPath:
    @pytest.mark.parametrize("entry", ["", ".", None])
    def test_the_current_folder_is_left_however_it_got_there(self, entry, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = [str(tmp_path) if entry is None else entry, "/usr/lib/python", "/elsewhere"]
        leave_current_folder(path, {"PYTHONPATH": "::"})
        assert path == ["/usr/lib/python", "/elsewhere"]

    def test_one_that_was_named_on_purpose_or_is_ours_stays(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = [str(tmp_path), "/usr/lib/python"]
        leave_current_folder(path, {"PYTHONPATH": f":{tmp_path}"})
        assert path == [str(tmp_path), "/usr/lib/python"]
        monkeypatch.chdir(ROOT)
        path = [ROOT]
        leave_current_folder(path, {})
        assert path == [ROOT]

    def test_what_a_server_inherits_means_the_same_elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        environ = {"PYTHONPATH": "::mine:/theirs", "XDG_DATA_HOME": "data", "DAGSTER_HOME": ""}
        safe = safe_environment(environ)
        assert safe["PYTHONPATH"].split(":")[:2] == [str(tmp_path / "mine"), "/theirs"]
        assert safe["XDG_DATA_HOME"] == str(tmp_path / "data")
        assert safe["DAGSTER_HOME"] == ""
        assert safe["PYTHONSAFEPATH"] == "1"
        assert "" not in safe["PYTHONPATH"].split(":")
