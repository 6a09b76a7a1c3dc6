"""Two Celery workers, a daemon, a web server and PostgreSQL: runs are spread, ended and survived.

The tests are steps of one story and run in this order.
"""

from __future__ import annotations

import contextlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, open_reader
from tests.live.teams import DAY, WORKER_TAG, Databases, alone, daemon, of_days, sample_as, worker
from tests.support.turns import FIRST, add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Live
    from tests.live.workers import Worker
    from tests.support.postgres import Database, Server

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("workers")]

ARCHIVES = 16
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
                if run.status == "STARTED" and WORKER_TAG in run.tags and "usage_rows" in run.assets
            ]
            return bool(found)

        self.live.until(is_taken, "no worker has taken a run")
        return found[0]

    def worker_of(self, run_id: str) -> Worker:
        """The worker that carries a run out."""
        [run] = [run for run in self.live.runs() if run.run_id == run_id]
        return self.workers[run.tags[WORKER_TAG]]


@pytest.fixture(scope="module")
def team(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    databases = Databases.on(postgres_server)
    archives = [sample_as(folder / "archives" / f"archive-{n:02}") for n in range(ARCHIVES)]
    environ = databases.environ(archives)
    with contextlib.ExitStack() as started:
        live = started.enter_context(daemon(folder, environ))
        workers = {
            name: started.enter_context(worker(name, folder, environ))
            for name in ("one@here", "two@here")
        }
        yield Team(live, databases.warehouse, archives, environ, folder, workers)


def test_many_archives_are_loaded_by_both_workers(team):
    runs = team.live.until_quiet()
    assert {run.status for run in runs} == {"SUCCESS"}
    made = of_days(runs)
    assert sum(len(run.tags["agentsview_assets/archives"].split(",")) for run in made) >= ARCHIVES
    took = {run.tags.get(WORKER_TAG) for run in runs}
    assert took == {"one@here", "two@here"}, [worker.log[-40:] for worker in team.workers.values()]


def test_it_is_what_a_single_process_makes(team, postgres_server, tmp_path):
    assert alone(team.environ, postgres_server, tmp_path) == set()


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
    assert again.tags[WORKER_TAG] != killed.name
    with open_reader(team.url) as reader:
        rows = "SELECT COUNT(*) FROM usage_rows WHERE archive_id = 'archive-00' AND "
        assert reader.rows(f"{rows} dedup_key LIKE '%of a killed worker%'") == [(1,)]
        assert reader.rows(
            f"SELECT COUNT(*) FROM {PARTITIONS_TABLE} WHERE input_version = 'mixed'"
        ) == [(0,)]
