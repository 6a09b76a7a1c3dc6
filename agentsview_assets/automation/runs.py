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
from agentsview_assets.assets.common import ARCHIVES_TAG, RANGE_END, RANGE_START
from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.known import OBSERVATIONS, OnItsWay
from agentsview_assets.automation.wanted import Tries
from agentsview_assets.planning import NO_DAYS, Range
from agentsview_assets.resources.failures import REFUSED_TAG
from agentsview_assets.schemas import CONTRACTS

MAKE_JOB, OBSERVE_JOB, CHECK_JOB = "materialize", "observe", "check"
REPRICE_JOB, UPKEEP_JOB = "reprice", "upkeep"
JOBS = (MAKE_JOB, OBSERVE_JOB, CHECK_JOB, REPRICE_JOB, UPKEEP_JOB)
REQUEST_TAG = "agentsview_assets/request"
"""Tag of a run that the reconciler asked for: the digest of the request."""
PARTITION = "dagster/partition"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ASSETS = frozenset({ARCHIVE, *CONTRACTS})
_OF_LATE = timedelta(days=1)
"""For so long a run counts as a try: what failed yesterday may have been mended."""
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class Unfinished(NamedTuple):
    """The runs that are unfinished.

    Attributes:
        jobs: Names of their jobs, ours without the prefix.
        makes: What each makes.
        requests: The requests that they were asked for with.
    """

    jobs: frozenset[str]
    makes: tuple[OnItsWay, ...]
    requests: frozenset[str] = frozenset()

    @property
    def is_looking(self) -> bool:
        """Whether one of them looks at the archives, or is about to."""
        looks = OBSERVATIONS | {ARCHIVE}
        return OBSERVE_JOB in self.jobs or any(looks & run.tables for run in self.makes)


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
        runs = [(run, self._made(run)) for run in found if run.remote_job_origin is not None]
        ours = [(run, made) for run, made in runs if made or run.job_name in self._jobs]
        return Unfinished(
            frozenset(self._jobs.get(run.job_name, run.job_name) for run, _ in ours),
            tuple(OnItsWay(made, _days(run.tags), _archives(run.tags)) for run, made in ours),
            frozenset(run.tags[REQUEST_TAG] for run, _ in ours if REQUEST_TAG in run.tags),
        )

    def _made(self, run: dg.DagsterRun) -> frozenset[str]:
        """Our assets that a run makes, a job of somebody else's too."""
        return frozenset(map(self.names.asset, run.asset_selection or ())) & _ASSETS

    def tries(self, digest: str) -> Tries:
        """What became of the runs for a request."""
        asked = dg.RunsFilter(tags={REQUEST_TAG: digest}, statuses=_ENDED)
        # Of equal archives two graphs ask for the same.
        found = [
            record
            for record in self.instance.get_run_records(asked)
            if record.dagster_run.job_name in self._jobs
        ]
        since = datetime.now(UTC) - _OF_LATE
        late = [record.dagster_run for record in found if record.create_timestamp > since]
        ended = Counter(run.status for run in late)
        return Tries(
            ended[dg.DagsterRunStatus.FAILURE],
            ended[dg.DagsterRunStatus.SUCCESS],
            any(REFUSED_TAG in run.tags for run in late),
            any(record.dagster_run.status is dg.DagsterRunStatus.CANCELED for record in found),
            len(found),
        )


def _days(tags: Mapping[str, str]) -> Range:
    if RANGE_START in tags and RANGE_END in tags:
        return tags[RANGE_START], tags[RANGE_END]
    day = tags.get(PARTITION)
    return (day, day) if day else NO_DAYS


def _archives(tags: Mapping[str, str]) -> frozenset[str] | None:
    named = tags.get(ARCHIVES_TAG)
    return None if named is None else frozenset(name for name in named.split(",") if name)
