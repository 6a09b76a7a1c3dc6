"""The path of a request as it was sent: names in it may hold escaped slashes.

Routes see it decoded, which takes `%2F` for a slash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

API = "/api/"


def is_of_api(scope: Mapping[str, Any]) -> bool:
    """Whether a request is to the API rather than to a page.

    Args:
        scope: Of the request.
    """
    return str(scope["path"]).removeprefix(scope.get("root_path", "")).startswith(API)


def sent_path(scope: Mapping[str, Any]) -> str:
    """The undecoded path below the base path.

    Args:
        scope: Of the request.
    """
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    path = raw.decode("ascii", "replace").partition("?")[0]
    return str(path).removeprefix(scope.get("root_path", ""))


def path_values(pattern: str, scope: Mapping[str, Any]) -> dict[str, str]:
    """The names in a path, decoded.

    Args:
        pattern: The path as the router has it; it has as many parts as the one that was sent.
        scope: Of the request.
    """
    parts = sent_path(scope).split("/")
    return {
        part.strip("{}").partition(":")[0]: unquote(parts[place], errors="surrogateescape")
        for place, part in enumerate(pattern.split("/"))
        if part.startswith("{")
    }


def has_shape(pattern: str, scope: Mapping[str, Any]) -> bool:
    """Whether the path that was sent has as many parts as an endpoint's."""
    return sent_path(scope).count("/") == pattern.count("/")
