"""The steps of the image, carried out without a container: what they install works alone."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("image")]

DOCKERFILE = (REPOSITORY / "deploy" / "docker" / "Dockerfile").read_text()
_OWN_UV = REPOSITORY / ".cache" / "uv" / "bin" / "uv"


def _build(folder: Path) -> None:
    """Does what the first stage does, in a folder."""
    first = DOCKERFILE.split("\nFROM ")[1]
    for line in first.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY" and not rest.startswith("--"):
            *sources, target = rest.split()
            for source in sources:
                _copy(REPOSITORY / source, folder / target)
        elif word == "RUN":
            program, *words = shlex.split(rest)
            assert program == "uv"
            _run([shutil.which("uv") or str(_OWN_UV), *words], folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copy(source, target)


def _run(command: list[str], folder: Path, **environ: str) -> str:
    left = {name: value for name, value in os.environ.items() if not name.startswith("UV_PROJECT")}
    left.pop("VIRTUAL_ENV", None)
    left.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=folder, env={**left, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_what_it_installs_stands_alone_and_holds_no_tools_of_ours(tmp_path):
    build, empty = tmp_path / "build", tmp_path / "empty"
    build.mkdir()
    empty.mkdir()
    _build(build)
    for name in ("agentsview_assets", "resources", "schemas"):
        shutil.rmtree(build / name)  # the second stage takes the environment alone
    programs = build / ".venv" / "bin"
    [command] = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    program, *words = json.loads(command)
    assert "materialize" in _run([str(programs / program), *words], empty)
    settings = {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(REPOSITORY / "agentsview_assets" / "data" / "sample"),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(tmp_path / "warehouse.duckdb"),
        "AGENTSVIEW_ASSETS_START_DATE": "2026-10-29",
        "DAGSTER_HOME": "",
    }
    made = json.loads(_run([str(programs / program), "materialize", "--json"], empty, **settings))
    assert made["up_to_date"] is False
    broker = {
        "AGENTSVIEW_ASSETS_BROKER": "memory://",
        "AGENTSVIEW_ASSETS_BACKEND": "cache+memory://",
    }
    celery = [str(programs / "celery"), "-A", "agentsview_assets.worker.app", "report"]
    assert "execute_job" in _run(celery, empty, **settings, **broker)
    assert not (programs / "pytest").exists()
