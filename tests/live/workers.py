"""Celery workers of a deployment as processes of their own, which share nothing but the servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self

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


class Worker:
    """A running worker with a home and a data folder of its own; use as a context manager."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str]) -> None:
        """Starts it."""
        self.name = name
        self.log: list[str] = []
        self._ready = threading.Event()
        own = {"DAGSTER_HOME": home(folder / "dagster"), "XDG_DATA_HOME": str(folder / "data")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "agentsview_assets.worker.app", "worker"),
                *("-c", "1", "-Q", "dagster", "-n", name, "--loglevel", "info"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            env={**os.environ, **environ, **own, "PYTHONPATH": str(REPOSITORY)},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line)
                if _READY in line:
                    self._ready.set()
        self._ready.set()

    def __enter__(self) -> Self:
        """Waits until it takes tasks."""
        self._reader.start()
        self._ready.wait(_PATIENCE_SECONDS)
        assert any(_READY in line for line in self.log), "".join(self.log)
        return self

    def kill(self) -> None:
        """Kills it and all that it started, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        if self.process.poll() is None:
            self.kill()
