"""Rows of the session export: a session's v1 object and its JSON text.

What belongs here: the shape of a row. What does not: which rows, which prices are in force.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.sessions.usage import BOOLEANS, SessionUsage, quoted, template
from agentsview_assets.rules.durations import duration_seconds
from agentsview_assets.rules.gojson import finish

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SESSION_COLUMNS = (
    *("session_id", "project", "machine", "agent", "cwd", "git_branch", "started_at_text"),
    *("ended_at_text", "last_activity_text", "message_count", "user_message_count"),
    *("assistant_message_count", "is_automated", "parent_session_id", "relationship_type"),
    *("worktree_name", "worktree_root_path", "total_output_tokens", "peak_context_tokens"),
    *("has_total_output_tokens", "has_peak_context_tokens"),
)
"""What `SessionRow` holds of the table `sessions`, in its order."""

_OPTIONAL = ("cwd", "git_branch")


class Worktree(NamedTuple):
    """The linked worktree that a session ran in."""

    name: str | None
    root_path: str | None


class SessionRow(NamedTuple):
    """A session as the export tells it; fields are the members in their order.

    `cwd` and `git_branch` are left out of the object when they are empty.
    """

    id: str
    project: str
    machine: str
    agent: str
    cwd: str
    git_branch: str
    started_at: str | None
    ended_at: str | None
    last_activity_at: str
    duration_seconds: int | None
    message_count: int
    user_message_count: int
    assistant_message_count: int
    turn_count: int
    classification: str
    is_automated: bool
    model_usage: SessionUsage
    parent_session_id: str | None
    relationship_type: str | None
    worktree: Worktree | None
    total_output_tokens: int
    peak_context_tokens: int
    has_total_output_tokens: bool
    has_peak_context_tokens: bool

    @classmethod
    def of(cls, stored: Sequence[Any], usage: SessionUsage) -> SessionRow:
        """Make the row of a session.

        Args:
            stored: Values of `SESSION_COLUMNS`.
            usage: What the session spent.
        """
        session_id, project, machine, agent, cwd, branch, started, ended, last_activity = stored[:9]
        messages, users, assistants, automated, parent, relationship, name, root = stored[9:17]
        output, peak, has_output, has_peak = stored[17:]
        return cls(
            session_id,
            project,
            machine,
            agent,
            cwd,
            branch,
            started,
            ended,
            last_activity,
            duration_seconds(started, ended or last_activity),
            messages,
            users,
            assistants,
            users,
            "automated" if automated else "interactive",
            bool(automated),
            usage,
            parent,
            relationship or None,
            None if name is None and root is None else Worktree(name, root),
            output,
            peak,
            bool(has_output),
            bool(has_peak),
        )

    def as_object(self) -> dict[str, Any]:
        """Return the v1 object."""
        members = self._asdict() | {
            "model_usage": self.model_usage.as_object(),
            "worktree": self.worktree and self.worktree._asdict(),
        }
        return {k: v for k, v in members.items() if v != "" or k not in _OPTIONAL}

    def as_text(self) -> str:
        """Return the JSON text, for `gojson.finish`."""
        return _ROW % (
            encode_basestring(self.id),
            quoted(self.project),
            quoted(self.machine),
            quoted(self.agent),
            f',"cwd":{quoted(self.cwd)}' if self.cwd else "",
            f',"git_branch":{quoted(self.git_branch)}' if self.git_branch else "",
            _nullable(self.started_at),
            _nullable(self.ended_at),
            encode_basestring(self.last_activity_at),
            "null" if self.duration_seconds is None else self.duration_seconds,
            self.message_count,
            self.user_message_count,
            self.assistant_message_count,
            self.turn_count,
            quoted(self.classification),
            BOOLEANS[self.is_automated],
            self.model_usage.as_text(),
            _nullable(self.parent_session_id),
            _nullable(self.relationship_type),
            _worktree_text(self.worktree),
            self.total_output_tokens,
            self.peak_context_tokens,
            BOOLEANS[self.has_total_output_tokens],
            BOOLEANS[self.has_peak_context_tokens],
        )


def rows_text(rows: Iterable[SessionRow], separator: str) -> str:
    """Return the JSON texts of rows with a separator between them, as agentsview writes them.

    Raises:
        ValueError: A cost is not a finite number.
    """
    return finish(separator.join([row.as_text() for row in rows]))


def _nullable(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


def _worktree_text(worktree: Worktree | None) -> str:
    if worktree is None:
        return "null"
    return _WORKTREE % tuple(map(_nullable, worktree))


_WORKTREE = template(Worktree._fields)
_ROW = template(SessionRow._fields)
for _name in _OPTIONAL:  # an optional member is written whole, or not at all
    _ROW = _ROW.replace(f',"{_name}":%s', "%s")
