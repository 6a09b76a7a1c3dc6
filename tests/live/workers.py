"""Celery workers of a deployment as processes of their own, which share nothing but the servers."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

from tests.support.background import Background
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READY = "ready."
_PATIENCE_SECONDS = 120


def home(folder: Path) -> str:
    """A Dagster home with the deployment's file."""
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "deploy" / "celery" / "dagster.yaml", folder / "dagster.yaml")
    return str(folder)


class Worker(Background):
    """A running worker with a home and a data folder of its own; use as a context manager."""

    def __init__(
        self, name: str, folder: Path, environ: Mapping[str, str], queues: str = "dagster"
    ) -> None:
        """Starts it, in the folder.

        Args:
            name: Its name.
            folder: Its home and its data folder.
            environ: On top of the tests' own; another PYTHONPATH is another release.
            queues: What it takes runs from, separated by commas.
        """
        self.name = name
        own = {"DAGSTER_HOME": home(folder / "dagster"), "XDG_DATA_HOME": str(folder / "data")}
        super().__init__(
            [
                *(sys.executable, "-m", "celery", "-A", "agentsview_assets.worker.app", "worker"),
                *("-c", "1", "-Q", queues, "-n", name, "--loglevel", "info"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ, **own},
            folder,
            _READY,
            _PATIENCE_SECONDS,
        )

    def kill(self) -> None:
        """Kills it and all that it started, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        if self.process.poll() is None:
            self.kill()
