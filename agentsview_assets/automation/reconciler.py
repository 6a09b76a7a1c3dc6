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

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import RANGE_END, RANGE_START, VERIFY_TAG, archives_tag
from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.asking import asked_for
from agentsview_assets.automation.known import OnItsWay
from agentsview_assets.automation.looking import Looked, look, moved_archives
from agentsview_assets.automation.runs import (
    CHECK_JOB,
    MAKE_JOB,
    REQUEST_TAG,
    UPKEEP_JOB,
    Runs,
    Unfinished,
)
from agentsview_assets.automation.wanted import MOST_TRIES, Wanted, wanted
from agentsview_assets.planning import EVERYTHING, NO_DAYS, Range, window_of
from agentsview_assets.resources.warehouses.opening import is_there
from agentsview_assets.rules.shown_text import unlinked_lines
from agentsview_assets.settings import Settings

# Whoever asks for a run tries it again; Dagster's own retries would do so a second time.
_TRIED_BY_US = {"dagster/max_retries": "0"}


@dataclass
class Evaluation:
    """What one evaluation asks for, and what it says.

    Attributes:
        requests: Runs to start.
        given_up: Requests whose runs all ended in vain, or were stopped.
        words: Why nothing else is asked for.
    """

    requests: list[dg.RunRequest] = field(default_factory=list)
    given_up: list[Wanted] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def evaluate(settings: Settings, instance: dg.DagsterInstance) -> Evaluation:
    """Asks for the runs that are missing.

    Raises:
        AssetsError: The warehouse cannot be read now.
    """
    runs = Runs(instance, Names(settings.key_prefix))
    going = runs.unfinished()
    if not is_there(settings.warehouses[0]):
        found = Evaluation(words=_unfinished(going))
        _observe(found, runs, going, moved_archives(settings.now(), None, {}))
        return found
    asked = list(_asked(runs, going))
    looked = look(settings, (*going.makes, *(run for _, run in asked)))
    found = _missing(runs, going, looked)
    found.requests = [request for request, _ in asked] + found.requests
    if not asked:
        _observe(found, runs, going, looked.moved)
    _keep_up(found, runs, going, looked)
    return found


def _asked(runs: Runs, going: Unfinished) -> Iterator[tuple[dg.RunRequest, OnItsWay]]:
    """What commands have handed over and nobody has carried out."""
    for asked in asked_for(runs.instance, runs.names):
        before = runs.tries(asked.key)
        if asked.key in going.requests or before.succeeded or before.is_hopeless:
            continue
        run = OnItsWay(frozenset(asked.tables or [ARCHIVE]), asked.days)
        tags = {REQUEST_TAG: asked.key, **({VERIFY_TAG: "true"} if asked.verify else {})}
        yield _request(runs.names, f"{asked.key}:{before.ended}", run.tables, run.days, tags), run


def evaluate_daily(settings: Settings, instance: dg.DagsterInstance, when: str) -> Evaluation:
    """Asks for what is missing, and for a look at the archives that compares all contents.

    Where archives have moved since they were last read, the run that looks makes the days since
    then as well: so the schedule alone keeps up, and what it finds of earlier days is made next.

    Args:
        settings: Archives, warehouse and window.
        instance: Knows what is on its way.
        when: The time that this is for: it looks once for each.

    Raises:
        AssetsError: The warehouse cannot be read now.
    """
    runs, window = Runs(instance, Names(settings.key_prefix)), window_of(settings)
    going = runs.unfinished()
    if not is_there(settings.warehouses[0]):
        return Evaluation(
            [_look(runs.names, when, OnItsWay(EVERYTHING, (window.first, window.last)))]
        )
    looked = look(settings, going.makes)
    if not looked.moved or going.is_looking:
        found = _missing(runs, going, looked)
        return replace(found, requests=[_look(runs.names, when), *found.requests])
    since = OnItsWay(EVERYTHING, (window.clamp(looked.read_on or window.first), window.last))
    known = replace(looked.known, on_their_way=(*going.makes, since))
    found = _missing(runs, going, looked._replace(known=known))
    return replace(found, requests=[_look(runs.names, when, since), *found.requests])


