"""Style sheets and scripts: under addresses that hold a digest of their content.

What stands under such an address never changes, so that browsers keep it for good.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from agentsview_assets.web.asking.negotiation import takes_gzip

PATH = "/static/{digest}/{name}"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FOLDERS = ("", "vendor/")
_DIGEST_LENGTH = 16


@dataclass(frozen=True)
class _Static:
    """A file that browsers are given."""

    digest: str
    media_type: str
    plain: bytes
    compressed: bytes


def static_path(name: str) -> str:
    """The path of a file, below the base path."""
    return f"/static/{_statics()[name].digest}/{name}"


def static_answer(request: Request) -> Response:
    """The file that a request names; 404 where there is none of this content."""
    found = _statics().get(request.path_params["name"])
    if found is None or found.digest != request.path_params["digest"]:
        return Response("not found\n", 404, {"content-type": "text/plain; charset=utf-8"})
    headers = {
        "content-type": found.media_type,
        "cache-control": "public, max-age=31536000, immutable",
        "vary": "Accept-Encoding",
    }
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(found.plain, 200, headers)
    return Response(found.compressed, 200, {**headers, "content-encoding": "gzip"})


@cache
def _statics() -> dict[str, _Static]:
    """All files by name; compressed once, since they are sent again and again."""
    root = files("agentsview_assets.web") / "static"
    found = {}
    for folder in _FOLDERS:
        place = root / folder if folder else root
        for entry in place.iterdir():
            suffix = entry.name.rpartition(".")[2]
            if suffix in _TYPES:
                plain = entry.read_bytes()
                digest = hashlib.sha256(plain).hexdigest()[:_DIGEST_LENGTH]
                packed = gzip.compress(plain, 6, mtime=0)
                found[entry.name] = _Static(digest, _TYPES[suffix], plain, packed)
    return found
