"""Which linked worktree a session ran in: session export section 2.4 of the v1 contract."""

from __future__ import annotations

from collections.abc import Iterable

from agentsview_assets.rules.identities import ProjectObservation
from agentsview_assets.rules.paths import clean_path, is_within

Place = tuple[str, str, str]
"""Project, machine and working directory of a session."""


def worktrees_of(
    places: Iterable[Place], observations: Iterable[ProjectObservation]
) -> dict[Place, tuple[str, str]]:
    """Finds the worktree name and root of each place that lies in an observed worktree.

    Args:
        places: Distinct places of sessions.
        observations: Observations of any project and machine.

    Returns:
        Name and root by place, `''` for what an observation lacks; places in none are left out.
    """
    candidates: dict[tuple[str, str], list[ProjectObservation]] = {}
    for seen in sorted(observations):
        if seen.worktree_name or seen.worktree_root_path:
            candidates.setdefault((seen.project, seen.machine), []).append(seen)
    found = {}
    for place in places:
        owner = _owner(place[2], candidates.get((place[0], place[1]), []))
        if owner is not None:
            found[place] = (owner.worktree_name, owner.worktree_root_path)
    return found


def _owner(cwd: str, candidates: list[ProjectObservation]) -> ProjectObservation | None:
    """The candidate with the longest root that holds the directory; the earlier one on ties."""
    directory = clean_path(cwd)
    if directory == ".":
        return None
    best, best_length = None, -1
    for candidate in candidates:
        for raw in (candidate.worktree_root_path, candidate.root_path):
            root = clean_path(raw) if raw else ""
            length = len(root.encode())
            if root and length > best_length and is_within(directory, root):
                best, best_length = candidate, length
    return best
