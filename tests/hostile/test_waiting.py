"""Waiting for others: for a lock some seconds, for a server that says nothing not for ever."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.postgres import (
    connection as postgres_connection,
)
from agentsview_assets.resources.warehouses.postgres.reader import connect
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.work import METER
from agentsview_assets.running import Runner
from agentsview_assets.warehouse_urls import parse_warehouses
from tests.support.holders import holding, silent_port
from tests.support.in_process import Desk, run_here
from tests.support.postgres import running_server
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# What all of them look at is made once, not once for each worker.
pytestmark = pytest.mark.xdist_group("waiting")

DAY = "2026-11-01"
REPORTS = [
    ("usage", "daily", "--all"),
    ("status",),
    pytest.param(("usage", "statusline"), marks=pytest.mark.hostile),
    pytest.param(("activity", "report", "--date", "2026-11-05"), marks=pytest.mark.hostile),
    pytest.param(("export", "sessions"), marks=pytest.mark.hostile),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A tiny archive and its warehouse."""
    folder = tmp_path_factory.mktemp("waiting")
    with TinyArchive(folder / "archive") as archive:
        archive.session("a")
        archive.message("a", 0, f"{DAY}T10:00:00Z")
    desk = Desk(folder, {"AGENTSVIEW_ASSETS_START_DATE": DAY})
    desk.materialize()
    return desk


@pytest.fixture
def patient(made: Desk) -> Desk:
    """The same with the patience that users have."""
    return Desk(made.folder, {**made.settings, "AGENTSVIEW_ASSETS_WAIT": "60"})


@pytest.fixture
def when_waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], list[str]]:
    """Has something done as soon as somebody waits; returns what is told of it."""

    def arrange(what: Callable[[], None]) -> list[str]:
        told: list[str] = []
        report = type(METER).report

        def listen(meter: object, text: str) -> None:
            report(METER, text)
            if text.startswith("waiting"):
                told.append(text)
                what()

        monkeypatch.setattr(type(METER), "report", listen)
        return told

    return arrange


class TestALockOnADuckDBFile:
    @pytest.mark.parametrize("command", REPORTS)
    def test_reports_wait_for_a_writer(self, patient, when_waiting, command):
        expected = patient.run(*command)
        with holding(patient.warehouse, "writer") as release:
            told = when_waiting(release)
            found = patient.run(*command)
        assert told
        assert (found.code, found.out) == (expected.code, expected.out)

    @pytest.mark.parametrize("mode", [pytest.param("writer", marks=pytest.mark.hostile), "reader"])
    def test_a_run_waits_for_others_and_says_for_whom(self, patient, when_waiting, mode):
        with holding(patient.warehouse, mode) as release:
            told = when_waiting(release)
            found = patient.run("materialize")
        assert found.code == 0, found.err
        assert told[0].startswith("waiting up to 60 s for python")
        assert str(patient.warehouse) in told[0]
        assert told[0] in found.err

    @pytest.mark.parametrize("command", [*REPORTS, ("materialize",)])
    def test_whoever_keeps_it_open_is_named_with_the_time_that_was_waited(self, made, command):
        before = made.warehouse.read_bytes()
        with holding(made.warehouse, "writer"):
            found = made.run(*command)
        assert found.code == 1
        said = [line for line in found.err.splitlines() if not line.startswith("  ")]
        assert len(said) == 1
        assert f"{made.warehouse}: in use by another process, also after 0.5 s" in said[0]
        assert "close it there" in said[0]
        assert made.warehouse.read_bytes() == before

    @pytest.mark.parametrize("text", ["soon", "-1", "1e9", "NaN"])
    def test_a_patience_that_is_no_number_is_named(self, made, text):
        found = Desk(made.folder, {"AGENTSVIEW_ASSETS_WAIT": text}).run("usage", "daily")
        assert found.code == 1
        assert f"AGENTSVIEW_ASSETS_WAIT: expected a number of seconds, got '{text}'" in found.err


