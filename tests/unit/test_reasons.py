"""Restatements: what was published of a day and is no longer so, and why."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.reasons import Record, moved_slices, reason_of
from agentsview_assets.rules.versions import rules
from tests.support.machines import Machine, archive
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND, THIRD = "2026-11-01", "2026-11-02", "2026-11-03"
MADE = Record("seen", "rates", "own landing", "2026-11-20 10:00:00")
PLACE = ("a", FIRST)
MORE_TOKENS = (
    "UPDATE messages SET token_usage = json_set(token_usage, '$.input_tokens', 2000) "
    "WHERE session_id = 'a'"
)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {}, None),
        ({}, {"rates": "others"}, None),
        ({}, {"content": "other"}, "content"),
        ({}, {"content": "other", "rates": "others"}, "content"),
        ({}, {"content": "seen+one counts"}, "duplicate"),
        ({"content": "seen+one counts"}, {"content": "seen+another"}, "duplicate"),
        ({"content": "seen+one counts"}, {"content": "other+one counts"}, "content"),
        ({}, {"rules": "other landing"}, "rule"),
        ({}, {"rules": "own other", "content": "other"}, "rule"),
        ({"content": "upgraded"}, {}, "upgrade"),
        ({"content": "inherited", "rules": ""}, {}, "upgrade"),
        ({"rules": ""}, {"content": "other"}, "upgrade"),
    ],
)
def test_why(before: dict[str, str], after: dict[str, str], reason: str | None) -> None:
    assert reason_of(MADE._replace(**before), MADE._replace(**after)) == reason


class TestWhichSlices:
    def test_a_day_that_was_not_over_only_grew(self) -> None:
        today = MADE._replace(written_at=f"{FIRST} 23:59:59")
        assert moved_slices({PLACE: today}, {PLACE: MADE._replace(content="more")}, {}) == []

    def test_other_rates_are_told_of_any_day(self) -> None:
        today = MADE._replace(written_at=f"{FIRST} 23:59:59")
        [found] = moved_slices({PLACE: today}, {PLACE: MADE._replace(rates="others")}, {})
        assert (found.reason, found.is_repriced) == (None, True)

    def test_what_nothing_is_left_of(self) -> None:
        [found] = moved_slices({PLACE: MADE}, {}, {})
        assert (found.reason, found.is_repriced) == ("content", False)

    @pytest.mark.parametrize(
        ("since", "day", "is_late"),
        [
            ("2026-11-21 10:00:00", SECOND, True),
            # known since before the archive's first report: only not made until now
            ("2026-11-20 09:00:00", SECOND, False),
            # a day that was not over when anything was last published
            ("2026-11-21 10:00:00", "2026-11-20", False),
        ],
    )
    def test_what_came_when_its_day_had_been_published_without(
        self, *, since: str, day: str, is_late: bool
    ) -> None:
        place = ("a", day)
        found = moved_slices({PLACE: MADE}, {PLACE: MADE, place: MADE}, {place: since})
        assert [(moved.place, moved.reason) for moved in found] == (
            [(place, "content")] if is_late else []
        )

    def test_an_archive_that_is_new_has_published_nothing(self) -> None:
        place = ("b", SECOND)
        assert moved_slices({PLACE: MADE}, {PLACE: MADE, place: MADE}, {place: "2026-12-01"}) == []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A finished warehouse: a session of 2,400 tokens on each of two days."""
    place = archive(tmp_path / "data", "one", [("a", FIRST), ("b", SECOND)])
    made = Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))
    assert made.run("materialize").code == 0
    assert restated(made) == []
    return made


def restated(machine: Machine) -> list[tuple[Any, ...]]:
    """Every restatement: day, reason, tokens before and after."""
    with open_reader(machine.warehouse) as reader:
        return sorted(
            reader.rows(
                "SELECT CAST(partition_date AS VARCHAR(10)), reason, old_tokens, tokens "
                "FROM restatements"
            )
        )


def edit(machine: Machine, *statements: str) -> None:
    with closing(sqlite3.connect(machine.archives[0] / "sessions.db")) as database, database:
        for statement in statements:
            database.execute(statement)


class TestInTheWarehouse:
    def test_a_session_that_was_resumed(self, machine: Machine) -> None:
        edit(
            machine,
            MORE_TOKENS,
            "UPDATE sessions SET local_modified_at = 'x' WHERE id = 'a'",
        )
        assert machine.run("materialize").code == 0
        assert restated(machine) == [(FIRST, "content", 2400, 4400)]

    def test_a_session_that_came_late_to_a_day_of_its_own(self, machine: Machine) -> None:
        with TinyArchive(machine.archives[0]) as found:
            found.session("c", THIRD)
            found.message("c", 0, f"{THIRD}T10:10:00Z")
        # The first report was some time ago.
        with duckdb.connect(machine.warehouse.removeprefix("duckdb:///")) as warehouse:
            warehouse.execute(
                "UPDATE warehouse_partitions SET written_at = written_at - INTERVAL 1 HOUR"
            )
        assert machine.run("materialize").code == 0
        assert restated(machine) == [(THIRD, "content", 0, 1200)]

    def test_what_goes_stays_listed_with_its_last_numbers(self, machine: Machine) -> None:
        edit(
            machine,
            "UPDATE sessions SET deleted_at = '2026-11-20T00:00:00Z', local_modified_at = 'x' "
            "WHERE id = 'b'",
        )
        assert machine.run("materialize").code == 0
        assert restated(machine) == [(SECOND, "removal", 2400, 0)]
        assert machine.run("materialize", "--json").json["up_to_date"]

    def test_an_archive_that_is_given_up(self, machine: Machine, tmp_path: Path) -> None:
        other = archive(tmp_path / "other", "two", [("z", THIRD)])
        later = replace(machine, archives=(other,))
        assert later.run("materialize").code == 0
        assert later.run("materialize", "--forget", "one").code == 0
        assert restated(machine) == [(FIRST, "removal", 2400, 0), (SECOND, "removal", 2400, 0)]

    def test_a_rule_that_changed_is_told_where_numbers_moved(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(rules().digests, "daily_usage", "another")
        assert machine.run("materialize").code == 0
        assert restated(machine) == []
        monkeypatch.setitem(rules().digests, "daily_usage", "yet another")
        from agentsview_assets.assets import reports as assets  # noqa: PLC0415
        from agentsview_assets.rules import reports  # noqa: PLC0415

        def halved(*tables: Any) -> Any:
            import pyarrow as pa  # noqa: PLC0415
            import pyarrow.compute as pc  # noqa: PLC0415

            found = original(*tables)
            place = found.schema.get_field_index("input_tokens")
            half = pc.divide(found.column(place), pa.scalar(2, pa.int64()))
            return found.set_column(place, found.schema.field(place), half)

        original = reports.daily_usage
        monkeypatch.setattr(assets.reports, "daily_usage", halved)
        machine.run("materialize")
        assert restated(machine) == [(FIRST, "rule", 2400, 1400), (SECOND, "rule", 2400, 1400)]

    def test_another_identity_of_the_same_archive(self, machine: Machine) -> None:
        edit(
            machine,
            MORE_TOKENS,
            "UPDATE archive_metadata SET value = 'two'",
        )
        assert machine.run("materialize").code == 0
        assert restated(machine) == [(FIRST, "upgrade", 2400, 4400)]
