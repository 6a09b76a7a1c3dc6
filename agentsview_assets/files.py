"""Looking at paths that a user named: what is there, or in words why nobody can tell.

What belongs here: the questions that may fail for the user's reasons. Asking a path itself fails
with a traceback, or says that nothing is there, depending on the version of Python.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from agentsview_assets.errors import DISK_FULL, AssetsError, ConfigError, is_disk_full

FileKind = Literal["missing", "file", "folder", "other"]

_MISSING = (errno.ENOENT, errno.ENOTDIR)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_REMEDIES = {
    errno.ELOOP: "symbolic links that lead in a circle; mend them or name the file itself",
    errno.ENAMETOOLONG: "shorten it or name another path",
    errno.EROFS: "name a place that can be written",
    errno.ENOENT: "name another path",
    errno.ENOTDIR: "name another path",
    errno.EISDIR: "name a file",
    errno.EINVAL: "put an ordinary, small file there",
    errno.EMFILE: "too many files are open; raise the limit with `ulimit -n`",
    errno.ENFILE: "too many files are open on this machine; try again later",
}


def look(path: Path, subject: str, error: type[AssetsError]) -> FileKind:
    """What is at a path, symbolic links followed.

    Args:
        path: The path.
        subject: How a message begins, such as `archive /home/me/.agentsview`.
        error: What is raised.

    Raises:
        AssetsError: Nobody can tell; it is of the kind given.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as failure:
        if isinstance(failure, OSError) and failure.errno in _MISSING:
            return "missing"
        raise error(f"{subject}: {trouble(failure, path)}") from None
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "other"


def is_there(path: Path) -> bool:
    """Whether something is at a path, as far as we can see."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def trouble(failure: OSError | ValueError, path: Path | None = None) -> str:
    """Why a path cannot be used, and what to do, as the end of a message that names it."""
    if not isinstance(failure, OSError):
        return "is no path: it holds a character that no path can hold"
    if is_disk_full(failure):
        return DISK_FULL
    text = failure.strerror or str(failure)
    if failure.errno in _FORBIDDEN:
        return f"{text}{_refusing(path)}; run this as its owner, or have the right granted"
    remedy = _REMEDIES.get(failure.errno or 0, "see that its disk or network drive works")
    return f"{text}; {remedy}"


def _refusing(path: Path | None) -> str:
    """Names the folder on the way that keeps us out, if it is one."""
    for folder in reversed(path.parents if path is not None else ()):
        if is_there(folder) and not os.access(folder, os.X_OK):
            return f" (the folder {folder} may not be entered)"
    return ""


def expanded(path: str | Path) -> Path:
    """The absolute path, a `~` at its beginning being a home folder.

    Raises:
        ConfigError: There is no such home, or the folder that we are in is gone.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        whose = Path(path).parts[0][1:]
        why = f"there is no user {whose} on this machine; correct it"
        if not whose:
            why = (
                f"the home folder cannot be found, as HOME is not set and user {os.getuid()} has "
                "no entry in the list of users; set HOME"
            )
        raise ConfigError(f"{path}: {why} or name the whole path") from None
    except OSError as failure:
        raise ConfigError(
            f"{path}: the current folder cannot be told ({failure.strerror}); change to another "
            "one or name the whole path"
        ) from None
