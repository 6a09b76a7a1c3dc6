"""Two machines with an archive each, which feed one PostgreSQL warehouse at the same time."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.schemas import HISTORIES
from tests.archives.conftest import START
from tests.support.command import OurCommand
from tests.support.everything import everything
from tests.support.further import further

if TYPE_CHECKING:
    from pathlib import Path

    from tests.archives.conftest import Machines
    from tests.support.postgres import Server

_MOST_HEAD_START = 6.0
_SETTINGS = {"AGENTSVIEW_ASSETS_START_DATE": START, "AGENTSVIEW_ASSETS_WAIT": "60"}


def _machine(folder: Path, archive: Path, url: str) -> OurCommand:
    return OurCommand(archive, folder, url, _SETTINGS)


def _start(machine: OurCommand) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "agentsview_assets", "materialize"],
        env=machine.environment(),
        cwd=machine.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def of_one_machine(
    machines: Machines, postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Any, ...]]]:
    """What one machine with both archives makes."""
    url = postgres_server.database().url()
    home = tmp_path_factory.mktemp("both").resolve()
    named = {"AGENTSVIEW_ASSETS_ARCHIVE": f"{machines.one}\n{machines.other}", **_SETTINGS}
    done = OurCommand(machines.one, home, url, named).here("materialize")
    assert done.returncode == 0, done.stderr
    return everything(url)


@pytest.mark.parametrize("seed", [0, 1, *further(*range(2, 50))])
def test_they_make_what_one_machine_with_both_archives_makes(
    seed: int,
    machines: Machines,
    of_one_machine: dict[str, list[tuple[Any, ...]]],
    postgres_server: Server,
    tmp_path: Path,
) -> None:
    draws = random.Random(seed)
    url = postgres_server.database().url()
    pair = [
        _machine(tmp_path / name, archive, url)
        for name, archive in (("one", machines.one), ("other", machines.other))
    ]
    draws.shuffle(pair)
    first = _start(pair[0])
    # A head start, drawn: they may meet in any of their steps.
    with contextlib.suppress(subprocess.TimeoutExpired):
        first.wait(draws.uniform(0, _MOST_HEAD_START) if seed else 0.0)
    second = _start(pair[1])
    for run in (first, second):
        _, told = run.communicate()
        assert run.returncode == 0, told
    # Whoever settles last may have put a report of the other out of date.
    for machine in pair:
        done = machine.here("materialize")
        assert done.returncode == 0, done.stderr
    found = everything(url)
    for table, rows in of_one_machine.items():
        if table not in HISTORIES:
            assert found[table] == rows, table
    for machine in pair:
        again = machine.here("materialize", "--json")
        assert '"up_to_date": true' in again.stdout
