"""Which branches are asked for: tokens of a project and a branch, as agentsview lists them."""

from __future__ import annotations

from agentsview_assets.documents.common.sql import Sql, any_of, comparable
from agentsview_assets.documents.sessions.filters import BRANCH_LIST_SEPARATOR, BRANCH_SEPARATOR


def branches(tokens: str) -> list[tuple[str, str]]:
    """Return the pairs of project and branch that tokens name.

    Args:
        tokens: Project, U+001F, branch; several with U+001E between them. What holds no U+001F
            is passed over.
    """
    found = [token.partition(BRANCH_SEPARATOR) for token in tokens.split(BRANCH_LIST_SEPARATOR)]
    return [(project, branch) for project, separator, branch in found if separator]


def branch_test(tokens: str) -> Sql:
    """Return the test on project and branch of a session; where tokens name none, none passes.

    Args:
        tokens: See `branches`.
    """
    return any_of(
        [
            Sql("(project = ? AND git_branch = ?)", (comparable(project), comparable(branch)))
            for project, branch in branches(tokens)
        ]
    )
