"""Spans over time: minutes, concurrency and buckets, as in the contract's tables."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.activity.sweep import Concurrency, Spans, gather, minutes, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE

Span = tuple[str, int, int]
"""Session, start and end, in minutes after ten o'clock."""


def measure(
    spans: Sequence[Span], automated: Sequence[str] = (), edges: Sequence[int] = (0, 60)
) -> Concurrency:
    names = sorted({session for session, _, _ in spans})
    rows = sorted((name, "m", begin * MINUTE, (end - begin) * MINUTE) for name, begin, end in spans)
    cuts = [edge * MINUTE for edge in edges]
    sessions = [(name, name in automated) for name in names]
    gathered = gather([rows], sessions, (cuts[0], cuts[-1]), cuts)
    return sweep(Spans(gathered.keys), [flag for _, flag in sessions], cuts)


@pytest.mark.parametrize(
    ("spans", "peak", "at", "active"),
    [
        ([], 0, None, 0),
        ([("a", 0, 2)], 1, 0, 2),
        ([("a", 0, 2), ("b", 2, 4)], 1, 0, 4),  # touching
        ([("a", 0, 2), ("b", 1, 4)], 2, 1, 4),
        ([("a", 0, 5), ("a", 1, 6)], 2, 1, 6),  # a session over itself
        ([("a", 0, 1), ("b", 3, 4), ("c", 3, 4)], 2, 3, 2),  # idle between
        ([("a", 0, 1), ("b", 0, 1), ("c", 5, 6), ("d", 5, 6)], 2, 0, 2),  # the first peak
        ([("a", 10, 15), ("b", 11, 13), ("c", 13, 15)], 2, 11, 5),  # an end before a start
    ],
)
def test_spans_alive_at_once(spans: list[Span], peak: int, at: int | None, active: int) -> None:
    found = measure(spans)
    assert found.peak == peak
    assert found.peak_at == (None if at is None else at * MINUTE)
    assert found.active_ns == active * MINUTE


def test_the_split_of_a_bucket_is_that_of_its_first_peak() -> None:
    spans = [("a", 0, 1), ("b", 0, 1), ("c", 2, 4), ("d", 2, 4)]
    assert measure(spans, automated=["a", "b"]).bucket_peaks == [(2, 2)]


def test_what_reaches_over_an_edge_is_alive_at_it() -> None:
    spans = [("a", 0, 8), ("b", 4, 6), ("c", 5, 7)]
    found = measure(spans, automated=["a"], edges=(0, 5, 6, 7, 10))
    assert found.bucket_peaks == [(2, 1), (3, 1), (2, 1), (1, 1)]


def test_what_ends_at_an_edge_is_not() -> None:
    found = measure([("a", 0, 5), ("b", 5, 9)], edges=(0, 5, 10, 15))
    assert found.bucket_peaks == [(1, 0), (1, 0), (0, 0)]


def test_minutes_are_cut_to_the_range_and_shared_by_the_buckets() -> None:
    rows = [
        ("a", "m1", -2 * MINUTE, 5 * MINUTE),
        ("a", "m2", 4 * MINUTE, 5 * MINUTE),
        ("b", "m1", 9 * MINUTE, 5 * MINUTE),
        ("b", "m1", 20 * MINUTE, MINUTE),
        ("c", "m1", -5 * MINUTE, 5 * MINUTE),
        ("stranger", "m1", MINUTE, MINUTE),
    ]
    cuts = [0, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE]
    sessions = [("a", True), ("b", False), ("c", False)]
    found = gather([rows], sessions, (0, 12 * MINUTE), cuts)
    assert found.bucket_minutes == [4.0, 5.0, 2.0]
    assert (found.minutes, found.parts) == (11.0, [3.0, 8.0])
    assert list(found.by_session) == [0, 1]
    activity = found.by_session[0]
    assert activity.weights == {"m1": 3.0, "m2": 5.0}
    assert (activity.first, activity.last) == (0, 9 * MINUTE)
    assert found.by_session[1].last == 12 * MINUTE


def test_spans_are_listed_by_start_end_and_session() -> None:
    rows = [
        ("a", "m", 7, 5),
        ("a", "m", 1, 9),
        ("b", "m", 1, 2),
        ("b", "m", 7, 5),
        ("b", "m", 0, 1),
    ]
    gathered = gather([rows], [("a", False), ("b", False)], (0, HOUR), [0, HOUR])
    spans = Spans(gathered.keys)
    listed = list(zip(spans.starts, spans.lengths, spans.sessions, strict=True))
    assert listed == [(0, 1, 1), (1, 2, 1), (1, 9, 0), (7, 5, 0), (7, 5, 1)]


def test_minutes_round_the_rest_and_not_the_whole() -> None:
    assert minutes(7 * MINUTE + 1_000_000_007) == 7 + 1_000_000_007 / MINUTE
    assert minutes(0) == 0


moments = st.integers(0, 40)
drawn_spans = st.lists(st.tuples(st.sampled_from("abcde"), moments, st.integers(1, 5)), max_size=25)
drawn_edges = st.lists(st.integers(1, 49), max_size=8).map(lambda cuts: sorted({0, *cuts, 50}))


@given(drawn_spans, drawn_edges)
def test_each_bucket_alone_gives_the_same(
    drawn: list[tuple[str, int, int]], edges: list[int]
) -> None:
    spans = [(name, begin, begin + length) for name, begin, length in drawn]
    found = measure(spans, automated=["a", "b"], edges=edges)
    alone = []
    for low, high in pairwise(edges):
        live = [
            [name for name, begin, end in spans if begin <= moment < end]
            for moment in range(low, high)
        ]
        first = max(live, key=len)
        alone.append((len(first), sum(name in "ab" for name in first)))
    assert found.bucket_peaks == alone
    covered = {moment for _, begin, end in spans for moment in range(begin, end)}
    assert found.active_ns == len(covered) * MINUTE
