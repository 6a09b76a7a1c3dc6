"""What is out of date: pure, over versions by archive and day."""

from __future__ import annotations

from typing import ClassVar

import pytest

from agentsview_assets.rules.outdated import stale_slices, unread_archives
from agentsview_assets.rules.staleness import (
    DAILY,
    MIXED_VERSION,
    PRICES,
    PROJECTS,
    VERDICTS,
    Expected,
    ExpectedRow,
    by_day,
    expected_slices,
    made_from,
)
from agentsview_assets.rules.windows import DayWindow

WINDOW = DayWindow("2026-07-01", "2026-07-09")
FIRST, SECOND, THIRD = "2026-07-01", "2026-07-02", "2026-07-03"
A, B = "archive-a", "archive-b"


def _expected(*rows: ExpectedRow, window: DayWindow = WINDOW) -> Expected:
    return expected_slices(rows, (), window)


def _day(
    day: str, version: str = "v1", archive: str = A, reads: tuple[str, ...] = ()
) -> ExpectedRow:
    return ExpectedRow(archive, DAILY, day, version, (), reads)


class TestWhatAReportIsMadeFrom:
    def test_it_takes_over_the_version_of_its_rows(self) -> None:
        recorded = {"usage_rows": {(A, FIRST): ("v1", "")}}
        expected = _expected(_day(FIRST))
        assert made_from((A, FIRST), "daily_usage", recorded, expected) == "v1"
        assert made_from((A, SECOND), "daily_usage", recorded, expected) == ""

    def test_with_what_counts_of_them(self) -> None:
        recorded = {"usage_rows": {(A, FIRST): ("v1", "")}}
        expected = _expected(_day(FIRST), ExpectedRow(A, VERDICTS, FIRST, "c1"))
        assert made_from((A, FIRST), "daily_usage", recorded, expected) == "v1+c1"
        assert expected.of("daily_usage")[A, FIRST][0] == "v1+c1"
        assert expected.of("usage_rows")[A, FIRST][0] == "v1"

    def test_tables_that_do_not_agree_make_one_that_is_never_up_to_date(self) -> None:
        recorded = {
            "usage_rows": {(A, FIRST): ("new", "")},
            "activity_intervals": {(A, FIRST): ("old", "")},
        }
        made = made_from((A, FIRST), "activity_buckets", recorded, _expected(_day(FIRST, "new")))
        assert made == MIXED_VERSION

    def test_so_does_a_day_read_that_is_not_there_yet(self) -> None:
        expected = _expected(_day(FIRST, reads=(THIRD,)), _day(SECOND), _day(THIRD, "v3"))
        recorded = {"usage_rows": {(A, FIRST): ("v1", ""), (A, SECOND): ("v1", "")}}
        report = "session_model_usage"
        assert made_from((A, FIRST), report, recorded, expected) == MIXED_VERSION
        assert made_from((A, SECOND), report, recorded, expected) == "v1"
        recorded["usage_rows"][A, THIRD] = ("v3", "")
        assert made_from((A, FIRST), report, recorded, expected) == "v1"

    def test_days_that_only_other_reports_read_are_none_of_its_business(self) -> None:
        expected = _expected(_day(FIRST, reads=(THIRD,)), _day(THIRD))
        recorded = {"usage_rows": {(A, FIRST): ("v1", "")}}
        assert made_from((A, FIRST), "daily_usage", recorded, expected) == "v1"


class TestPartitions:
    def test_a_day_has_the_version_of_what_it_holds(self) -> None:
        expected = _expected(_day(FIRST, "a"), _day(FIRST, "b", B))
        assert expected.observations == {(A, FIRST): "a", (B, FIRST): "b"}

    @pytest.mark.parametrize("earlier", ["", "2026-06-01", "0999-01-01"])
    def test_what_has_no_day_of_its_own_moves_the_first(self, earlier: str) -> None:
        alone = _expected(_day(FIRST)).observations
        both = _expected(_day(FIRST), _day(earlier)).observations
        assert both.keys() == alone.keys() == {(A, FIRST)}
        assert both != alone
        assert both == _expected(_day(earlier), _day(FIRST)).observations

    def test_usage_of_a_session_from_before_the_window_moves_with_the_window(self) -> None:
        rows = (_day("2026-06-20", reads=(THIRD,)), _day(THIRD))
        july = _expected(*rows).observations
        earlier = _expected(*rows, window=DayWindow("2026-06-01", "2026-07-09")).observations
        later = _expected(*rows, window=DayWindow("2026-07-02", "2026-07-09")).observations
        assert len({july[A, THIRD], earlier[A, THIRD], later[A, THIRD]}) == 3

    def test_one_version_for_all_archives_moves_when_any_does(self) -> None:
        one, other = (
            _expected(_day(FIRST, "a"), _day(FIRST, version, B), _day(SECOND))
            for version in ("b", "c")
        )
        before, after = by_day(one.observations), by_day(other.observations)
        assert before[SECOND] == after[SECOND]
        assert before[FIRST] != after[FIRST]


class TestStale:
    def test_a_slice_that_should_hold_nothing_and_was_never_written_is_not(self) -> None:
        assert stale_slices({}, {}) == set()
        assert stale_slices({}, {(A, FIRST): ("", "")}) == set()

    def test_others_are_when_their_versions_differ(self) -> None:
        recorded = {(A, FIRST): ("v1", ""), (A, SECOND): ("old", ""), (B, THIRD): ("gone", "")}
        expected = {(A, FIRST): ("v1", ""), (A, SECOND): ("v1", ""), (A, THIRD): ("v1", "")}
        assert stale_slices(expected, recorded) == {(A, SECOND), (A, THIRD), (B, THIRD)}


class TestUnread:
    """An archive's stamp proves nothing while anything is to be made of what was found in it."""

    ROWS = (
        _day(FIRST),
        ExpectedRow(A, PROJECTS, "", "p1"),
        ExpectedRow(A, PRICES, "", "q1"),
    )
    MADE: ClassVar[dict[str, dict[tuple[str, str], tuple[str, str]]]] = {
        "sessions": {(A, FIRST): ("v1", "")},
        "usage_rows": {(A, FIRST): ("v1", "")},
        "activity_intervals": {(A, FIRST): ("v1", "")},
        "project_observations": {(A, ""): ("p1", "")},
        "machines": {(A, ""): ("p1", "")},
        "model_pricing": {(A, ""): ("q1", "")},
    }

    def test_all_of_it_made(self) -> None:
        assert unread_archives(self.ROWS, self.MADE, WINDOW, {}) == set()

    @pytest.mark.parametrize("table", list(MADE))
    def test_one_table_missing(self, table: str) -> None:
        made = {name: slices for name, slices in self.MADE.items() if name != table}
        assert unread_archives(self.ROWS, made, WINDOW, {}) == {A}

    def test_one_day_left_over(self) -> None:
        made = {**self.MADE, "sessions": {(A, FIRST): ("v1", ""), (A, SECOND): ("v1", "")}}
        assert unread_archives(self.ROWS, made, WINDOW, {}) == {A}

    def test_another_archive_s_days_are_none_of_it(self) -> None:
        made = {**self.MADE, "sessions": {(A, FIRST): ("v1", ""), (B, SECOND): ("v1", "")}}
        assert unread_archives(self.ROWS, made, WINDOW, {}) == set()
