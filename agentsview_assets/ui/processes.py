"""The processes beside the web server: the code location and the daemon.

What belongs here: starting, watching and ending them. They talk over Unix sockets in a folder that
only the user can enter; none of them listens on a port.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from agentsview_assets.errors import AssetsError
from agentsview_assets.ui.safe_path import PATH_VARIABLE

LOCATION = "agentsview_assets"
DEFINITIONS = "agentsview_assets.definitions"
MOST_RESTARTS = 5
START_SECONDS, END_SECONDS, LOOK_SECONDS = 300, 30, 0.5
_SOCKET, WORKSPACE = "code.sock", "workspace.yaml"
_CODE = (
    *("code", "--module-name", DEFINITIONS, "--location-name", LOCATION),
    *("--use-python-environment-entry-point", "--log-level", "warning"),
)
_PART = ("-P", "-m", "agentsview_assets.ui.part")


class ProcessError(AssetsError):
    """A process that the UI needs and that does not stay."""


@dataclass
class _Part:
    """A process, and how often it had to be started."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0


@dataclass
class Processes:
    """What runs beside the web server; use as a context manager.

    Attributes:
        folder: A folder of the user's alone, in which they run.
        has_daemon: Whether schedules and sensors tick and queued runs start; an instance has one.
        on_end: Called when one of them does not stay.
        failed: What became of it then.
    """

    folder: Path
    has_daemon: bool = True
    on_end: Callable[[], None] = lambda: None
    failed: str = ""
    _parts: list[_Part] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None

    @property
    def workspace(self) -> Path:
        """The file that tells Dagster where the code location is."""
        return self.folder / WORKSPACE

    def __enter__(self) -> Self:
        """Starts them, and returns when the graph is loaded.

        Raises:
            ProcessError: It cannot be loaded.
        """
        socket = str(self.folder / _SOCKET)
        where = {"socket": socket, "location_name": LOCATION}
        self.workspace.write_text(json.dumps({"load_from": [{"grpc_server": where}]}))
        try:
            places = ("--socket", socket, "--working-directory", str(self.folder))
            code = self._start(_Part("code location", (*_CODE, *places)))
            self._wait_for(code, socket)
            if self.has_daemon:
                self._start(_Part("daemon", ("daemon", "--workspace", str(self.workspace))))
        except BaseException:
            self._end()
            raise
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends them all."""
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()
        self._end()

    def _start(self, part: _Part) -> _Part:
        # A group of its own, so that Ctrl-C reaches the web server alone, which ends the others.
        part.process = subprocess.Popen(  # noqa: S603 - our own program and words
            [sys.executable, *_PART, *part.arguments],
            cwd=self.folder,
            env={**os.environ, PATH_VARIABLE: os.pathsep.join(self._path())},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        part.starts += 1
        if part not in self._parts:
            self._parts.append(part)
        return part

    def _path(self) -> list[str]:
        """The search path; Dagster drops its first entry, which it takes for a script's folder."""
        return [str(self.folder), *filter(None, [os.environ.get(PATH_VARIABLE)])]

    def _wait_for(self, part: _Part, socket: str) -> None:
        from dagster._core.errors import DagsterUserCodeUnreachableError  # noqa: PLC0415 - heavy
        from dagster._grpc.client import DagsterGrpcClient  # noqa: PLC0415 - heavy

        client = DagsterGrpcClient(socket=socket)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and part.process is not None:
            if part.process.poll() is not None:
                break
            with contextlib.suppress(DagsterUserCodeUnreachableError):
                client.ping("")
                return
            time.sleep(LOOK_SECONDS)
        raise ProcessError(f"the {part.name} did not start; what it said stands above")

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for part in self._parts:
                code = part.process.poll() if part.process is not None else None
                if code is None:
                    continue
                if part.starts > MOST_RESTARTS:
                    self.failed = f"the {part.name} ended {part.starts} times, with {code} at last"
                    self.on_end()
                    return
                sys.stderr.write(f"the {part.name} ended with {code}; starting it again\n")
                self._end_group(part)
                if part.arguments[0] == "code":  # one that was killed leaves its socket behind
                    (self.folder / _SOCKET).unlink(missing_ok=True)
                self._start(part)

    def _end(self) -> None:
        """Asks all to end, the daemon first because it talks to the code, and then insists."""
        for part in reversed(self._parts):
            if part.process is not None:
                part.process.terminate()
        until = time.monotonic() + END_SECONDS
        for part in self._parts:
            if part.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    part.process.wait(max(0.1, until - time.monotonic()))
                self._end_group(part)

    @staticmethod
    def _end_group(part: _Part) -> None:
        """Ends what a part started and left behind."""
        if part.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()
