"""The worked example: six rows that show most rules of the usage report at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Workbench

_OPUS = {
    "input_tokens": 1_000,
    "output_tokens": 200,
    "cache_creation_input_tokens": 400,
    "cache_read_input_tokens": 5_000,
}


def golden_example(bench: Workbench) -> None:
    """A duplicate over two days, a reasoning-only answer, a clamp, a reported cost, a charge."""
    for session, project, agent, started in (
        ("s1", "alpha", "claude", "2026-07-01T08:00:00Z"),
        ("s2", "beta", "copilot", "2026-07-02T01:00:00Z"),
        ("s3", "alpha", "claude", "2026-07-02T09:00:00Z"),
    ):
        bench.session(session, project, agent=agent, started_at=started)
    repo = "https://github.com/Org/Repo.git"
    bench.observe("alpha", root_path="/home/me/alpha", git_remote=repo, git_remote_name="origin")
    for session, day in (("s1", "01"), ("s3", "02")):
        bench.message(
            session,
            usage=_OPUS,
            timestamp=f"2026-07-{day}T10:00:00Z",
            claude_message_id="m1",
            claude_request_id="r1",
        )
    bench.message(
        "s1",
        usage='{"input_tokens":"10","output_tokens":0,"reasoning_tokens":100}',
        model="claude-sonnet-4.5",
        timestamp="2026-07-01T23:30:00Z",
        claude_message_id="m2",
        claude_request_id="r2",
    )
    bench.message(
        "s3",
        usage={"input_tokens": 3_000_000, "output_tokens": -7},
        model="mystery-model",
        source_uuid="u9",
        timestamp="",
    )
    bench.event(
        "s2",
        source="session",
        input_tokens=3_000_000,
        output_tokens=10,
        cache_read_input_tokens=100,
        cost_usd=0.07,
        occurred_at="2026-07-02T02:00:00Z",
        dedup_key="k",
    )
    bench.cursor(
        input_tokens=5,
        output_tokens=6,
        cache_write_tokens=7,
        cache_read_tokens=8,
        occurred_at="2026-07-02T12:00:00Z",
        dedup_key="c1",
    )


EDITS: tuple[Edit, ...] = (golden_example,)
