"""Web servers of this machine: started, asked, and ended; what they answer is kept as it came."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.background import Background

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORT = re.compile(r" at http://[^/]*?:(\d+)\b")


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        status: Of HTTP.
        headers: In order, names in lower case.
        body: As it came.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value, joined by commas where it came several times."""
        found = [value for key, value in self.headers if key == name]
        return ", ".join(found) if found else None

    @property
    def json(self) -> Any:
        """The body, read as JSON; the order of the keys is kept."""
        return json.loads(self.body)


def ask(
    port: int,
    target: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Sends one request to a server of this machine.

    Args:
        port: Where it listens.
        target: Path and query, sent as they are.
        method: Of HTTP.
        headers: More headers; `Host` among them replaces the usual one.
        body: What is sent.
    """
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": f"127.0.0.1:{port}", **(headers or {})}.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        found = connection.getresponse()
        pairs = tuple((name.lower(), value) for name, value in found.getheaders())
        return Answer(found.status, pairs, found.read())


class Served(Background):
    """A web server that says where it listens, once it does; use as a context manager."""

    @property
    def port(self) -> int:
        """Where it listens."""
        [found] = [port for line in self.log for port in _PORT.findall(line)]
        return int(found)

    def ask(self, target: str, **options: Any) -> Answer:
        """Sends it a request; see `ask`."""
        return ask(self.port, target, **options)

    def __exit__(self, *_error: object) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
