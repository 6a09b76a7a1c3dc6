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

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str]) -> None:
        """Starts it."""
        self.name = name
        own = {"DAGSTER_HOME": home(folder / "dagster"), "XDG_DATA_HOME": str(folder / "data")}
        super().__init__(
            [
                *(sys.executable, "-m", "celery", "-A", "agentsview_assets.worker.app", "worker"),
                *("-c", "1", "-Q", "dagster", "-n", name, "--loglevel", "info"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            {**os.environ, **environ, **own, "PYTHONPATH": str(REPOSITORY)},
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