def _look(names: Names, when: str, makes: OnItsWay | None = None) -> dg.RunRequest:
    """The request for a look that compares all contents, and for what is made along with it."""
    tables, days = (makes.tables, makes.days) if makes else (frozenset({ARCHIVE}), NO_DAYS)
    return _request(names, f"daily:{when}", tables, days, {VERIFY_TAG: "true"})


def _missing(runs: Runs, going: Unfinished, looked: Looked) -> Evaluation:
    wish = wanted(looked.known, runs.tries)
    words = [*looked.wrong, *_unfinished(going)]
    found = Evaluation([_make(runs.names, run) for run in wish.runs], wish.given_up, words)
    if wish.waiting:
        found.words.append(f"reports of {wish.waiting:,} day(s) wait for days that they read")
    found.words += [in_words(run) for run in wish.given_up]
    return found


def _unfinished(going: Unfinished) -> list[str]:
    return [f"unfinished: {', '.join(sorted(going.jobs))}"] if going.jobs else []


def _make(names: Names, run: Wanted) -> dg.RunRequest:
    tags = {REQUEST_TAG: run.digest, **(archives_tag(run.archives) if run.archives else {})}
    return _request(names, f"{run.digest}:{run.tries.ended}", run.tables, run.days, tags)


def _request(
    names: Names, key: str, tables: frozenset[str], days: Range, tags: Mapping[str, str]
) -> dg.RunRequest:
    """The request for a run: its assets, its days, and its archives by name, in a tag."""
    first, last = days
    made = tables | ({"duplicates"} if "usage_rows" in tables else frozenset())
    return dg.RunRequest(
        run_key=key,
        asset_selection=[*map(names.key, sorted(made))],
        # Checks are asked once everything is made: Dagster notes each once for every day.
        asset_check_keys=[],
        tags={**tags, **({RANGE_START: first, RANGE_END: last} if first else {}), **_TRIED_BY_US},
        job_name=names.of(MAKE_JOB),
    )


def _observe(found: Evaluation, runs: Runs, going: Unfinished, moved: Mapping[str, str]) -> None:
    """Asks for a look at archives that have moved, unless a run is about to look."""
    if moved and not going.is_looking:
        _ask(found, runs, MAKE_JOB, sorted(moved.items()), [runs.names.key(ARCHIVE)])


def _keep_up(found: Evaluation, runs: Runs, going: Unfinished, looked: Looked) -> None:
    """Asks for checks of what was written, and for upkeep, once everything is made."""
    if found.requests or going.makes:
        return
    if looked.upkeep and UPKEEP_JOB not in going.jobs:
        _ask(found, runs, UPKEEP_JOB, [looked.upkeep, looked.known.rules["credentials"]])
    elif looked.unchecked and CHECK_JOB not in going.jobs:
        _ask(found, runs, CHECK_JOB, looked.unchecked)


def _ask(
    found: Evaluation,
    runs: Runs,
    job: str,
    why: object,
    assets: Sequence[dg.AssetKey] | None = None,
) -> None:
    """Asks for a run of a job, as often as the same reason may be tried."""
    digest = hashlib.sha256(json.dumps([job, why]).encode()).hexdigest()[:16]
    before = runs.tries(digest)
    if before.is_hopeless or before.succeeded >= MOST_TRIES:
        found.words.append(f"{job} ended {before.ended} times and left things as they were")
        return
    found.requests.append(
        dg.RunRequest(
            run_key=f"{digest}:{before.ended}",
            job_name=runs.names.of(job),
            asset_selection=assets,
            asset_check_keys=[] if assets else None,
            tags={REQUEST_TAG: digest, **_TRIED_BY_US},
        )
    )


def in_words(run: Wanted) -> str:
    """What is said of a request that was given up."""
    first, last = run.days
    days = "" if not first else f" of {first}" if first == last else f" of {first} to {last}"
    failed = f"failed {run.tries.failed} times" if run.tries.failed else "left it out of date"
    end = "was stopped by hand" if run.tries.is_stopped else failed
    archives = ", ".join(sorted(run.archives))
    return unlinked_lines(
        f"given up: {', '.join(sorted(run.tables))}{days}, archive {archives}: its run {end}; "
        "it is asked for again once something of it changes, or start it by hand"
    )
