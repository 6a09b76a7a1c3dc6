"""Root paths of projects: lexical cleaning, normalisation, containment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentsview_assets.rules.text import trim

if TYPE_CHECKING:
    from collections.abc import Callable

_DRIVE_PATH = re.compile(r"([A-Za-z]):[\\/]")


def is_drive_path(path: str) -> bool:
    r"""Tell whether a path starts with a drive letter, a colon and a separator (`C:\`, `c:/`)."""
    return _DRIVE_PATH.match(path) is not None


def clean_path(path: str) -> str:
    """Shorten a slash path by text alone: no empty, `.` or removable `..` component is left.

    Args:
        path: A rooted (`/a/../b`) or relative (`a/../../b`) path.

    Returns:
        The shortest equal path. `..` never climbs above the root of a rooted path; an empty
        relative path is `.`. No file system is consulted.
    """
    rooted = path.startswith("/")
    kept: list[str] = []
    for component in path.split("/"):
        if component in ("", "."):
            continue
        if component != "..":
            kept.append(component)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif not rooted:
            kept.append(component)
    cleaned = "/".join(kept)
    return f"/{cleaned}" if rooted else cleaned or "."


def normalize_root(raw: str, resolve: Callable[[str], str | None]) -> str | None:
    """Normalise a root path as reports show it.

    Args:
        raw: The path as it was recorded, on whatever system.
        resolve: Gives a path with its symbolic links resolved on the reading machine, or None
            where that is impossible (missing, looping, forbidden, of another system).

    Returns:
        An absolute path with `/` separators, or None when `raw` names no absolute local path.
    """
    text = trim(raw)
    if "://" in text:
        return None
    slashed = text.replace("\\", "/")
    if is_drive_path(text):
        cleaned = text[0].upper() + ":" + clean_path(slashed[2:])
    elif text.startswith("/"):
        cleaned = clean_path(slashed)
    else:
        # Relative paths, `host:path`, `\\server\share`, `~` and the empty text.
        return None
    resolved = resolve(cleaned)
    return cleaned if resolved is None else resolved


def is_within(path: str, root: str) -> bool:
    """Tell whether a cleaned path equals a cleaned root or lies below it, by whole components."""
    return path == root or path.startswith(root if root.endswith("/") else f"{root}/")


def file_directory(file_path: str) -> str:
    r"""Give the cleaned directory part of a path; `.` when it has none.

    Only `/` separates: the directory of `C:\a\b.jsonl` is `.`, that of `/a/state.db#7` is `/a`.
    """
    return clean_path(file_path[: file_path.rfind("/") + 1])
