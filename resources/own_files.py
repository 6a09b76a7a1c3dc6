"""What is ours to replace: nothing is removed or rewritten that somebody else may have put there.

What belongs here: telling a file or folder of ours from others. What does not: removing anything.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agentsview_assets.errors import WarehouseError

_START, _MAGIC = 8, b"DUCK"
_CHUNK_BYTES = 1 << 20


def not_ours(path: Path, what: str, why: str) -> WarehouseError:
    """The user's words for something that stands where ours should."""
    return WarehouseError(f"{what} {path}: {why}; move it away, or remove it, and run this again")


def require_ours(path: Path, what: str) -> None:
    """Requires that what lies at a path of ours is a DuckDB file, or nothing that can be lost.

    Raises:
        WarehouseError: It is something else, or somebody else's.
    """
    require_plain_file(path, what)
    try:
        with path.open("rb") as file:
            head = file.read(_START + len(_MAGIC))
            if head[_START:] == _MAGIC or (not head.strip(b"\0") and _is_blank(path)):
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise WarehouseError(f"{what} {path}: {error.strerror}") from None
    raise not_ours(path, what, "what lies there is not an observation store")


def require_plain_file(path: Path, what: str) -> None:
    """Requires a file of the user's, where there is one: no link, no folder, nobody else's.

    Raises:
        WarehouseError: It is one of those.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise WarehouseError(f"{what} {path}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no plain file"
        raise not_ours(path, what, f"it is {kind}")


def require_own_folder(folder: Path, what: str) -> None:
    """Requires that only the user decides what lies in a folder that code is configured from.

    Raises:
        WarehouseError: It belongs to somebody else, or anybody may write to it.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise WarehouseError(
            f"{what} {folder}: it belongs to another user (number {found.st_uid}), and what lies "
            "in it would run as you; name a warehouse in a folder of your own"
        )
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise WarehouseError(
            f"{what} {folder}: anybody may write to it, and what lies in it would run as you; "
            f"take that away with `chmod o-w '{folder}'`"
        )


def _is_blank(path: Path) -> bool:
    """Whether a file is empty or all zeros, as a power cut leaves it."""
    with path.open("rb") as file:
        return not any(chunk.strip(b"\0") for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))
