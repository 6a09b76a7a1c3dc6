"""Project identities as table rows, from rows of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agentsview_assets.rules.disk_evidence import RecordedDisk
from agentsview_assets.rules.disks import Disk
from agentsview_assets.rules.identities import (
    ProjectObservation,
    SessionPlace,
    WorktreeMapping,
    resolve_projects,
)

Row = Mapping[str, Any]


def identity_rows(evidence: Iterable[Row], disk: Disk | None = None) -> list[dict[str, Any]]:
    """Resolves every project label of every archive.

    Args:
        evidence: Rows of `project_observations`.
        disk: The disk that decides symbolic links and unobserved checkouts; what the evidence of
            each archive says of one where it is not given.

    Returns:
        Rows of `project_identities`, by archive and label.
    """
    by_archive: dict[str, list[Row]] = {}
    for row in evidence:
        by_archive.setdefault(row["archive_id"], []).append(row)
    return [
        found
        for archive_id in sorted(by_archive)
        for found in _resolve(
            archive_id, by_archive[archive_id], disk or RecordedDisk(by_archive[archive_id])
        )
    ]


def _resolve(archive_id: str, evidence: list[Row], disk: Disk) -> list[dict[str, Any]]:
    labels = {
        row["project"] for row in evidence if row["evidence"] in ("observation", "session_place")
    }
    resolved = resolve_projects(
        labels,
        [_observation(row) for row in evidence if row["evidence"] == "observation"],
        [_place(row) for row in evidence if row["evidence"] == "session_place"],
        [_mapping(row) for row in evidence if row["evidence"] == "worktree_mapping"],
        disk,
    )
    rows = []
    for label in sorted(resolved):
        identity = resolved[label].identity
        rows.append(
            {
                "archive_id": archive_id,
                "project": label,
                "resolution": resolved[label].resolution,
                "key": identity.key if identity else None,
                "key_source": identity.key_source if identity else None,
                "normalized_remote": (identity.normalized_remote or None) if identity else None,
                "root_path": (identity.root_path or None) if identity else None,
                "machine_local": identity.machine_local if identity else False,
            }
        )
    return rows


def _observation(row: Row) -> ProjectObservation:
    return ProjectObservation(
        project=row["project"],
        machine=row["machine"],
        root_path=row["root_path"],
        git_remote=row["git_remote"],
        worktree_name=row["worktree_name"],
        worktree_root_path=row["worktree_root_path"],
    )


def _place(row: Row) -> SessionPlace:
    """A session's place; only the folder of its file was kept."""
    folder = row["worktree_root_path"]
    return SessionPlace(
        project=row["project"],
        machine=row["machine"],
        cwd=row["root_path"],
        file_path="" if folder == "." else f"{folder}/-",
    )


def _mapping(row: Row) -> WorktreeMapping:
    return WorktreeMapping(
        machine=row["machine"],
        path_prefix=row["root_path"],
        layout=row["layout"],
        project=row["project"],
        enabled=True,
    )
