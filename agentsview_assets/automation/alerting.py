"""Alerts: a run that fails, once for each thing that was given up, so that a team hears of it.

A team watches the failures of one job. An alert stays open while its thing is out of date, and is
closed by the first evaluation that finds it made: given up anew, it is a new alert.

What belongs here: which alerts there are, and which are to come. What does not: what is given up
(`automation.reconciler`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import dagster as dg

from agentsview_assets.automation.runs import ALERT_JOB, TRIED_BY_US, Runs

GIVEN_UP_TAG = "agentsview_assets/given_up"
"""Tag of an alert: the digest of the request that was given up."""
STATE_TAG, OPEN, CLOSED = "agentsview_assets/alert", "open", "closed"
"""Tag of an alert that says whether its thing is still out of date."""
RAISE_ALERT = "raise_alert"
"""Name of the op of the job."""


class GivenUp(NamedTuple):
    """A request that was given up.

    Attributes:
        digest: Names it.
        words: What was given up, of what, and what to do.
        last_run: The last run that was tried.
    """

    digest: str
    words: str
    last_run: str


def alerts(runs: Runs, given_up: Iterable[GivenUp], *, is_quiet: bool) -> list[dg.RunRequest]:
    """The alerts to raise: of what is given up, and has none that is open.

    Args:
        runs: Have the alerts among them.
        given_up: What is given up now.
        is_quiet: Whether nothing else is asked for and nothing goes on: what is not given up then
            was made, and its alert is closed.
    """
    things = {thing.digest: thing for thing in given_up}
    instance, job = runs.instance, runs.names.of(ALERT_JOB)
    is_open = dg.RunsFilter(job_name=job, tags={STATE_TAG: OPEN})
    opened = {run.tags[GIVEN_UP_TAG]: run.run_id for run in instance.get_runs(is_open)}
    if is_quiet:
        for digest in opened.keys() - things.keys():
            instance.add_run_tags(opened[digest], {STATE_TAG: CLOSED})
    return [_request(runs, things[digest]) for digest in sorted(things.keys() - opened.keys())]


def _request(runs: Runs, thing: GivenUp) -> dg.RunRequest:
    names, job = runs.names, runs.names.of(ALERT_JOB)
    known = dg.RunsFilter(job_name=job, tags={GIVEN_UP_TAG: thing.digest})
    before = runs.instance.get_runs_count(known)
    op = names.of(RAISE_ALERT)
    config = {"words": thing.words, "last_run": thing.last_run}
    return dg.RunRequest(
        run_key=f"{ALERT_JOB}:{thing.digest}:{before}",
        job_name=job,
        run_config={"ops": {op: {"config": config}}},
        tags={GIVEN_UP_TAG: thing.digest, STATE_TAG: OPEN, **TRIED_BY_US},
    )
