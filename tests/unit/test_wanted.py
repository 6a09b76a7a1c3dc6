"""Which runs the reconciler wants: pure, over what is expected, recorded and on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.automation.known import OBSERVATIONS, REPORTS, Known, OnItsWay
from agentsview_assets.automation.wanted import (
    HOPELESS,
    MOST_ARCHIVES,
    MOST_PARTS,
    MOST_SUCCESSES,
    MOST_TRIES,
    Tries,
    Wish,
    wanted,
)
from agentsview_assets.planning import EVERYTHING, NO_DAYS, stale_tables
from agentsview_assets.rules.staleness import (
    DAILY,
    DAILY_TABLES,
    PRICE_TABLES,
    PRICES,
    PROJECT_TABLES,
    PROJECTS,
    RATES_TABLE,
    ExpectedRow,
    expected_slices,
)
from agentsview_assets.rules.windows import DayWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentsview_assets.rules.staleness import Slice, Versions

WINDOW = DayWindow("2026-07-01", "2026-07-31")
A, B = "archive-a", "archive-b"
D1, D2, D3, D20, LAST = "2026-07-01", "2026-07-02", "2026-07-03", "2026-07-20", "2026-07-31"
WHOLE = frozenset({*PROJECT_TABLES, *PRICE_TABLES, RATES_TABLE})
ALL = frozenset(EVERYTHING)


def _rows(*days: str, archive: str = A, reads: dict[str, tuple[str, ...]] | None = None) -> Any:
    """What is found of an archive: so many days, its projects and its prices."""
    whole = [ExpectedRow(archive, part, "", "v") for part in (PROJECTS, PRICES)]
    return [
        *whole,
        *(ExpectedRow(archive, DAILY, day, "v", (), (reads or {}).get(day, ())) for day in days),
    ]


class _House:
    """A warehouse in which all that is expected was made, until something happens to it."""

    def __init__(self, *rows: ExpectedRow) -> None:
        self.rows = list(rows)
        expected = expected_slices(self.rows, (), WINDOW)
        self.recorded: dict[str, dict[Slice, Versions]] = {
            table: dict(expected.of(table)) for table in EVERYTHING
        }
        self.others: dict[str, set[Slice]] = {}

    def changed(self, day: str, archive: str = A, version: str = "new") -> _House:
        """A day's contents moved."""
        self.rows = [
            row._replace(version=version) if (row.archive_id, row.day) == (archive, day) else row
            for row in self.rows
        ]
        return self

    def lost(self, tables: Iterable[str], *places: Slice) -> _House:
        """Slices that were never made."""
        for table in tables:
            for place in places or [*self.recorded[table]]:
                self.recorded[table].pop(place, None)
        return self

    def wishes(
        self,
        *on_their_way: OnItsWay,
        readable: Iterable[str] = (A, B),
        tries: Callable[[str], Tries] = lambda _: Tries(),
        is_deduplicated: bool = True,
    ) -> Wish:
        expected = expected_slices(self.rows, (), WINDOW)
        stale = stale_tables(self.recorded, expected, ALL, self.others)
        known = Known(
            WINDOW,
            expected,
            stale,
            frozenset(readable),
            on_their_way,
            dict.fromkeys(EVERYTHING, "rules"),
            is_deduplicated,
        )
        return wanted(known, tries)


def _runs(wish: Wish) -> list[tuple[frozenset[str], tuple[str, str], frozenset[str]]]:
    return [(run.tables, run.days, run.archives) for run in wish.runs]


