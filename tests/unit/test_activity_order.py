"""The order of sessions with equal minutes, beside orders that the original gave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.activity.order import _PatternDefeating, descending_order

# Minutes by session id -> positions in the order in which release 0.37.5 listed the sessions. Each
# takes another way through the algorithm.
ORDERS = {
    "equal to the one before": (
        [0] * 17 + [1, 2, 3],
        [19, 18, 17, 10, 12, 5, 6, 7, 8, 9, 0, 11, 4, 13, 14, 15, 16, 3, 2, 1],
    ),
    "patterns broken": (
        [0] * 30 + [1, 2, 3],
        [
            *(32, 31, 30, 16, 23, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 4, 17, 25, 20, 21, 22),
            *(18, 24, 19, 26, 27, 28, 29, 3, 2, 1),
        ],
    ),
    "patterns broken among four values": (
        [
            *(3, 2, 1, 3, 2, 2, 1, 1, 1, 2, 3, 2, 0, 3, 1, 3, 2, 2, 0, 1, 1, 3, 1, 1, 1, 0, 3, 1),
            *(1, 0, 1, 0, 2),
        ],
        [
            *(26, 21, 13, 3, 0, 15, 10, 1, 5, 9, 4, 11, 17, 32, 16, 8, 24, 2, 30, 19, 20, 7, 22),
            *(23, 14, 28, 6, 27, 25, 29, 18, 31, 12),
        ],
    ),
    "nearly sorted": ([0] * 47 + [1, 2, 3], [49, 48, 47, *range(47)]),
    "a saw": (
        [number % 7 for number in range(50)],
        [
            *(41, 48, 20, 27, 13, 34, 6, 5, 26, 47, 19, 40, 12, 33, 4, 32, 46, 11, 18, 25, 39, 24),
            *(45, 10, 38, 3, 17, 31, 37, 44, 30, 16, 9, 2, 23, 36, 22, 1, 29, 15, 8, 43, 42, 7, 14),
            *(28, 21, 0, 35, 49),
        ],
    ),
    "squares": (
        [number * number % 19 for number in range(64)],
        [
            *(44, 63, 25, 32, 13, 51, 6, 15, 61, 4, 23, 42, 34, 53, 12, 7, 26, 31, 50, 45, 16, 35),
            *(22, 60, 54, 3, 41, 8, 27, 49, 46, 30, 11, 5, 33, 62, 14, 24, 52, 43, 29, 28, 48, 47),
            *(10, 9, 55, 59, 36, 40, 2, 21, 17, 37, 56, 58, 39, 20, 18, 1, 19, 38, 57, 0),
        ],
    ),
}

few_values = st.lists(st.sampled_from([-1.0, 0.5, 1.0, 2.0, 3.0]), max_size=300)


@pytest.mark.parametrize(("minutes", "order"), ORDERS.values(), ids=ORDERS)
def test_ties_fall_as_in_the_original(minutes: list[float], order: list[int]) -> None:
    assert descending_order(minutes) == order


@given(few_values)
def test_most_minutes_come_first_and_nothing_is_lost(minutes: list[float]) -> None:
    order = descending_order(minutes)
    assert sorted(order) == list(range(len(minutes)))
    assert [minutes[at] for at in order] == sorted(minutes, reverse=True)


@given(st.lists(st.sampled_from([-1.0, 1.0, 2.0]), max_size=12))
def test_up_to_twelve_sessions_keep_the_order_of_their_ids(minutes: list[float]) -> None:
    assert descending_order(minutes) == sorted(range(len(minutes)), key=lambda at: -minutes[at])


@given(st.lists(st.floats(0, 1e6), unique=True, max_size=200))
def test_without_ties_there_is_one_order(minutes: list[float]) -> None:
    slots = _PatternDefeating([-value for value in minutes])
    slots.sort(0, len(minutes), len(minutes).bit_length())
    assert slots.order == descending_order(minutes)


@given(few_values)
def test_a_spent_budget_still_sorts(minutes: list[float]) -> None:
    slots = _PatternDefeating([-value for value in minutes])
    slots.sort(0, len(minutes), 0)
    assert [minutes[at] for at in slots.order] == sorted(minutes, reverse=True)
