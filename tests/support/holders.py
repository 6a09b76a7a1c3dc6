"""Other processes and servers that stand in the way: they hold files, or never answer."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_HOLD = """
import duckdb, sys
held = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(path: Path, mode: str) -> Iterator[Callable[[], None]]:
    """Another process that has a DuckDB file open as a `writer` or `reader`; yields its release."""
    command = [sys.executable, "-c", _HOLD, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        release = holder.stdin.close
        yield release
        release()


@contextmanager
def silent_port(kind: str) -> Iterator[int]:
    """A port of this machine where nobody ever says anything.

    Args:
        kind: `silent` accepts connections, `swallowed` does not even do that, and nobody listens
            on one that is `refused`.
    """
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        waiting = []
        if kind != "refused":
            server.listen(0 if kind == "swallowed" else 50)
        if kind == "swallowed":
            for _ in range(3):  # more than the queue takes
                client = socket.socket()
                client.setblocking(False)
                with suppress(BlockingIOError):
                    client.connect(("127.0.0.1", port))
                waiting.append(client)
        try:
            yield port
        finally:
            for client in waiting:
                client.close()
