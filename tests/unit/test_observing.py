"""Observing archives: exact against a plain model, incremental as if fresh, and without a trace."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from resources.observations import ObservationStore
from resources.observing import observe
from tests.support.archive_edits import KINDS, Editor
from tests.support.naive_observation import NaiveArchive
from tests.support.observations import (
    WINDOW,
    Observation,
    content_of_days,
    copy_sample,
    fresh,
    said_by,
)
from tests.support.odd_archives import THEMES, Workbench, scramble
from tests.support.odd_archives.workbench import apply_edits

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


def _assert_lands_exactly(path: Path, scratch: Path) -> None:
    found = fresh(path, scratch).tables
    naive = NaiveArchive(path, WINDOW.first, WINDOW.last)
    _assert_same_rows(found["sessions"], naive.sessions(), ("session_id",))
    _assert_same_rows(found["usage_rows"], naive.usage_rows(), ("row_id",))
    _assert_same_rows(found["activity_intervals"], naive.intervals(), ("session_id", "ordinal"))


def _assert_same_rows(found: list[Row], expected: list[Row], key: tuple[str, ...]) -> None:
    ours = {tuple(row[name] for name in key): row for row in found}
    theirs = {tuple(row[name] for name in key): row for row in expected}
    assert len(ours) == len(found)
    assert ours.keys() == theirs.keys()
    wrong = {
        at: {name: (ours[at][name], value) for name, value in row.items() if ours[at][name] != value}
        for at, row in theirs.items()
    }
    assert {at: columns for at, columns in wrong.items() if columns} == {}


@pytest.mark.parametrize("theme", ["eligibility", "times", "tokens", "money", "duplicates"])
def test_odd_rows_land_as_the_contract_says(theme: str, tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(path.parent, THEMES[theme])
    _assert_lands_exactly(path, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_scrambled_rows_land_as_the_contract_says(seed: int, tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive")

    def mix(bench: Workbench) -> None:
        scramble(bench.database, seed, 400)

    apply_edits(path.parent, (mix,))
    _assert_lands_exactly(path, tmp_path)


class Follower:
    """A store that follows an archive, checked after every change against one made anew."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = copy_sample(folder / "archive")
        self.editor = Editor(self.path, random.Random(seed))
        self._folder = folder
        self._place = folder / "store.duckdb"
        self._last = self._look()

    def after(self, kind: str) -> None:
        """Change the archive, look again, and compare with a first look."""
        self.editor.apply(kind)
        found = self._look()
        assert_same_observation(found, fresh(self.path, self._folder), kind)
        assert _days_that_differ(self._last.versions, found.versions) == _days_that_differ(
            content_of_days(self._last.tables), content_of_days(found.tables)
        ), f"{kind}: versions of days have to move with their content, and only then"
        self._last = found

    def _look(self) -> Observation:
        with ObservationStore(self._place) as store:
            observe(self.path, store)
            return said_by(store)


def assert_same_observation(found: Observation, expected: Observation, what: str) -> None:
    for name, rows in expected.tables.items():
        assert found.tables[name] == rows, f"{what}: {name}"
    assert found == expected, what


def _days_that_differ(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {day for day in before.keys() | after.keys() if before.get(day) != after.get(day)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_followed_as_if_everything_were_read_anew(kind: str, tmp_path: Path) -> None:
    follower = Follower(tmp_path, seed=len(kind))
    follower.after(kind)
    follower.after(kind)


@pytest.mark.parametrize("seed", range(5))
def test_any_changes_one_after_another_are_followed(seed: int, tmp_path: Path) -> None:
    follower = Follower(tmp_path, seed)
    for kind in follower.editor.draws.choices(KINDS, k=14):
        follower.after(kind)
