"""Jobs: what the reconciler asks for, and what a person starts with a button.

What belongs here: jobs. What does not: when they are started (`automation.triggers`).
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from agentsview_assets.assets import all_assets
from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import LEDGER
from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.alerting import RAISE_ALERT
from agentsview_assets.automation.asking import RECONCILER, SCHEDULE, require_reconciler
from agentsview_assets.automation.retention import Ours, place_of, remove_old_runs
from agentsview_assets.automation.runs import (
    ALERT_JOB,
    CHECK_JOB,
    JOBS,
    MAKE_JOB,
    OBSERVE_JOB,
    REPRICE_JOB,
    RETENTION_JOB,
    UPKEEP_JOB,
)
from agentsview_assets.checks import all_checks
from agentsview_assets.connections import build_resources
from agentsview_assets.keeping_out import finish, rewrite_files
from agentsview_assets.outcome import Progress
from agentsview_assets.partitions import daily_partitions
from agentsview_assets.planning import EVERYTHING
from agentsview_assets.repricing import Impact, assess
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.rules.shown_text import markdown, unlinked_lines, unlinked_values
from agentsview_assets.settings import Settings

# An observed source has no policy of its own; the job is asked for ranges, never backfilled.
warnings.filterwarnings(
    "ignore", r"Asset job (\w+__)?materialize materializes assets with varying", UserWarning
)

_MADE = sorted(EVERYTHING | {"duplicates", LEDGER})
# A process per step costs seconds each, and a DuckDB file has one writer anyway. Nothing of it is
# left for a run to configure.
EXECUTOR = dg.in_process_executor.configured(
    lambda _: {}, config_schema=NOTHING_TO_CONFIGURE, name="in_process"
)
_MULTIPROCESS = dg.multiprocess_executor.configured(
    lambda _: {}, config_schema=NOTHING_TO_CONFIGURE, name="multiprocess"
)


def executor_of(settings: Settings) -> dg.ExecutorDefinition:
    """How the steps of a run of assets are carried out."""
    return _MULTIPROCESS if settings.executor == "multiprocess" else EXECUTOR


def buttons(settings: Settings) -> list[Any]:
    """The jobs that a person starts."""
    names = Names(settings.key_prefix)
    return [
        _reprice_job(settings, names),
        _retention_job(settings, names),
        dg.define_asset_job(
            names.of(OBSERVE_JOB),
            # A look says by itself what the checks of the archives find.
            selection=dg.AssetSelection.assets(names.key(ARCHIVE)).without_checks(),
            executor_def=executor_of(settings),
            description="Looks at the archives and reports the days whose contents changed.",
        ),
    ]


def reconciled_jobs(settings: Settings) -> Sequence[Any]:
    """The jobs that the reconciler asks for."""
    names = Names(settings.key_prefix)
    reconciler = names.of(RECONCILER)
    return [
        dg.define_asset_job(
            names.of(MAKE_JOB),
            selection=dg.AssetSelection.assets(*map(names.key, (ARCHIVE, *_MADE))),
            executor_def=executor_of(settings),
            description=(
                f"What `{reconciler}` and `{names.of(SCHEDULE)}` ask for: some assets, over days "
                "of some archives. By hand, choose assets in the graph and materialize those."
            ),
        ),
        dg.define_asset_job(
            names.of(CHECK_JOB),
            selection=dg.AssetSelection.checks(
                *(
                    key
                    for step in all_checks(names, settings.unread_days)
                    for key in step.check_keys
                )
            ),
            executor_def=executor_of(settings),
            description="Asks every check again, of the whole warehouse, and makes nothing.",
        ),
        _upkeep_job(settings, names),
        _alert_job(names),
    ]


def _alert_job(names: Names) -> dg.JobDefinition:
    @dg.op(
        name=names.of(RAISE_ALERT),
        description="Fails with what was given up.",
        config_schema={"words": str, "last_run": dg.Field(str, default_value="")},
    )
    def raise_alert(context: dg.OpExecutionContext) -> None:
        last_run = context.op_config["last_run"]
        raise dg.Failure(
            unlinked_lines(context.op_config["words"]),
            metadata={"last_run": dg.MetadataValue.dagster_run(last_run)} if last_run else {},
            allow_retries=False,
        )

    @dg.job(
        name=names.of(ALERT_JOB),
        description=(
            f"Fails once for each thing that `{names.of(RECONCILER)}` gave up, and says what, of "
            "which days and archives, and what to do: watch its failures, and you hear of it. "
            "While the thing is out of date the tag `agentsview_assets/alert` of its run is `open`."
        ),
        executor_def=EXECUTOR,
    )
    def alert() -> None:
        raise_alert()

    return alert


def _upkeep_job(settings: Settings, names: Names) -> dg.JobDefinition:
    @dg.op(
        name=names.of("mend"),
        description="Mends rows that earlier rules made, and writes files anew that held them.",
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def mend(context: dg.OpExecutionContext) -> None:
        with failures_in_words():
            with open_store(settings.warehouse, in_run=True) as store:
                reason = finish(store, settings, _log(context))
            if reason is not None:
                rewrite_files(settings, reason, _log(context))

    @dg.job(
        name=names.of(UPKEEP_JOB),
        description=(
            "Takes credentials out of rows that earlier rules left them in, and writes a file anew "
            f"that still holds bytes of what was taken out. `{names.of(RECONCILER)}` asks for it."
        ),
        executor_def=EXECUTOR,
    )
    def upkeep() -> None:
        mend()

    return upkeep


def _retention_job(settings: Settings, names: Names) -> dg.JobDefinition:
    @dg.op(
        name=names.of("remove_runs"),
        description="Removes runs that ended long ago and that nothing needs any more.",
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def remove_runs(context: dg.OpExecutionContext) -> None:
        before = datetime.now(UTC) - timedelta(days=settings.keep_days)
        removed = remove_old_runs(context.instance, _ours(settings, names, context.run), before)
        context.log.info(
            "removed %d runs that ended before %s; of older ones %d stay, because something that "
            "is shown is theirs, and %d are left for the next time",
            removed.runs, before.date(), removed.needed, removed.left,
        )  # fmt: skip
        context.add_output_metadata(removed._asdict())

    @dg.job(
        name=names.of(RETENTION_JOB),
        description=(
            f"Removes runs that ended more than {settings.keep_days} days ago, with their events. "
            "What the UI shows of assets, days and checks stays: the run that made, observed or "
            "checked something as the last one is kept."
        ),
        executor_def=EXECUTOR,
    )
    def retention() -> None:
        remove_runs()

    return retention


def _ours(settings: Settings, names: Names, run: dg.DagsterRun) -> Ours:
    """What tells the runs of this graph from others of the instance."""
    graph = dg.Definitions(
        assets=all_assets(daily_partitions(settings), names),
        asset_checks=all_checks(names, settings.unread_days),
        resources=build_resources(settings),
    ).resolve_asset_graph()
    jobs = {names.of(job) for job in JOBS}
    return Ours(jobs, graph.get_all_asset_keys(), graph.asset_check_keys, place_of(run))


def _reprice_job(settings: Settings, names: Names) -> dg.JobDefinition:
    @dg.op(
        name=names.of("price_anew"),
        description="Tells which days other prices move, and what that does to their costs.",
        config_schema={
            "dry_run": dg.Field(
                bool, default_value=False, description="Only tell what would move; make nothing"
            )
        },
    )
    def price_anew(context: dg.OpExecutionContext) -> None:
        dry_run = bool(context.op_config["dry_run"])
        with failures_in_words():
            impact = assess(settings.now(), dry_run=dry_run)
        context.log.info(_impact_text(impact))
        context.add_output_metadata(
            {
                "impact": dg.MetadataValue.md(_impact_table(impact)),
                "days": len(impact.days),
                "old_cost_usd": impact.old_cost_usd,
                "new_cost_usd": impact.new_cost_usd,
                "details": dg.MetadataValue.json(unlinked_values(asdict(impact))),
            }
        )
        if not (dry_run or impact.up_to_date):
            with failures_in_words():
                require_reconciler(context.instance, names)
            context.log.info("`%s` makes those days next", names.of(RECONCILER))

    @dg.job(
        name=names.of(REPRICE_JOB),
        description=(
            "Tells what other prices move: models, days, and their costs before and after. Those "
            f"days, and no others, are then made by `{names.of(RECONCILER)}`, from the "
            "warehouse's own observations; what moved is in `restatements`. With `dry_run: true` "
            "it only tells."
        ),
        executor_def=EXECUTOR,
    )
    def reprice_job() -> None:
        price_anew()

    return reprice_job


def _log(context: dg.OpExecutionContext) -> Progress:
    """Tells the run's log, where text of an archive must stay text."""
    return lambda what: context.log.info(unlinked_lines(what))


def _impact_text(impact: Impact) -> str:
    if impact.up_to_date:
        return "priced with the prices that hold now; nothing to do"
    models = "one model" if len(impact.models) == 1 else f"{len(impact.models)} models"
    return (
        f"{models} with other rates, {len(impact.days)} days: "
        f"${impact.old_cost_usd:,.2f} becomes ${impact.new_cost_usd:,.2f}"
    )


def _impact_table(impact: Impact) -> str:
    rows = [
        f"| {markdown(m.model)} | {m.days:,} | {m.old_cost_usd:,.4f} | {m.new_cost_usd:,.4f} |"
        for m in impact.models
    ]
    head = ["| model | days | old cost, USD | new cost, USD |", "|---|---|---|---|"]
    return "\n".join([_impact_text(impact), "", *head, *rows])
