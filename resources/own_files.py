"""What is ours to replace: nothing is removed or rewritten that somebody else may have put there.

What belongs here: telling a file or folder of ours from others, making the folder of one, and
removing what nobody needs.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import trouble

_START, _MAGIC = 8, b"DUCK"
_EARLIER_STORE = "observations.duckdb"


def not_ours(path: Path, what: str, why: str) -> WarehouseError:
    """The user's words for something that stands where ours should."""
    return WarehouseError(f"{what} {path}: {why}; move it away, or remove it, and run this again")


def make_folder(path: Path) -> None:
    """Makes the folder that a file goes into.

    Raises:
        WarehouseError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"warehouse {path}: the folder {error.filename} cannot be made: "
            f"{trouble(error, path.parent)}"
        ) from None


def remove_earlier_store(state_dir: Path) -> None:
    """Removes what releases before schema 4 kept between archives and warehouse.

    Only a DuckDB file of that name goes; a link, or what somebody else put there, stays.
    """
    for name in (f"{_EARLIER_STORE}.wal", _EARLIER_STORE):
        path = state_dir / name
        with contextlib.suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode) and _is_store(state_dir / _EARLIER_STORE):
                path.unlink()


def _is_store(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_START + len(_MAGIC))[_START:] == _MAGIC


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
