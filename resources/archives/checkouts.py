"""Git working trees on the disk of this machine, read without running git."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentsview_assets.resources.archives.bounded_files import read_small
from agentsview_assets.rules.disks import Checkout
from agentsview_assets.rules.paths import clean_path, is_within
from agentsview_assets.rules.text import from_bytes, to_bytes, trim

if TYPE_CHECKING:
    from collections.abc import Mapping

# Looking below an automounter's directories can hang for minutes.
_AUTOMOUNTS = ("/home", "/net", "/Network/Servers") if sys.platform == "darwin" else ()


class LocalDisk:
    """The file system of this machine, as a `Disk` for project identities.

    Nothing is ever raised for what is missing, unreadable or malformed. Answers are remembered for
    the life of the instance: make a new one for each report or run.
    """

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._resolved: dict[str, str | None] = {}
        self._checkouts: dict[Path, Checkout | None] = {}

    def resolve_symlinks(self, path: str) -> str | None:
        """Give a path without symbolic links.

        Args:
            path: A cleaned absolute path of this system.

        Returns:
            The path with `/` separators, or None when it is missing, looping, forbidden, below an
            automounter's directory or of another system.
        """
        if path not in self._resolved:
            automounted = any(is_within(path, mount) for mount in _AUTOMOUNTS)
            self._resolved[path] = None if automounted else _resolve(path)
        return self._resolved[path]

    def checkout(self, path: str) -> Checkout | None:
        """Find the git working tree that holds an existing file or directory.

        Args:
            path: An absolute path as recorded; `.` and `..` are removed by text first.

        Returns:
            The tree's root (symlink-resolved) and its remote without credentials (`''` when it has
            no usable one); None outside any working tree.
        """
        if "://" in path or not Path(path).is_absolute():
            return None
        resolved = self.resolve_symlinks(clean_path(path.replace(os.sep, "/")))
        return None if resolved is None else self._checkout_around(Path(resolved))

    def _checkout_around(self, start: Path) -> Checkout | None:
        """Walk up to the first directory with a `.git`; the whole way shares the answer."""
        passed: list[Path] = []
        found: Checkout | None = None
        for directory in (start, *start.parents):
            if directory in self._checkouts:
                found = self._checkouts[directory]
                break
            passed.append(directory)
            found = _checkout_at(directory)
            if found is not None:
                break
        self._checkouts.update(dict.fromkeys(passed, found))
        return found


def parse_remotes(config: str) -> dict[str, str]:
    """Read the remotes of a git configuration, line by line.

    Deliberately smaller than git's own grammar, so that identities equal agentsview's: no quoting,
    comments, continuation lines, includes or `insteadOf`.

    Returns:
        URL text as written by name of remote; a later `url` replaces an earlier one.
    """
    remotes: dict[str, str] = {}
    name = ""
    for raw in config.split("\n"):
        line = trim(raw)
        if line.startswith("[") and line.endswith("]"):
            name = _remote_name(line.strip("[]"))
            continue
        key, equals, value = line.partition("=")
        if name and equals and trim(key) == "url":
            remotes[name] = trim(value)
    return remotes


def choose_remote(remotes: Mapping[str, str]) -> str:
    """Choose `origin` when it is usable, otherwise the first usable one in the order of bytes.

    Returns:
        The remote without credentials, or `''` when none is usable.
    """
    from agentsview_assets.rules.remotes import (  # noqa: PLC0415 - only where there is one
        presentable_remote,
        sanitize_remote,
    )

    for name in sorted(remotes, key=lambda name: (name != "origin", to_bytes(name))):
        if sanitize_remote(remotes[name]):
            remote = presentable_remote(remotes[name])
            return "" if remote == "?" else remote
    return ""


def _remote_name(section: str) -> str:
    if not section.startswith("remote "):
        return ""
    return trim(section.removeprefix("remote ")).strip('"')


def _resolve(path: str) -> str | None:
    place = Path(path)
    if not place.is_absolute():
        return None
    try:
        return place.resolve(strict=True).as_posix()
    except (OSError, RuntimeError, ValueError):
        # Loops are RuntimeError before Python 3.13, embedded NUL characters ValueError.
        return None


def _checkout_at(directory: Path) -> Checkout | None:
    marker = directory / ".git"
    mode = _mode(marker)
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return None
    git_directory = marker if stat.S_ISDIR(mode) else _pointed_directory(marker)
    config = _read(git_directory / "config") if git_directory else ""
    return Checkout(directory.as_posix(), choose_remote(parse_remotes(config)))


def _pointed_directory(marker: Path) -> Path | None:
    """Follow a `.git` file to the directory with the configuration; None for an empty file."""
    target = trim(trim(_read(marker)).removeprefix("gitdir:"))
    if not target:
        return None
    git_directory = marker.parent / target
    # A linked worktree keeps its configuration in the repository that it shares.
    return git_directory / trim(_read(git_directory / "commondir"))


def _mode(path: Path) -> int:
    """Give the type and permission bits of what a path leads to; 0 for nothing."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _read(path: Path) -> str:
    """Read a regular file; `''` when it cannot be read, or is too large to be git's."""
    try:
        return from_bytes(read_small(path))
    except OSError:
        return ""
