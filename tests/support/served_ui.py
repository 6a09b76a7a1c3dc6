"""The `ui` command over a desk as a real server, and what its instance remembers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.background import Background

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.in_process import Desk

PATIENCE_SECONDS = 180
_READY = "Serving dagster-webserver"
_LISTENING = "0A"
# All that a stranger might move: runs, switches, what was reported of assets, limits.
_STATE = """{
  runsOrError { ... on Runs { results { runId status } } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
    schedules { name scheduleState { status } } sensors { name sensorState { status } } } } }
  assetNodes { assetKey { path } assetMaterializations(limit: 5) { runId timestamp }
    assetObservations(limit: 5) { runId timestamp } }
  instance { concurrencyLimits { concurrencyKey slotCount } autoMaterializePaused }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus updatedTimestamp } } }
}"""


class ServedUi(Background):
    """A running `ui` command, ended with everything that it started; use as a context manager.

    Attributes:
        desk: Archive and warehouse.
        port: Where it listens.
        log: The lines that it told.
        process: The web server.
    """

    def __init__(
        self,
        desk: Desk,
        *options: str,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "agentsview_assets"),
    ) -> None:
        """Starts it."""
        self.desk = desk
        self.port = _free_port()
        super().__init__(
            [*program, "ui", "--port", str(self.port), *options],
            {**os.environ, **_environment(desk), **(environ or {})},
            cwd,
            _READY,
            PATIENCE_SECONDS,
        )

    def __exit__(self, *_: object) -> None:
        """Ends it as Ctrl-C does."""
        self.end()

    def end(self, number: int = signal.SIGINT) -> int:
        """Ends it by a signal, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()

    @property
    def url(self) -> str:
        """Where a person opens it."""
        return f"http://127.0.0.1:{self.port}"

    def graphql(self, query: str, **variables: Any) -> Any:
        """Asks as a program of the user's does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, {"content-type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        assert "errors" not in answer, answer
        return answer["data"]

    def state(self) -> Any:
        """All that a stranger might have moved."""
        return self.graphql(_STATE)

    def say(self, request: bytes) -> bytes:
        """Sends bytes as they are, and returns all that is answered until it closes or waits."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(request)
            connection.settimeout(2)
            with contextlib.suppress(TimeoutError, ConnectionError):
                while piece := connection.recv(65536):
                    answer += piece
                    if _is_whole(answer):
                        break
        return answer

    def descendants(self) -> set[int]:
        """It and all that it started, by number."""
        parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
        found, grown = {self.process.pid}, True
        while grown:
            more = {child for child, parent in parents.items() if parent in found} - found
            found |= more
            grown = bool(more)
        return found

    def listening_ports(self) -> set[int]:
        """TCP ports at which it, or anything that it started, listens."""
        held = {name for pid in self.descendants() for name in _sockets(pid)}
        ports = set()
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                parts = line.split()
                if parts[3] == _LISTENING and parts[9] in held:
                    ports.add(int(parts[1].rpartition(":")[2], 16))
        return ports


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return head.startswith(b"HTTP/1.1 101")


def _parent(process: Path) -> int:
    try:
        return int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
    return found


def _environment(desk: Desk) -> dict[str, str]:
    return {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        "AGENTSVIEW_ASSETS_START_DATE": "2026-10-29",
        "DAGSTER_HOME": "",
        "TZ": "UTC",
        **desk.settings,
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
