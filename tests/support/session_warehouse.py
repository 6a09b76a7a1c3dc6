"""Small warehouses of sessions written by hand, for tests of the session export."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agentsview_assets.rules.julian import julian_day, utc_date
from tests.support.usage_warehouse import ARCHIVE, SmallWarehouse, empty_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE_ID = "00000000-0000-4000-8000-000000000001"
NOON = "2026-07-01T12:00:00Z"


@dataclass(frozen=True)
class Stored:
    """A session as a test names it, two prompts long, ended at noon."""

    session_id: str
    project: str = "alpha"
    machine: str = "local"
    agent: str = "claude"
    started_at_text: str | None = "2026-07-01T08:00:00Z"
    ended_at_text: str | None = NOON
    message_count: int = 4
    user_message_count: int = 2
    assistant_message_count: int = 2
    parent_session_id: str | None = None
    relationship_type: str = ""
    is_automated: bool = False
    deleted_at_text: str | None = None
    cwd: str = ""
    git_branch: str = ""
    worktree_name: str | None = None
    worktree_root_path: str | None = None
    total_output_tokens: int = 0
    peak_context_tokens: int = 0
    has_total_output_tokens: bool = False
    has_peak_context_tokens: bool = False
    outcome: str = "unknown"
    health_grade: str | None = None
    termination_status: str | None = None
    tool_failure_signal_count: int = 0
    secret_leak_count: int = 0
    secrets_rules_version: str | None = None
    starred_at_text: str | None = None
    created_at_text: str = "2026-07-01T08:00:00.000Z"

    def record(self) -> dict[str, Any]:
        """Return the row of the table."""
        start, end = self.started_at_text or "", self.ended_at_text or ""
        last = end or start
        sort = julian_day(end)
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "archive_id": ARCHIVE,
            "started_on": utc_date(start),
            "ended_on": utc_date(last),
            "last_activity_text": last,
            "last_activity_julian": julian_day(start) if sort is None else sort,
        }


@dataclass(frozen=True)
class Spent:
    """What a session spent on a model; rows without a reported cost are priced."""

    session_id: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    usage_row_count: int = 1
    reported_row_count: int = 0
    reported_cost_usd: float = 0.0
    cost_usd: float = 0.0

    def record(self) -> dict[str, Any]:
        """Return the row of the table; all tokens are priced unless all rows are reported."""
        priced = 0 if self.reported_row_count == self.usage_row_count else 1
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "archive_id": ARCHIVE,
            "priced_input_tokens": priced * self.input_tokens,
            "priced_output_tokens": priced * (self.output_tokens or self.reasoning_tokens),
            "priced_cache_creation_tokens": priced * self.cache_creation_tokens,
            "priced_cache_read_tokens": priced * self.cache_read_tokens,
        }


class SessionWarehouse(SmallWarehouse):
    """A warehouse of sessions over a connection of the test."""

    def add_archive(self, database_id: str = DATABASE_ID) -> None:
        """Note the archive; without any price it would be unknown."""
        found = {
            "archive_id": ARCHIVE,
            "database_id": database_id,
            "path": "/nowhere/sessions.db",
            "user_version": 1,
            "host": "",
            "stamp": "",
            "observed_at": "2026-07-01 00:00:00+00",
        }
        self.add("warehouse_archives", [found])
        self.add_prices("stored", [("model-a", 1.0, 2.0, 3.0, 4.0, NOON)])

    def add_sessions(self, *sessions: Stored) -> None:
        """Insert sessions."""
        self.add("sessions", (session.record() for session in sessions))

    def add_spent(self, *spent: Spent) -> None:
        """Insert usage."""
        self.add("session_model_usage", (row.record() for row in spent))

    def remove(self, session_id: str) -> None:
        """Delete a session."""
        self.connection.execute("DELETE FROM sessions WHERE session_id = ?", [session_id])

    def change(self, session: Stored, **columns: Any) -> None:
        """Replace a session by one that differs in some columns."""
        self.remove(session.session_id)
        self.add_sessions(replace(session, **columns))


@contextmanager
def session_warehouse(store: str) -> Iterator[SessionWarehouse]:
    """Open an in-memory warehouse without sessions, in DuckDB or SQLite."""
    with empty_warehouse(store) as empty:
        warehouse = SessionWarehouse(empty.connection, empty.reader)
        warehouse.add_archive()
        yield warehouse
