"""The worked example of the session export: four sessions, two prices, two observations."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Value, Workbench

DATABASE_ID = "00000000-0000-4000-8000-000000000001"
SECRET = b"agentsview-export-golden-secret-v1"
_COMPUTED, _REPORTED = "fixture-model-computed", "fixture-model-reported"
_CHECKOUT = "/fixtures/remote-project"


def golden_export(bench: Workbench) -> None:
    """Two pages of two sessions, by rule and by text those of the contract."""
    secret = base64.b64encode(SECRET).decode()
    (bench.folder / "config.toml").write_text(f'cursor_secret = "{secret}"\n', encoding="utf-8")
    bench.database.execute("DELETE FROM archive_metadata WHERE key = 'database_id'")
    bench.database.execute(
        "INSERT INTO archive_metadata (key, value) VALUES ('database_id', ?)", (DATABASE_ID,)
    )
    bench.price(_COMPUTED, (2, 8, 3, 0.5), "2026-07-03T12:00:00Z")
    bench.price(_REPORTED, (1, 4, 2, 0.25), "2026-07-03T12:00:00Z")
    path = _session(bench, "path-current", "claude", "2026-07-03T11:00", 10)
    bench.database.execute(
        "UPDATE sessions SET cwd = '/fixtures/path-project/pkg' WHERE id = ?", (path,)
    )
    _event(bench, path, 0.0125)
    branch = {"git_branch": "feature/golden", "has_total_output_tokens": 1}
    for name, started, minutes, folder, usage in (
        ("remote-current", "2026-07-03T10:00", 30, "app", (1200, 240, 80, 400)),
        ("remote-yesterday", "2026-07-02T09:00", 20, "cli", (800, 160, 0, 0)),
    ):
        cwd = f"{_CHECKOUT}/worktrees/feature/{folder}"
        session = _session(
            bench, name, "codex", started, minutes, cwd=cwd, total_output_tokens=usage[1], **branch
        )
        names = (
            *("input_tokens", "output_tokens", "cache_creation_input_tokens"),
            "cache_read_input_tokens",
        )
        bench.message(session, usage=dict(zip(names, usage, strict=True)), model=_COMPUTED)
        bench.database.execute(
            "UPDATE messages SET ordinal = 3 WHERE session_id = ? AND model <> ''", (session,)
        )
    _event(bench, _session(bench, "unknown-older", "cursor", "2026-07-01T08:00", 5), 0.0042)
    bench.observe(
        "remote-project",
        machine="golden-host",
        root_path=f"{_CHECKOUT}/worktrees/feature",
        git_remote="https://github.com/acme/remote-project.git",
        worktree_name="feature",
        worktree_root_path=_CHECKOUT,
    )
    bench.observe("path-project", machine="golden-host", root_path="/fixtures/path-project")


def _session(
    bench: Workbench, name: str, agent: str, started: str, minutes: int, **columns: Value
) -> str:
    hour, minute = started[11:].split(":")
    ended = f"{started[:11]}{hour}:{int(minute) + minutes:02}:00Z"
    bench.session(
        name,
        f"{name.split('-', maxsplit=1)[0]}-project",
        agent=agent,
        machine="golden-host",
        relationship_type="root",
        started_at=f"{started}:00Z",
        ended_at=ended,
        message_count=4,
        user_message_count=2,
        **columns,
    )
    roles = ("user", "assistant", "user") + (() if agent == "codex" else ("assistant",))
    for role in roles:
        bench.message(name, role=role, usage="", model="", timestamp=f"{started}:00Z")
    return name


def _event(bench: Workbench, session: str, cost: float) -> None:
    bench.event(session, model=_REPORTED, input_tokens=300, output_tokens=60, cost_usd=cost)


EDITS: tuple[Edit, ...] = (golden_export,)