class TestAServerThatDoesNotAnswer:
    @pytest.mark.parametrize(
        "kind", ["silent", "refused", pytest.param("swallowed", marks=pytest.mark.hostile)]
    )
    @pytest.mark.parametrize(
        "command", [("usage", "daily"), pytest.param(("materialize",), marks=pytest.mark.hostile)]
    )
    def test_it_is_named_without_the_password_after_the_time_in_the_url(self, made, kind, command):
        with silent_port(kind) as port:
            url = f"postgresql://me:geheim@127.0.0.1:{port}/db?connect_timeout=2"
            environ = {
                "AGENTSVIEW_ASSETS_ARCHIVE": str(made.archive),
                "AGENTSVIEW_ASSETS_WAREHOUSE": url,
                "XDG_DATA_HOME": str(made.folder / "data"),
            }
            found = run_here(command, environ)
        said = [line for line in found.err.splitlines() if not line.startswith("  ")]
        reason = "Connection refused" if kind == "refused" else "no answer within 2 s"
        assert len(said) == 1
        assert f"me@127.0.0.1:{port}/db" in said[0]
        assert f"cannot be reached: {reason}" in said[0]
        assert "geheim" not in found.err
        assert found.code == 1

    @pytest.mark.hostile
    def test_a_mirror_is_named_as_an_archive(self, made):
        with silent_port("silent") as port:
            mirror = f"postgresql://me@127.0.0.1:{port}/db?connect_timeout=2"
            found = made.run("materialize", "--archive", mirror)
        assert found.code == 1
        assert "archive postgresql://me@127.0.0.1" in found.err
        assert "no answer within 2 s" in found.err

    @pytest.mark.hostile
    def test_a_history_there_is_named_by_its_home(self, made):
        home = made.folder / "home of dagster"
        home.mkdir()
        with silent_port("silent") as port:
            url = f"postgresql+psycopg2://me:geheim@127.0.0.1:{port}/db?connect_timeout=2"
            config = f"storage:\n  postgres:\n    postgres_url: {url}\n"
            (home / "dagster.yaml").write_text(config)
            settings = {**made.settings, "DAGSTER_HOME": str(home)}
            found = Desk(made.folder, settings).run("materialize", "--force")
        said = [line for line in found.err.splitlines() if not line.startswith("  ")]
        assert found.code == 1
        assert len(said) == 1
        assert str(home) in said[0]
        assert "no answer within 2 s" in said[0]
        assert "geheim" not in found.err


@pytest.fixture
def stoppable() -> Iterator[tuple[str, Callable[[int], None]]]:
    """The URL of a warehouse on a server of its own, and what signals all of its processes."""
    with running_server() as server:
        database = server.database()

        def processes() -> tuple[int, list[int]]:
            """The server's first process and those that it has started."""
            listed = subprocess.run(
                ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
            ).stdout
            rows = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
            first = next(int(p) for p, _, args in rows if f"-p {server.port}" in args)
            return first, [int(p) for p, parent, _ in rows if int(parent) == first]

        def send(number: int) -> None:
            # The first one goes first: stopped, it starts no more of them.
            os.kill(processes()[0], number)
            for pid in processes()[1]:
                with contextlib.suppress(ProcessLookupError):  # one that has just ended
                    os.kill(pid, number)

        try:
            yield database.url(), send
        finally:
            send(signal.SIGCONT)


@pytest.mark.hostile
class TestAServerThatStopsInTheMiddle:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres_connection, "QUIET_SECONDS", 2.0)
        monkeypatch.setattr(postgres_connection, "CONNECT_SECONDS", 2)

    def test_a_report_is_told_so(self, stoppable):
        url, send = stoppable
        with open_store(url):
            pass
        with open_reader(url) as reader:
            threading.Timer(0.5, send, [signal.SIGSTOP]).start()
            with pytest.raises(WarehouseError, match="stopped answering: not a word for 2 s"):
                reader.rows("SELECT pg_sleep(3)")

    def test_a_long_statement_of_a_server_that_is_there_is_waited_for(self, stoppable):
        url, _ = stoppable
        with open_store(url):
            pass
        with open_reader(url) as reader:
            assert len(reader.rows("SELECT pg_sleep(6)")) == 1

    @pytest.mark.parametrize("statement", ["execute", "copy", "commit"])
    def test_whatever_is_being_done(self, stoppable, statement):
        url, send = stoppable
        connection = connect(parse_warehouses(url)[0])
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (n int)")
            send(signal.SIGSTOP)
            with pytest.raises(postgres_connection.ServerSilentError):
                if statement == "execute":
                    cursor.execute("SELECT 1")
                elif statement == "copy":
                    with open(os.devnull) as nothing:  # noqa: PTH123 - a device
                        cursor.copy_expert("COPY t FROM STDIN", nothing)
                else:
                    connection.commit()

    def test_a_run_ends_with_one_message_and_the_next_one_completes(
        self, made, stoppable, tmp_path: Path, monkeypatch
    ):
        url, send = stoppable
        environ = {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(made.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": url,
            "AGENTSVIEW_ASSETS_START_DATE": DAY,
            "XDG_DATA_HOME": str(tmp_path),
            "DAGSTER_HOME": "",
        }
        run = Runner.run

        def stopping(runner: Runner, step: object) -> None:
            threading.Timer(0.2, send, [signal.SIGSTOP]).start()
            run(runner, step)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(Runner, "run", stopping)
            found = run_here(["materialize"], environ)
        send(signal.SIGCONT)
        said = [line for line in found.err.splitlines() if not line.startswith("  ")]
        assert found.code == 1
        assert len(said) == 1, said
        assert "answer" in said[0]
        assert run_here(["materialize"], environ).code == 0
        assert "up to date" in run_here(["materialize"], environ).out
