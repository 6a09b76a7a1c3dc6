"""The application: which path is answered by what.

What belongs here: routes, and the answers to paths that are none.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.answering import LOG, Service
from agentsview_assets.web.endpoints import Endpoint, json_body
from agentsview_assets.web.guard import HEALTH, App, Guard, Receive, Scope, Send
from agentsview_assets.web.openapi import MEDIA_TYPE, description
from agentsview_assets.web.own import daily, export, warehouse
from agentsview_assets.web.own.health import health_answer, metrics_answer
from agentsview_assets.web.pages.answering import Pages
from agentsview_assets.web.pages.routes import PAGES, page_routes
from agentsview_assets.web.paths import API, has_shape, is_of_api
from agentsview_assets.web.v1 import about, activity, sessions, usage
from agentsview_assets.web.wire import error, json_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ENDPOINTS: tuple[Endpoint, ...] = (
    *usage.ENDPOINTS,
    *activity.ENDPOINTS,
    *sessions.ENDPOINTS,
    *daily.ENDPOINTS,
    *warehouse.ENDPOINTS,
)
_ABOUT = {"/api/ping": about.ping, "/api/v1/version": about.version}
_METHODS = ["GET"]
_WORDS = {404: "not found", 405: "method not allowed"}


def application(service: Service) -> App:
    """All of the server, behind its guard."""
    pages = Pages(service, PAGES)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        preparing = asyncio.create_task(run_in_threadpool(pages.prepare))
        yield
        await asyncio.wait([preparing])
        service.states.close()

    app = Starlette(
        routes=[
            *_about_routes(),
            *(_route(service, endpoint) for endpoint in ENDPOINTS),
            *_own_routes(service),
            *page_routes(pages),
        ],
        exception_handlers={HTTPException: _no_route, 500: _defect(pages)},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return based(Guard(clean(app), service.serving), service.serving.base_path)


def _route(service: Service, endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        if not has_shape(endpoint.path, request.scope):
            raise HTTPException(404)
        return await run_in_threadpool(service.answer, endpoint, request)

    return Route(endpoint.path, answer, methods=_METHODS)


def _about_routes() -> list[Route]:
    def route(path: str, said: Callable[[], Mapping[str, object]]) -> Route:
        async def answer(request: Request) -> Response:
            return json_answer(request, json_body(said()))

        return Route(path, answer, methods=_METHODS)

    return [route(path, said) for path, said in _ABOUT.items()]


def _own_routes(service: Service) -> list[Route]:
    body = json_body(description(ENDPOINTS))

    async def described(request: Request) -> Response:
        return json_answer(request, body, media_type=MEDIA_TYPE)

    async def exported(request: Request) -> Response:
        return await run_in_threadpool(export.export_sessions, service, request)

    async def health(request: Request) -> Response:
        return await run_in_threadpool(health_answer, service, request)

    async def metrics(request: Request) -> Response:
        return await run_in_threadpool(metrics_answer, service, request)

    return [
        Route("/api/openapi.json", described, methods=_METHODS),
        Route(export.PATH, exported, methods=_METHODS),
        Route(HEALTH, health, methods=_METHODS),
        Route("/metrics", metrics, methods=_METHODS),
    ]


async def _no_route(request: Request, failure: Exception) -> Response:
    """What a path that is none answers: an error as HTTP means it."""
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    headers = dict(getattr(failure, "headers", None) or {})
    answer = error(request, status, _WORDS.get(status, "bad request"))
    answer.headers.update(headers)
    return answer


def _defect(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What a defect of ours answers: the API its kind of error, pages one that says so."""

    async def answer(request: Request, failure: Exception) -> Response:
        LOG.error("%s: a defect of the server", visible(request.url.path), exc_info=failure)
        if is_of_api(request.scope):
            return error(request, 500, "internal error")
        return pages.broken(request)

    return answer


def clean(app: App) -> App:
    """Sends whoever asks for `//` or `..` in a path of the API to the path that they mean."""

    async def cleaned(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            base = scope.get("root_path", "")
            sent = scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
            raw = sent.removeprefix(base)
            meant = posixpath.normpath(f"/{raw.lstrip('/')}")
            meant += "/" if raw.endswith("/") and meant != "/" else ""
            if raw and meant != raw and meant.startswith(API):
                query = scope["query_string"].decode("latin-1")
                address = f"{base}{meant}?{query}" if query else f"{base}{meant}"
                await RedirectResponse(address, 307)(scope, receive, send)
                return
        await app(scope, receive, send)

    return cleaned


def based(app: App, base_path: str) -> App:
    """Serves an application below a path, and nothing outside of it."""
    if not base_path:
        return app

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["path"] == base_path:
            await RedirectResponse(f"{base_path}/", 301)(scope, receive, send)
        elif scope["path"].startswith(f"{base_path}/"):
            await app({**scope, "root_path": base_path}, receive, send)
        else:
            await PlainTextResponse("404 page not found\n", 404)(scope, receive, send)

    return served
