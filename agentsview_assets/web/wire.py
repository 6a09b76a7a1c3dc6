"""How answers travel: the name of their type, compression, and what a client has already.

What belongs here: one answer of the API. What does not: pages, or who may ask.
"""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

from agentsview_assets.web.asking.negotiation import json_name, takes_gzip
from agentsview_assets.web.endpoints import json_body

COMPRESSED_BYTES = 512
"""Bodies of so many bytes are compressed for those who take it."""
_LEVEL = 5


def json_answer(
    request: Request,
    body: bytes,
    status: int = 200,
    *,
    tag: str = "",
    media_type: str = "",
) -> Response:
    """An answer of the API.

    Args:
        request: What is answered.
        body: The whole body.
        status: Of HTTP.
        tag: Its ETag; empty for one that is not to be kept.
        media_type: Its type; empty for JSON under the name that the client prefers.
    """
    headers = {"content-type": media_type or json_name(request.headers.get("accept", ""))}
    if tag:
        headers |= {"etag": tag, "cache-control": "private, no-cache"}
    answer = Response(_compressed(request, body, headers), status, headers)
    if len(body) >= COMPRESSED_BYTES and "content-encoding" in headers:
        answer.headers.append("vary", "Accept-Encoding")
    return answer


def not_modified(tag: str) -> Response:
    """An answer to a client that has the body already."""
    return Response(status_code=304, headers={"etag": tag, "cache-control": "private, no-cache"})


def error(request: Request, status: int, said: object) -> Response:
    """An answer that says what is wrong, in agentsview's shape."""
    return json_answer(request, json_body({"error": said}), status)


def _compressed(request: Request, body: bytes, headers: dict[str, str]) -> bytes:
    is_wanted = takes_gzip(request.headers.get("accept-encoding", ""))
    is_plain = request.method == "HEAD" or "range" in request.headers
    is_stream = "text/event-stream" in request.headers.get("accept", "")
    if not is_wanted or is_plain or is_stream or len(body) < COMPRESSED_BYTES:
        return body
    headers["content-encoding"] = "gzip"
    return gzip.compress(body, _LEVEL, mtime=0)
