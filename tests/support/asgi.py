"""Requests to an ASGI application without a server: what it would have sent, whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.support.served import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from agentsview_assets.web.guard import App, Receive, Scope, Send

PORT = 8080


def ask(
    app: App,
    target: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str | bytes] | None = None,
    kind: str = "http",
    body: bytes = b"",
    run: Callable[[Coroutine[Any, Any, None]], object] = asyncio.run,
) -> Answer:
    """Sends one request, as if it had reached 127.0.0.1 at port 8080.

    Args:
        app: The application.
        target: Path and query, as they stand in a request.
        method: Of HTTP.
        headers: More headers; `Host` among them replaces the usual one.
        kind: `http` or `websocket`.
        body: What is sent.
        run: Runs the request, in a loop that many requests may share.
    """
    path, _, query = target.partition("?")
    sent: list[dict[str, Any]] = []
    scope = {
        "type": kind,
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode("utf-8", "surrogateescape"),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value if isinstance(value, bytes) else value.encode("latin-1"))
            for name, value in {"Host": f"127.0.0.1:{PORT}", **(headers or {})}.items()
        ],
        "server": ("127.0.0.1", PORT),
        "client": ("127.0.0.1", 50_000),
    }

    bodies = [body]

    async def receive() -> dict[str, Any]:
        if not bodies:
            await asyncio.Event().wait()  # the client stays, and says nothing more
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    run(_carried_out(app, scope, receive, send))
    status = sent[0].get("status", 0)
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in sent[0].get("headers", [])]
    return Answer(status, tuple(pairs), b"".join(part.get("body", b"") for part in sent[1:]))


async def _carried_out(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
