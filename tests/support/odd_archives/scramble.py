"""A random editor: brings rows of any archive into odd states that the original still reads."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.support.odd_archives.money import MODEL_NAMES
from tests.support.odd_archives.remotes import REMOTES
from tests.support.odd_archives.times import TIME_TEXTS
from tests.support.odd_archives.tokens import TOKEN_TEXTS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tests.support.odd_archives.workbench import Value

_LABELS = ("lanternfish", "tidepool", "", " ", "ünïcode", "<angle>", "fresh-label")
_AGENTS = ("claude", "codex", "copilot", "cursor", "", "Claude", "windsurf")
_SOURCES = ("turn", "session", "message", "cursor", "shutdown", "")
_ORDERS = {
    "sessions": "id",
    "messages": "session_id, ordinal",
    "usage_events": "session_id, dedup_key, id",
}
_COUNTS = (-5, 0, 1, 250, 2_000_001, 3_000_000)


def scramble(database: sqlite3.Connection, seed: int, edits: int = 150) -> None:
    """Apply `edits` random changes; the same archive and seed give the same result."""
    draws = random.Random(seed)
    changes = _Changes(database, draws)
    kinds: tuple[Callable[[], None], ...] = (
        changes.message_time,
        changes.message_tokens,
        changes.message_model,
        changes.message_repeats,
        changes.source_uuid,
        changes.session_label,
        changes.session_fate,
        changes.session_times,
        changes.new_event,
        changes.event_values,
        changes.new_cursor_row,
        changes.new_price,
        changes.observation,
    )
    for _ in range(edits):
        draws.choice(kinds)()


class _Changes:
    def __init__(self, database: sqlite3.Connection, draws: random.Random) -> None:
        self._database = database
        self._draws = draws

    def message_time(self) -> None:
        self._set("messages", "timestamp", self._time())

    def message_tokens(self) -> None:
        self._set("messages", "token_usage", self._draws.choice(TOKEN_TEXTS))

    def message_model(self) -> None:
        self._set("messages", "model", self._draws.choice((*MODEL_NAMES, "", "<synthetic>")))

    def message_repeats(self) -> None:
        source = self._row("messages")
        self._database.execute(
            "UPDATE messages SET (claude_message_id, claude_request_id) ="
            " (SELECT claude_message_id, claude_request_id FROM messages WHERE rowid = ?)"
            " WHERE rowid = ?",
            (source, self._row("messages")),
        )

    def source_uuid(self) -> None:
        row = self._row("messages")
        self._set("messages", "source_uuid", self._draws.choice(("u1", "u2", "")), row)
        self._set("messages", "claude_request_id", "", row)

    def session_label(self) -> None:
        column = self._draws.choice(("project", "agent"))
        choices = _LABELS if column == "project" else _AGENTS
        self._set("sessions", column, self._draws.choice(choices))

    def session_fate(self) -> None:
        self._set("sessions", "deleted_at", self._draws.choice((None, None, "", "2026-01-01")))

    def session_times(self) -> None:
        self._set("sessions", self._draws.choice(("started_at", "ended_at")), self._time())

    def new_event(self) -> None:
        draws = self._draws
        self._insert(
            "usage_events",
            session_id=self._session(),
            message_ordinal=draws.choice((None, 0, 3)),
            source=draws.choice(_SOURCES),
            model=draws.choice((*MODEL_NAMES, "")),
            input_tokens=draws.choice(_COUNTS),
            output_tokens=draws.choice(_COUNTS),
            cache_read_input_tokens=draws.choice(_COUNTS),
            reasoning_tokens=draws.choice(_COUNTS),
            cost_usd=draws.choice((None, None, 0.0, 0.125, -2.0)),
            occurred_at=self._time(),
        )

    def event_values(self) -> None:
        if self._database.execute("SELECT COUNT(*) FROM usage_events").fetchone()[0]:
            self._set("usage_events", "occurred_at", self._time())
            self._set("usage_events", "output_tokens", self._draws.choice(_COUNTS))

    def new_cursor_row(self) -> None:
        draws = self._draws
        self._insert(
            "cursor_usage_events",
            occurred_at=self._time() or "",
            model=draws.choice(MODEL_NAMES),
            input_tokens=draws.choice(_COUNTS),
            cache_write_tokens=draws.choice(_COUNTS),
            charged_cents=draws.choice((0.0, 7.5, -1.0)),
        )

    def new_price(self) -> None:
        draws = self._draws
        self._database.execute(
            "INSERT OR REPLACE INTO model_pricing VALUES (?, ?, ?, ?, ?, ?)",
            (
                draws.choice((*MODEL_NAMES, "_meta", "")),
                *(draws.choice((0, 0.1, 2.5, 1e-7)) for _ in range(4)),
                draws.choice(TIME_TEXTS),
            ),
        )

    def observation(self) -> None:
        draws = self._draws
        self._database.execute(
            "INSERT OR REPLACE INTO project_identity_observations"
            " (project, machine, root_path, git_remote, observed_at) VALUES (?, ?, ?, ?, '')",
            (
                draws.choice(_LABELS),
                draws.choice(("local", "other")),
                draws.choice(("/x", "/y", "rel", "C:\\z")),
                draws.choice(("", *REMOTES)),
            ),
        )

    def _time(self) -> str | None:
        draws = self._draws
        if draws.random() < 0.4:
            return draws.choice((None, "", *TIME_TEXTS))
        day = draws.randrange(1, 29)
        fraction = draws.choice(("", ".5", ".000001"))
        return f"2026-10-{day:02}T{draws.randrange(24):02}:15:00{fraction}Z"

    def _row(self, table: str) -> int:
        # In an order of the content: a sync numbers its rows as its workers happen to finish.
        count = self._database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
        row = self._database.execute(
            f"SELECT rowid FROM {table} ORDER BY {_ORDERS[table]} LIMIT 1 OFFSET ?",
            (self._draws.randrange(count),),
        ).fetchone()
        return int(row[0])

    def _session(self) -> str:
        row = self._row("sessions")
        found = self._database.execute("SELECT id FROM sessions WHERE rowid = ?", (row,))
        return str(found.fetchone()[0])

    def _set(self, table: str, column: str, value: Value, row: int | None = None) -> None:
        where = self._row(table) if row is None else row
        self._database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, where))

    def _insert(self, table: str, **columns: Value) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._database.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            tuple(columns.values()),
        )
