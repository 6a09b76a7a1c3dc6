"""Working folders on disk that sessions point at: real git repositories of many kinds."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Robin Tester",
    "GIT_AUTHOR_EMAIL": "robin@example.org",
    "GIT_AUTHOR_DATE": "2025-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Robin Tester",
    "GIT_COMMITTER_EMAIL": "robin@example.org",
    "GIT_COMMITTER_DATE": "2025-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Project:
    """A project label with the folders its sessions work in.

    Attributes:
        label: The name that the archive is expected to show.
        kind: How its identity comes about, one of `KINDS`.
        folders: Absolute working folders; they need not exist.
        branches: Branch names its sessions report.
    """

    label: str
    kind: str
    folders: tuple[str, ...]
    branches: tuple[str, ...]


def make_projects(sources: Path) -> list[Project]:
    """Create one project of every kind below `sources` and return them, busiest first."""
    return [
        Project(
            label="lanternfish" if kind == "same_label_elsewhere" else label,
            kind=kind,
            folders=tuple(str(folder) for folder in KINDS[kind](sources, label)),
            branches=("main", "develop", f"feat/{label}-tidy", f"fix/{label}-flake"),
        )
        for label, kind in _LABELS.items()
    ]


def _git(*arguments: str) -> None:
    subprocess.run(
        ["git", *arguments],
        check=True,
        env={"PATH": os.environ["PATH"], **_GIT_ENVIRONMENT},
        capture_output=True,
    )


def _repository(folder: Path, remotes: dict[str, str]) -> Path:
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _git("init", "-q", "-b", "main", str(folder))
        for name, url in remotes.items():
            _git("-C", str(folder), "remote", "add", name, url)
        _git("-C", str(folder), "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def _scp(sources: Path, label: str) -> list[Path]:
    return [_repository(sources / label, {"origin": f"git@github.com:saltmarsh/{label}.git"})]


def _https_credentials(sources: Path, label: str) -> list[Path]:
    url = f"https://deploy-bot:not-a-real-secret@github.com/saltmarsh/{label}.git"
    return [_repository(sources / label, {"origin": url})]


def _no_remote(sources: Path, label: str) -> list[Path]:
    return [_repository(sources / label, {})]


def _linked_worktree(sources: Path, label: str) -> list[Path]:
    main = _scp(sources, label)[0]
    linked = sources / f"{label}-urgent"
    if not linked.exists():
        _git("-C", str(main), "worktree", "add", "-q", "-b", "urgent", str(linked))
    return [main, linked]


def _two_clones(sources: Path, label: str) -> list[Path]:
    second = _repository(
        sources / "again" / label, {"origin": f"https://github.com/saltmarsh/{label}.git"}
    )
    return [*_scp(sources, label), second]


def _ssh_port(sources: Path, label: str) -> list[Path]:
    url = f"ssh://git@git.kelp.example:7022/reef/{label}.git"
    return [_repository(sources / label, {"origin": url})]


def _upstream_only(sources: Path, label: str) -> list[Path]:
    remotes = {
        "upstream": f"https://github.com/open-tide/{label}.git",
        "mine": f"git@github.com:robin/{label}.git",
    }
    return [_repository(sources / label, remotes)]


def _subfolders(sources: Path, label: str) -> list[Path]:
    root = _repository(sources / label, {"origin": f"https://github.com/saltmarsh/{label}"})
    inner = [root / "services" / "intake", root / "services" / "portal"]
    for folder in inner:
        folder.mkdir(parents=True, exist_ok=True)
    return [*inner, root]


def _local_remote(sources: Path, label: str) -> list[Path]:
    return [_repository(sources / label, {"origin": f"/srv/mirrors/{label}.git"})]


def _same_label_elsewhere(sources: Path, label: str) -> list[Path]:
    # One folder name, another repository: the label's identity becomes ambiguous.
    folder = sources / label / "lanternfish"
    return [_repository(folder, {"origin": "git@github.com:otherreef/lanternfish.git"})]


def _plain_folder(sources: Path, label: str) -> list[Path]:
    (sources / label).mkdir(parents=True, exist_ok=True)
    return [sources / label]


def _missing_folder(sources: Path, label: str) -> list[Path]:
    return [sources / "gone" / label]


KINDS: dict[str, Callable[[Path, str], list[Path]]] = {
    "scp": _scp,
    "https_credentials": _https_credentials,
    "no_remote": _no_remote,
    "linked_worktree": _linked_worktree,
    "two_clones": _two_clones,
    "ssh_port": _ssh_port,
    "upstream_only": _upstream_only,
    "subfolders": _subfolders,
    "local_remote": _local_remote,
    "same_label_elsewhere": _same_label_elsewhere,
    "plain_folder": _plain_folder,
    "missing_folder": _missing_folder,
}

_LABELS = {
    "lanternfish": "scp",
    "tidepool": "https_credentials",
    "brinewell": "no_remote",
    "driftglass": "linked_worktree",
    "copperfern": "two_clones",
    "moonmill": "ssh_port",
    "quillbox.web": "upstream_only",
    "rookery": "subfolders",
    "peatworks": "local_remote",
    "elsewhere": "same_label_elsewhere",
    "thistledown": "plain_folder",
    "windlass-api": "missing_folder",
}
