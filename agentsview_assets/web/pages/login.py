"""The form that asks for the token, and what it is exchanged for: a cookie.

The guard has looked at Host and Origin before anything here is asked for.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agentsview_assets.web.pages.rendering import HTML, rendered
from agentsview_assets.web.serving import Serving
from agentsview_assets.web.tokens import COOKIE, SECONDS_VALID, Tokens
from agentsview_assets.web.wire import json_answer

LOGIN, LOGOUT = "/login", "/logout"
_MOST_BYTES = 8192
_RELATIVE = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)


def login_page(serving: Serving, request: Request, *, is_wrong: bool = False) -> Response:
    """The form; where nobody asks for a token, the way to the first page."""
    if not _tokens(request).is_required:
        return RedirectResponse(f"{serving.base_path}/", 303)
    body = rendered(
        "login.html",
        base=serving.base_path,
        next=safe_next(request.query_params.get("next", "")),
        is_wrong=is_wrong,
    )
    answer = json_answer(request, body, 401 if is_wrong else 200, media_type=HTML)
    answer.headers["cache-control"] = "no-store"
    return answer


async def login(serving: Serving, request: Request) -> Response:
    """Exchanges the token for a cookie, and leads to the page that was asked for first."""
    form = await _form(request)
    if form is None:
        return Response("the form is too long\n", 413, {"content-type": "text/plain"})
    tokens = _tokens(request)
    if not tokens.is_right(form.get("token", "").strip()):
        return login_page(serving, request, is_wrong=True)
    target = safe_next(form.get("next", ""))
    answer = RedirectResponse(f"{serving.base_path}{target}", 303)
    answer.set_cookie(
        COOKIE,
        tokens.cookie(),
        max_age=SECONDS_VALID,
        **_place(serving),
    )
    return answer


def logout(serving: Serving) -> Response:
    """Takes the cookie back."""
    answer = RedirectResponse(f"{serving.base_path}{LOGIN}", 303)
    answer.delete_cookie(COOKIE, **_place(serving))
    return answer


def _place(serving: Serving) -> dict[str, Any]:
    """Where the cookie counts; it is taken back only there."""
    return {
        "path": serving.base_path or "/",
        "secure": serving.is_secure,
        "httponly": True,
        "samesite": "strict",
    }


def safe_next(target: str) -> str:
    """A path of this server; the first page for everything else."""
    return target if _RELATIVE.fullmatch(target) else "/"


def _tokens(request: Request) -> Tokens:
    found: Tokens = request.scope["agentsview_assets.tokens"]
    return found


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None where there is more than one could mean."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return None
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
