"""All that can start a run: jobs, the schedule, the sensors. Nothing of it is on by itself.

What belongs here: when something runs. What does not: what runs, which the command line shares.

A job of this file plans first and then makes one run for each contiguous range of days, as
`agentsview-assets materialize` does: days off, days that changed late and days that failed are all
caught up with by the next one. Conditions on assets would not do: what is out of date follows from
the contents of days, sessions that go on overnight included, which no partition mapping knows.
"""

import hashlib
import json
import time
from dataclasses import asdict
from typing import Any

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.errors import AssetsError
from agentsview_assets.materializing import materialize
from agentsview_assets.outcome import Progress
from agentsview_assets.planning import Request
from agentsview_assets.repricing import Impact, assess, reprice
from agentsview_assets.resources.archives.prices import read_all_prices
from agentsview_assets.resources.archives.sources import stamps
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.rules.shown_text import markdown, unlinked_lines, unlinked_values
from agentsview_assets.settings import Settings

UPDATE_JOB, REPRICE_JOB, OBSERVE_JOB, CHECK_JOB = "update", "reprice", "observe", "check"
SCHEDULE, ARCHIVE_SENSOR, PRICE_SENSOR = "daily", "archive_changes", "price_changes_follow"
# A process per step costs seconds each, and a DuckDB file has one writer anyway. Nothing of it is
# left for a run to configure.
EXECUTOR = dg.in_process_executor.configured(
    lambda _: {}, config_schema=NOTHING_TO_CONFIGURE, name="in_process"
)
VERIFY_TAG = "agentsview_assets/verify"
"""Tag of a run that compares all contents of the archives: `true`, as the daily schedule has it."""
LOOK_EVERY_SECONDS = 30
"""How often sensors look: an archive is followed within a minute, its run's start included."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def jobs(settings: Settings) -> list[Any]:
    """What a person starts with a button, and what schedule and sensors start."""
    return [
        _update_job(settings),
        _reprice_job(settings),
        dg.define_asset_job(
            OBSERVE_JOB,
            selection=dg.AssetSelection.assets(ARCHIVE),
            description="Looks at the archive and reports the days whose contents changed.",
        ),
        dg.define_asset_job(
            CHECK_JOB,
            selection=dg.AssetSelection.all_asset_checks(),
            description="Asks every check again, of the whole warehouse, and makes nothing.",
        ),
    ]


def _update_job(settings: Settings) -> dg.JobDefinition:
    @dg.op(
        description="Observes, plans, and makes each range of days in a run of its own.",
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def bring_up_to_date(context: dg.OpExecutionContext) -> None:
        started = time.perf_counter()
        request = Request(verify=context.run.tags.get(VERIFY_TAG) == "true")
        with failures_in_words():
            summary = materialize(settings, request, _log(context), started, context.instance)
        for note in summary.notes:
            context.log.warning(note)
        context.add_output_metadata(
            {
                "up_to_date": summary.up_to_date,
                "ranges": ", ".join(f"{first} to {last}" for first, last in summary.ranges),
                "partitions": summary.partitions,
                "rows": summary.rows,
                "changed_sessions": summary.changed_sessions,
                "seconds": round(summary.total_seconds, 1),
            }
        )

    @dg.job(
        name=UPDATE_JOB,
        description=(
            "Brings the warehouse up to date: looks at the archive, works out which days are out "
            "of date and makes them, one run for each contiguous range. Does nothing if nothing "
            "changed. The same as `agentsview-assets materialize`."
        ),
        executor_def=EXECUTOR,
    )
    def update() -> None:
        bring_up_to_date()

    return update


def _reprice_job(settings: Settings) -> dg.JobDefinition:
    @dg.op(
        description="Finds the days that other prices move, and prices those anew.",
        config_schema={
            "dry_run": dg.Field(
                bool, default_value=False, description="Only tell what would move; write nothing"
            )
        },
    )
    def price_anew(context: dg.OpExecutionContext) -> None:
        dry_run = bool(context.op_config["dry_run"])
        with failures_in_words():
            impact = assess(settings, dry_run=dry_run)
        context.log.info(_impact_text(impact))
        if not (dry_run or impact.up_to_date):
            with failures_in_words():
                reprice(settings, impact, _log(context), context.instance)
        context.add_output_metadata(
            {
                "impact": dg.MetadataValue.md(_impact_table(impact)),
                "days": len(impact.days),
                "old_cost_usd": impact.old_cost_usd,
                "new_cost_usd": impact.new_cost_usd,
                "details": dg.MetadataValue.json(unlinked_values(asdict(impact))),
            }
        )

    @dg.job(
        name=REPRICE_JOB,
        description=(
            "Prices the warehouse anew after prices changed: only days with a model whose rates "
            "moved, from the warehouse's own observations. What moved is in `restatements`. With "
            "`dry_run: true` it only tells. The same as `agentsview-assets reprice`."
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


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The daily schedule, off until somebody turns it on."""
    return [
        dg.ScheduleDefinition(
            name=SCHEDULE,
            job_name=UPDATE_JOB,
            cron_schedule=f"0 {settings.schedule_hour} * * *",
            execution_timezone=settings.schedule_timezone,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            tags={VERIFY_TAG: "true"},
            description=(
                "Once a day: compares everything with the archive, also what was edited behind "
                "agentsview's back, then makes yesterday and every other day that is out of date, "
                "however long the machine was off."
            ),
        )
    ]


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """What follows the archive and its prices, off until somebody turns it on."""
    return [_archive_sensor(settings), _price_sensor(settings)]


def _archive_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name=ARCHIVE_SENSOR,
        job_name=UPDATE_JOB,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Brings the warehouse up to date whenever the archive's file has changed.",
    )
    def archive_changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            seen = _stamps(settings)
        except AssetsError as error:
            return dg.SkipReason(unlinked_lines(str(error)))
        if seen == context.cursor:
            return dg.SkipReason("the archive's file has not changed")
        if _is_running(context, UPDATE_JOB):
            return dg.SkipReason("the archive changed; waiting for the run before to finish")
        return dg.SensorResult([dg.RunRequest(run_key=_key(seen))], cursor=seen)

    return archive_changes


def _price_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name=PRICE_SENSOR,
        job_name=REPRICE_JOB,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Prices the warehouse anew when a stored, custom or embedded price changed.",
    )
    def price_changes_follow(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        last = json.loads(context.cursor or "{}")
        try:
            seen = _stamps(settings)
            if seen == last.get("stamp"):
                return dg.SkipReason("neither the archive nor its config.toml has changed")
            rows = [row for found in read_all_prices(settings.archives) for row in found.rows]
            prices = _key(repr(sorted(rows, key=repr)))
        except AssetsError as error:
            return dg.SkipReason(unlinked_lines(str(error)))
        cursor = json.dumps({"stamp": seen, "prices": prices})
        if prices == last.get("prices"):
            context.update_cursor(cursor)
            return dg.SkipReason("the archive changed, its prices did not")
        if _is_running(context, REPRICE_JOB):
            return dg.SkipReason("prices changed; waiting for the run before to finish")
        return dg.SensorResult([dg.RunRequest(run_key=f"{prices}:{_key(seen)}")], cursor=cursor)

    return price_changes_follow


def _stamps(settings: Settings) -> str:
    """What moves when anyone writes to one of the archives or its `config.toml`."""
    return json.dumps(stamps(settings.archives, with_titles=settings.with_titles))


def _is_running(context: dg.SensorEvaluationContext, job: str) -> bool:
    unfinished = dg.RunsFilter(job_name=job, statuses=UNFINISHED)
    return bool(context.instance.get_runs(unfinished, limit=1))


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
