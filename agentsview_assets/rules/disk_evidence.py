"""What a disk said of paths when an archive was read, as rows of evidence.

Which repository a project is may depend on the disk of the machine that reads the archive: on its
symbolic links and checkouts. It is observed there, once, and every other machine takes its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from agentsview_assets.rules.disks import Checkout, Disk
from agentsview_assets.rules.text import to_bytes

PATH, CHECKOUT = "disk_path", "disk_checkout"
"""Kinds of evidence: a path without symbolic links, and the working tree around a path."""


class DiskAnswer(NamedTuple):
    """What a disk said of a path.

    Attributes:
        evidence: `PATH` or `CHECKOUT`.
        path: The path that was asked for.
        root: The path without links, or the root of the working tree; '' where there is none.
        remote: The working tree's remote; '' where it has no usable one.
    """

    evidence: str
    path: str
    root: str
    remote: str = ""


def _readable(path: str) -> str:
    """A path as a table can hold it: bytes that are no text become question marks."""
    return to_bytes(path).decode("utf-8", "replace")


class RecordingDisk:
    """A disk that remembers what it was asked and said."""

    def __init__(self, disk: Disk) -> None:
        """Starts with nothing asked."""
        self._disk = disk
        self.answers: dict[tuple[str, str], DiskAnswer] = {}

    def resolve_symlinks(self, path: str) -> str | None:
        """Gives a path without symbolic links; see `Disk`."""
        found = self._disk.resolve_symlinks(path)
        self._keep(DiskAnswer(PATH, path, _readable(found or "")))
        return found

    def checkout(self, path: str) -> Checkout | None:
        """Finds the working tree around a path; see `Disk`."""
        found = self._disk.checkout(path)
        root, remote = found or ("", "")
        self._keep(DiskAnswer(CHECKOUT, path, _readable(root), _readable(remote)))
        return found

    def _keep(self, answer: DiskAnswer) -> None:
        self.answers[answer.evidence, answer.path] = answer


class RecordedDisk:
    """The disk that an archive's evidence tells of; of what was not asked then nothing is known."""

    def __init__(self, evidence: Iterable[Mapping[str, Any]]) -> None:
        """Reads the evidence.

        Args:
            evidence: Rows of `project_observations` of one archive.
        """
        self._answers = {
            (row["evidence"], row["root_path"]): (row["worktree_root_path"], row["git_remote"])
            for row in evidence
            if row["evidence"] in (PATH, CHECKOUT)
        }

    def resolve_symlinks(self, path: str) -> str | None:
        """Gives a path without symbolic links; see `Disk`."""
        root, _ = self._answers.get((PATH, path), ("", ""))
        return root or None

    def checkout(self, path: str) -> Checkout | None:
        """Finds the working tree around a path; see `Disk`."""
        root, remote = self._answers.get((CHECKOUT, path), ("", ""))
        return Checkout(root, remote) if root else None


def says_the_same(disk: Disk, answers: Iterable[DiskAnswer]) -> bool:
    """Whether a disk still says what it said."""
    for answer in answers:
        again = RecordingDisk(disk)
        if answer.evidence == PATH:
            again.resolve_symlinks(answer.path)
        else:
            again.checkout(answer.path)
        if again.answers[answer.evidence, answer.path] != answer:
            return False
    return True
