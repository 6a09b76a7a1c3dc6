"""Which branches are asked for: tokens of a project and a branch, as agentsview lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.documents.usage.query import Sql

if TYPE_CHECKING:
    from collections.abc import Iterator

BETWEEN_BRANCHES = "\x1e"
AFTER_PROJECT = "\x1f"


def branch_test(tokens: str) -> Sql:
    """Return the test on project and branch of a session.

    Args:
        tokens: Project, U+001F, branch; several with U+001E between them. What holds no U+001F
            is passed over, and where nothing is left no session passes.
    """
    branches = list(_branches(tokens))
    if not branches:
        return Sql("1 = 0")
    tests = " OR ".join(["(project = ? AND git_branch = ?)"] * len(branches))
    return Sql(f"({tests})", tuple(part for branch in branches for part in branch))


def _branches(tokens: str) -> Iterator[tuple[str, str]]:
    for token in tokens.split(BETWEEN_BRANCHES):
        project, found, branch = token.partition(AFTER_PROJECT)
        if found:
            yield project, branch
