"""Unknown is not zero: a report over days that are not there, or are old, says so beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents import open_warehouse, read_gaps
from agentsview_assets.documents.common.gaps import ACTIVITY, EXPORT, USAGE, gaps, utc_days
from agentsview_assets.documents.common.window import Window, load_zone
from agentsview_assets.resources.warehouses.expected import expected_rows
from agentsview_assets.resources.warehouses.ledger import write_expected
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.run_records import Reading
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.rules.rates import rates_version
from agentsview_assets.rules.staleness import DAILY, PRICES, PROJECTS, ExpectedRow
from agentsview_assets.rules.windows import days_between
from agentsview_assets.schemas import CONTRACTS
from tests.support.in_process import Desk
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentsview_assets.resources.warehouses.store import Store

DAYS = [f"2026-11-0{n}" for n in range(1, 6)]
TABLES = ("usage_rows", "activity_intervals", "sessions", "session_model_usage")
ID = "archive-1"
ARCHIVE = Reading("/home/dev/.agentsview", ID)
UNPRICED = rates_version((), {})
WELL = [
    *(ExpectedRow(ID, DAILY, day, f"v-{day}") for day in DAYS),
    ExpectedRow(ID, PRICES, "", "prices"),
    ExpectedRow(ID, PROJECTS, "", "projects"),
]


def make(
    store: Store, days: Iterable[str], version: str = "v", tables=TABLES, rates: str = UNPRICED
) -> None:
    """Records days as made, at the expected version or another one."""
    for name in tables:
        for day in days:
            made = Partition(ID, day, 0, f"{version}-{day}", rates, "run")
            store.replace(CONTRACTS[name], [], Slices((ID,), [day]), [made])
    for name, whole in (("model_pricing", "prices"), ("project_identities", "projects")):
        store.replace(CONTRACTS[name], [], Slices((ID,)), [Partition(ID, "", 0, whole, "", "run")])


def expect(store: Any, rows: Iterable[ExpectedRow]) -> None:
    """Has a look at the archive find these days and parts, and no others."""
    with store.transaction():
        write_expected(store, ID, rows, days_between("2009-01-01", "2069-12-31"))


def note(url: str, what: Callable[[Store], None]) -> None:
    """Has a run write something down."""
    with open_store(url) as store:
        what(store)


def said(url: str, reads=USAGE, first=None, last=None, **more) -> list[str]:
    with open_reader(url) as reader:
        return gaps(reader, reads, first, last, **more)


@pytest.mark.hostile
class TestWhatTheRecordTells:
    """Of every kind of warehouse."""

    def test_nothing_is_said_where_all_is_well_or_nothing_is_known(self, warehouse: str) -> None:
        note(warehouse, lambda store: make(store, DAYS))
        assert said(warehouse) == []
        note(warehouse, lambda store: expect(store, WELL))
        for reads in (USAGE, ACTIVITY, EXPORT):
            assert said(warehouse, reads) == []

    def test_days_never_made_and_days_out_of_date_are_counted_with_their_ends(
        self, warehouse: str
    ) -> None:
        with open_store(warehouse) as store:
            make(store, DAYS[2:])
            make(store, [DAYS[4]], version="older")
            make(store, ["2026-11-20"], version="gone from the archive")
            expect(store, WELL)
        [line] = said(warehouse)
        assert line == (
            "not the whole story: 2 days of its window were never made (2026-11-01 to 2026-11-02) "
            "and 2 days of its window are out of date (2026-11-05 to 2026-11-20); "
            "run `agentsview-assets materialize`"
        )
        assert said(warehouse, USAGE, DAYS[2], DAYS[3]) == []
        [line] = said(warehouse, USAGE, DAYS[1], DAYS[3])
        assert "a day of its window was never made (2026-11-02);" in line

    def test_only_the_tables_that_a_report_reads_matter(self, warehouse: str) -> None:
        with open_store(warehouse) as store:
            make(store, DAYS)
            make(store, DAYS[:1], "older", ["activity_intervals"])
            make(store, DAYS[1:2], "v", ["session_model_usage"], rates="older rates")
            expect(store, WELL)
        assert said(warehouse, USAGE) == []
        assert "out of date (2026-11-01)" in said(warehouse, ACTIVITY)[0]
        assert "out of date (2026-11-02)" in said(warehouse, EXPORT)[0]

    def test_old_prices_and_identities_are_named(self, warehouse: str) -> None:
        note(warehouse, lambda store: make(store, DAYS))
        for part, words in ((PRICES, "prices"), (PROJECTS, "project identities")):
            newer = [row if row.part != part else row._replace(version="newer") for row in WELL]
            note(warehouse, lambda store: expect(store, newer))  # noqa: B023
            [line] = said(warehouse)
            assert line.startswith(f"its {words} are out of date")

    def test_archives_read_long_ago_or_in_vain_are_named(self, warehouse: str) -> None:
        def reading(*found: Reading) -> list[str]:
            note(warehouse, lambda store: store.record_readings(found))
            return said(warehouse)

        other = Reading("postgresql://db/\x1b[31mmirror", "archive-2")
        with open_store(warehouse) as store:
            make(store, DAYS)
            expect(store, WELL)
            store.record_readings([ARCHIVE, other])
        later = datetime.now(UTC) + timedelta(hours=35)
        assert said(warehouse, now=later) == []
        [line] = said(warehouse, now=later + timedelta(hours=2))
        assert "archive /home/dev/.agentsview was last read 20" in line
        assert "\\x1b[31mmirror was last read" in line
        assert "\x1b" not in line
        [line] = reading(Reading(ARCHIVE.archive, "", "no such\nfile"))
        assert line.endswith("UTC: no such\\nfile")
        since = line.split(" since ")[1].split(":")[0]
        [line] = reading(Reading(ARCHIVE.archive, "", "another reason"))
        assert f"since {since}" in line
        assert "another reason" in line
        assert said(warehouse, archive_id="archive-2") == []
        assert reading(ARCHIVE) == []
        [line] = reading(Reading("/never/there", "", "no such file"))
        assert "archive /never/there could not be read since" in line
        note(warehouse, lambda store: store.remove_archive("archive-2"))
        with open_reader(warehouse) as reader:
            kept = reader.rows("SELECT archive FROM warehouse_readings ORDER BY archive")
        assert kept == [("/home/dev/.agentsview",), ("/never/there",)]

    def test_what_is_expected_follows_each_observation(self, warehouse: str) -> None:
        whole = WELL[len(DAYS) :]
        many = [ExpectedRow(ID, DAILY, f"20{year}-01-01", "v") for year in range(10, 70)] + whole
        moved = [row._replace(version="w") if row.day == "2010-01-01" else row for row in many]
        for expected in (WELL, many, moved, WELL, whole):
            note(warehouse, lambda store: expect(store, expected))  # noqa: B023
            with open_reader(warehouse) as reader:
                found = expected_rows(reader.rows, [ID])
            assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", ("2026-11-03", "2026-11-03")),
        ("Asia/Tokyo", ("2026-11-02", "2026-11-03")),
        ("America/New_York", ("2026-11-03", "2026-11-04")),
    ],
)
def test_a_window_of_local_days_reaches_into_these_days_of_utc(zone, days) -> None:
    assert utc_days(Window("2026-11-03", "2026-11-03"), load_zone(zone)) == days


@pytest.mark.parametrize("window", [Window(None, None), Window("0001-01-01", "9999-12-31")])
def test_windows_as_wide_as_calendars_are_open(window) -> None:
    first, last = utc_days(window, load_zone("Pacific/Kiritimati"))
    assert first in (None, "0001-01-01")
    assert last in (None, "9999-12-31")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Five days with usage, of which one was made."""
    made = Desk(tmp_path_factory.mktemp("say"), {"TZ": "UTC"})
    with TinyArchive(made.archive) as archive:
        for day in DAYS:
            archive.session(f"s-{day}", day, user_message_count=3)
            archive.message(f"s-{day}", 0, f"{day}T10:00:00Z")
    made.materialize("--since", DAYS[2], "--until", DAYS[2])
    return made


