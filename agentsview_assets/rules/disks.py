"""What identities ask of a disk: symbolic links, and working trees of git."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Checkout(NamedTuple):
    """A git working tree: its symlink-resolved root, and its usable remote or `''`."""

    root: str
    remote: str


class Disk(Protocol):
    """The file system of the machine that reads the archive."""

    def resolve_symlinks(self, path: str) -> str | None:
        """Give an absolute path without symbolic links; None when that is impossible."""

    def checkout(self, path: str) -> Checkout | None:
        """Find the git working tree that holds an existing directory."""
