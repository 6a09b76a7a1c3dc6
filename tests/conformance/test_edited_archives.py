"""A machine that edits an archive at random; after each round all documents are the original's."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conformance.comparison import compare
from tests.conformance.conftest import Pair
from tests.conformance.export_cases import EVERYTHING, EXPORT
from tests.conformance.recipes import Recipe
from tests.support.archive_edits import KINDS, Editor
from tests.support.command import OurCommand
from tests.support.odd_archives import make_archive
from tests.support.transcripts import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

pytestmark = [pytest.mark.matrix, pytest.mark.xdist_group("edited-archives")]

LAST_DAY = dt.date(2026, 11, 10)
_USAGE = ("usage", "daily", "--json", "--offline", "--no-sync")
_ACTIVITY = ("activity", "report", "--json", "--offline")
DOCUMENTS = (
    (*_USAGE, "--all", "--breakdown"),
    (*_USAGE, "--since", "2026-11-03"),
    (*_ACTIVITY, "--preset", "month", "--date", "2026-11-05"),
    (*_ACTIVITY, "--date", "2026-11-03", "--timezone", "Asia/Kathmandu"),
    (*EXPORT, *EVERYTHING),
    (*EXPORT, "--limit", "7"),
)
# Another archive in its place, or one of a later release, is no change of this archive.
_NO_CHANGES = {"file_of_another_archive", "file_is_of_another_release"}
_BY_AGENTSVIEW = [
    name
    for name in KINDS
    if name.startswith("session_") or name in {"event_changes", "project_is_renamed"}
]
# Rows that other programs edit are noticed where no session says that it explains the change, so
# the two kinds do not come between the same two observations.
EDITS = (_BY_AGENTSVIEW, sorted({*KINDS} - {*_BY_AGENTSVIEW} - _NO_CHANGES))


class EditedArchive(RuleBasedStateMachine):
    """An archive and the warehouse that follows it."""

    folder: ClassVar[Path]
    template: ClassVar[Path]
    oracle: ClassVar[Oracle]
    runs: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        """Start from the same archive, with a warehouse of its own."""
        type(self).runs += 1
        archive = self.folder / f"run-{self.runs}"
        shutil.copytree(self.template, archive)
        ours = OurCommand.beside(archive, AGENTSVIEW_ASSETS_START_DATE="2026-10-25")
        recipe = Recipe(lambda _, path: path, ("2026-11-01", "2026-11-10"), "2026-10-25")
        self.pair = Pair(recipe, archive, ours, self.oracle)
        self.changed = True

    @rule(
        kinds=strategies.sampled_from(EDITS).flatmap(
            lambda kinds: strategies.lists(strategies.sampled_from(kinds), min_size=1, max_size=5)
        ),
        seed=strategies.integers(0, 2**16),
    )
    def edit(self, kinds: list[str], seed: int) -> None:
        """Make a few changes, one committed after the other."""
        editor = Editor(self.pair.archive / "sessions.db", random.Random(seed))
        for kind in kinds:
            editor.apply(kind)
        self.changed = True

    @invariant()
    def documents_are_the_originals(self) -> None:
        """Bring the warehouse up to date and compare."""
        if not getattr(self, "changed", False):
            return
        self.changed = False
        made = self.pair.ours.materialize_here()
        assert made.returncode == 0, made.stderr[-2000:]
        for arguments in DOCUMENTS:
            compare(self.pair, arguments)

    def teardown(self) -> None:
        """Leave nothing behind."""
        for folder in self.folder.glob(f"run-{self.runs}*"):
            shutil.rmtree(folder)


def test_documents_follow_whatever_is_edited(oracle: Oracle, tmp_path: Path) -> None:
    EditedArchive.folder = tmp_path.resolve()
    EditedArchive.oracle = oracle
    EditedArchive.template = make_archive(
        oracle,
        EditedArchive.folder / "template",
        Settings(sessions=25, days=12, seed=8, last_day=LAST_DAY),
    )
    run_state_machine_as_test(
        EditedArchive,
        settings=settings(
            max_examples=4,
            stateful_step_count=4,
            deadline=None,
            phases=[Phase.generate],  # each attempt to shorten a failure costs half a minute
            derandomize=True,  # what fails here has to fail again
            suppress_health_check=list(HealthCheck),
        ),
    )
