"""The run launcher of a deployment with workers: Celery's, with an end that ends and a true health.

Celery's own says of a task whose worker was killed that it goes on, and its end of a run is a
message that a broker without fanout, such as PostgreSQL, brings to nobody. Here a run that is to
end is marked so, which its worker sees (`worker.watching`), and a worker that no longer speaks is
dead.

What belongs here: what the instance asks of a launcher. What does not: the worker's side.
"""

from __future__ import annotations

import time

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from agentsview_assets.worker.alive import WORKER_TAG, last_spoken

SILENT_SECONDS = 60.0
"""How long a worker may be silent; it speaks every few seconds."""


class WatchedCeleryRunLauncher(CeleryRunLauncher):
    """Launches runs as Celery tasks, which are carried out by `agentsview_assets.worker`."""

    def terminate(self, run_id: str) -> bool:
        """Has a run end: its worker sees the mark, and a broker that can brings the message."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if DAGSTER_CELERY_TASK_ID_TAG in run.tags:
            super().terminate(run_id)
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the worker that took a run still speaks of it."""
        worker = run.tags.get(WORKER_TAG)
        spoken = last_spoken(self._instance, worker) if worker else None
        if spoken is None:
            # It has just begun, or is carried out by a command: others will say how it ends.
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if spoken.run_id != run.run_id:
            return CheckRunHealthResult(WorkerStatus.FAILED, f"{worker} works on another run")
        if time.time() - spoken.at > SILENT_SECONDS:
            why = f"{worker} has been silent for more than {SILENT_SECONDS:.0f} s"
            return CheckRunHealthResult(WorkerStatus.FAILED, why)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002, FBT001, FBT002 - Dagster's
    ) -> str | None:
        """Which worker took a run."""
        worker = run.tags.get(WORKER_TAG)
        return f"worker: {worker}" if worker else None
