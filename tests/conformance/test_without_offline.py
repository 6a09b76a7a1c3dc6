"""`usage daily` without `--offline`: stored and custom prices, nothing laid over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import OurCommand
from tests.support.daemon import serving
from tests.support.documents import assert_same_document
from tests.support.odd_archives import THEMES, make_archive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

REPORT = ("usage", "daily", "--json", "--breakdown", "--timezone", "UTC", "--no-sync")
WINDOWS = (("--all",), ("--since", "2026-07-02"), ())


def _compare_with_a_server(oracle: Oracle, archive: Path) -> None:
    with serving(oracle, archive) as asking:
        # The server seeds an empty table of prices, so only now does the archive stand still.
        ours = OurCommand.beside(archive, AGENTSVIEW_ASSETS_START_DATE="2026-06-25")
        made = ours.materialize_here()
        assert made.returncode == 0, made.stderr
        for window in WINDOWS:
            theirs = oracle.run(archive, *REPORT, *window, env=asking)
            mine = ours.here(*REPORT, *window)
            assert theirs.returncode == 0, theirs.stderr
            assert mine.returncode == 0, mine.stderr
            assert_same_document(mine.stdout, theirs.stdout, " ".join(window))


def test_stored_and_custom_prices(oracle: Oracle, tmp_path: Path) -> None:
    archive = make_archive(oracle, tmp_path.resolve() / "archive", edits=THEMES["all-prices"])
    _compare_with_a_server(oracle, archive)


# A date text that is cut inside a letter is escaped by the command, and not by its server.
SPELLED = ("times", "sessions")


@pytest.mark.matrix
@pytest.mark.parametrize("theme", [name for name in THEMES if name not in SPELLED])
def test_every_theme(oracle: Oracle, tmp_path: Path, theme: str) -> None:
    archive = make_archive(oracle, tmp_path.resolve() / "archive", edits=THEMES[theme])
    _compare_with_a_server(oracle, archive)
