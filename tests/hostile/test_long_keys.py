"""Names of any length, with any character, hold back no other row: a server's index ends soon."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.text import LONGEST_NAME, storable
from tests.support.machines import Machine
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Database

DIGITS = "0123456789abcdef/\u00e9\U0001f600"
TEXTS = {
    "sessions": ("id", "project", "machine", "agent", "cwd", "git_branch", "parent_session_id"),
    "messages": ("model", "timestamp", "claude_message_id", "source_uuid"),
    "usage_events": ("model", "source", "dedup_key", "occurred_at"),
}
REMOTE = ("project", "machine", "root_path", "git_remote", "worktree_root_path", "worktree_name")


def noise(seed: str, length: int) -> str:
    """A text that no server can compress into its index."""
    return "".join(random.Random(seed).choices(DIGITS, k=length))


def spoiled(folder: Path) -> int:
    """An archive with a session for each text and kind of spoiling; returns how many."""
    count = 0
    with TinyArchive(folder, "one-id") as archive:
        for length in (-1, 450, 900, 9_000):
            for table, columns in TEXTS.items():
                for column in columns:
                    count += 1
                    name, day = f"s{count}", f"2026-11-{count % 9 + 1:02}"
                    archive.session(name, day)
                    archive.message(name, 0, f"{day}T10:00:00Z")
                    archive.event(name, occurred_at=f"{day}T10:30:00Z", dedup_key="k")
                    value = "\0n" if length < 0 else noise(name, length)
                    found = "id" if table == "sessions" else "session_id"
                    if (table, column) == ("sessions", "id"):
                        for other in ("messages", "usage_events"):
                            archive.connection.execute(
                                f"UPDATE {other} SET session_id = ? WHERE session_id = ?",
                                [name + value, name],
                            )
                        value = name + value
                    archive.connection.execute(
                        f"UPDATE {table} SET {column} = ? WHERE {found} = ?", [value, name]
                    )
            row = {name: noise(f"{name}{length}", max(length, 1)) for name in REMOTE}
            archive.insert(
                "project_identity_observations", **row, git_remote_name="origin", key="",
                observed_at="2026-11-01T10:00:00Z", normalized_remote="", key_source="",
            )  # fmt: skip
    return count


@pytest.mark.hostile
def test_long_names_and_nul_hold_back_nothing(tmp_path: Path, database: Database) -> None:
    count = spoiled(tmp_path / "archive")
    file = f"sqlite:///{tmp_path}/warehouse.db"
    sums = {}
    for url in (file, database.url()):
        machine = Machine(tmp_path / url[:6], url, (tmp_path / "archive",))
        first = machine.run("materialize")
        assert first.code == 0, first.err
        again = machine.run("materialize")
        assert "Nothing to do" in again.out + again.err
        with open_reader(url) as reader:
            sums[url] = [
                reader.rows("SELECT count(*), count(DISTINCT session_id) FROM sessions"),
                reader.rows("SELECT count(*), sum(input_tokens) FROM usage_rows"),
                reader.rows("SELECT sum(input_tokens) FROM daily_usage"),
                reader.rows("SELECT count(*), count(DISTINCT model) FROM session_model_usage"),
                reader.rows("SELECT count(*) FROM model_rates"),
                reader.rows("SELECT count(*) FROM project_observations"),
            ]
        assert sums[url][0] == [(count, count)]
    assert sums[file] == sums[database.url()]


def test_names_are_kept_while_they_fit_and_stay_apart_when_they_do_not() -> None:
    for seed in range(50):
        text = noise(str(seed), 30 * seed)
        fits = len(text.encode()) <= LONGEST_NAME
        assert (storable(text) == text) == fits
        assert len(storable(text).encode()) <= LONGEST_NAME
        assert storable(storable(text)) == storable(text)
    long = "m" * LONGEST_NAME
    assert len({storable(long + end) for end in "abc"}) == len("abc")
