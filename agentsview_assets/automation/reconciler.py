"""The reconciler: compares what should be with what is recorded, and asks for the runs between.

It has no memory. What is out of date is the warehouse's knowledge, what is on its way and what was
tried is the instance's, so that nothing is lost because a cursor has moved on, and nothing is asked
for twice.

What belongs here: one evaluation. What does not: when it takes place (`automation.triggers`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import LEDGER, RANGE_END, RANGE_START, VERIFY_TAG, archives_tag
from agentsview_assets.assets.naming import Names
from agentsview_assets.assets.observations import DAILY, WHOLE
from agentsview_assets.automation.alerting import GivenUp, alerts
from agentsview_assets.automation.asking import asked_for
from agentsview_assets.automation.known import OF_THE_WAREHOUSE, OnItsWay
from agentsview_assets.automation.looking import Looked, look, moved_archives
from agentsview_assets.automation.runs import (
    CHECK_JOB,
    MAKE_JOB,
    REQUEST_TAG,
    TRIED_BY_US,
    UPKEEP_JOB,
    Runs,
    Unfinished,
)
from agentsview_assets.automation.wanted import MOST_TRIES, Wanted, wanted
from agentsview_assets.planning import EVERYTHING, window_of
from agentsview_assets.queues import ANY_WORKER, QUEUE_TAG
from agentsview_assets.resources.archives.held_rows import MOST_NAMED
from agentsview_assets.resources.warehouses.opening import is_there
from agentsview_assets.rules.shown_text import unlinked, unlinked_lines
from agentsview_assets.settings import Settings, now

_REMEDY = "it is asked for again once something of it changes, or start it by hand"


@dataclass
class Evaluation:
    """What one evaluation asks for, and what it says.

    Attributes:
        requests: Runs to start.
        given_up: Requests whose runs all ended in vain, or were stopped.
        in_vain: What was tried in vain, and is to be alerted: whoever stops a run knows.
        words: Why nothing else is asked for.
    """

    requests: list[dg.RunRequest] = field(default_factory=list)
    given_up: list[Wanted] = field(default_factory=list)
    in_vain: list[GivenUp] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def evaluate(settings: Settings, instance: dg.DagsterInstance) -> Evaluation:
    """Asks for the runs that are missing, and for an alert of what was given up.

    Raises:
        AssetsError: The warehouse cannot be read now.
    """
    runs = Runs(instance, Names(settings.key_prefix))
    going = runs.unfinished()
    found = _evaluate(settings, runs, going)
    is_quiet = not (found.requests or going.jobs)
    found.requests += alerts(runs, found.in_vain, is_quiet=is_quiet)
    return found


def _evaluate(settings: Settings, runs: Runs, going: Unfinished) -> Evaluation:
    if not is_there(settings.warehouses[0]):
        found = Evaluation(words=_unfinished(going))
        _observe(found, runs, going, moved_archives(settings.now(), None, {}))
        _look_elsewhere(found, settings, runs, going)
        return found
    asked = list(_asked(settings, runs, going))
    looked = look(settings, (*going.makes, *(run for _, run in asked)))
    found = _missing(runs, going, looked)
    found.requests = [request for request, _ in asked] + found.requests
    if not asked:
        _observe(found, runs, going, looked.moved)
        _look_elsewhere(found, settings, runs, going)
    _keep_up(found, runs, going, looked)
    return found


def _asked(
    settings: Settings, runs: Runs, going: Unfinished
) -> Iterator[tuple[dg.RunRequest, OnItsWay]]:
    """What commands have handed over and nobody has carried out."""
    for asked in asked_for(runs.instance, runs.names):
        run = OnItsWay(frozenset(asked.tables or [ARCHIVE]), asked.days)
        is_reading = bool(run.tables - OF_THE_WAREHOUSE)
        for queue in _queues(settings) if is_reading else [""]:
            key = f"{asked.key}.{queue}" if queue else asked.key
            before = runs.tries(key)
            if key in going.requests or before.succeeded or before.is_hopeless:
                continue
            tags = {REQUEST_TAG: key, **({VERIFY_TAG: "true"} if asked.verify else {})}
            yield _request(runs.names, f"{key}:{before.ended}", run, tags, queue), run


def _queues(settings: Settings) -> list[str]:
    """The queues whose workers have to look for every archive to be looked at; '' is any worker."""
    names = settings.queues.names
    is_any = bool(settings.seen_everywhere) and ANY_WORKER not in names
    return [*([""] if is_any else []), *names]


def evaluate_daily(settings: Settings, instance: dg.DagsterInstance, when: str) -> Evaluation:
    """Asks for what is missing, and for a look at the archives that compares all contents.

    Where archives have moved since they were last read, the run that looks makes the days since
    then as well: so the schedule alone keeps up, and what it finds of earlier days is made next.
    With queues, each has a run that looks and nothing more: reports need what all of them find.

    Args:
        settings: Archives, warehouse and window.
        instance: Knows what is on its way.
        when: The time that this is for: it looks once for each.

    Raises:
        AssetsError: The warehouse cannot be read now.
    """
    runs, window = Runs(instance, Names(settings.key_prefix)), window_of(settings)
    going = runs.unfinished()
    if settings.queues.names:
        looks = [_look(runs.names, f"{when}:{queue}", queue=queue) for queue in _queues(settings)]
        if not is_there(settings.warehouses[0]):
            return Evaluation(looks)
        found = _missing(runs, going, look(settings, going.makes))
        return replace(found, requests=[*looks, *found.requests])
    if not is_there(settings.warehouses[0]):
        return Evaluation(
            [_look(runs.names, when, OnItsWay(EVERYTHING, (window.first, window.last)))]
        )
    looked = look(settings, going.makes)
    if not looked.moved or going.looking:
        found = _missing(runs, going, looked)
        return replace(found, requests=[_look(runs.names, when), *found.requests])
    since = OnItsWay(EVERYTHING, (window.clamp(looked.read_on or window.first), window.last))
    known = replace(looked.known, on_their_way=(*going.makes, since))
    found = _missing(runs, going, looked._replace(known=known))
    return replace(found, requests=[_look(runs.names, when, since), *found.requests])


def _look(names: Names, when: str, makes: OnItsWay | None = None, queue: str = "") -> dg.RunRequest:
    """The request for a look that compares all contents, and for what is made along with it."""
    made = makes or OnItsWay(frozenset({ARCHIVE}))
    return _request(names, f"daily:{when}", made, {VERIFY_TAG: "true"}, queue)


def _missing(runs: Runs, going: Unfinished, looked: Looked) -> Evaluation:
    wish = wanted(looked.known, runs.tries)
    words = [*looked.wrong, *_unfinished(going)]
    in_vain = [
        GivenUp(run.digest, in_words(run), run.tries.last_run)
        for run in wish.given_up
        if not run.tries.is_stopped
    ]
    requests = [_make(runs.names, run) for run in wish.runs]
    found = Evaluation(requests, wish.given_up, in_vain, words)
    if wish.waiting:
        found.words.append(f"reports of {wish.waiting:,} day(s) wait for days that they read")
    found.words += [in_words(run) for run in wish.given_up]
    return found


def _unfinished(going: Unfinished) -> list[str]:
    return [f"unfinished: {', '.join(sorted(going.jobs))}"] if going.jobs else []


def _make(names: Names, run: Wanted) -> dg.RunRequest:
    tags = {REQUEST_TAG: run.digest, **(archives_tag(run.archives) if run.archives else {})}
    makes = OnItsWay(run.tables, run.days)
    return _request(names, f"{run.digest}:{run.tries.ended}", makes, tags, run.queue)


def _request(
    names: Names, key: str, makes: OnItsWay, tags: Mapping[str, str], queue: str = ""
) -> dg.RunRequest:
    """The request for a run: its assets, its days, its archives by name in a tag, its queue."""
    first, last = makes.days
    made = makes.tables | ({"duplicates"} if "usage_rows" in makes.tables else frozenset())
    if made & {*DAILY} and made & {*WHOLE}:
        made |= {LEDGER}  # looks before both kinds, so that what cannot be read fails once
    return dg.RunRequest(
        run_key=key,
        asset_selection=[*map(names.key, sorted(made))],
        # Checks are asked once everything is made: Dagster notes each once for every day.
        asset_check_keys=[],
        tags={
            **tags,
            **({RANGE_START: first, RANGE_END: last} if first else {}),
            **({QUEUE_TAG: queue} if queue else {}),
            **TRIED_BY_US,
        },
        job_name=names.of(MAKE_JOB),
    )


def _observe(found: Evaluation, runs: Runs, going: Unfinished, moved: Mapping[str, str]) -> None:
    """Asks for a look at archives that have moved, unless a run is about to look."""
    if moved and ANY_WORKER not in going.looking:
        assets = [runs.names.key(ARCHIVE)]
        _ask(found, runs, MAKE_JOB, sorted(moved), sorted(moved.items()), assets)


def _look_elsewhere(found: Evaluation, settings: Settings, runs: Runs, going: Unfinished) -> None:
    """Asks workers for a look at archives that this machine need not see, every so many minutes."""
    every = timedelta(minutes=settings.look_minutes)
    for queue in settings.queues.names:
        before = runs.last_look(queue)
        if queue in going.looking or (before is not None and now() - before < every):
            continue
        key = f"look:{queue}:{before.isoformat() if before else 'first'}"
        look_at = OnItsWay(frozenset({ARCHIVE}))
        found.requests.append(_request(runs.names, key, look_at, {}, queue))


def _keep_up(found: Evaluation, runs: Runs, going: Unfinished, looked: Looked) -> None:
    """Asks for checks of what was written, and for upkeep, once everything is made."""
    if found.requests or going.makes:
        return
    if looked.upkeep and UPKEEP_JOB not in going.jobs:
        why = [looked.upkeep, looked.known.rules["credentials"]]
        _ask(found, runs, UPKEEP_JOB, [looked.upkeep], why)
    elif looked.unchecked and CHECK_JOB not in going.jobs:
        tables = [table for table, _ in looked.unchecked]
        _ask(found, runs, CHECK_JOB, tables, looked.unchecked)


def _ask(  # noqa: PLR0913 - what is asked for, and why
    found: Evaluation,
    runs: Runs,
    job: str,
    about: Sequence[str],
    why: object,
    assets: Sequence[dg.AssetKey] | None = None,
) -> None:
    """Asks for a run of a job, as often as the same reason may be tried.

    Args:
        found: Takes the request.
        runs: Know what became of it before.
        job: Its name.
        about: What it is about, for people: archives, or tables.
        why: Tells one reason from another.
        assets: Of the job's assets those that are asked for.
    """
    digest = hashlib.sha256(json.dumps([job, why]).encode()).hexdigest()[:16]
    before = runs.tries(digest)
    if before.is_hopeless or before.succeeded >= MOST_TRIES:
        end = f"ended {before.ended} times and left things as they were"
        found.words.append(f"{job} {end}")
        if not before.is_stopped:
            what = {MAKE_JOB: "look at", CHECK_JOB: "checks of", UPKEEP_JOB: "upkeep of"}[job]
            words = f"given up: {what} {_listed(about)}: its run {end}; {_REMEDY}"
            found.in_vain.append(GivenUp(digest, words, before.last_run))
        return
    found.requests.append(
        dg.RunRequest(
            run_key=f"{digest}:{before.ended}",
            job_name=runs.names.of(job),
            asset_selection=assets,
            asset_check_keys=[] if assets else None,
            tags={REQUEST_TAG: digest, **TRIED_BY_US},
        )
    )


def _listed(names: Sequence[str]) -> str:
    """Names for a sentence, as many as one reads."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return unlinked(", ".join(names[:MOST_NAMED])) + more


def in_words(run: Wanted) -> str:
    """What is said of a request that was given up."""
    first, last = run.days
    days = "" if not first else f" of {first}" if first == last else f" of {first} to {last}"
    failed = f"failed {run.tries.failed} times" if run.tries.failed else "left it out of date"
    end = "was stopped by hand" if run.tries.is_stopped else failed
    archives = ", ".join(sorted(run.archives))
    return unlinked_lines(
        f"given up: {', '.join(sorted(run.tables))}{days}, archive {archives}: its run {end}; "
        f"{_REMEDY}"
    )
