"""Observing archives: exact against a plain model, incremental as if fresh, and without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.naive_observation import NaiveArchive
from tests.support.observations import WINDOW, copy_sample, fresh
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