class TestWhatIsMissing:
    def test_nothing_out_of_date_wants_nothing(self):
        assert _House(*_rows(D1, D2)).wishes() == Wish()

    def test_a_first_load_is_one_run_of_everything(self):
        house = _House(*_rows(D1, D2)).lost(EVERYTHING)
        assert _runs(house.wishes()) == [(ALL, (D1, D2), frozenset({A}))]

    def test_one_changed_day_is_one_run_of_its_tables(self):
        house = _House(*_rows(D1, D2, D3)).changed(D2)
        [run] = house.wishes().runs
        assert (run.days, run.archives) == ((D2, D2), frozenset({A}))
        assert run.tables == {*DAILY_TABLES, RATES_TABLE}

    def test_days_far_apart_are_runs_of_their_own(self):
        house = _House(*_rows(D1, D2, D20)).changed(D1).changed(D20)
        assert [run.days for run in house.wishes().runs] == [(D1, D1), (D20, D20)]

    def test_days_after_the_window_go_with_its_last(self):
        house = _House(*_rows(D1, "2026-08-05")).changed("2026-08-05")
        assert [run.days for run in house.wishes().runs] == [(LAST, LAST)]

    def test_a_day_that_no_archive_holds_any_more_is_cleared(self):
        house = _House(*_rows(D1, D2))
        house.rows = [row for row in house.rows if row.day != D2]
        [run] = house.wishes().runs
        assert (run.days, run.tables >= OBSERVATIONS) == ((D2, D2), True)

    def test_each_range_names_the_archives_that_changed_in_it(self):
        house = _House(*_rows(D1, D20), *_rows(D1, D20, archive=B))
        house.changed(D1, A).changed(D20, B)
        found = {(run.days, run.archives) for run in house.wishes().runs}
        assert found == {((D1, D1), frozenset({A})), ((D20, D20), frozenset({B}))}

    def test_many_archives_are_spread_over_runs(self):
        names = [f"archive-{n:02}" for n in range(MOST_ARCHIVES + 3)]
        house = _House(*(row for name in names for row in _rows(D1, archive=name)))
        house.lost(DAILY_TABLES)
        wish = house.wishes(readable=names)
        assert sorted(name for run in wish.runs for name in run.archives) == names
        assert [len(run.archives) for run in wish.runs] == [MOST_ARCHIVES, 3]

    def test_each_run_of_a_first_load_brings_the_prices_that_its_reports_need(self):
        names = [f"archive-{n:02}" for n in range(2 * MOST_ARCHIVES)]
        house = _House(*(row for name in names for row in _rows(D1, archive=name)))
        house.lost(EVERYTHING)
        assert [run.tables for run in house.wishes(readable=names).runs] == [ALL, ALL]

    def test_other_rules_make_the_days_of_their_table_anew(self):
        house = _House(*_rows(D1, D2))
        house.others = {"activity_buckets": {(A, D1), (A, D2)}}
        assert _runs(house.wishes()) == [
            (frozenset({"activity_buckets"}), (D1, D2), frozenset({A}))
        ]

    def test_summaries_follow_the_sessions_models(self):
        house = _House(*_rows(D1)).lost(["session_model_usage"])
        [run] = house.wishes().runs
        assert run.tables == {"session_model_usage", "session_summaries"}

    def test_what_counts_is_decided_before_anything_else(self):
        house = _House(*_rows(D1, D2)).changed(D1)
        assert _runs(house.wishes(is_deduplicated=False)) == [
            (frozenset({"duplicates"}), NO_DAYS, frozenset())
        ]

    @pytest.mark.parametrize("table", ["archive", "duplicates", "usage_rows", "daily_usage"])
    def test_unless_a_run_is_about_to_decide_it(self, table):
        house = _House(*_rows(D1, D2))
        assert house.wishes(OnItsWay(frozenset({table})), is_deduplicated=False).runs == []


class TestReportsComeAfterTheirDays:
    def test_a_session_over_midnight_waits_for_its_other_day(self):
        rows = _rows(D1, D20, reads={D20: (D1,)})
        house = _House(*rows).changed(D1).changed(D20)
        wish = house.wishes()
        assert [(run.days, run.tables & REPORTS) for run in wish.runs] == [
            ((D1, D1), REPORTS),
            ((D20, D20), frozenset()),
        ]
        assert wish.waiting == 1

    def test_it_is_made_once_both_are_recorded(self):
        house = _House(*_rows(D1, D20, reads={D20: (D1,)})).lost(REPORTS, (A, D20))
        [run] = house.wishes().runs
        assert (run.days, run.tables) == ((D20, D20), REPORTS)

    def test_with_both_in_one_range_it_comes_along(self):
        house = _House(*_rows(D1, D2, reads={D2: (D1,)})).changed(D1).changed(D2)
        [run] = house.wishes().runs
        assert (run.days, run.tables) == ((D1, D2), {*DAILY_TABLES, RATES_TABLE})

    def test_an_archive_out_of_reach_keeps_its_observations(self):
        house = _House(*_rows(D1)).changed(D1)
        assert _runs(house.wishes(readable=[B])) == []

    def test_but_reports_of_what_it_holds_are_made(self):
        house = _House(*_rows(D1)).lost(REPORTS)
        [run] = house.wishes(readable=[B]).runs
        assert run.tables == REPORTS

    def test_prices_come_before_the_reports_that_they_may_move(self):
        house = _House(*_rows(D1, D20)).lost(REPORTS, (A, D20)).lost(PRICE_TABLES)
        wish = house.wishes()
        assert [(run.tables, run.days) for run in wish.runs] == [(frozenset(PRICE_TABLES), NO_DAYS)]
        prices = OnItsWay(frozenset(PRICE_TABLES), archives=frozenset({A}))
        assert house.wishes(prices).runs == []


class TestWhatIsOnItsWay:
    def test_it_is_not_asked_for_again(self):
        house = _House(*_rows(D1, D2)).changed(D1)
        asked = OnItsWay(ALL, (D1, D1), frozenset({A}))
        assert house.wishes(asked).runs == []

    @pytest.mark.parametrize("archives", [None, frozenset({A, B})])
    def test_a_run_by_hand_counts_for_all_archives_that_it_makes(self, archives):
        house = _House(*_rows(D1)).changed(D1)
        assert house.wishes(OnItsWay(ALL, (D1, D2), archives)).runs == []

    def test_what_it_does_not_make_is_asked_for(self):
        house = _House(*_rows(D1, D20)).changed(D1).changed(D20)
        [run] = house.wishes(OnItsWay(ALL, (D1, D1), frozenset({A}))).runs
        assert run.days == (D20, D20)

    def test_reports_wait_for_days_that_are_being_observed(self):
        house = _House(*_rows(D1, D20, reads={D20: (D1,)})).lost(REPORTS, (A, D20))
        wish = house.wishes(OnItsWay(OBSERVATIONS, (D1, D1), frozenset({A})))
        assert (wish.runs, wish.waiting) == ([], 1)


