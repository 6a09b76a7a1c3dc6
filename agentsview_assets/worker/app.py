"""The Celery app of a worker: `celery -A agentsview_assets.worker.app worker -c 1 -Q dagster`.

Broker and backend are those of the instance's `run_launcher`, by the same environment variables.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any, cast

from billiard.process import current_process
from celery.signals import task_postrun, task_prerun, worker_init
from dagster._serdes import unpack_value
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from agentsview_assets.errors import AssetsError
from agentsview_assets.queues import ANY_WORKER
from agentsview_assets.settings import (
    BACKEND_VARIABLE,
    BROKER_VARIABLE,
    keep_private,
    load_settings,
)
from agentsview_assets.worker.release import require_release, was_refused
from agentsview_assets.worker.watching import Watch

_ARGUMENTS = ("execute_job_args_packed", "resume_job_args_packed")
_LOG = logging.getLogger(__name__)
_watches: dict[str, Watch] = {}


def _named(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        sys.exit(f"error: {variable} is not set: name it as the instance's dagster.yaml does")
    return value


keep_private()
app = make_app(  # type: ignore[no-untyped-call]
    {
        "broker": _named(BROKER_VARIABLE),
        "backend": _named(BACKEND_VARIABLE),
        "include": [],
        # One message at a time: what a worker holds back is lost with it.
        "config_source": {"worker_prefetch_multiplier": 1},
        "task_default_queue": ANY_WORKER,
    }
)
execute_job = create_execute_job_task(app)
resume_job = create_resume_job_task(app)


def _worker(name: str) -> str:
    """The name of this process among the workers: a worker may have several."""
    index = getattr(current_process(), "index", 0)
    return f"{name}#{index}" if index else name


@worker_init.connect  # type: ignore[untyped-decorator]
def _start(**_more: Any) -> None:
    try:
        require_release(load_settings())
    except AssetsError as error:
        sys.exit(f"error: {error}")


@task_prerun.connect  # type: ignore[untyped-decorator]
def _begin(task_id: str, task: Any, kwargs: Any = None, **_more: Any) -> None:
    packed = next((kwargs[name] for name in _ARGUMENTS if name in (kwargs or {})), None)
    if packed is not None:
        run_id = cast("Any", unpack_value(packed)).run_id
        _watches[task_id] = Watch(run_id, _worker(task.request.hostname))
        _watches[task_id].start()


@task_postrun.connect  # type: ignore[untyped-decorator]
def _end(task_id: str, **_more: Any) -> None:
    watch = _watches.pop(task_id, None)
    if watch is None:
        return
    watch.stop()
    if was_refused(watch.run_id):
        _LOG.error("this release is older than the warehouse: upgrade this worker, which ends now")
        is_child = current_process().name != "MainProcess"
        os.kill(os.getppid() if is_child else os.getpid(), signal.SIGTERM)
