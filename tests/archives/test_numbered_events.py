"""Usage events that go by their numbers: in archives of several releases, and in their mirrors."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.archives.mirrors import VERSIONS, Pushed, bench_over, made
from tests.support.served import Served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Server

pytestmark = pytest.mark.xdist_group("mirrors")

NUMBERS = (*range(8, 13), *range(97, 104))
AS_TEXTS = [10, 100, 101, 102, 103, 11, 12, 8, 9, 97, 98, 99]
"""How agentsview has these numbers."""
ROWS = (
    "SELECT input_tokens FROM usage_rows WHERE source = 'numbered' ORDER BY event_key_order, row_id"
)


class ServedMirror(Served):
    """`agentsview pg serve` over a mirror; use as a context manager."""

    def __init__(self, pushed: Pushed) -> None:
        """Starts it on a free port."""
        quiet = ("--no-browser", "--no-sync", "--no-update-check")
        super().__init__(
            [str(pushed.oracle.program), "pg", "serve", "--port", "0", *quiet],
            pushed.oracle.environment(pushed.archive) | pushed.settings,
            None,
            " at http://",
            60.0,
        )


@pytest.fixture(params=[VERSIONS[0], pytest.param(VERSIONS[1], marks=pytest.mark.matrix)])
def version(request: pytest.FixtureRequest) -> str:
    """A release."""
    return str(request.param)


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.matrix)])
def pushed(
    request: pytest.FixtureRequest,
    version: str,
    originals: Path,
    postgres_server: Server,
    tmp_path: Path,
) -> Pushed:
    """An archive with numbered events of one moment in one session, pushed."""
    folder = tmp_path.resolve()
    found = made(version, request.param, originals, postgres_server.database(), folder)
    found.edit(
        "UPDATE usage_events SET id = id + 1000000",
        *(
            "INSERT INTO usage_events (id, session_id, source, model, input_tokens, occurred_at) "
            f"SELECT {number}, MIN(id), 'numbered', 'gpt-5.5', {number}, '2026-11-05T10:00:00Z' "
            "FROM sessions"
            for number in NUMBERS
        ),
        "UPDATE sessions SET local_modified_at = '2026-11-20T00:00:00.000Z', file_hash = 'moved'",
    )
    found.push("--full")
    return found


def _order(place: Path, archive: object) -> list[int]:
    bench = bench_over(place, archive)
    bench.materialize()
    return [tokens for (tokens,) in bench.rows(ROWS)]


def test_an_archive_and_its_mirror_go_by_the_numbers_that_they_have(
    pushed: Pushed, tmp_path: Path
) -> None:
    assert _order(tmp_path / "by archive", pushed.archive) == AS_TEXTS
    found = _order(tmp_path / "by mirror", pushed.url)
    assert found == (AS_TEXTS if pushed.url.startswith("duckdb:") else _served_order(pushed))


def _served_order(pushed: Pushed) -> list[int]:
    """How agentsview tells of a mirror on a server, which numbers events anew."""
    with closing(sqlite3.connect(pushed.archive / "sessions.db")) as database:
        [(session,)] = database.execute("SELECT MIN(id) FROM sessions")
    with ServedMirror(pushed) as server:
        rows = server.ask(f"/api/v1/sessions/{session}/usage?breakdown=true").json["breakdown"]
    found = [row["input_tokens"] for row in rows if row["source"] == "numbered"]
    assert sorted(found) == list(NUMBERS)
    return found