class _History:
    """What became of requests: the runs of some days of some archives end as told."""

    def __init__(self, house: _House, ends: Callable[[Any], Tries]) -> None:
        self.house, self.ends = house, ends
        self.told: dict[str, Tries] = {}

    def go_on(self) -> Wish:
        """Asks, and has every run that is asked for end."""
        wish = self.house.wishes(tries=lambda digest: self.told.get(digest, Tries()))
        for run in wish.runs:
            before, end = self.told.get(run.digest, Tries()), self.ends(run)
            self.told[run.digest] = end._replace(
                failed=before.failed + end.failed,
                succeeded=before.succeeded + end.succeeded,
                ended=before.ended + 1,
            )
        return wish

    def until_it_rests(self) -> tuple[int, Wish]:
        """Goes on until nothing is asked for; how many runs that took, and what is said then."""
        runs = 0
        while (wish := self.go_on()).runs:
            runs += len(wish.runs)
            assert runs < 500, "it goes on for ever"
        return runs, wish


class TestWhatFailed:
    def test_the_same_request_has_the_same_digest_and_another_version_another(self):
        first = _House(*_rows(D1)).changed(D1).wishes().runs
        assert first == _House(*_rows(D1)).changed(D1).wishes().runs
        assert first != _House(*_rows(D1)).changed(D1, version="newer").wishes().runs

    def test_it_is_tried_so_many_times_and_then_given_up(self):
        house = _House(*_rows(D1, D2)).changed(D1).changed(D2)
        runs, wish = _History(house, lambda _: Tries(1)).until_it_rests()
        assert runs == MOST_TRIES
        assert [run.days for run in wish.given_up] == [(D1, D2)]

    def test_a_run_that_somebody_stopped_is_not_asked_for_again(self):
        house = _House(*_rows(D1)).changed(D1)
        runs, wish = _History(house, lambda _: Tries(is_stopped=True)).until_it_rests()
        assert (runs, len(wish.given_up)) == (1, 1)

    @pytest.mark.parametrize("made", [["sessions"], OBSERVATIONS])
    def test_nor_is_what_it_had_not_come_to(self, made):
        house = _House(*_rows(D1, D2)).changed(D1).changed(D2)
        history = _History(house, lambda _: Tries(is_stopped=True))
        history.go_on()
        expected = expected_slices(house.rows, (), WINDOW)
        for table in made:
            house.recorded[table].update(expected.of(table))
        wish = history.go_on()
        assert (wish.runs, len(wish.given_up)) == ([], 1)

    def test_a_run_that_changes_nothing_is_not_asked_for_for_ever(self):
        house = _House(*_rows(D1)).changed(D1)
        runs, wish = _History(house, lambda _: Tries(succeeded=1)).until_it_rests()
        assert (runs, len(wish.given_up)) == (MOST_SUCCESSES, 1)

    def test_something_new_is_tried_again(self):
        house = _House(*_rows(D1)).changed(D1)
        history = _History(house, lambda _: Tries(1))
        history.until_it_rests()
        house.changed(D1, version="newer")
        assert len(history.go_on().runs) == 1

    def test_of_a_refused_range_the_good_days_are_made(self):
        days = [f"2026-07-{day:02}" for day in range(1, 32)]
        house, bad = _House(*_rows(*days)), "2026-07-14"
        for day in days:
            house.changed(day)

        def end(run: Any) -> Tries:
            first, last = run.days
            if first <= bad <= last:
                return Tries(1, is_refused=True)
            expected = expected_slices(house.rows, (), WINDOW)
            for table in run.tables & {*DAILY_TABLES}:
                made = expected.of(table)
                for place in [p for p in made if first <= p[1] <= last]:
                    house.recorded[table][place] = made[place]
            return Tries(succeeded=1)

        runs, wish = _History(house, end).until_it_rests()
        assert [run.days for run in wish.given_up] == [(bad, bad)]
        assert {day for _, day in house.recorded["usage_rows"]} == {*days}
        assert runs < 20

    def test_of_refused_archives_the_good_ones_are_made(self):
        names = [f"archive-{n}" for n in range(8)]
        house = _House(*(row for name in names for row in _rows(D1, archive=name)))
        house.lost(DAILY_TABLES)
        wish = house.wishes(readable=names, tries=lambda _: Tries(1, is_refused=True))
        assert all(len(run.archives) == 1 for run in wish.runs)

    def test_where_every_day_is_refused_it_stops_soon(self):
        days = [f"2026-07-{day:02}" for day in range(1, 32)]
        house = _House(*_rows(*days))
        for day in days:
            house.changed(day)
        history = _History(house, lambda _: Tries(1, is_refused=True))
        runs, wish = history.until_it_rests()
        assert runs <= MOST_TRIES * (HOPELESS + MOST_PARTS) + 31
        assert {run.days[0] for run in wish.given_up} >= {days[0]}
