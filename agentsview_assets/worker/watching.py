"""The watch beside a run in a worker: tells that it lives, and ends it when it is to end.

What belongs here: one run's watch, in its worker. What does not: what the instance makes of it
(`worker.launcher`).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

import dagster as dg

from agentsview_assets.worker.alive import WORKER_TAG, speak

LOOK_EVERY_SECONDS = 5.0
"""How often the worker looks at its run, and tells that it lives."""
PATIENCE_SECONDS = 30.0
"""How long a run may take to end by itself."""
_TO_END = (
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.FAILURE,
)
_LOG = logging.getLogger(__name__)


class Watch(threading.Thread):
    """Watches one run until it is stopped.

    Attributes:
        run_id: The run.
    """

    def __init__(self, run_id: str, worker: str) -> None:
        """Takes the run, and the name of its worker."""
        super().__init__(name=f"watch of run {run_id}", daemon=True)
        self.run_id, self._worker = run_id, worker
        self._is_shown = False
        self._stopped = threading.Event()
        self._asked_at: float | None = None

    def stop(self) -> None:
        """Ends the watch, as the run has ended."""
        self._stopped.set()

    def run(self) -> None:
        """Looks, tells and waits, until the run has ended."""
        with dg.DagsterInstance.get() as instance:
            while not self._stopped.is_set():
                try:
                    self._look(instance)
                except Exception:  # noqa: BLE001 - whatever the storage says, it is watched on
                    _LOG.exception("run %s cannot be looked at now", self.run_id)
                self._stopped.wait(LOOK_EVERY_SECONDS)

    def _look(self, instance: dg.DagsterInstance) -> None:
        now = time.time()
        speak(instance, self._worker, self.run_id)
        if not self._is_shown:  # once the worker has spoken: what it last said was of another run
            instance.add_run_tags(self.run_id, {WORKER_TAG: self._worker})
            self._is_shown = True
        found = instance.get_run_by_id(self.run_id)
        if found is None or found.status not in _TO_END:
            return
        if self._asked_at is None:
            self._asked_at = now
        if now - self._asked_at > PATIENCE_SECONDS:
            if found.status is dg.DagsterRunStatus.CANCELING:
                instance.report_run_canceled(found, "ended with its process")
            os._exit(1)  # the pool has another process in its place
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            os.kill(os.getpid(), signal.SIGINT)  # Dagster ends the run at this
