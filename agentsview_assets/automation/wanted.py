"""Which runs are wanted: what is out of date, cut into runs of days and archives.

What belongs here: pure functions over what is known. What does not: finding that out
(`automation.looking`), and asking for runs (`automation.reconciler`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from agentsview_assets.automation.known import (
    DAILY,
    OBSERVATIONS,
    OF_THE_WAREHOUSE,
    PRICES,
    REPORTS,
    Known,
    Slices,
    is_in,
)
from agentsview_assets.planning import GAP_DAYS, NO_DAYS, Range
from agentsview_assets.rules import staleness
from agentsview_assets.rules.windows import coalesce, days_between

MOST_ARCHIVES = 8
"""Archives of one run: so many that its own cost counts little, so few that others can help."""
MOST_RANGES = 12
"""Ranges of reports alone; more are bridged over days that need nothing."""
MOST_TRIES = 3
"""Runs of the same request that may fail in a day."""
MOST_SUCCESSES = 6
"""Runs of the same request that may succeed in a day and leave something out of date."""
MOST_PARTS, HOPELESS = 4, 10
"""Parts of a refused range that are tried at once; given up ones after which no more are."""

_RATES = frozenset({staleness.RATES_TABLE})


class Tries(NamedTuple):
    """What became of the runs that were asked for with the same request.

    Attributes:
        failed: How many have failed of late.
        succeeded: How many have succeeded of late: observations and reports may take one each.
        is_refused: Whether rows broke a contract, so that parts of it may do.
        is_stopped: Whether somebody stopped one.
        ended: How many have ended, whenever and however.
        last_run: The last of those; '' for none.
    """

    failed: int = 0
    succeeded: int = 0
    is_refused: bool = False
    is_stopped: bool = False
    ended: int = 0
    last_run: str = ""

    @property
    def is_hopeless(self) -> bool:
        """Whether another run would be in vain."""
        return self.is_stopped or self.failed >= MOST_TRIES or self.succeeded >= MOST_SUCCESSES


@dataclass(frozen=True)
class Wanted:
    """A run that is wanted.

    Attributes:
        tables: What it makes.
        days: First and last day; `NO_DAYS` of tables without days.
        archives: Whose slices.
        digest: Of what it makes and what that is made from: the same request has the same.
        tries: What became of it before.
        queue: Whose workers see the archives; '' where any worker does, or none is read.
    """

    tables: frozenset[str]
    days: Range
    archives: frozenset[str]
    digest: str
    tries: Tries = field(default=Tries(), compare=False)
    queue: str = ""


@dataclass
class Wish:
    """What is wanted now.

    Attributes:
        runs: Runs to ask for.
        given_up: Requests whose runs all ended in vain, or were stopped.
        waiting: Days whose reports wait until the days that they read are recorded.
    """

    runs: list[Wanted] = field(default_factory=list)
    given_up: list[Wanted] = field(default_factory=list)
    waiting: int = 0


@dataclass(frozen=True)
class _Whole:
    """Tables without days that are out of date, by archive."""

    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def all_tables(self) -> frozenset[str]:
        """The tables of any archive."""
        return frozenset().union(*self.tables.values())

    def of(self, archives: Collection[str]) -> _Whole:
        """Those of some archives."""
        return _Whole({name: of for name, of in self.tables.items() if name in archives})

    def without(self, others: _Whole) -> _Whole:
        """Those of all archives but some."""
        return _Whole({name: of for name, of in self.tables.items() if name not in others.tables})

    def prices(self, archives: Collection[str]) -> bool:
        """Whether prices of one of these archives are made, which may move its reports."""
        return bool(self.of(archives).all_tables & PRICES)


_NOTHING = _Whole()


def wanted(known: Known, tries: Callable[[str], Tries]) -> Wish:
    """The runs that are wanted now.

    Observations come first. A report comes with them, or later, once all days that it reads are
    recorded: those of its archive on which its sessions went on, too. What unfinished runs make is
    waited for.

    Args:
        known: What decides.
        tries: What became of the runs for a request, by its digest.
    """
    wishes = _Wishes(known, tries)
    if not known.is_deduplicated:
        # What counts is part of every report's version: nothing can be said of them before.
        wishes.deduplicate()
    else:
        wishes.all()
    return wishes.wish


class _Wishes:
    """Collects what is wanted."""

    def __init__(self, known: Known, tries: Callable[[str], Tries]) -> None:
        self._known, self._tries = known, tries
        free = {table: known.free(table) for table in staleness.TABLES}
        stale = {table: known.stale.places.get(table, set()) for table in DAILY}
        self._free, self._stale = Slices(free, known.window), Slices(stale, known.window)
        self.wish = Wish()

    def deduplicate(self) -> None:
        """Has it decided what counts, unless a run is about to."""
        deciding = {"duplicates", "archive", *OBSERVATIONS, *REPORTS}
        if not any(deciding & run.tables for run in self._known.on_their_way):
            self._settle(self._run(frozenset({"duplicates"}), NO_DAYS, frozenset()))

    def all(self) -> None:
        """Everything that is out of date."""
        whole, observed = self._whole(), self._observed()
        ranges = Counter(archive for _, archives in observed for archive in archives)
        for days, archives in observed:
            # With one range, its run brings all that the reports of an archive need.
            mine = {name for name in archives if ranges[name] == 1}
            along = whole.of(mine) if mine == archives else _NOTHING
            self._ask(days, archives, along, waits_for=whole.without(along))
            whole = whole.without(along)
        for days, archives in self._reported(observed, whole):
            self._ask(days, archives)
        for names in _groups(whole.tables, self._known.queues):
            self._settle(self._run(whole.of(names).all_tables, NO_DAYS, names))

    def _whole(self) -> _Whole:
        behind = {archive for of in self._stale.tables.values() for archive in of}
        found: dict[str, set[str]] = defaultdict(set)
        for table in {*staleness.TABLES} - DAILY:
            for archive in self._free.tables[table]:
                # Reports write the rates on their way.
                if table != staleness.RATES_TABLE or archive not in behind:
                    found[archive].add(table)
        return _Whole({archive: frozenset(tables) for archive, tables in found.items()})

    def _observed(self) -> list[tuple[Range, frozenset[str]]]:
        """The ranges of days to observe, each with some archives."""
        by_day = self._free.days(OBSERVATIONS)
        return list(_batches(coalesce(by_day, GAP_DAYS), by_day, self._known.queues))

    def _reported(
        self, observed: Iterable[tuple[Range, frozenset[str]]], whole: _Whole
    ) -> list[tuple[Range, frozenset[str]]]:
        """The ranges of days whose observations are recorded, and whose reports are not."""
        known, by_day = self._known, dict[str, set[str]]()
        asked: dict[str, list[Range]] = defaultdict(list)
        for days, archives in observed:
            for archive in archives:
                asked[archive].append(days)
        for place in self._free.places(REPORTS):
            archive, day = place
            if any(is_in(known.window.clamp(day), days) for days in asked[archive]):
                continue
            is_moving = whole.prices((archive,)) or known.is_being_priced(archive)
            if known.is_ready(place) and not is_moving:
                by_day.setdefault(known.window.clamp(day), set()).add(archive)
            else:
                self.wish.waiting += 1
        ranges, gap = coalesce(by_day, 0), 1
        while len(ranges) > MOST_RANGES:
            ranges, gap = coalesce(by_day, gap), gap * 2
        return list(_batches(ranges, by_day, {}))  # any worker makes reports

    def _ask(
        self,
        days: Range,
        archives: frozenset[str],
        whole: _Whole = _NOTHING,
        waits_for: _Whole = _NOTHING,
    ) -> None:
        """Asks for what is out of date of some days and archives.

        Args:
            days: The days.
            archives: The archives.
            whole: Tables without days that come along.
            waits_for: Those that come in a run of their own: what depends on them waits.
        """
        stale = {name: self._free.within([name], days, archives) for name in DAILY}
        tables = frozenset(name for name, places in stale.items() if places)
        observations = tables & OBSERVATIONS
        reports = set().union(*(stale[name] for name in REPORTS))
        is_moving = waits_for.prices(archives) or any(map(self._known.is_being_priced, archives))
        if is_moving or not all(self._known.is_ready(p, days, observations) for p in reports):
            self.wish.waiting += len(reports)
            tables = observations
        elif observations:
            tables |= REPORTS | _RATES
        elif "session_model_usage" in tables:
            tables |= {"session_summaries"}
        tables |= whole.all_tables
        if tables:
            self._settle(self._run(tables, days, archives))

    def _run(self, tables: frozenset[str], days: Range, archives: frozenset[str]) -> Wanted:
        """A run, whose digest stays the same while parts of the request have been made."""
        expected = self._known.expected
        places = self._stale.within(DAILY, days, archives)
        versions = (
            [(*p, expected.inputs.get(p, ""), expected.rates.get(p, "")) for p in sorted(places)]
            if tables & DAILY
            else [
                (a, expected.projects.get(a, ""), expected.prices.get(a, ""))
                for a in sorted(archives)
            ]
        )
        # What is to be decided has no version: each state of the warehouse is asked for anew.
        state = [] if archives else [self._known.revision]
        rules = sorted(self._known.rules.items())
        text = json.dumps([days, sorted(archives), versions, rules, state])
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        is_reading = tables - OF_THE_WAREHOUSE
        queues = {self._known.queues.get(name, "") for name in archives if is_reading}
        return Wanted(tables, days, archives, digest, self._tries(digest), min(queues, default=""))

    def _settle(self, run: Wanted) -> None:
        """Asks for a run; for its parts where rows were refused; for nothing after some tries."""
        tries = run.tries
        parts = list(_parts(run)) if tries.is_refused and not tries.is_stopped else []
        if parts:
            self._ask_parts(run, parts)
        elif tries.is_hopeless:
            self.wish.given_up.append(run)
        else:
            self.wish.runs.append(run)

    def _ask_parts(self, run: Wanted, parts: list[tuple[Range, frozenset[str]]]) -> None:
        along = run.tables - DAILY - _RATES
        whole = _Whole(dict.fromkeys(run.archives, along) if along else {})
        if not run.tables & DAILY:
            for days, archives in parts:
                self._settle(self._run(run.tables, days, archives))
            return
        if along:
            self._settle(self._run(along, NO_DAYS, run.archives))
        for days, archives in parts:
            if len(self.wish.given_up) >= HOPELESS:
                self.wish.given_up.append(self._run(run.tables & DAILY, days, archives))
            elif len(self.wish.runs) < MOST_PARTS:
                self._ask(days, archives, waits_for=whole)


def _batches(
    ranges: Iterable[Range], by_day: Mapping[str, Collection[str]], queues: Mapping[str, str]
) -> Iterator[tuple[Range, frozenset[str]]]:
    """Each range with the archives that it is about, so many at a time."""
    for days in ranges:
        names = set().union(*(of for d, of in by_day.items() if is_in(d, days)))
        for group in _groups(names, queues):
            yield days, group


def _groups(archives: Iterable[str], queues: Mapping[str, str]) -> Iterator[frozenset[str]]:
    """Archives that one worker sees, so many at a time."""
    by_queue: dict[str, list[str]] = defaultdict(list)
    for name in sorted(archives):
        by_queue[queues.get(name, "")].append(name)
    for _, names in sorted(by_queue.items()):
        for start in range(0, len(names), MOST_ARCHIVES):
            yield frozenset(names[start : start + MOST_ARCHIVES])


def _parts(run: Wanted) -> Iterator[tuple[Range, frozenset[str]]]:
    """A request in two, by days or else by archives; nothing where it cannot be cut."""
    days = days_between(*run.days) if run.days[0] else []
    names = sorted(run.archives)
    if len(days) > 1:
        middle = len(days) // 2
        yield (days[0], days[middle - 1]), run.archives
        yield (days[middle], days[-1]), run.archives
    elif len(names) > 1:
        half = len(names) // 2
        yield run.days, frozenset(names[:half])
        yield run.days, frozenset(names[half:])
