"""Runs that Dagster has: which are unfinished, and what became of those that were asked for.

A Dagster instance may have several of our graphs, and others: each sees its own runs alone.

What belongs here: reading Dagster's runs. What does not: deciding what is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import ARCHIVES_TAG, LEDGER, RANGE_END, RANGE_START
from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.known import OBSERVATIONS, OnItsWay
from agentsview_assets.automation.wanted import Tries
from agentsview_assets.planning import NO_DAYS, Range
from agentsview_assets.queues import ANY_WORKER, QUEUE_TAG
from agentsview_assets.resources.failures import OUTDATED_TAG, REFUSED_TAG
from agentsview_assets.schemas import CONTRACTS

MAKE_JOB, OBSERVE_JOB, CHECK_JOB = "materialize", "observe", "check"
REPRICE_JOB, UPKEEP_JOB, ALERT_JOB, RETENTION_JOB = "reprice", "upkeep", "alert", "retention"
JOBS = (MAKE_JOB, OBSERVE_JOB, CHECK_JOB, REPRICE_JOB, UPKEEP_JOB, ALERT_JOB, RETENTION_JOB)
"""All jobs, without a prefix."""
_APART = {ALERT_JOB, RETENTION_JOB}
"""Jobs that change nothing of a warehouse: nobody waits for them."""
REQUEST_TAG = "agentsview_assets/request"
"""Tag of a run that the reconciler asked for: the digest of the request."""
PARTITION = "dagster/partition"
TRIED_BY_US = {"dagster/max_retries": "0"}
"""Whoever asks for a run tries it again; Dagster's own retries would do so a second time."""
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ASSETS = frozenset({ARCHIVE, *CONTRACTS})
_LOOKS = OBSERVATIONS | {ARCHIVE, LEDGER}
"""What looks at the archives before anything is made."""
_MOST_OUTDATED = 20
"""So many runs may come to workers of an older release in a day, each of which ends by it."""
_MOST_LOOKED_THROUGH = 50
"""Runs of a queue among which the last one of ours is looked for."""
_OF_LATE = timedelta(days=1)
"""For so long a run counts as a try: what failed yesterday may have been mended."""
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class Unfinished(NamedTuple):
    """The runs that are unfinished.

    Attributes:
        jobs: Names of their jobs, ours without the prefix.
        makes: What each makes.
        requests: The requests that they were asked for with.
        looking: The queues of those that look at their archives, or are about to.
    """

    jobs: frozenset[str]
    makes: tuple[OnItsWay, ...]
    requests: frozenset[str] = frozenset()
    looking: frozenset[str] = frozenset()


class Runs:
    """The runs of one graph in a Dagster instance."""

    def __init__(self, instance: dg.DagsterInstance, names: Names) -> None:
        """Takes the instance, and how the graph calls its assets and jobs."""
        self.instance, self.names = instance, names
        self._jobs = {names.of(job): job for job in JOBS}

    def unfinished(self) -> Unfinished:
        """What goes on, whoever asked for it.

        Runs that a command makes in its own process are left out: nobody can tell one that goes on
        from one whose process died. The warehouse's own locks stand between those and others.
        """
        found = self.instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        ours = [
            (run, self._job(run), self._made(run))
            for run in found
            if run.remote_job_origin is not None
            and self._is_ours(run)
            and self._job(run) not in _APART
        ]
        return Unfinished(
            frozenset(job for _, job, _ in ours),
            tuple(OnItsWay(made, _days(run.tags), _archives(run.tags)) for run, _, made in ours),
            frozenset(run.tags[REQUEST_TAG] for run, _, _ in ours if REQUEST_TAG in run.tags),
            frozenset(
                _queue(run) for run, job, made in ours if job == OBSERVE_JOB or _LOOKS & made
            ),
        )

    def last_look(self, queue: str) -> datetime | None:
        """When a run of a queue was last made, whatever came of it: each looks at its archives."""
        of_queue = dg.RunsFilter(tags={QUEUE_TAG: queue})
        found = self.instance.get_run_records(of_queue, limit=_MOST_LOOKED_THROUGH)
        return next((r.create_timestamp for r in found if self._is_ours(r.dagster_run)), None)

    def _is_ours(self, run: dg.DagsterRun) -> bool:
        return run.job_name in self._jobs or bool(self._made(run))

    def _job(self, run: dg.DagsterRun) -> str:
        """The name of a run's job, without the prefix where it is ours."""
        return self._jobs.get(run.job_name, run.job_name)

    def _made(self, run: dg.DagsterRun) -> frozenset[str]:
        """Our assets that a run makes, a job of somebody else's too."""
        return frozenset(map(self.names.asset, run.asset_selection or ())) & _ASSETS

    def tries(self, digest: str) -> Tries:
        """What became of the runs for a request."""
        asked = dg.RunsFilter(tags={REQUEST_TAG: digest}, statuses=ENDED)
        # Of equal archives two graphs ask for the same.
        found = [
            record
            for record in self.instance.get_run_records(asked)
            if record.dagster_run.job_name in self._jobs
        ]
        since = datetime.now(UTC) - _OF_LATE
        runs = [record.dagster_run for record in found]
        late = [record.dagster_run for record in found if record.create_timestamp > since]
        outdated = [run for run in late if OUTDATED_TAG in run.tags]
        # A worker of an older release ends after the run that it refused: the run is not to blame.
        late = [run for run in late if OUTDATED_TAG not in run.tags] + outdated[_MOST_OUTDATED:]
        ended = Counter(run.status for run in late)
        return Tries(
            ended[dg.DagsterRunStatus.FAILURE],
            ended[dg.DagsterRunStatus.SUCCESS],
            any(REFUSED_TAG in run.tags for run in late),
            any(run.status is dg.DagsterRunStatus.CANCELED for run in runs),
            len(runs),
            runs[0].run_id if runs else "",
        )


def _queue(run: dg.DagsterRun) -> str:
    return run.tags.get(QUEUE_TAG, ANY_WORKER)


def _days(tags: Mapping[str, str]) -> Range:
    if RANGE_START in tags and RANGE_END in tags:
        return tags[RANGE_START], tags[RANGE_END]
    day = tags.get(PARTITION)
    return (day, day) if day else NO_DAYS


def _archives(tags: Mapping[str, str]) -> frozenset[str] | None:
    named = tags.get(ARCHIVES_TAG)
    return None if named is None else frozenset(name for name in named.split(",") if name)
