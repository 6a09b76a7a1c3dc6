"""Small archives for one situation each: the sample archive, emptied and filled by hand.

Nothing of what is filled in is checked: odd values are what these archives are for.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any, Self

from tests.support.in_process import SAMPLE

EMPTIED = (
    *("messages", "usage_events", "cursor_usage_events", "tool_calls", "sessions"),
    *("project_identity_observations", "model_pricing"),
)
USAGE = '{"input_tokens":1000,"output_tokens":200}'


class TinyArchive:
    """An archive of agentsview 0.37.5 in a data folder of its own; use as a context manager.

    Args:
        folder: The data folder, which is made.
        identity: Its archive id and database id; those of the sample if not given.
    """

    def __init__(self, folder: Path, identity: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / "sessions.db"
        if not self.path.exists():
            shutil.copy(SAMPLE, self.path)
            self.connection = sqlite3.connect(self.path)
            self.connection.execute("PRAGMA foreign_keys = OFF")
            for table in EMPTIED:
                self.connection.execute(f"DELETE FROM {table}")
        else:
            self.connection = sqlite3.connect(self.path)
        if identity is not None:
            self.connection.execute("UPDATE archive_metadata SET value = ?", [identity])

    def insert(self, table: str, **row: Any) -> None:
        """Adds a row."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*row.values()])

    def session(self, name: str, day: str = "2026-11-01", **more: Any) -> None:
        """Adds a session of an hour."""
        row = {
            "id": name, "project": "demo", "agent": "claude", "started_at": f"{day}T10:00:00Z",
            "ended_at": f"{day}T11:00:00Z", "message_count": 2, "user_message_count": 2,
            "first_message": "hello", "data_version": 60, "cwd": "",
            "local_modified_at": f"{day}T11:00:00.000Z",
        }  # fmt: skip
        self.insert("sessions", **(row | more))

    def message(self, session: str, ordinal: int, timestamp: str, **more: Any) -> None:
        """Adds an answer of 1,000 input and 200 output tokens."""
        row = {
            "session_id": session, "ordinal": ordinal, "role": "assistant", "content": "x",
            "timestamp": timestamp, "model": "claude-opus-4-6", "token_usage": USAGE,
        }  # fmt: skip
        self.insert("messages", **(row | more))

    def event(self, session: str, **more: Any) -> None:
        """Adds a usage event of one token each way."""
        row = {
            "session_id": session, "source": "session", "model": "gpt-5.5", "input_tokens": 1,
            "output_tokens": 1, "occurred_at": "2026-11-01T10:30:00Z", "dedup_key": "",
        }  # fmt: skip
        self.insert("usage_events", **(row | more))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.commit()
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
