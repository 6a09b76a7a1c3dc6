"""A month of a company: archives of several releases, two workers, the schedule each day.

Between the scheduled times sessions come late, are edited behind agentsview's back, prices and a
rule change, and a worker is killed. In the end everything is what one process makes of the archives
as they are then.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE
from tests.live.conftest import REPOSITORY, Live
from tests.live.teams import Databases, daemon, worker
from tests.support.everything import everything
from tests.support.in_process import Finished, run_here
from tests.support.releases import RELEASES, release_archive
from tests.support.shared import shared_folder
from tests.support.turns import FIRST, LAST, add_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.live.workers import Worker
    from tests.support.postgres import Server

pytestmark = [pytest.mark.live, pytest.mark.endurance, pytest.mark.xdist_group("month")]

START, ARCHIVES, TIMES = dt.date(2026, 10, 20), 16, 30
PRICES_CHANGE, A_WORKER_DIES, A_RULE_CHANGES = 10, 15, 20
_PATIENCE_SECONDS = 900.0
_DRY_RUN = """mutation($schedule: ScheduleSelector!, $when: Float!) {
  scheduleDryRun(selectorData: $schedule, timestamp: $when) { __typename
    ... on PythonError { message }
    ... on DryRunInstigationTick { evaluationResult { skipReason error { message }
      runRequests { jobName assetSelection { path } tags { key value } } } } } }"""
_LAUNCH = """mutation($runs: [ExecutionParams!]!) {
  launchMultipleRuns(executionParamsList: $runs) { __typename
    ... on PythonError { message }
    ... on LaunchMultipleRunsResult { launchMultipleRunsResult { __typename
      ... on LaunchRunSuccess { run { runId } } } } } }"""
_ANOTHER_COUNT = """
UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens', 4711) WHERE id = (
    SELECT MIN(id) FROM messages WHERE json_valid(token_usage) AND token_usage LIKE '{%')
"""


@dataclass
class Company:
    """A deployment and its archives."""

    live: Live
    archives: list[Path]
    environ: dict[str, str]
    workers: list[Worker]

    def run(self, folder: Path, warehouse: str, *arguments: str) -> Finished:
        """Runs a command in this process, over the company's archives and another warehouse."""
        own = {"AGENTSVIEW_ASSETS_WAREHOUSE": warehouse, "DAGSTER_HOME": ""}
        return run_here([*arguments], {**self.environ, **own, "XDG_DATA_HOME": str(folder)})

    def launch_scheduled(self, when: dt.datetime) -> list[str]:
        """Evaluates the schedule at a time, and launches what it asks for; the runs."""
        schedule = {**REPOSITORY, "scheduleName": "daily"}
        asked = self.live.ui.graphql(_DRY_RUN, schedule=schedule, when=when.timestamp())
        tick = asked["scheduleDryRun"]["evaluationResult"]
        assert tick["error"] is None, tick
        runs = [_params(request) for request in tick["runRequests"] or ()]
        assert runs, f"the schedule looks at the archives each time: {tick}"
        done = self.live.ui.graphql(_LAUNCH, runs=runs)["launchMultipleRuns"]
        found = [one["run"]["runId"] for one in done["launchMultipleRunsResult"]]
        assert len(found) == len(runs)
        return found


def _params(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "selector": {
            **REPOSITORY,
            "jobName": request["jobName"],
            "assetSelection": request["assetSelection"],
            "assetCheckSelection": [],
        },
        "executionMetadata": {"tags": request["tags"]},
    }


@pytest.fixture(scope="module")
def company(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder, made = tmp_path_factory.mktemp("company"), shared_folder(tmp_path_factory, "releases")
    archives = [
        _archive(release_archive(made, RELEASES[number % len(RELEASES)]), folder, number)
        for number in range(ARCHIVES)
    ]
    environ = {
        **Databases.on(postgres_server).environ(archives),
        "AGENTSVIEW_ASSETS_START_DATE": START.isoformat(),
    }
    with contextlib.ExitStack() as started:
        live = started.enter_context(daemon(folder, environ))
        workers = [
            started.enter_context(worker(name, folder, environ))
            for name in ("one@here", "two@here")
        ]
        yield Company(live, archives, environ, workers)


def _archive(made: Path, folder: Path, number: int) -> Path:
    """A copy of a release's archive under an identity of its own."""
    archive = folder / f"archive-{number:02}"
    shutil.copytree(made, archive)
    _edit(
        archive,
        f"UPDATE archive_metadata SET value = '{archive.name}' "
        "WHERE key IN ('database_id', 'archive_id')",
    )
    return archive


def _edit(archive: Path, statement: str) -> None:
    with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
        database.execute(statement)


def _change(company: Company, number: int, day: dt.date) -> None:
    """What happens before a scheduled time; every fourth day nothing does."""
    archive = company.archives[(5 * number) % ARCHIVES]
    kinds: list[Callable[[], None]] = [
        lambda: add_turn(archive, f"{START + dt.timedelta(5)}T22:00:00Z", f"late {number}", FIRST),
        lambda: add_turn(archive, f"{day}T12:00:00Z", f"on the day {number}", LAST),
        lambda: _edit(archive, _ANOTHER_COUNT),
        lambda: None,
    ]
    kinds[number % len(kinds)]()
    if number == PRICES_CHANGE:
        for each in company.archives:
            (each / "config.toml").write_text(
                "[custom_model_pricing.'gpt-5.1']\ninput = 3.0\noutput = 9.0\n"
            )
    if number == A_RULE_CHANGES:
        with (
            open_store(company.environ["AGENTSVIEW_ASSETS_WAREHOUSE"]) as store,
            store.transaction(),
        ):
            store.execute(
                f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'earlier' "
                "WHERE asset = 'session_summaries'"
            )


def test_in_the_end_it_is_what_one_process_makes(company, postgres_server, tmp_path):
    live = company.live
    live.until_quiet(patience_seconds=_PATIENCE_SECONDS)
    for number in range(TIMES):
        day = dt.date(2026, 10, 28) + dt.timedelta(number)
        _change(company, number, day)
        runs = {*company.launch_scheduled(dt.datetime.combine(day, dt.time(3), dt.UTC))}
        if number == A_WORKER_DIES:
            company.workers[0].kill()

        def have_ended(live: Live, runs: set[str] = runs) -> bool:
            return all(run.has_ended for run in live.runs() if run.run_id in runs)

        live.until(have_ended, "scheduled runs go on", _PATIENCE_SECONDS)
    live.until_quiet(patience_seconds=_PATIENCE_SECONDS)
    url = company.environ["AGENTSVIEW_ASSETS_WAREHOUSE"]
    again = company.run(tmp_path / "again", url, "materialize", "--json")
    assert again.json["up_to_date"] is True
    other = postgres_server.database().url()
    assert company.run(tmp_path / "other", other, "materialize").code == 0
    found, wanted = (everything(each, "pricing_digest") for each in (url, other))
    differ = {table for table in wanted if found[table] != wanted[table]}
    # What was published before is restated.
    assert differ <= {"restatements", "price_changes"}
    for arguments in (
        ("usage", "daily", "--json", "--breakdown", "--all", "--timezone", "UTC"),
        ("export", "sessions", "--all", "--archive-id", "archive-00"),
    ):
        one, two = (company.run(tmp_path / "other", each, *arguments) for each in (url, other))
        assert (one.code, one.out) == (0, two.out), one.err
