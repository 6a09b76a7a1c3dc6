"""One change to an archive at a time, as agentsview, its users and other programs make them."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import uuid
from typing import TYPE_CHECKING

from tests.support.odd_archives.workbench import Workbench

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Editor:
    """Changes an archive at random; each public method is one kind of change.

    Attributes:
        path: The `sessions.db`.
        draws: Where all chance comes from.
    """

    def __init__(self, path: Path, draws: random.Random) -> None:
        self.path = path
        self.draws = draws
        self._clock = 0
        self._bench: Workbench

    def apply(self, kind: str) -> None:
        """Make one change of a kind, in one committed transaction, and close the archive."""
        change: Callable[[], None] = getattr(self, kind)
        if kind.startswith("file_"):
            change()
            return
        self._bench = Workbench(self.path.parent)
        with contextlib.closing(self._bench.database) as database:
            database.execute("BEGIN")
            change()
            database.execute("COMMIT")

    # What agentsview itself does: the session's row is signed by its time of change.

    def session_grows(self) -> None:
        session = self._session()
        self._run(
            "INSERT INTO messages (session_id, ordinal, role, content, timestamp, model,"
            " token_usage, claude_message_id, claude_request_id)"
            " SELECT session_id, MAX(ordinal) + 1, 'assistant', '', ?, 'claude-opus-4-6',"
            " '{\"input_tokens\":11,\"output_tokens\":7}', ?, 'r'"
            " FROM messages WHERE session_id = ? GROUP BY session_id",
            self._time(),
            f"m{self.draws.randrange(4)}",
            session,
        )
        self._run("UPDATE sessions SET message_count = message_count + 1 WHERE id = ?", session)
        self._sign(session)

    def session_is_rewritten(self) -> None:
        session = self._session()
        self._run(
            "UPDATE messages SET token_usage = replace(token_usage, ':1', ':2'), source_uuid = ''"
            " WHERE session_id = ?",
            session,
        )
        self._sign(session)

    def session_appears(self) -> None:
        new = self._bench.session(
            f"new:{self.draws.random()}", "fresh-label", started_at=self._time(), cwd="/home/dev/x"
        )
        for _ in range(self.draws.randrange(4)):
            self._bench.message(new, timestamp=self._time(), claude_message_id="m1",
                                claude_request_id=self.draws.choice(("r", "")))  # fmt: skip
        self._sign(new)

    def session_is_deleted(self) -> None:
        self._run("PRAGMA foreign_keys = ON")
        session = self._session()
        for table in ("messages", "usage_events"):
            self._run(f"DELETE FROM {table} WHERE session_id = ?", session)
        self._run("DELETE FROM sessions WHERE id = ?", session)

    def session_is_trashed_or_restored(self) -> None:
        self._change_session(
            "deleted_at = CASE WHEN deleted_at IS NULL THEN '2026-11-20T00:00:00.000Z' END"
        )

    def project_is_renamed(self) -> None:
        self._change_session("project = project || 'x'")

    def session_starts_elsewhen(self) -> None:
        self._change_session(f"started_at = {self._quoted(self._time())}")

    def session_becomes_automated(self) -> None:
        self._change_session("is_automated = 1 - is_automated")

    def session_is_touched(self) -> None:
        self._change_session("file_mtime = COALESCE(file_mtime, 0) + 1")

    def event_changes(self) -> None:
        session = self._session()
        self._bench.event(session, source="session", occurred_at=self._time(), input_tokens=5,
                          cost_usd=self.draws.choice((None, 0.25)))  # fmt: skip
        self._run("UPDATE usage_events SET cost_usd = NULL WHERE session_id = ?", session)
        self._sign(session)

    def sync_finds_nothing(self) -> None:
        self._run(
            "INSERT OR REPLACE INTO pg_sync_state (key, value) VALUES ('last_sync_started_at', ?)",
            self._time(),
        )

    # What other programs and people do: nothing tells but the content.

    def tokens_change_in_place(self) -> None:
        self._run(
            "UPDATE messages SET token_usage = ? WHERE id = ?",
            f'{{"output_tokens":{self.draws.randrange(10**6)}}}',
            self._row("messages", "token_usage <> ''"),
        )

    def message_moves(self) -> None:
        self._run(
            "UPDATE messages SET timestamp = ? WHERE id = ?", self._time(), self._row("messages")
        )

    def duplicates_move(self) -> None:
        first, second = self._row("messages"), self._row("messages", "claude_request_id <> ''")
        self._run(
            "UPDATE messages SET (claude_message_id, claude_request_id, timestamp) = (SELECT"
            " claude_message_id, claude_request_id, ? FROM messages WHERE id = ?) WHERE id = ?",
            self._time(),
            second,
            first,
        )

    def duplicates_get_another_key(self) -> None:
        row = self._row("messages", "claude_request_id <> ''")
        self._run(
            "UPDATE messages SET claude_request_id = claude_request_id || 'x' WHERE"
            " (claude_message_id, claude_request_id) = (SELECT claude_message_id,"
            " claude_request_id FROM messages WHERE id = ?)",
            row,
        )

    def cursor_rows_change(self) -> None:
        if self.draws.random() < 0.3:
            self._run("DELETE FROM cursor_usage_events WHERE id % 2 = 0")
        when = self.draws.choice((self._time(), "2026-11-03T10:00:00Z"))
        self._bench.cursor(occurred_at=when, model=self.draws.choice(("gpt-5.5", "a-cursor-model")))

    def events_change_places(self) -> None:
        if self._value("SELECT COUNT(*) FROM usage_events WHERE dedup_key = ''") == "0":
            for number in (1, 2):
                self._bench.event(self._session(), occurred_at="2026-11-03T10:00:00Z",
                                  input_tokens=number)  # fmt: skip
                self._run("UPDATE usage_events SET session_id = (SELECT MIN(session_id) FROM"
                          " usage_events WHERE dedup_key = '') WHERE dedup_key = ''")  # fmt: skip
        self._run("UPDATE usage_events SET id = -id")
        self._run("UPDATE usage_events SET id = (SELECT 1000 - MIN(id) FROM usage_events) + id")

    def price_changes(self) -> None:
        rates = (self.draws.random(), 2.0, 3.0, 4.0)
        self._bench.price("claude-opus-4-6", rates, "2026-11-01T00:00:00.000Z")

    def observation_appears(self) -> None:
        self._bench.observe(
            self._value("SELECT project FROM sessions WHERE id = ?", self._session()),
            root_path=f"/home/dev/src/{self.draws.randrange(99)}",
            worktree_name="side",
            worktree_root_path="/home/dev/src",
        )

    def mapping_appears(self) -> None:
        self._run(
            "INSERT INTO worktree_project_mappings (machine, path_prefix, project)"
            " VALUES (?, ?, ?)",
            "local",
            f"/home/dev/{self.draws.random()}",
            "mapped",
        )

    # What happens to whole files.

    def file_gets_custom_prices(self) -> None:
        config = self.path.parent / "config.toml"
        config.write_text(
            f"[custom_model_pricing.'claude-opus-4-6']\ninput = {self.draws.randrange(99)}\n",
            encoding="utf-8",
        )

    def file_is_resynced(self) -> None:
        """A full resync: another file of the same archive, rows numbered anew and signed anew."""
        with self._replacement() as database:
            database.execute("UPDATE messages SET id = -id")
            database.execute("UPDATE sessions SET local_modified_at = NULL, created_at = ?", ("x",))

    def file_of_another_archive(self) -> None:
        """The archive was thrown away and another one made in its place."""
        with self._replacement() as database:
            database.execute(
                "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'",
                (str(uuid.UUID(int=self.draws.getrandbits(128))),),
            )
            database.execute("DELETE FROM messages WHERE id % 3 = 0")

    def file_is_of_another_release(self) -> None:
        with self._replacement() as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {version + 1}")

    @contextlib.contextmanager
    def _replacement(self) -> Iterator[sqlite3.Connection]:
        other = self.path.with_name("other.db")
        shutil.copyfile(self.path, other)
        with contextlib.closing(sqlite3.connect(other)) as database, database:
            yield database
        other.replace(self.path)

    def _change_session(self, assignment: str) -> None:
        session = self._session()
        self._run(f"UPDATE sessions SET {assignment} WHERE id = ?", session)
        self._sign(session)

    def _sign(self, session: str) -> None:
        self._clock += 1
        self._run(
            "UPDATE sessions SET local_modified_at = ? WHERE id = ?",
            f"2026-11-20T10:{self._clock:02}:00.{self.draws.randrange(1000):03}Z",
            session,
        )

    def _run(self, statement: str, *values: object) -> None:
        self._bench.database.execute(statement, values)

    def _value(self, query: str, *values: object) -> str:
        return str(self._bench.database.execute(query, values).fetchone()[0])

    def _session(self) -> str:
        found = self._bench.database.execute("SELECT id FROM sessions ORDER BY id").fetchall()
        return str(self.draws.choice(found)[0])

    def _row(self, table: str, where: str = "true") -> int:
        found = self._bench.database.execute(f"SELECT id FROM {table} WHERE {where} ORDER BY id")
        return int(self.draws.choice(found.fetchall())[0])

    def _time(self) -> str:
        if self.draws.random() < 0.15:
            return self.draws.choice(
                ("", "garbage", "2031-01-01T00:00:00Z", "2020-05-05T05:05:05Z")
            )
        day, hour = self.draws.randrange(1, 13), self.draws.choice((0, 9, 23))
        return f"2026-11-{day:02}T{hour:02}:{self.draws.choice((2, 58))}:30.5Z"

    @staticmethod
    def _quoted(text: str) -> str:
        return "'" + text + "'"


KINDS = tuple(name for name in vars(Editor) if not name.startswith("_") and name != "apply")
