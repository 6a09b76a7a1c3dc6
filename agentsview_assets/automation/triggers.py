"""When something is asked for: the reconciler's sensor and the schedules, all off at first.

What belongs here: times and intervals. What does not: what is asked for (`automation.reconciler`).
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import dagster as dg

from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.asking import RECONCILER, SCHEDULE
from agentsview_assets.automation.reconciler import evaluate, evaluate_daily
from agentsview_assets.automation.runs import MAKE_JOB, RETENTION_JOB
from agentsview_assets.errors import AssetsError
from agentsview_assets.rules.shown_text import unlinked_lines
from agentsview_assets.settings import Settings

WEEKLY = "weekly"
LOOK_EVERY_SECONDS = 10
"""How often the reconciler looks: what changed is made within a minute, starts of runs included."""


def sensors(settings: Settings, jobs: Sequence[Any]) -> list[dg.SensorDefinition]:
    """The reconciler, off until somebody turns it on.

    Args:
        settings: Archives, warehouse and window.
        jobs: The jobs that it asks for.
    """

    @dg.sensor(
        name=Names(settings.key_prefix).of(RECONCILER),
        jobs=jobs,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Keeps the warehouse up to date: compares what the archives hold, which prices hold "
            "and by which rules rows are made with what the warehouse has recorded, and asks for "
            "just the runs that are missing. Days off, late sessions, other prices, new releases "
            "and archives that come or go are all caught up with; what failed is tried three times "
            "a day."
        ),
    )
    def reconcile(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            found = evaluate(settings, context.instance)
        except AssetsError as error:
            return dg.SkipReason(unlinked_lines(str(error)))
        if found.requests:
            return dg.SensorResult(found.requests)
        said = "; ".join(found.words) or "everything is up to date"
        return dg.SkipReason(unlinked_lines(said))

    return [reconcile]


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The daily and the weekly schedule, off until somebody turns them on."""
    names = Names(settings.key_prefix)

    @dg.schedule(
        name=names.of(SCHEDULE),
        job_name=names.of(MAKE_JOB),
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.schedule_timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            "Once a day: compares everything with the archives, also what was edited behind "
            "agentsview's back, and makes the days since they were last read, however long the "
            f"machine was off. What it finds of earlier days is made by `{names.of(RECONCILER)}`, "
            "or the next day."
        ),
    )
    def daily(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        when = context.scheduled_execution_time.astimezone(UTC).isoformat()
        try:
            return evaluate_daily(settings, context.instance, when).requests
        except AssetsError as error:
            return dg.SkipReason(unlinked_lines(str(error)))

    return [daily, _weekly(settings, names)]


def _weekly(settings: Settings, names: Names) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=names.of(WEEKLY),
        job_name=names.of(RETENTION_JOB),
        cron_schedule=f"30 {settings.schedule_hour} * * 0",
        execution_timezone=settings.schedule_timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            "Once a week, on Sunday: removes old runs from Dagster's history, so that it does not "
            "grow without end."
        ),
    )
