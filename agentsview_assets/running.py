"""Running steps of a plan in Dagster, so that one bad day does not keep the others back.

What belongs here: one in-process run for each step, and what becomes of the ones that fail. What
does not: deciding what runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError

from agentsview_assets.assets import all_assets
from agentsview_assets.assets.common import COMMAND_TAG, RANGE_END, RANGE_START, archives_tag
from agentsview_assets.assets.naming import Names
from agentsview_assets.checks import all_checks
from agentsview_assets.documents.common.alarms import alarms
from agentsview_assets.errors import (
    DISK_FULL,
    AssetsError,
    CheckError,
    ContractError,
    WarehouseError,
    is_disk_full,
)
from agentsview_assets.outcome import Outcome, Progress
from agentsview_assets.partitions import daily_partitions
from agentsview_assets.planning import Plan, Step, phases, without_days
from agentsview_assets.resources.dagster_home.history import open_history
from agentsview_assets.resources.dagster_home.words import explain_history
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.schemas import MADE_BY_KEY
from agentsview_assets.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

MOST_PASSES = 5
"""How often what a run has put out of date is made, too; an archive may change all the time."""
MOST_REFUSED, HOPELESS = 30, 3
"""Bad days after which the rest is not tried; fewer will do if there was no good one before."""


@contextlib.contextmanager
def history(
    settings: Settings, instance: dg.DagsterInstance | None = None
) -> Iterator[dg.DagsterInstance]:
    """The instance that keeps the history: the one given, or the warehouse's own.

    Raises:
        AssetsError: The history cannot be opened, read or written.
    """
    if instance is not None:
        yield instance
        return
    with open_history(settings.state_dir) as own:
        yield own


def run_plan(  # noqa: PLR0913 - what runs, and what it runs with
    settings: Settings,
    plan: Plan,
    resources: Mapping[str, object],
    instance: dg.DagsterInstance,
    progress: Progress,
    unchecked: frozenset[str] = frozenset(),
    left: Callable[[], Plan] = lambda: Plan(frozenset(), []),
) -> Outcome:
    """Makes a plan's tables, days without bad rows even where others have some.

    Args:
        settings: The days.
        plan: What to make.
        resources: What to make it from, and where.
        instance: Keeps the history.
        progress: Told each step in words.
        unchecked: Further tables whose checks are to be asked, because they failed before.
        left: Plans what a run has put out of date, which is made before the checks are asked.

    Raises:
        AssetsError: Something the user can mend; what was made until then stays.
    """
    runner = Runner(settings, resources, instance, progress)
    try:
        runner.run_all(plan)
    except ContractError as error:
        progress(f"refused: {str(error).splitlines()[0]}; trying smaller ranges")
        runner.outcome = Outcome()
        _run_good_days(plan, runner)
    tables = plan.tables | unchecked
    for _ in range(MOST_PASSES if not runner.outcome.refused else 0):
        more = left()
        if more.is_empty:
            break
        tables |= more.tables
        runner.run_all(more)
    if tables:
        runner.check(tables)
    return runner.outcome


def _run_good_days(plan: Plan, runner: Runner) -> None:
    """Observes first and throughout, so that reports of good days are made of whole sessions."""
    for number, phase in enumerate(phases(plan, is_split=True)):
        bad = [day for day in runner.outcome.refused if day]
        ranges = without_days((step.days for step in phase if step.days[0]), bad)
        steps = phase if number == 0 or not bad else _again(phase, ranges)
        for step in steps:
            runner.run_in_parts(step)


def _again(phase: list[Step], ranges: list[tuple[str, str]]) -> list[Step]:
    """The steps of a phase over other ranges; the first one makes what has no days."""
    tables, daily = phase[0].tables, phase[-1].tables
    return [Step(tables if n == 0 else daily, days) for n, days in enumerate(ranges)]


class Runner:
    """Runs steps against one instance and adds up what they wrote."""

    def __init__(
        self,
        settings: Settings,
        resources: Mapping[str, object],
        instance: dg.DagsterInstance,
        progress: Progress,
    ) -> None:
        self._tags: dict[str, str] = {}
        self._names = Names(settings.key_prefix)
        self._assets = [
            *all_assets(daily_partitions(settings), self._names),
            *all_checks(self._names, settings.unread_days),
        ]
        self._resources = resources
        self._instance = instance
        self._progress = progress
        self._warehouse = settings.warehouse
        self.outcome = Outcome()

    def run_all(self, plan: Plan) -> None:
        """Makes all steps of a plan; what follows is about its archives, too.

        Raises:
            AssetsError: As for `run`.
        """
        self._tags = archives_tag(plan.archives) if plan.archives else {}
        for step in (step for phase in phases(plan) for step in phase):
            self.run(step)

    def run(self, step: Step) -> None:
        """Makes a step in one run.

        Raises:
            AssetsError: It failed for a reason that the user can mend, or a check found numbers
                that are wrong.
        """
        first, last = step.days
        if first:
            self._progress(f"materialising {len(step.tables)} assets, {first} to {last}")
        tags = {RANGE_START: first, RANGE_END: last} if first else {}
        tags |= self._tags
        names = step.tables | ({"duplicates"} if "usage_rows" in step.tables else frozenset())
        keys = map(self._names.key, sorted(names))
        selection = dg.AssetSelection.assets(*keys).without_checks()
        self._materialize(selection, tags)
        self.outcome.partitions += step.partitions

    def check(self, tables: frozenset[str]) -> None:
        """Asks the checks of some tables, once everything is in the warehouse.

        In a run of its own, because Dagster notes every check of a run once for each of its days.

        Raises:
            AssetsError: A check found numbers that are wrong.
        """
        names = tables | ({*MADE_BY_KEY} if "usage_rows" in tables else frozenset())
        keys = map(self._names.key, sorted(names))
        self._materialize(dg.AssetSelection.checks_for_assets(*keys), {})

    def _materialize(self, selection: dg.AssetSelection, tags: dict[str, str]) -> None:
        try:
            dg.materialize(
                self._assets,
                selection=selection,
                resources=self._resources,
                instance=self._instance,
                tags={**tags, COMMAND_TAG: "true"},
                run_config=_QUIET,
            )
        except Exception as error:
            found = user_error(error)
            if found is None:
                raise
            raise self._in_words(found) from None

    def _in_words(self, error: AssetsError) -> AssetsError:
        """A failed check's error with what the check found; other errors as they are."""
        if not isinstance(error, CheckError):
            return error
        with open_store(self._warehouse) as store, store.reading() as reader:
            words = "; ".join(f"{a.asset}, {a.check}: {a.words}" for a in alarms(reader))
        return CheckError(f"{error}. {words}" if words else str(error))

    def run_in_parts(self, step: Step) -> None:
        """Makes a step, or its halves where its rows are refused, down to single days."""
        try:
            self.run(step)
        except ContractError as error:
            halves = step.halves()
            if not halves:
                self.outcome.refused[step.days[0]] = str(error)
                self._require_progress(error)
            for half in halves:
                self.run_in_parts(half)

    def _require_progress(self, error: ContractError) -> None:
        """Gives up where it is not some days that are bad but all of them."""
        refused = len(self.outcome.refused)
        if refused > MOST_REFUSED or (refused >= HOPELESS and not self.outcome.partitions):
            raise error


def user_error(error: BaseException | None) -> AssetsError | None:
    """The user's error inside the ones that Dagster wraps around it.

    One of ours tells more than what became of the history: a full disk takes that down as well.
    """
    chain: list[BaseException] = []
    while error is not None and error not in chain:  # chains of exceptions may be circles
        chain.append(error)
        error = error.__cause__ or error.__context__
    told = [inner for inner in chain if isinstance(inner, AssetsError)]
    told += [found for inner in chain if (found := explain_history(inner)) is not None]
    told += [
        CheckError(f"{' '.join(str(inner).split())}; nothing of it can be trusted until mended")
        for inner in chain
        if isinstance(inner, DagsterAssetCheckFailedError)
    ]
    if not told and any(is_disk_full(inner) for inner in chain):
        told = [WarehouseError(DISK_FULL)]
    return told[0] if told else None


__all__ = ["Outcome", "Progress", "history", "run_plan", "user_error"]
