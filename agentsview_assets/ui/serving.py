"""Where the UI is to be served, as the command hands it to the server.

What belongs here: what both know, at no import cost.
"""

from __future__ import annotations

import argparse
import errno
import socket
from dataclasses import dataclass

from agentsview_assets.errors import ConfigError

_BACKLOG = 128


@dataclass(frozen=True)
class Serving:
    """What the `ui` command asks for."""

    host: str
    port: int
    allowed: tuple[str, ...] = ()
    is_read_only: bool = False

    def arguments(self) -> list[str]:
        """The same as a command line."""
        names = [part for name in self.allowed for part in ("--allow-host", name)]
        switches = ["--read-only"] if self.is_read_only else []
        return ["--host", self.host, "--port", str(self.port), *names, *switches]

    @classmethod
    def parse(cls, arguments: list[str]) -> Serving:
        """Reads what `arguments` wrote."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--allow-host", action="append", default=[])
        parser.add_argument("--read-only", action="store_true")
        found = parser.parse_args(arguments)
        return cls(found.host, found.port, tuple(found.allow_host), found.read_only)


def listen(host: str, port: int) -> socket.socket:
    """Takes the port, so that nobody else does while everything starts.

    Raises:
        ConfigError: Something listens there, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} is taken, perhaps by another UI; close it or choose another "
                "port with --port"
            ) from None
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener
