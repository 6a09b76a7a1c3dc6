"""A hand-editable archive: inserts rows of every table that reports read, with plain defaults."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Value = str | int | float | bytes | None
DAY = "2026-07-01"
NOON = f"{DAY}T12:00:00Z"


class Workbench:
    """An open archive and the helpers to put odd rows into it.

    Attributes:
        folder: The archive's data folder.
        database: Open connection; foreign keys are off, so that orphans can be made.
    """

    def __init__(self, folder: Path) -> None:
        """Open the `sessions.db` of a data folder for editing."""
        self.folder = folder
        self.database = sqlite3.connect(folder / "sessions.db", isolation_level=None)
        self.database.execute("PRAGMA foreign_keys = OFF")

    @property
    def disk(self) -> Path:
        """A folder outside the archive for checkouts and symbolic links (resolved path)."""
        folder = self.folder.parent / f"{self.folder.name}-disk"
        folder.mkdir(exist_ok=True)
        return folder.resolve()

    def session(self, session_id: str, project: str, **columns: Value) -> str:
        """Insert a session of agent claude with no folder and no file; return its id."""
        defaults: dict[str, Value] = {
            "id": session_id,
            "project": project,
            "agent": "claude",
            "machine": "local",
            "started_at": f"{DAY}T08:00:00Z",
            "ended_at": f"{DAY}T20:00:00Z",
            "message_count": 2,
            "user_message_count": 2,
        }
        self._insert("sessions", {**defaults, **columns})
        return session_id

    def message(
        self,
        session_id: str,
        usage: str | bytes | Mapping[str, Value] | None = None,
        **columns: Value,
    ) -> None:
        """Insert an assistant message; `usage` is raw text or counters of a token_usage object.

        Without an `ordinal` it becomes the session's next.
        """
        if usage is None:
            usage = {"input_tokens": 1_000, "output_tokens": 100}
        ordinal = self.database.execute(
            "SELECT COALESCE(MAX(ordinal), -1) + 1 FROM messages WHERE session_id = ?",
            (session_id,),
        ).fetchone()[0]
        defaults: dict[str, Value] = {
            "session_id": session_id,
            "ordinal": ordinal,
            "role": "assistant",
            "content": "",
            "timestamp": NOON,
            "model": "claude-opus-4-6",
            "token_usage": usage if isinstance(usage, str | bytes) else json.dumps(usage),
        }
        self._insert("messages", {**defaults, **columns})

    def event(self, session_id: str, **columns: Value) -> None:
        """Insert a usage event of source `turn` without a cost."""
        defaults: dict[str, Value] = {
            "session_id": session_id,
            "source": "turn",
            "model": "gpt-5.5",
            "input_tokens": 1_000,
            "output_tokens": 100,
            "occurred_at": NOON,
        }
        self._insert("usage_events", {**defaults, **columns})

    def cursor(self, **columns: Value) -> None:
        """Insert a billing row of Cursor, 12.5 cents."""
        defaults: dict[str, Value] = {
            "occurred_at": NOON,
            "model": "gpt-5.5",
            "input_tokens": 10,
            "output_tokens": 5,
            "charged_cents": 12.5,
        }
        self._insert("cursor_usage_events", {**defaults, **columns})

    def price(
        self, pattern: str, rates: tuple[float, float, float, float], updated_at: str
    ) -> None:
        """Insert or replace a stored price: input, output, cache write, cache read per MTok."""
        self.database.execute(
            "INSERT OR REPLACE INTO model_pricing VALUES (?, ?, ?, ?, ?, ?)",
            (pattern, *rates, updated_at),
        )

    def observe(self, project: str, **columns: Value) -> None:
        """Insert a project observation with empty remote and empty derived columns."""
        defaults: dict[str, Value] = {
            "project": project,
            "machine": "local",
            "observed_at": "2026-07-01T00:00:00.000000001Z",
        }
        self._insert("project_identity_observations", {**defaults, **columns})

    def used(self, project: str, **columns: Value) -> str:
        """Insert a session of that project (and so named) with one ordinary message."""
        session_id = self.session(f"used:{project}", project, **columns)
        self.message(session_id)
        return session_id

    def append_config(self, text: str) -> None:
        """Add text to the archive's `config.toml`."""
        with (self.folder / "config.toml").open("a", encoding="utf-8") as config:
            config.write(f"\n{text}\n")

    def _insert(self, table: str, columns: Mapping[str, Value]) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self.database.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            tuple(columns.values()),
        )


Edit = Callable[[Workbench], None]


def apply_edits(folder: Path, edits: tuple[Edit, ...]) -> None:
    """Apply edits to an archive in order, then leave it closed and checkpointed."""
    bench = Workbench(folder)
    with closing(bench.database) as database:
        for edit in edits:
            database.execute("BEGIN")
            edit(bench)
            database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
