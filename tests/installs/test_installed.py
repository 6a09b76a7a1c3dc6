"""The wheel, installed as users do: every Python of this machine, lowest and newest packages.

What it says is compared with what the checkout says, byte by byte.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.in_process import SAMPLE, Desk
from tests.support.oracle import REPOSITORY
from tests.support.pythons import VERSIONS, pythons, uv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# One worker, so that the wheel is built once and downloads do not fight.
pytestmark = [pytest.mark.endurance, pytest.mark.xdist_group("installs")]

START = "2026-10-20"
REPORTS = (
    ("usage", "daily", "--json", "--all"),
    ("usage", "daily", "--all"),
    ("activity", "report", "--date", "2026-11-05", "--json"),
    ("export", "sessions"),
)
HOWS = ("uv tool install, lowest", "pip install, newest")
IS_COMPLETE = """
import importlib.util, pathlib, agentsview_assets
from agentsview_assets.resources.warehouses import io_manager
from agentsview_assets.schemas import CONTRACTS
home = pathlib.Path(agentsview_assets.__file__).parent
for folder in ("resources", "schemas"):
    assert (home / folder / "py.typed").exists() or folder == "schemas"
    assert not (home / folder).is_symlink(), folder
    assert importlib.util.find_spec(folder) is None, f"{folder} is importable on its own"
assert "site-packages" in str(home), home
print(len(CONTRACTS), (home / "data" / "sample" / "sessions.db").exists())
"""


@dataclass(frozen=True)
class Installed:
    """The program in an environment of its own."""

    folder: Path
    program: Path
    python: Path

    def run(self, *command: str | Path, **environ: str) -> str:
        """Runs a command in an empty folder, with nothing of ours in its environment."""
        return _run(*command, cwd=self.folder, environ={**self._environ, **environ})

    @property
    def _environ(self) -> dict[str, str]:
        return {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(SAMPLE.parent),
            "AGENTSVIEW_ASSETS_WAREHOUSE": f"duckdb:///{self.folder / 'warehouse.duckdb'}",
            "AGENTSVIEW_ASSETS_START_DATE": START,
            "HOME": str(self.folder),
            "TZ": "UTC",
            "PATH": os.defpath,
        }


def _run(*command: str | Path, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(uv(), "build", "--quiet", "--wheel", "--out-dir", folder, cwd=REPOSITORY)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], str]:
    """What the checkout says of the sample."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("checkout")).starting(START)
    desk.materialize()
    return {report: desk.run(*report).out for report in REPORTS}


@pytest.fixture(scope="module", params=HOWS)
def how(request: pytest.FixtureRequest) -> str:
    """In which way it is installed."""
    return request.param


@pytest.fixture(scope="module", params=[version for version in VERSIONS if version in pythons()])
def installed(
    request: pytest.FixtureRequest, how: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The program, for one Python."""
    folder = tmp_path_factory.mktemp("installed")
    base = pythons()[request.param]
    here = folder / "empty"
    here.mkdir()
    if how.startswith("uv"):
        places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
        _run(
            *(uv(), "tool", "install", "--quiet", "--python", base),
            *("--resolution", "lowest-direct", wheel),
            cwd=here,
            environ={**os.environ, **places},
        )
        python = folder / "tools" / "agentsview-assets" / "bin" / "python"
        return Installed(here, folder / "bin" / "agentsview-assets", python)
    _run(base, "-m", "venv", folder / "venv", cwd=here)
    bin_ = folder / "venv" / "bin"
    _run(bin_ / "python", "-m", "pip", "install", "--quiet", wheel, cwd=here)
    return Installed(here, bin_ / "agentsview-assets", bin_ / "python")


def test_the_tests_own_python_is_one_of_those_that_it_is_for():
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_every_lower_bound_has_a_wheel_for_every_python(version, tmp_path):
    """Also for Pythons that this machine does not have."""
    resolved = _run(
        *(uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--only-binary", ":all:", "--resolution", "lowest-direct", "--python-version", version),
        REPOSITORY / "pyproject.toml",
        cwd=tmp_path,
    )
    found = dict(line.split("==") for line in resolved.split())
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    lowest = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in declared["project"]["dependencies"]]
    assert all(lowest)
    for name, bound in (bounds.groups() for bounds in lowest if bounds):
        assert _numbers(found[name]) == _numbers(bound), name


def _numbers(version: str) -> list[int]:
    """A version without zeros at its end: 3 is 3.0.0."""
    return [int(part) for part in re.sub(r"(\.0)+$", "", version).split(".")]


def test_it_is_whole_and_says_what_the_checkout_says(installed, said):
    assert installed.run(installed.python, "-I", "-c", IS_COMPLETE).split()[1] == "True"
    installed.run(installed.program, "materialize")
    for report, wanted in said.items():
        assert installed.run(installed.program, *report) == wanted, report
    again = installed.run(installed.program, "materialize", "--json")
    assert '"up_to_date": true' in again
