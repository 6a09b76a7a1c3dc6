"""Runs of the instance: which are unfinished, and what became of those that were asked for.

What belongs here: reading Dagster's runs. What does not: deciding what is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import ARCHIVES_TAG, RANGE_END, RANGE_START
from agentsview_assets.automation.known import OBSERVATIONS, OnItsWay
from agentsview_assets.automation.wanted import Tries
from agentsview_assets.planning import NO_DAYS, Range
from agentsview_assets.queues import ANY_WORKER, QUEUE_TAG
from agentsview_assets.resources.failures import OUTDATED_TAG, REFUSED_TAG

MAKE_JOB, OBSERVE_JOB, CHECK_JOB = "materialize", "observe", "check"
REPRICE_JOB, UPKEEP_JOB, ALERT_JOB, RETENTION_JOB = "reprice", "upkeep", "alert", "retention"
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
_LOOKS = OBSERVATIONS | {ARCHIVE.path[-1]}
"""What looks at the archives before anything is made."""
_MOST_OUTDATED = 20
"""So many runs may come to workers of an older release in a day, each of which ends by it."""
_OF_LATE = timedelta(days=1)
"""For so long a run counts as a try: what failed yesterday may have been mended."""
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class Unfinished(NamedTuple):
    """The runs that are unfinished.

    Attributes:
        jobs: Names of their jobs.
        makes: What each makes.
        requests: The requests that they were asked for with.
        looking: The queues of those that look at their archives, or are about to.
    """

    jobs: frozenset[str]
    makes: tuple[OnItsWay, ...]
    requests: frozenset[str] = frozenset()
    looking: frozenset[str] = frozenset()


def unfinished_runs(instance: dg.DagsterInstance) -> Unfinished:
    """What goes on in an instance, whoever asked for it.

    Runs that a command makes in its own process are left out: nobody can tell one that goes on
    from one whose process died. The warehouse's own locks stand between those and others.
    """
    runs = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        if run.remote_job_origin is not None and run.job_name not in _APART
    ]
    makes = (OnItsWay(_tables(run), _days(run.tags), _archives(run.tags)) for run in runs)
    requests = (run.tags[REQUEST_TAG] for run in runs if REQUEST_TAG in run.tags)
    return Unfinished(
        frozenset(run.job_name for run in runs),
        tuple(makes),
        frozenset(requests),
        frozenset(_queue(run) for run in runs if _is_looking(run)),
    )


def last_look(instance: dg.DagsterInstance, queue: str) -> datetime | None:
    """When a run of a queue was last made, whatever became of it: each looks at its archives."""
    found = instance.get_run_records(dg.RunsFilter(tags={QUEUE_TAG: queue}), limit=1)
    return found[0].create_timestamp if found else None


def _is_looking(run: dg.DagsterRun) -> bool:
    return run.job_name == OBSERVE_JOB or bool(_LOOKS & _tables(run))


def _tables(run: dg.DagsterRun) -> frozenset[str]:
    return frozenset(key.path[-1] for key in run.asset_selection or ())


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


def tries(instance: dg.DagsterInstance, digest: str) -> Tries:
    """What became of the runs for a request."""
    found = instance.get_run_records(dg.RunsFilter(tags={REQUEST_TAG: digest}, statuses=ENDED))
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
