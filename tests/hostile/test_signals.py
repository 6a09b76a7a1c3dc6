"""A program that is told to end: one line, the exit code of the signal, and nothing lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.interrupted import LINE
from tests.support.command import OurCommand
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
STARTED_SECONDS = 0.15
"""Until then it is Python that starts, which has an answer of its own to a signal."""
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a process ended: its code, what it wrote, and its progress apart from the rest."""

    code: int
    out: str
    progress: list[str]
    said: list[str]


@pytest.fixture(autouse=True, scope="module")
def _hangups_are_not_ignored() -> Iterator[None]:
    """The tests may run under `nohup`, and what a process ignores, its children ignore as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


START = {"AGENTSVIEW_ASSETS_START_DATE": "2026-10-29"}


def _start(command: OurCommand, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "agentsview_assets", *arguments],
        env={**command.environment(), **START},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str], before: list[str]) -> Ended:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    lines = [*before, *err.splitlines()]
    progress = [line for line in lines if line.startswith("  ")]
    said = [line for line in lines if not line.startswith("  ")]
    return Ended(process.returncode, out, progress, said)


def _interrupted(
    command: OurCommand, number: int, arguments: tuple[str, ...], after: Callable[[str], bool]
) -> Ended:
    """Runs a command and sends it a signal after a line on its standard error."""
    with _start(command, *arguments) as process:
        before = []
        for line in process.stderr or ():
            before.append(line.rstrip("\n"))
            if after(line):
                break
        process.send_signal(number)
        return _end(process, before)


@pytest.fixture
def command(tmp_path: Path) -> OurCommand:
    with TinyArchive(tmp_path / "archive") as archive:
        archive.session("a")
        archive.message("a", 0, "2026-11-01T10:00:00Z")
    return OurCommand(tmp_path / "archive", tmp_path / "home", str(tmp_path / "w.duckdb"))


def _require_one_line(ended: Ended, number: int) -> None:
    assert ended.said == [LINE]
    assert ended.code == SIGNALS[signal.Signals(number)]
    assert ended.out == ""


class TestARunThatIsInterrupted:
    @pytest.mark.parametrize(
        ("number", "moment"),
        [
            (signal.SIGINT, "loading Dagster"),
            (signal.SIGTERM, "observing"),
            pytest.param(signal.SIGHUP, "wrote sessions", marks=pytest.mark.hostile),
        ],
    )
    def test_says_one_line_and_has_the_code_of_the_signal(self, command, number, moment):
        ended = _interrupted(command, number, ("materialize",), lambda line: moment in line)
        _require_one_line(ended, number)

    @pytest.mark.parametrize("number", SIGNALS)
    def test_so_it_is_while_its_first_modules_are_loaded(self, command, number):
        # Sends itself the signal as soon as a module is asked for that is loaded early.
        itself = (
            "import os, runpy, sys\n"
            "class Ring:\n"
            "    def find_spec(self, name, *_):\n"
            "        if name == 'agentsview_assets.cli':\n"
            f"            os.kill(os.getpid(), {int(number)})\n"
            "sys.meta_path.insert(0, Ring())\n"
            "runpy.run_module('agentsview_assets', run_name='__main__', alter_sys=True)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", itself, "--version"],
            env=command.environment(), cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (SIGNALS[number], "")
        assert done.stderr == f"{LINE}\n"

    @pytest.mark.hostile
    def test_a_second_signal_ends_it_at_once(self, command):
        with _start(command, "materialize") as process:
            before = []
            for line in process.stderr or ():
                before.append(line.rstrip("\n"))
                if "materialising" in line:
                    break
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            ended = _end(process, before)
        assert ended.said == [LINE]
        assert ended.code in (130, 143)

    @pytest.mark.parametrize("argument", ["--version", "--help"])
    def test_commands_that_are_not_interrupted_end_as_ever(self, command, argument):
        done = command.run(argument)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


class TestOutputThatNobodyTakes:
    def test_a_closed_pipe_ends_a_report_without_a_word(self, command):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [sys.executable, "-m", "agentsview_assets", "--help"],
            env=command.environment(), cwd=REPOSITORY, stdout=writing, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
        os.close(writing)
        assert done.stderr == b""
        assert done.returncode == 1

    def test_a_full_disk_behind_standard_output_is_told(self, command):
        with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
            done = subprocess.run(
                [sys.executable, "-m", "agentsview_assets", "--help"],
                env=command.environment(), cwd=REPOSITORY, stdout=full, stderr=subprocess.PIPE,
                text=True, check=False,
            )  # fmt: skip
        assert "the disk is full" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.returncode == 1

    @pytest.mark.hostile
    def test_a_run_goes_on_when_nobody_reads_its_progress(self, command):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [sys.executable, "-m", "agentsview_assets", "materialize"],
            env=command.environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=writing,
            text=True, check=False,
        )  # fmt: skip
        os.close(writing)
        assert done.returncode == 0
        assert done.stdout.startswith("Materialised")

    @pytest.mark.hostile
    @pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
    def test_no_database_is_opened_where_standard_error_was(self, command, closed):
        shell = f'exec "$0" -m agentsview_assets materialize {closed}'
        done = subprocess.run(
            ["/bin/sh", "-c", shell, sys.executable],
            env=command.environment(), cwd=REPOSITORY, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert "up to date" in command.run("materialize").stdout


@pytest.mark.endurance
class TestAnyMoment:
    @pytest.mark.parametrize("seed", range(14))
    @pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgresql"])
    def test_signals_at_random_moments_leave_one_line_each_and_the_next_run_completes(
        self, tmp_path, warehouse_url, kind, seed
    ):
        desk = Desk.with_sample(tmp_path)
        command = OurCommand(desk.archive, tmp_path / "home", warehouse_url(kind), START)
        draw, wrong = random.Random(f"{kind} {seed}"), []
        lasts = 6.0
        for _ in range(5):
            number = draw.choice(list(SIGNALS))
            moment = draw.uniform(STARTED_SECONDS, lasts)
            started = time.monotonic()
            with _start(command, "materialize", "--force") as process:
                ring = threading.Timer(moment, process.send_signal, [number])
                ring.start()
                ended = _end(process, [])
                ring.cancel()
            lasts = max(lasts, time.monotonic() - started) if ended.code == 0 else lasts
            if ended.code != 0 and (ended.code, ended.said) != (SIGNALS[number], [LINE]):
                wrong.append((moment, number, ended))
        assert wrong == []
        assert command.run("materialize").returncode == 0
        assert "up to date" in command.run("materialize").stdout
