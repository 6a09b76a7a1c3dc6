"""Cursors that no command line mints, but a genuine signature covers: answered as agentsview does.

A cursor may be begun in agentsview and ended here; whatever filters it carries have to be answered,
by what the warehouse holds.
"""

from __future__ import annotations

import base64
import hmac
import json
import random
import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import oracle as original
from tests.support.command import OurCommand
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

# What all of them look at is made once, not once for each worker.
pytestmark = pytest.mark.xdist_group("cursors")

STATES = (None, "clean", "awaiting_user", "tool_call_pending", "truncated", "odd")
STARRED = ("s03", "s08", "s15", "s24")
EXPORT = ("export", "sessions", "--limit", "50")


class Signed:
    """An archive of many kinds of sessions, both programs over it, and the key of its cursors."""

    def __init__(self, folder: Path, oracle: Oracle) -> None:
        self.archive, self.theirs = folder / "archive", oracle
        _fill(self.archive)
        self.ours = OurCommand.beside(self.archive)
        done = self.ours.materialize_here()
        assert done.returncode == 0, done.stderr
        first = self.theirs.run(self.archive, "export", "sessions", "--limit", "2")
        payload = json.loads(first.stdout)["cursor"]["next"].split(".")[0]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.start = {name: found[name] for name in ("database_id", "order")}
        config = tomllib.loads((self.archive / "config.toml").read_text(encoding="utf-8"))
        self.secret = base64.b64decode(config["cursor_secret"])

    def sign(self, filters: dict[str, Any]) -> str:
        """A genuine cursor at the start of a run with these filters."""
        payload = json.dumps({**self.start, "filters": filters}).encode()
        return f"{_text(payload)}.{_text(hmac.digest(self.secret, payload, 'sha256'))}"

    def assert_same(self, filters: dict[str, Any], limit: int = 50) -> list[str]:
        """Both programs answer alike, the cursor of the next page included."""
        arguments = ("export", "sessions", "--cursor", self.sign(filters), "--limit", str(limit))
        ours, theirs = self.ours.here(*arguments), self.theirs.run(self.archive, *arguments)
        assert ours.returncode == theirs.returncode == 0, (filters, ours.stderr, theirs.stderr)
        mine, others = json.loads(ours.stdout), json.loads(theirs.stdout)
        ids = [row["id"] for row in mine["sessions"]]
        assert ids == [row["id"] for row in others["sessions"]], filters
        assert mine["cursor"] == others["cursor"], filters
        return ids


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _fill(folder: Path) -> None:
    chance = random.Random(7)
    now = datetime.now(UTC)
    with TinyArchive(folder) as archive:
        for number in range(32):
            name, day = f"s{number:02}", f"2026-11-{number % 20 + 1:02}"
            more: dict[str, Any] = {
                "termination_status": STATES[number % len(STATES)],
                "secret_leak_count": number % 3,
                "secrets_rules_version": ("", "r1", "r2")[number // 3 % 3],
                "user_message_count": 1 + number % 4,
                "is_automated": int(number % 5 == 0),
                "relationship_type": ("", "", "subagent", "continuation")[number // 2 % 4],
                "parent_session_id": f"s{number // 2:02}" if number % 4 == 3 else None,
                "outcome": chance.choice(("completed", "unknown")),
            }
            if number % 4 == 1:
                # Hours apart from every border, so that the minutes of a test move nobody over it.
                ended = now - timedelta(minutes=chance.choice((-300, 35, 35, 600)))
                more["ended_at"] = ended.strftime("%Y-%m-%dT%H:%M:%SZ")
            if number % 8 == 6:
                more["started_at"], more["ended_at"] = (
                    day + "T10:00:00Z",
                    ("", None)[number // 8 % 2],
                )
            archive.session(name, day, **more)
            archive.message(name, 0, f"{day}T10:00:00Z")
        for name in STARRED:
            archive.insert("starred_sessions", session_id=name)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    oracle = original.install(tmp_path_factory.mktemp("oracle"))
    return Signed(tmp_path_factory.mktemp("signed").resolve(), oracle)


@pytest.mark.parametrize(
    "filters",
    [
        {"starred": True},
        pytest.param({"starred": True, "include_children": True}, marks=pytest.mark.hostile),
        {"has_secret": True, "secrets_rules_versions": [" r2 ", "", "r1"]},
        {"termination": "unclean,stale, active"},
    ],
    ids=str,
)
def test_filters_that_only_cursors_have(filters: dict[str, Any], signed: Signed) -> None:
    assert signed.assert_same(filters)


def test_a_run_over_starred_sessions_goes_on_where_its_last_page_ended(signed: Signed) -> None:
    walked, cursor = [], signed.sign({"starred": True})
    while cursor:
        done = signed.ours.here("export", "sessions", "--cursor", cursor, "--limit", "1")
        page = json.loads(done.stdout)
        walked += [row["id"] for row in page["sessions"]]
        cursor = page["cursor"]["next"]
    assert sorted(walked) == list(STARRED)


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(120))
def test_any_filters(seed: int, signed: Signed) -> None:
    signed.assert_same(_filters(random.Random(seed)), limit=1 + seed % 9)


def _filters(chance: random.Random) -> dict[str, Any]:
    words = ("active", "stale", "unclean", "clean", "awaiting_user", "all", "odd", "truncated", "")
    choices: dict[str, Any] = {
        "project": chance.choice(("demo", "other")),
        "exclude_project": chance.choice(("demo", "other")),
        "machine": chance.choice(("local", " local ,x", "x")),
        "agent": chance.choice(("claude", "claude,codex", "codex")),
        "date": f"2026-11-{chance.randint(1, 20):02}",
        "date_from": f"2026-11-{chance.randint(1, 20):02}",
        "date_to": f"2026-11-{chance.randint(1, 20):02}",
        "active_since": f"2026-11-{chance.randint(1, 20):02}T10:30:00Z",
        "min_messages": chance.randint(-1, 4),
        "max_messages": chance.randint(0, 4),
        "min_user_messages": chance.randint(0, 4),
        "exclude_one_shot": chance.random() < 0.5,
        "exclude_automated": chance.random() < 0.5,
        "automated_scope": chance.choice(("human", "all", "automated", "", "odd", " human")),
        "include_children": True,
        "include_orphans": True,
        "outcome": chance.choice((["completed"], [" unknown ", ""], [])),
        "min_tool_failures": chance.choice((0, 1, None)),
        "has_secret": chance.random() < 0.7,
        "starred": chance.random() < 0.7,
        "secrets_rules_versions": chance.choice((["r1"], ["r2", " r1 "], [""], ["x"])),
        "termination": ",".join(chance.choices(words, k=chance.randint(1, 3))),
    }
    taken = chance.sample(sorted(choices), chance.randint(1, 4))
    # What only cursors have is in most of them.
    taken += chance.sample(("starred", "termination", "secrets_rules_versions"), 1)
    return {name: choices[name] for name in choices if name in taken}
