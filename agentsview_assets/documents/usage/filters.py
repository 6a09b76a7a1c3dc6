"""What a usage report can be narrowed by, as it is asked for.

What belongs here: the filters and how their texts are read. What does not: SQL (`conditions`).
"""

from __future__ import annotations

from dataclasses import dataclass

from agentsview_assets.documents.sessions.filters import (
    split_words,
)
from agentsview_assets.rules.text import trim

CURSOR_AGENT = "cursor"
TERMINATIONS = ("active", "stale", "unclean", "clean", "awaiting_user")


@dataclass(frozen=True, slots=True)
class UsageFilters:
    """Filters of a usage report; all that are given must hold.

    Lists are comma-separated and their parts exact: no spaces are forgiven, and `,` is a list of
    two empty names. What is empty or 0 is no filter.

    Attributes:
        agent: Agents.
        project: Projects.
        machine: Machines.
        git_branch: Pairs of project and branch, joined by U+001F, separated by U+001E; a text
            without any pair matches nothing.
        exclude_project: All but these projects.
        exclude_agent: All but these agents.
        exclude_model: All but these models.
        model: Models.
        min_user_messages: Fewest messages of the user.
        active_since: Text that the session's last time is not before, compared as text.
        termination: How sessions ended: words of `TERMINATIONS`; others say nothing.
        include_one_shot: Whether sessions with one message of the user are in.
        include_automated: Whether sessions that programs started are in.
    """

    agent: str = ""
    project: str = ""
    machine: str = ""
    git_branch: str = ""
    exclude_project: str = ""
    exclude_agent: str = ""
    exclude_model: str = ""
    model: str = ""
    min_user_messages: int = 0
    active_since: str = ""
    termination: str = ""
    include_one_shot: bool = True
    include_automated: bool = False

    @property
    def terminations(self) -> tuple[str, ...]:
        """The words of `termination` that say something."""
        if self.termination == "all":
            return ()
        return tuple(word for word in split_words(self.termination) if word in TERMINATIONS)

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents asked for as people read them: trimmed, empty ones left out."""
        return split_words(self.agent)

    @property
    def keeps_cursor_events(self) -> bool:
        """Whether usage without a session may pass: nothing is asked of sessions."""
        asked = (
            *(self.project, self.exclude_project, self.machine, self.git_branch),
            *(self.active_since, self.terminations, not self.include_one_shot),
        )
        if any(asked) or self.min_user_messages > 0:
            return False
        # Cursor events forgive the spaces that sessions do not.
        if self.agent and CURSOR_AGENT not in map(trim, self.agent.split(",")):
            return False
        return CURSOR_AGENT not in map(trim, self.exclude_agent.split(","))


EVERYTHING = UsageFilters(include_automated=True)
"""No filter at all: what the command line's reports are about."""
