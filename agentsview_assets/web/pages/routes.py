"""The routes of all pages, in the order in which they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Route

from agentsview_assets.web.pages import (
    activity,
    changes,
    models,
    overview,
    projects,
    rows,
    session,
    sessions,
    spans,
    trust,
)
from agentsview_assets.web.pages.login import LOGIN, LOGOUT, login, login_page, logout
from agentsview_assets.web.pages.statics import PATH, static_answer
from agentsview_assets.web.paths import has_shape, is_of_api

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from agentsview_assets.web.pages.answering import Pages
    from agentsview_assets.web.pages.page import Page

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    activity.PAGE,
    *projects.PAGES,
    *models.PAGES,
    sessions.PAGE,
    session.PAGE,
    changes.PAGE,
    trust.PAGE,
    rows.PAGE,
    spans.PAGE,
)
"""All pages; the navigation has them in this order."""


class _Name(Convertor[str]):
    """A part of a path that may hold anything, line feeds too, which `path` does not."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Name())


def page_routes(pages: Pages) -> list[Route]:
    """What answers everything that is not the API; comes after all other routes."""
    serving = pages.service.serving

    async def form(request: Request) -> Response:
        if request.method == "POST":
            return await login(serving, request)
        return login_page(serving, request)

    async def leave(_: Request) -> Response:
        return logout(serving)

    async def static(request: Request) -> Response:
        return static_answer(request)

    async def missing(request: Request) -> Response:
        if is_of_api(request.scope):
            raise HTTPException(404)
        return await run_in_threadpool(pages.missing, request)

    return [
        Route(LOGIN, form, methods=["GET", "POST"]),
        Route(LOGOUT, leave, methods=["POST"]),
        Route(PATH, static, methods=["GET"]),
        *(_route(pages, page) for page in PAGES),
        Route("/{path:anything}", missing, methods=["GET"]),
    ]


def _route(pages: Pages, page: Page) -> Route:
    async def answer(request: Request) -> Response:
        if not has_shape(page.path, request.scope):
            return await run_in_threadpool(pages.missing, request)
        return await run_in_threadpool(pages.answer, page, request)

    # Names may hold a slash, which is escaped in the address and decoded before routes see it.
    path = "/".join(
        f"{part[:-1]}:anything}}" if part.startswith("{") else part for part in page.path.split("/")
    )
    return Route(path, answer, methods=["GET"])
