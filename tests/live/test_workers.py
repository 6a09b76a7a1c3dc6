"""Two Celery workers, a daemon, a web server and PostgreSQL: runs are spread, ended and survived.

The tests are steps of one story and run in this order.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, open_reader
from agentsview_assets.rules.staleness import DAILY_TABLES
from tests.live.conftest import Live, living
from tests.live.workers import Worker, home
from tests.support.everything import everything
from tests.support.in_process import SAMPLE, Desk, run_here
from tests.support.turns import FIRST, add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postgres import Database, Server

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("workers")]

START, DAY = "2026-10-29", "2026-11-10"
ARCHIVES = 16
_WORKER_TAG = "agentsview_assets/worker"
_TERMINATE = """mutation($run: String!) {
  terminateRun(runId: $run) { __typename ... on TerminateRunFailure { message } } }"""


@dataclass
class Team:
    """A deployment: its servers, its workers and what they work on."""

    live: Live
    warehouse: Database
    archives: list[Path]
    environ: dict[str, str]
    folder: Path
    workers: dict[str, Worker]

    @property
    def url(self) -> str:
        """The warehouse."""
        return self.warehouse.url()

    def spend(self, archive: int, tag: str) -> None:
        """A turn of a session of an archive."""
        add_turn(self.archives[archive], f"{DAY}T22:00:00Z", tag, FIRST)

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Has a run that writes usage rows of the first archive wait in the middle of its work."""
        lock = "hashtextextended('warehouse usage_rows archive-00', 0)"
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_lock({lock})")
            yield

    def working_run(self) -> str:
        """The run of days that has been taken by a worker."""
        found: list[str] = []

        def is_taken(live: Live) -> bool:
            found[:] = [
                run.run_id
                for run in live.runs()
                if run.status == "STARTED"
                and _WORKER_TAG in run.tags
                and "usage_rows" in run.assets
            ]
            return bool(found)

        self.live.until(is_taken, "no worker has taken a run")
        return found[0]

    def worker_of(self, run_id: str) -> Worker:
        """The worker that carries a run out."""
        [run] = [run for run in self.live.runs() if run.run_id == run_id]
        return self.workers[run.tags[_WORKER_TAG]]


def _archives(folder: Path) -> list[Path]:
    found = []
    for number in range(ARCHIVES):
        archive = folder / f"archive-{number:02}"
        archive.mkdir(parents=True)
        shutil.copy(SAMPLE, archive / "sessions.db")
        with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
            database.execute(
                "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'",
                (archive.name,),
            )
        found.append(archive)
    return found


@pytest.fixture(scope="module")
def team(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    storage, broker, warehouse = (postgres_server.database() for _ in range(3))
    archives = _archives(folder / "archives")
    of_broker = f"postgresql+psycopg2://owner@127.0.0.1:{broker.port}/{broker.name}"
    environ = {
        "DAGSTER_STORAGE_URL": (
            f"postgresql+psycopg2://owner@127.0.0.1:{storage.port}/{storage.name}"
        ),
        "AGENTSVIEW_ASSETS_BROKER": f"sqla+{of_broker}",
        "AGENTSVIEW_ASSETS_BACKEND": f"db+{of_broker}",
        "AGENTSVIEW_ASSETS_ARCHIVE": "\n".join(map(str, archives)),
        "AGENTSVIEW_ASSETS_WAREHOUSE": warehouse.url(),
        "AGENTSVIEW_ASSETS_START_DATE": START,
        "AGENTSVIEW_ASSETS_WAIT": "300",
    }
    own = {"DAGSTER_HOME": home(folder / "ui" / "dagster"), "XDG_DATA_HOME": str(folder / "ui")}
    desk = Desk(folder / "ui", {})
    with contextlib.ExitStack() as started:
        live = started.enter_context(living(desk, **environ, **own))
        workers = {}
        for name in ("one@here", "two@here"):
            (folder / name).mkdir()
            workers[name] = started.enter_context(Worker(name, folder / name, environ))
        yield Team(live, warehouse, archives, environ, folder, workers)


def test_many_archives_are_loaded_by_both_workers(team):
    runs = team.live.until_quiet()
    assert {run.status for run in runs} == {"SUCCESS"}
    made = [run for run in runs if run.assets & {*DAILY_TABLES}]
    assert sum(len(run.tags["agentsview_assets/archives"].split(",")) for run in made) >= ARCHIVES
    took = {run.tags.get(_WORKER_TAG) for run in runs}
    assert took == {"one@here", "two@here"}, [worker.log[-40:] for worker in team.workers.values()]


def test_it_is_what_a_single_process_makes(team, postgres_server, tmp_path):
    url = postgres_server.database().url()
    done = run_here(
        ["materialize", "--json"],
        {
            **team.environ,
            "AGENTSVIEW_ASSETS_WAREHOUSE": url,
            "DAGSTER_HOME": "",
            "XDG_DATA_HOME": str(tmp_path),
        },
    )
    assert done.code == 0, done.err
    found, wanted = everything(team.url), everything(url)
    assert {table for table in wanted if found[table] != wanted[table]} == set()


def test_a_run_that_is_terminated_ends_and_is_left_alone(team):
    with team.held_up():
        team.spend(0, "terminated")
        run_id = team.working_run()
        answer = team.live.ui.graphql(_TERMINATE, run=run_id)
        assert answer["terminateRun"]["__typename"] == "TerminateRunSuccess", answer

        def has_ended(live: Live) -> bool:
            return {run.run_id: run.status for run in live.runs()}[run_id] == "CANCELED"

        team.live.until(has_ended, "the run goes on")
    runs = team.live.until_quiet("was stopped by hand")
    assert [run.status for run in runs if "usage_rows" in run.assets] == ["CANCELED"]


def test_a_worker_that_is_killed_loses_nothing(team):
    with team.held_up():
        team.spend(0, "of a killed worker")
        run_id = team.working_run()
        killed = team.worker_of(run_id)
        killed.kill()

        def is_failed(live: Live) -> bool:
            return {run.run_id: run.status for run in live.runs()}[run_id] == "FAILURE"

        team.live.until(is_failed, "nobody notices")
    runs = team.live.until_quiet()
    [again] = [r for r in runs if "usage_rows" in r.assets and r.run_id != run_id]
    assert again.status == "SUCCESS"
    assert again.tags[_WORKER_TAG] != killed.name
    with open_reader(team.url) as reader:
        rows = "SELECT COUNT(*) FROM usage_rows WHERE archive_id = 'archive-00' AND "
        assert reader.rows(f"{rows} dedup_key LIKE '%of a killed worker%'") == [(1,)]
        assert reader.rows(
            f"SELECT COUNT(*) FROM {PARTITIONS_TABLE} WHERE input_version = 'mixed'"
        ) == [(0,)]
