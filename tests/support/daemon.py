"""The original program as a running server: how it prices when it is not told to be offline."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.oracle import Oracle

# Port 9 discards: the server's fetch of newer prices fails at once, so that prices stay put.
_NO_NETWORK = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1,localhost",
}


@contextmanager
def serving(oracle: Oracle, archive: Path) -> Iterator[dict[str, str]]:
    """Run a server over an archive; on entry it has seeded the table of prices.

    Yields:
        Environment for commands that are to ask this server.
    """
    command = (
        *(str(oracle.program), "serve", "--no-sync", "--no-browser", "--no-update-check"),
        *("--port", str(_free_port())),
    )
    with subprocess.Popen(
        command,
        env={**oracle.environment(archive), **_NO_NETWORK},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            _wait_until_it_listens(server)
            yield _NO_NETWORK
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_it_listens(server: subprocess.Popen[str]) -> None:
    said = []
    for line in server.stdout or ():
        said.append(line)
        if "listening at" in line:
            return
    message = f"the server did not start: {''.join(said)}"
    raise RuntimeError(message)
