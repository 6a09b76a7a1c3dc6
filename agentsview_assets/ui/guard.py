"""What stands before Dagster's web server: who may ask, and what may be changed by asking.

Dagster's server believes every host and every origin, takes websockets from anywhere and carries
out mutations that come by GET or as a form. A page in the user's browser can send all of these
without being asked. Here everything is refused that the UI's own pages, and programs that a user
starts, do not send.

What belongs here: the decision about one request, and the headers of every answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from agentsview_assets.ui.addresses import Addresses, shown

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

GRAPHQL = "/graphql"
_READS, _WRITES = ("GET", "HEAD"), ("POST",)
_OPERATION = frozenset({"query", "variables", "operationname", "extensions", "id"})
# Files that a stranger's link must not make the browser fetch, and pages that we do not have.
_NOT_FROM_OUTSIDE = ("graphql", "logs", "download_debug")
_NOT_SERVED = ("notebook", "dagit")
_FROM_INSIDE = ("same-origin", "none")
_JSON = "application/json"
_CHARSETS = ("", "charset=utf-8", 'charset="utf-8"')
_POLICY_VIOLATION = 1008
_SET = {
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
# Beside the page's own policy, of which the browser obeys both.
_POLICY = (b"content-security-policy", b"frame-ancestors 'none'")


class Refusal(Exception):  # noqa: N818 - it is no error of ours
    """Why a request goes no further."""

    def __init__(self, status: int, why: str) -> None:
        """Takes the status of the answer, and the reason for people."""
        super().__init__(why)
        self.status = status
        self.why = why


class Guard:
    """Lets through what is addressed to this UI, comes from it, and may change what it changes."""

    def __init__(self, app: App, addresses: Addresses) -> None:
        """Stands before an application.

        Args:
            app: The application.
            addresses: Where it may be asked for.
        """
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)  # the server's own start and end
            return
        try:
            check(scope, self._addresses)
        except Refusal as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        await self._app(scope, receive, _with_headers(send))


def check(scope: Scope, addresses: Addresses) -> None:
    """Decides about one request.

    Raises:
        Refusal: It may not be carried out.
    """
    path = _path(scope)
    _check_addresses(scope, addresses)
    if scope["type"] == "websocket":
        _check_site(scope, may_navigate=False)
        if path != GRAPHQL:
            raise Refusal(404, "there is no websocket here")
        return
    first = path.split("/")[1].lower()
    _check_site(scope, may_navigate=first not in _NOT_FROM_OUTSIDE)
    if first in _NOT_SERVED:
        raise Refusal(404, "there are no notebooks here")
    if scope["method"] in _WRITES:
        _check_write(scope)
    elif scope["method"] not in _READS:
        raise Refusal(405, f"{shown(scope['method'])} is not served")
    elif first == GRAPHQL.strip("/"):
        _check_read(scope)


def _check_addresses(scope: Scope, addresses: Addresses) -> None:
    """Compares what is said of the server asked, and of the page that asks, with what is known.

    Raises:
        Refusal: Another server is meant, or a page of another server asks.
    """
    host, reached = _single(scope, b"host"), _reached(scope)
    if host is None:
        raise Refusal(400, "the request names no host")
    known = addresses.knows_host(host, reached)
    if known is None:
        raise Refusal(400, f"the host {shown(host)!r} cannot be read")
    if not known:
        raise Refusal(
            421,
            f"this UI is not served as {shown(host)!r}. Open it at {addresses.home}; or, if that "
            f"name is yours, start it with `agentsview-assets ui --allow-host {shown(host)}`",
        )
    origin = _single(scope, b"origin")
    if origin is not None and not addresses.knows_origin(origin, reached):
        raise Refusal(403, f"a page of {shown(origin)!r} may not use this UI")


def _path(scope: Scope) -> str:
    """The path asked for.

    Raises:
        Refusal: It is the address of another server, or leads out of the paths there are.
    """
    path, raw = str(scope["path"]), bytes(scope.get("raw_path") or b"/")
    if not path.startswith("/") or not raw.startswith(b"/"):
        raise Refusal(400, "only paths are served, no addresses")
    if "\\" in path or any(ord(char) < ord(" ") for char in path) or ".." in path.split("/"):
        raise Refusal(400, "no such path")
    return path


def _single(scope: Scope, name: bytes) -> str | None:
    """A header that may be there once, None if it is not.

    Raises:
        Refusal: There are several, of which one reader takes the first and another the last.
    """
    found = [value for key, value in scope["headers"] if key.lower() == name]
    if len(found) > 1:
        raise Refusal(400, f"there are {len(found)} headers {name.decode()}")
    return found[0].decode("latin-1") if found else None


def _reached(scope: Scope) -> str | None:
    """This machine's address at which the request arrived, as a host is written."""
    server = scope.get("server")
    if not server or server[1] is None:
        return None
    address = str(server[0]).partition("%")[0]
    return f"[{address}]" if ":" in address else address


def _check_site(scope: Scope, *, may_navigate: bool) -> None:
    """Holds browsers to what they say about the page that asks; programs do not say it.

    Raises:
        Refusal: A page of another site asks, and not by a link that the user follows.
    """
    site = _single(scope, b"sec-fetch-site")
    if site is None or site in _FROM_INSIDE:
        return
    follows_a_link = (
        may_navigate
        and scope.get("method") in _READS
        and _single(scope, b"sec-fetch-mode") == "navigate"
        and _single(scope, b"sec-fetch-dest") == "document"
    )
    if not follows_a_link:
        raise Refusal(403, "a page of another site may not use this UI")


def _check_write(scope: Scope) -> None:
    """A page can send every other kind of body to another origin without asking it first.

    Raises:
        Refusal: The body is not JSON.
    """
    kind, _, parameters = (_single(scope, b"content-type") or "").partition(";")
    if kind.strip().lower() != _JSON or parameters.strip().lower() not in _CHARSETS:
        raise Refusal(415, f"a change has to come as {_JSON}")


def _check_read(scope: Scope) -> None:
    """By GET nothing is changed: a link or a picture would do.

    Raises:
        Refusal: The query is more than a question, or cannot be read.
    """
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    asked = [(name.lower(), value) for name, value in pairs if name.lower() in _OPERATION]
    names = [name for name, _ in asked]
    if len(set(names)) < len(names):
        raise Refusal(400, "a query may be given once")
    query = dict(asked).get("query")
    if query is None:
        if names:
            raise Refusal(400, "there is no query")
        return
    if not all(operation == OperationType.QUERY for operation in _operations(query)):
        raise Refusal(405, "what changes something has to come by POST, as application/json")


def _operations(query: str) -> Iterator[OperationType]:
    """What every operation of a text of GraphQL is, whichever of them is to be carried out.

    Raises:
        Refusal: It cannot be read.
    """
    try:
        document = parse(query, no_location=True)
    except (GraphQLError, RecursionError):
        raise Refusal(400, "the query cannot be read") from None
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield definition.operation


def _with_headers(send: Send) -> Send:
    """Adds to every answer that no other page may show, read or keep it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _headers(list(message.get("headers", [])))}
        await send(message)

    return sent


def _headers(headers: Headers) -> Headers:
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in _SET and not name.lower().startswith(b"access-control-")
    ]
    return [*kept, *_SET.items(), _POLICY]


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
            return
    body = f"refused: {refusal.why}\n".encode()
    own = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": _headers(own)})
    is_bare = scope.get("method") == "HEAD"
    await send({"type": f"{kind}.body", "body": b"" if is_bare else body})