REPORTS = (
    ("usage", "daily", "--all"),
    ("activity", "report", "--preset", "month", "--date", "2026-11-01"),
    ("export", "sessions", "--all"),
)


@pytest.mark.hostile
class TestCommands:
    def test_each_report_over_days_never_made_says_so_and_its_json_stays(self, desk: Desk) -> None:
        for command in REPORTS:
            done = desk.run(*command, "--json")
            assert done.code == 0
            assert json.loads(done.out)
            [line] = done.err.splitlines()
            assert "4 days of its window were never made (2026-11-01 to 2026-11-05)" in line
        there = desk.run("usage", "daily", "--since", DAYS[2], "--until", DAYS[2])
        assert (there.code, there.err) == (0, "")
        with open_warehouse(str(desk.warehouse)) as warehouse:
            assert len(read_gaps(warehouse)) == 1
            assert read_gaps(warehouse, first=DAYS[2], last=DAYS[2]) == []

    def test_all_is_well_once_everything_is_made(self, desk: Desk) -> None:
        desk.materialize()
        for command in (*REPORTS, ("usage", "statusline")):
            assert desk.run(*command).err == ""

    def test_a_first_run_that_fails_half_way_leaves_reports_that_say_so(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        failed = Desk(tmp_path_factory.mktemp("failed"))
        with TinyArchive(failed.archive) as archive:
            archive.session("one", DAYS[0])
            archive.message("one", 0, f"{DAYS[0]}T10:00:00Z")
        failed.materialize("--select", "model_pricing,effective_pricing")
        done = failed.run("usage", "daily", "--all")
        assert "$0.00" in done.out
        assert "a day of its window was never made" in done.err

    def test_an_archive_that_went_away_is_named_until_it_is_back(self, desk: Desk) -> None:
        desk.materialize()
        away = desk.folder / "away.db"
        database = desk.archive / "sessions.db"
        database.rename(away)
        assert desk.run("materialize").code == 1
        for command in (*REPORTS, ("usage", "statusline")):
            assert "could not be read since" in desk.run(*command).err
        away.rename(database)
        assert desk.run("materialize").code == 0
        assert desk.run("usage", "daily").err == ""
