"""Usage events without a key: how they go as texts lands, moves and is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.naive_observation import NaiveArchive
from tests.support.observations import WINDOW, Watch, copy_sample, fresh
from tests.support.odd_archives.workbench import Edit, Workbench, apply_edits
from tests.support.session_rows import NUMBERS

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {8: 3, 9: 4, 10: 0, 11: 1, 12: 2}
"""How these numbers go as texts."""


def _numbered(bench: Workbench) -> None:
    bench.session("one", "p")
    bench.session("other", "p")
    for number in PLACES:
        bench.event("one", id=number, input_tokens=number)
        bench.event("other", id=number + 100)


def _renumber(by: int, *, is_signed: bool = False) -> Edit:
    """All events are numbered anew, in the same order; agentsview signs it, or not."""

    def edit(bench: Workbench) -> None:
        bench.database.execute("UPDATE usage_events SET id = id + 1000000")
        bench.database.execute("UPDATE usage_events SET id = id - 1000000 + ?", (by,))
        if is_signed:
            bench.database.execute(
                "UPDATE sessions SET local_modified_at = '2026-11-20T10:00:00.000Z' "
                "WHERE id = 'one'"
            )

    return edit


def _places(watch: Watch) -> dict[int, Any]:
    """The order of the one session's events, by the tokens that name them."""
    rows = watch.said().tables["usage_rows"]
    return {r["input_tokens"]: r["event_key_order"] for r in rows if r["session_id"] == "one"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive with two sessions of numbered events."""
    found = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(found.parent, (_numbered,))
    return found


def test_it_lands_as_the_contract_says(tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(path.parent, NUMBERS)
    naive = {row["row_id"]: row for row in NaiveArchive(path, WINDOW.first).usage_rows()}
    found = {row["row_id"]: row for row in fresh(path, tmp_path).tables["usage_rows"]}
    assert found.keys() == naive.keys()
    for row_id, row in naive.items():
        assert {name: found[row_id][name] for name in row} == row
    assert len({row["event_key_order"] for row in naive.values()}) > len(PLACES)


def test_all_of_it_is_noticed_where_everything_is_compared(path: Path, tmp_path: Path) -> None:
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        assert _places(watch) == PLACES
        apply_edits(path.parent, (_renumber(10),))
        assert watch.observe(path, is_verified=True).sessions == 1
        assert _places(watch) == {number: number - 8 for number in PLACES}


def test_nothing_of_it_is_noticed_where_no_session_says_so(path: Path, tmp_path: Path) -> None:
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        before = watch.store.expected()
        apply_edits(path.parent, (_renumber(10),))
        assert watch.observe(path).sessions == 0
        assert watch.store.expected() == before


def test_a_session_that_is_signed_is_read_again(path: Path, tmp_path: Path) -> None:
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        apply_edits(path.parent, (_renumber(10, is_signed=True),))
        assert watch.observe(path).sessions == 1
        assert watch.said() == fresh(path, tmp_path)


def test_other_numbers_in_the_same_order_are_no_change(path: Path, tmp_path: Path) -> None:
    """The places are all that is kept, so that a rebuilt archive makes nothing out of date."""
    apply_edits(path.parent, (_renumber(200),))
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        before = watch.said()
        apply_edits(path.parent, (_renumber(5_000),))
        assert watch.observe(path, is_verified=True).sessions == 0
        apply_edits(path.parent, (_renumber(70_000, is_signed=True),))
        assert watch.observe(path).sessions == 1
        assert watch.said() == before


def test_a_later_event_moves_no_earlier_row(path: Path, tmp_path: Path) -> None:
    def later(bench: Workbench) -> None:
        bench.event("one", id=13, occurred_at="2026-07-03T12:00:00Z")
        _renumber(0, is_signed=True)(bench)

    seen = []
    with Watch(tmp_path / "store.duckdb") as watch:
        for edits in ((), (later,)):
            apply_edits(path.parent, edits)
            watch.observe(path)
            rows = watch.said().tables["usage_rows"]
            seen.append([row for row in rows if row["partition_date"] == "2026-07-01"])
    assert seen[0] == seen[1]


def test_keys_of_other_sessions_decide_nothing(path: Path, tmp_path: Path) -> None:
    """What is read at the same time may be one session, or all of them."""

    def like_a_number(bench: Workbench) -> None:
        bench.event("other", id=300, dedup_key="id:9")
        bench.event("one", id=301, dedup_key="id:10", source="elsewhere")

    apply_edits(path.parent, (like_a_number,))
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        before = watch.said()
        apply_edits(path.parent, (_renumber(0, is_signed=True),))
        assert watch.observe(path).sessions == 1
        assert watch.said() == before == fresh(path, tmp_path)
    keys = {row["dedup_key"] for row in before.tables["usage_rows"]}
    assert keys == {None, "usage:other:turn:id:9", "usage:one:elsewhere:id:10"}
