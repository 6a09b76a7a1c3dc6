"""Pages: a walk yields everything once, and changes below the watermark end it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.sessions.cursor import Cursor, CursorReset, Position
from agentsview_assets.documents.sessions.paging import turn_page

NEW = Cursor(database_id="db")
places = st.lists(
    st.tuples(st.sampled_from((1.0, 2.0, 2.5, 3.0, 1e6)), st.text("Bacéz", min_size=1, max_size=3)),
    max_size=12,
    unique=True,
)


def ordered(*found: tuple[float, str]) -> list[Position]:
    return sorted((Position(sort, name, f"t{sort}") for sort, name in found), key=lambda p: p.key)


ROWS = ordered((5.0, "e"), (4.0, "d"), (3.0, "c"), (3.0, "b"), (2.0, "a"))


def after(count: int, rows: list[Position] = ROWS) -> Cursor:
    following = turn_page(rows, NEW, count).following
    assert following is not None
    return following


@given(found=places, limit=st.integers(1, 13))
def test_a_walk_yields_every_row_once_in_order(found: list[tuple[float, str]], limit: int) -> None:
    rows, walked, state = ordered(*found), [], NEW
    for _ in range(len(rows) + 1):
        page = turn_page(rows, state, limit)
        walked.extend(page.positions)
        if page.following is None:
            break
        assert len(page.positions) == limit
        state = page.following
    assert walked == rows


@given(found=places, first=st.integers(1, 5), second=st.integers(1, 13))
def test_pages_may_differ_in_size(found: list[tuple[float, str]], first: int, second: int) -> None:
    rows = ordered(*found)
    page = turn_page(rows, NEW, first)
    if page.following is not None:
        assert [*turn_page(rows, page.following, second).positions] == rows[first : first + second]


def test_equal_instants_are_ordered_by_the_bytes_of_ids() -> None:
    rows = ordered((1.0, "étie"), (1.0, "atie"), (1.0, "Btie"))
    assert [row.session_id for row in rows] == ["Btie", "atie", "étie"]
    assert [*turn_page(rows, after(2, rows), 9).positions] == rows[2:]


def test_exactly_a_page_has_no_cursor() -> None:
    assert turn_page(ROWS, NEW, 5).following is None
    assert turn_page([], NEW, 5) == ((), None)


def test_the_cursor_tells_where_the_run_stands() -> None:
    state = after(2)
    assert (state.watermark, state.watermark_sort) == ("t5.0", 5.0)
    assert (state.last_activity_at, state.last_activity_sort, state.last_id) == ("t4.0", 4.0, "d")
    assert (state.snapshot_count, state.prefix_count, state.limit) == (5, 2, 2)


def test_newer_rows_do_not_disturb_a_run() -> None:
    newer = ordered((9.0, "new"), *(p[:2] for p in ROWS))
    assert [*turn_page(newer, after(2), 9).positions] == ROWS[2:]


@pytest.mark.parametrize(
    "changed",
    [
        ROWS[1:],
        ROWS[:-1],
        ROWS[:2] + ROWS[3:],
        ordered((5.0, "f"), *(p[:2] for p in ROWS)),
        ordered((1.0, "old"), *(p[:2] for p in ROWS)),
        ordered((9.0, "a"), *(p[:2] for p in ROWS[:-1])),
        [*ROWS[:-1], ROWS[-1]._replace(text="t2.00")],
        [],
    ],
    ids=[
        *("first gone", "last gone", "middle gone", "new at the watermark", "new below"),
        *("moved above", "other text of the same instant", "all gone"),
    ],
)
def test_changes_at_or_below_the_watermark_end_a_run(changed: list[Position]) -> None:
    with pytest.raises(CursorReset):
        turn_page(changed, after(2), 2)


def test_a_changed_prefix_ends_a_run_by_itself() -> None:
    state = replace(after(2), snapshot_count=0, snapshot_digest="", prefix_digest="0" * 64)
    with pytest.raises(CursorReset):
        turn_page(ROWS, state, 2)


def test_without_digests_nothing_is_checked() -> None:
    unchecked = {"snapshot_count": 0, "snapshot_digest": "", "prefix_count": 0, "prefix_digest": ""}
    state = replace(after(2), **unchecked)  # type: ignore[arg-type]
    assert [*turn_page(ROWS[1:], state, 9).positions] == ROWS[2:]


def test_without_a_watermark_a_new_one_is_taken() -> None:
    newer = ordered((9.0, "new"), *(p[:2] for p in ROWS))
    page = turn_page(newer, NEW, 1)
    assert page.following is not None
    assert page.following.watermark_sort == 9.0


def test_a_watermark_without_sort_value_lets_nothing_through() -> None:
    assert turn_page(ROWS, replace(NEW, watermark="t"), 2) == ([], None)


@pytest.mark.parametrize("missing", ["last_id", "last_activity_sort", "watermark_sort"])
def test_digests_need_the_place_that_they_are_of(missing: str) -> None:
    state = replace(after(2), **{missing: Cursor.__dataclass_fields__[missing].default})
    with pytest.raises(CursorReset):
        turn_page(ROWS, state, 2)
