"""Who may ask: the checks before any route, in agentsview's order and words.

A token first, for all that shows data; then the Host, so that no page reaches this server under a
name of its own (rebinding); then the Origin. Whoever bears the token in a header is no page that
was tricked, and passes the last two.

What belongs here: the decision about one request, and the headers that every answer carries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from agentsview_assets.rules.goquote import go_quote
from agentsview_assets.ui.addresses import parse_authority, shown
from agentsview_assets.web.paths import is_of_api, sent_path
from agentsview_assets.web.serving import Serving
from agentsview_assets.web.tokens import Tokens

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = "/health"
OPEN_PAGES = ("/login", "/static/", HEALTH)
"""What is shown without a token: the form that asks for it, and whether the server is well."""
_CORS = {
    "access-control-allow-headers": "Content-Type, Authorization, X-AgentsView-Search-Intent",
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
}
_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'"),
        *("img-src 'self' data:", "font-src 'self'", "connect-src 'self'"),
        *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
_PAGE = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HOST_TEXT = (
    "Forbidden: request Host {host} is not in the allowed set [{allowed}]. If you are reaching "
    "agentsview through SSH port-forwarding, a reverse proxy, or a remote dev environment, restart "
    "the server with --public-url <origin> matching the URL in your browser (for example "
    "--public-url http://{example}).\n"
)


@dataclass(frozen=True)
class _Asked:
    """What the decision is about."""

    method: str
    path: str
    target: str
    headers: Headers
    reached: tuple[str, int]
    is_borne: bool
    is_api: bool

    @property
    def origin(self) -> str:
        return self.headers.get("origin", "")


class Guard:
    """Lets through what may be asked, and refuses the rest before anything is opened."""

    def __init__(self, app: App, serving: Serving) -> None:
        """Stands before an application."""
        self._app = app
        self._serving = serving
        self._tokens = Tokens(serving.token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = self._asked(scope)
        refusal = self._refusal(asked)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif asked.is_api and asked.method == "OPTIONS":
            await Response(status_code=204)(scope, receive, self._with_headers(asked, send))
        else:
            scope["agentsview_assets.tokens"] = self._tokens
            await self._app(scope, receive, self._with_headers(asked, send))

    def _asked(self, scope: Scope) -> _Asked:
        headers = Headers(scope=scope)
        return _Asked(
            method=scope["method"],
            path=scope["path"].removeprefix(scope.get("root_path", "")),
            target=_target(scope),
            headers=headers,
            reached=tuple(scope.get("server") or ("", 0)),
            is_borne=self._tokens.is_borne(headers.get("authorization", "")),
            is_api=is_of_api(scope),
        )

    def _refusal(self, asked: _Asked) -> Response | None:
        """Why a request goes no further, as an answer; None for one that may."""
        if self._lacks_token(asked):
            return self._without_token(asked)
        if asked.is_borne:
            return None
        if not self._is_ours(asked):
            return _forbidden(self._host_text(asked))
        if asked.origin and not self._is_ours_too(asked):
            # Before a token was asked for, agentsview lets everybody look whether they might ask.
            is_allowed = asked.method == "OPTIONS" and self._tokens.is_required and asked.is_api
            return None if is_allowed else _forbidden("Forbidden\n", asked.is_api)
        return None

    def _lacks_token(self, asked: _Asked) -> bool:
        if not self._tokens.is_required or asked.is_borne:
            return False
        if asked.is_api and asked.method == "OPTIONS":
            return False
        if not asked.is_api and asked.path.startswith(OPEN_PAGES):
            return False
        return not self._tokens.is_held(asked.headers.get("cookie", ""))

    def _without_token(self, asked: _Asked) -> Response:
        if not asked.is_api and asked.method in ("GET", "HEAD"):
            back = quote(asked.target, safe="/")
            return RedirectResponse(f"{self._serving.base_path}/login?next={back}", 303)
        answer = PlainTextResponse("Unauthorized\n", 401, {"x-content-type-options": "nosniff"})
        if asked.origin:
            answer.headers["access-control-allow-origin"] = shown_origin(asked.origin)
            answer.headers["vary"] = "Origin"
        return answer

    def _is_ours(self, asked: _Asked) -> bool:
        host, port = asked.headers.get("host", "").lower(), asked.reached[1]
        return host in self._serving.hosts(port) or _was_reached_by_number(host, asked.reached)

    def _is_ours_too(self, asked: _Asked) -> bool:
        origin, port = asked.origin.lower(), asked.reached[1]
        host = origin.removeprefix("http://")
        return origin in self._serving.origins(port) or (
            origin.startswith("http://") and _was_reached_by_number(host, asked.reached)
        )

    def _host_text(self, asked: _Asked) -> str:
        host = asked.headers.get("host", "")
        return _HOST_TEXT.format(
            host=go_quote(shown(host)),
            allowed=" ".join(sorted(self._serving.hosts(asked.reached[1]))),
            example=shown(host),
        )

    def _with_headers(self, asked: _Asked, send: Send) -> Send:
        """Adds to every answer what all answers carry."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                own = _CORS if asked.is_api else _PAGE
                for name, value in own.items():
                    headers.setdefault(name, value)
                if asked.is_api:
                    message["headers"].insert(0, (b"vary", b"Origin"))
                    is_known = (
                        asked.is_borne or self._is_ours_too(asked) or self._tokens.is_required
                    )
                    if asked.origin and is_known:
                        headers["access-control-allow-origin"] = shown_origin(asked.origin)
            await send(message)

        return sent


def _target(scope: Scope) -> str:
    """Path and query below the base path, as they were asked for."""
    path = sent_path(scope)
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _was_reached_by_number(host: str, reached: tuple[str, int]) -> bool:
    """Whether a host is the address of this machine at which the request arrived."""
    found = parse_authority(host)
    if found is None:
        return False
    address = f"[{reached[0]}]" if ":" in reached[0] else reached[0]
    return found.host == address and (found.port or 80) == reached[1]


def shown_origin(origin: str) -> str:
    """An Origin header as it can be given back."""
    return origin if origin.isascii() and origin.isprintable() else "null"


def _forbidden(text: str, is_api: bool = False) -> Response:  # noqa: FBT001, FBT002
    headers = {"x-content-type-options": "nosniff"}
    if is_api:
        headers |= {**_CORS, "vary": "Origin"}
    return PlainTextResponse(text, 403, headers)
