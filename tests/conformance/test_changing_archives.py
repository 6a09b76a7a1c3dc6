"""Warehouses that follow an archive through its changes, beside the original after each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.support.command import OurCommand
from tests.support.documents import assert_same_document
from tests.support.odd_archives import THEMES, Edit, Workbench, scramble
from tests.support.odd_archives.workbench import apply_edits
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

REPORT = ("usage", "daily", "--json", "--offline", "--no-sync", "--breakdown", "--timezone", "UTC")
WINDOWS = (
    ("--all",),
    ("--since", "2026-07-02"),
    ("--since", "2026-11-01", "--until", "2026-11-06"),
)
LAST_DAY = dt.date(2026, 11, 10)


class Follower:
    """An archive that changes, and the warehouse that has to follow."""

    def __init__(self, folder: Path, oracle: Oracle) -> None:
        self.archive = folder / "archive"
        self._oracle = oracle
        self._ours = OurCommand.beside(self.archive, AGENTSVIEW_ASSETS_START_DATE="2026-06-20")

    def sync(self, transcripts: Path | None = None) -> None:
        """Let the original bring the archive up to date."""
        self._oracle.sync(self.archive, transcripts)

    def edit(self, *edits: Edit) -> None:
        """Change rows behind the original's back."""
        apply_edits(self.archive, edits)

    def check(self) -> None:
        """Materialise what changed and compare the documents."""
        made = self._ours.materialize_here("--verify")
        assert made.returncode == 0, made.stderr
        for window in WINDOWS:
            ours = self._ours.here(*REPORT, *window)
            theirs = self._oracle.run(self.archive, *REPORT, *window)
            assert ours.returncode == 0, ours.stderr
            assert_same_document(ours.stdout, theirs.stdout, " ".join(window))


@pytest.fixture
def follower(tmp_path: Path, oracle: Oracle) -> Follower:
    return Follower(tmp_path.resolve(), oracle)


def _trash_earliest(bench: Workbench) -> None:
    """Put the sessions that hold the first of repeated messages into the trash."""
    bench.database.execute(
        "UPDATE sessions SET deleted_at = '2026-11-11T00:00:00.000Z' WHERE id IN ("
        " SELECT session_id FROM messages WHERE claude_request_id <> ''"
        " GROUP BY claude_message_id, claude_request_id"
        " HAVING COUNT(DISTINCT session_id) > 1 AND timestamp = MIN(timestamp))"
    )


def _forget(bench: Workbench) -> None:
    """Delete every third session for good."""
    bench.database.execute("PRAGMA foreign_keys = ON")
    bench.database.execute("DELETE FROM sessions WHERE rowid % 3 = 0")


def _move_a_day(bench: Workbench) -> None:
    """Empty one day by moving its messages to another."""
    bench.database.execute(
        "UPDATE messages SET timestamp = replace(timestamp, '2026-11-05T', '2026-11-03T')"
    )


def test_an_archive_that_grows(follower: Follower, tmp_path: Path) -> None:
    for sessions in (15, 40):
        corpus = tmp_path.resolve() / f"corpus-{sessions}"
        write_corpus(corpus, Settings(sessions=sessions, days=12, seed=5, last_day=LAST_DAY))
        follower.sync(corpus)
        follower.check()


def test_an_archive_that_loses_moves_and_repeats(follower: Follower, tmp_path: Path) -> None:
    corpus = tmp_path.resolve() / "corpus"
    write_corpus(corpus, Settings(sessions=40, days=12, seed=6, last_day=LAST_DAY))
    follower.sync(corpus)
    follower.check()
    follower.edit(_trash_earliest, *THEMES["duplicates"])
    follower.check()
    follower.edit(_move_a_day, _forget)
    follower.check()


def test_prices_and_projects_that_change(follower: Follower) -> None:
    follower.sync()
    follower.edit(*THEMES["golden"])
    follower.check()
    follower.edit(*THEMES["all-prices"], *THEMES["identities"])
    follower.check()


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(2))
def test_an_archive_that_is_scrambled_again_and_again(
    follower: Follower, tmp_path: Path, seed: int
) -> None:
    corpus = tmp_path.resolve() / "corpus"
    write_corpus(corpus, Settings(sessions=25, days=12, seed=seed, last_day=LAST_DAY))
    follower.sync(corpus)
    for round_ in range(4):
        follower.edit(lambda bench, r=round_: scramble(bench.database, 100 * seed + r, 40))  # type: ignore[misc]
        follower.check()
