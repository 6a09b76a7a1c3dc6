"""A part of a deployment is killed in the middle of a backfill, which completes by itself.

The tests are steps of one story and run in this order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, open_reader
from agentsview_assets.rules.staleness import DAILY_TABLES
from tests.live.teams import WORKER_TAG, Databases, alone, daemon, sample_as, worker
from tests.support.postgres import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.conftest import Live
    from tests.live.workers import Worker
    from tests.support.postgres import KillableServer

pytestmark = [pytest.mark.live, pytest.mark.endurance, pytest.mark.xdist_group("killed")]

DAYS = [f"2026-{day}" for day in ("10-29", "10-31", "11-02", "11-04", "11-06", "11-08", "11-10")]
"""No two of them stand together, so that each is a run."""
WITHIN_SECONDS = 300
"""How long after its return a backfill may take."""


@dataclass
class Team:
    """A deployment whose database server can be killed, too."""

    server: KillableServer
    live: Live
    environ: dict[str, str]
    folder: Path
    workers: dict[str, Worker]
    started: contextlib.ExitStack

    def work(self, name: str) -> None:
        """Starts a worker."""
        self.workers[name] = self.started.enter_context(worker(name, self.folder, self.environ))

    def backfill(self) -> str:
        """Has all daily tables of some days made again, and returns once that is half done."""
        backfill = self.live.backfill(DAILY_TABLES, DAYS)

        def is_half_done(live: Live) -> bool:
            runs = [run for run in live.runs() if "dagster/backfill" in run.tags]
            at_work = [run for run in runs if run.status == "STARTED" and WORKER_TAG in run.tags]
            return any(run.has_ended for run in runs) and bool(at_work)

        self.live.until(is_half_done, "the backfill does not begin", WITHIN_SECONDS)
        return backfill

    def until_made(self, backfill: str, what: str) -> None:
        """Waits until a backfill has completed, and until nothing more is asked for."""
        since = time.monotonic()

        def is_made(live: Live) -> bool:
            with contextlib.suppress(AssertionError, OSError):  # while the server is away
                return live.has_made(backfill)
            return False

        self.live.until(is_made, f"{what}: the backfill does not complete", WITHIN_SECONDS)
        print(f"{what}: completed {time.monotonic() - since:.0f} s after its return")  # noqa: T201
        self.live.until_quiet()
        self.require_once()

    def require_once(self) -> None:
        """Nothing is there twice, and nothing half."""
        with open_reader(self.environ["AGENTSVIEW_ASSETS_WAREHOUSE"]) as reader:
            key = "asset, archive_id, partition_date"
            twice = f"SELECT {key} FROM {PARTITIONS_TABLE} GROUP BY {key} HAVING COUNT(*) > 1"
            assert reader.rows(twice) == []
            mixed = f"SELECT {key} FROM {PARTITIONS_TABLE} WHERE input_version = 'mixed'"
            assert reader.rows(mixed) == []


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("killed")
    with running_server() as server, contextlib.ExitStack() as started:
        environ = Databases.on(server).environ([sample_as(folder / name) for name in ("a", "b")])
        live = started.enter_context(daemon(folder, environ))
        found = Team(server, live, environ, folder, {}, started)
        found.work("one@here")
        found.work("two@here")
        live.until_quiet()
        yield found


def _daemon_of(live: Live) -> int:
    """The daemon's process."""
    [found] = [
        pid
        for pid in live.ui.descendants()
        if b"agentsview_assets.ui.part\0daemon\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found


def test_of_a_daemon_that_is_killed(team):
    backfill = team.backfill()
    os.kill(_daemon_of(team.live), signal.SIGKILL)  # the web server starts another one
    team.until_made(backfill, "daemon")


def test_of_a_worker_that_is_killed(team):
    backfill = team.backfill()
    killed = next(
        team.workers[run.tags[WORKER_TAG]]
        for run in team.live.runs()
        if run.status == "STARTED" and WORKER_TAG in run.tags
    )
    killed.kill()
    team.work("three@here")
    team.until_made(backfill, "worker")


def test_of_a_database_server_that_is_killed(team):
    backfill = team.backfill()
    team.server.stop_at_once()
    team.server.start_again()
    team.until_made(backfill, "PostgreSQL")


def test_nothing_is_lost_and_nothing_is_there_twice(team, tmp_path):
    assert alone(team.environ, team.server, tmp_path) == set()
