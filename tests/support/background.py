"""A program that runs beside the tests: what it says is kept, and waited for until it is ready."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Background:
    """A process with a session of its own; entering it waits until it says that it is ready.

    Attributes:
        log: The lines that it told.
        process: The process.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        cwd: Path | None,
        ready: str,
        patience_seconds: float,
    ) -> None:
        """Starts it.

        Args:
            command: Program and arguments.
            environ: Its whole environment.
            cwd: Where it runs.
            ready: Part of the line by which it says that it is ready.
            patience_seconds: How long that is waited for.
        """
        self.log: list[str] = []
        self._word, self._patience, self._ready = ready, patience_seconds, threading.Event()
        self.process = subprocess.Popen(
            command,
            env=environ,
            cwd=cwd,
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
                if self._word in line:
                    self._ready.set()
        self._ready.set()

    def __enter__(self) -> Self:
        """Waits until it is ready."""
        self._reader.start()
        self._ready.wait(self._patience)
        assert any(self._word in line for line in self.log), "".join(self.log)
        return self
