"""Retention: old runs are removed from Dagster's history, and what the UI shows stays.

Dagster removes the events of a run with the run, and a day whose last materialisation goes shows as
missing. So a run stays while it is the last that made, observed or checked something.

What belongs here: which runs may go, and removing them. What does not: old ticks, which Dagster
removes by itself (`retention` in `dagster.yaml`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from agentsview_assets.assets.common import COMMAND_TAG
from agentsview_assets.automation.alerting import OPEN, STATE_TAG
from agentsview_assets.automation.runs import ENDED, REQUEST_TAG

ASSET_JOBS = frozenset({IMPLICIT_ASSET_JOB_NAME, "__ephemeral_asset_job__"})
"""Names of the jobs in which anybody's assets are made: by the UI, and in a command's process."""
MOST_AT_ONCE = 5_000
"""Runs that are removed at once: a history that nobody ever tidied takes some times."""
_EVENTS_AT_ONCE = 500
_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
_SEEN = dg.DagsterEventType.ASSET_OBSERVATION


@dataclass(frozen=True)
class Ours:
    """What tells our runs from those of others in the same instance.

    Attributes:
        jobs: Names of our jobs.
        assets: Our assets.
        checks: Their checks.
        place: Code location and repository of our jobs; None where there is none.
    """

    jobs: Collection[str]
    assets: Collection[dg.AssetKey]
    checks: Collection[dg.AssetCheckKey]
    place: tuple[str, str] | None

    def is_ours(self, run: dg.DagsterRun) -> bool:
        """Whether a run is one of ours, and about nothing else."""
        if place_of(run) not in (None, self.place):
            return False
        if COMMAND_TAG in run.tags:
            return True
        if run.job_name not in ASSET_JOBS:
            return run.job_name in self.jobs
        assets, checks = run.asset_selection or set(), run.asset_check_selection or set()
        is_about_ours = assets <= {*self.assets} and checks <= {*self.checks}
        return bool(assets or checks) and is_about_ours


class Removed(NamedTuple):
    """What became of old runs.

    Attributes:
        runs: How many were removed.
        needed: How many stay, because something that is shown is theirs.
        left: How many are left for the next time.
    """

    runs: int
    needed: int
    left: int


def place_of(run: dg.DagsterRun) -> tuple[str, str] | None:
    """The code location and repository of a run; None of one in a process of its own."""
    if run.remote_job_origin is None:
        return None
    repository = run.remote_job_origin.repository_origin
    return repository.code_location_origin.location_name, repository.repository_name


def remove_old_runs(instance: dg.DagsterInstance, ours: Ours, before: datetime) -> Removed:
    """Removes our runs that ended before a time and that nothing needs any more.

    Args:
        instance: Keeps the history.
        ours: Which runs may be removed.
        before: When, at least a day ago: what was tried since then counts.
    """
    old = dg.RunsFilter(statuses=list(ENDED), updated_before=before)
    found = [run for run in instance.get_runs(old) if ours.is_ours(run)]
    needed = _needed(instance, ours)
    free = [run for run in found if run.run_id not in needed and not _is_open(run)]
    removable = _whole_requests(instance, free)
    for run in removable[:MOST_AT_ONCE]:
        _remove(instance, run.run_id)
    count = min(len(removable), MOST_AT_ONCE)
    return Removed(count, len(found) - len(removable), len(removable) - count)


def _is_open(run: dg.DagsterRun) -> bool:
    """Whether it is an alert of something that is still out of date."""
    return run.tags.get(STATE_TAG) == OPEN


def _whole_requests(
    instance: dg.DagsterInstance, runs: Iterable[dg.DagsterRun]
) -> list[dg.DagsterRun]:
    """The runs without those of requests of which others stay.

    Of a request, the runs are numbered: with some of them gone, a number would come twice, and
    Dagster would not start that run. One that somebody stopped says that nobody is to ask again.
    """
    by_request: dict[str, list[dg.DagsterRun]] = {}
    for run in runs:
        by_request.setdefault(run.tags.get(REQUEST_TAG, run.run_id), []).append(run)
    whole = []
    for request, mine in by_request.items():
        is_request = REQUEST_TAG in mine[0].tags
        all_runs = dg.RunsFilter(tags={REQUEST_TAG: request})
        is_stopped = any(run.status is dg.DagsterRunStatus.CANCELED for run in mine)
        if not is_request or (not is_stopped and instance.get_runs_count(all_runs) == len(mine)):
            whole += mine
    return whole


def _needed(instance: dg.DagsterInstance, ours: Ours) -> set[str]:
    """The runs that made, observed or checked something as the last ones."""
    needed = {run_id for key in ours.assets for run_id in _last_runs(instance, key)}
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([*ours.checks])
    return needed | {record.run_id for record in latest.values()}


def _last_runs(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[str]:
    """The runs of the last materialisation and observation of an asset and of each of its days."""
    for kind, fetch in (
        (_MADE, instance.fetch_materializations),
        (_SEEN, instance.fetch_observations),
    ):
        yield from (record.run_id for record in fetch(key, limit=1).records)
        by_day = instance.event_log_storage.get_latest_storage_id_by_partition(key, kind)
        numbers = sorted(by_day.values())
        for start in range(0, len(numbers), _EVENTS_AT_ONCE):
            some = numbers[start : start + _EVENTS_AT_ONCE]
            found: Any = fetch(dg.AssetRecordsFilter(key, storage_ids=some), limit=len(some))
            yield from (record.run_id for record in found.records)


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    # Dagster leaves these behind: where foreign keys are off, and of every check.
    runs, events = instance.run_storage, instance.event_log_storage
    if isinstance(runs, SqlRunStorage):
        with runs.connect() as connection:
            connection.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as connection:
            mine = AssetCheckExecutionsTable.c.run_id == run_id
            connection.execute(AssetCheckExecutionsTable.delete().where(mine))
