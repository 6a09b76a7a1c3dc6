"""A turn of a session, written into an archive as a sync by agentsview does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LAST = "SELECT session_id FROM messages ORDER BY timestamp DESC LIMIT 1"
FIRST = "SELECT MIN(session_id) FROM messages"
_TURN = """
INSERT INTO messages (session_id, ordinal, role, content, timestamp, model, token_usage,
    claude_message_id, claude_request_id)
SELECT session_id, MAX(ordinal) + 1, 'assistant', '', :when, 'claude-opus-4-6',
    '{"input_tokens": 9}', :tag, :tag FROM messages WHERE session_id = :session
"""
_ROW = """
UPDATE sessions SET message_count = message_count + 1, local_modified_at = :when || :tag
WHERE id = :session
"""


def add_turn(archive: Path, when: str, tag: str, session: str = LAST) -> None:
    """Adds a turn to a session, whose row moves.

    Args:
        archive: The data folder.
        when: The turn's time.
        tag: Names it, and no other turn.
        session: SQL that finds the session.
    """
    with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
        [(found,)] = database.execute(session).fetchall()
        values = {"when": when, "tag": tag, "session": found}
        database.execute(_TURN, values)
        database.execute(_ROW, values)
