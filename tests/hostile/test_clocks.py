"""Clocks that are wrong: what today is decides which run makes a row, never where the row lies."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.documents.common.clock import clock_notes
from agentsview_assets.errors import ConfigError
from agentsview_assets.partitions import DailyPartitions
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.rules.windows import DayWindow, Span, cut, days_between
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.settings import load_settings
from tests.support.clocks import clock_at, day_after
from tests.support.contract_rows import ARCHIVE, frame
from tests.support.further import further
from tests.support.in_process import Desk, run_here
from tests.support.observations import Watch
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

START, TODAY = "2026-10-01", "2026-11-10"
USAGE = CONTRACTS["usage_rows"]
FAR = ("2027-03-01", "9998-11-11", "9999-12-31")
DAILY = (
    *("sessions", "usage_rows", "activity_intervals", "daily_usage", "activity_buckets"),
    *("session_model_usage", "session_summaries"),
)


def fill(archive: TinyArchive, day: str, name: str | None = None) -> None:
    """Adds a session that starts late on a day and goes on into the next one."""
    name = name or f"s-{day}"
    archive.session(name, day, started_at=f"{day}T23:50:00Z", ended_at=f"{day}T23:59:59Z")
    archive.message(name, 0, f"{day}T23:57:30Z")
    if day < "9999-12-31":
        archive.message(name, 1, f"{day_after(day)}T00:01:00Z")
    else:
        archive.message(name, 1, "9999-12-31T23:59:59-05:00")  # no day that calendars have


def odd_rows(archive: TinyArchive) -> None:
    """Adds rows that have no day, or one before the window."""
    archive.session("undated", started_at="some day")
    archive.message("undated", 0, "whenever")
    archive.session("early", "2026-09-01")
    archive.message("early", 0, "2026-09-01T10:00:00Z")


class TestPlacing:
    """Before anything runs: the store, the spans and the partitions themselves."""

    def test_the_window_s_end_moves_no_row_and_no_version(self, tmp_path: Path) -> None:
        with TinyArchive(tmp_path / "archive") as archive:
            odd_rows(archive)
            for day in (TODAY, day_after(TODAY), *FAR):
                fill(archive, day)
        with Watch(tmp_path / "store.duckdb") as watch:
            watch.observe(archive.path)
            ends = ("2026-10-01", TODAY, day_after(TODAY), "2030-01-01")
            said = [watch.said(DayWindow(START, end)) for end in ends]
        assert all(found == said[0] for found in said)
        days = {row["partition_date"] for row in said[0].tables["usage_rows"]}
        assert {START, TODAY, *FAR} <= days

    def test_a_run_makes_later_days_only_with_the_last_of_all(self) -> None:
        window = DayWindow(START, TODAY)
        yesterday = day_after(TODAY, -1)
        assert window.span([yesterday]) == (yesterday, yesterday)
        assert window.span([yesterday, TODAY]) == (yesterday, "9999-12-31")
        # A clock that was put back while the run went on.
        assert DayWindow(START, yesterday).span([TODAY]) == (TODAY, "9999-12-31")

    @pytest.mark.parametrize("seed", range(6))
    def test_spans_are_cut_without_gap_or_overlap(self, seed: int) -> None:
        draw = random.Random(seed)
        days = draw.sample(days_between("2026-01-01", "2026-12-31"), 40)
        counts = {day: draw.randrange(5) for day in (*days, *FAR)}
        span = Span("2026-03-01", draw.choice(("2026-10-01", "9999-12-31")))
        parts = list(cut(span, counts, most=6))
        assert (parts[0].first, parts[-1].last) == span
        assert [part.first for part in parts[1:]] == [day_after(p.last) for p in parts[:-1]]
        for part in parts:
            held = [n for day, n in counts.items() if part.first <= day <= part.last and n]
            assert sum(held[:-1]) <= 6 + 4

    def test_partitions_of_centuries_are_those_that_dagster_finds_one_by_one(self) -> None:
        with clock_at(TODAY):
            ours = DailyPartitions(start_date="2020-02-27", end_offset=1)
            found = dg.DailyPartitionsDefinition(start_date="2020-02-27", end_offset=1)
            assert ours.get_partition_keys() == found.get_partition_keys()
            assert len(DailyPartitions("1000-01-01", end_offset=1).get_partition_keys()) > 370_000

    def test_a_start_before_the_days_that_dagster_can_name_is_the_first_of_those(self) -> None:
        for text in ("0001-01-01", "0999-12-31", "1000-01-01"):
            found = load_settings({"AGENTSVIEW_ASSETS_START_DATE": text})
            assert found.start_date == "1000-01-01"


def test_a_clock_before_the_first_day_is_named() -> None:
    with (
        clock_at("2022-11-27"),
        pytest.raises(ConfigError, match=r"clock shows 2022-11-27; .* set the clock right"),
    ):
        load_settings({"HOME": "/nowhere"})


class TestOneWarehouse:
    """Of every kind: replacing an open span, and what is said of clocks."""

    def test_the_last_days_own_all_later_rows_and_notes(self, warehouse: str) -> None:
        days = (TODAY, day_after(TODAY), *FAR)
        with open_store(warehouse) as store:
            for day in days:
                noted = [Partition(ARCHIVE, day, 2, "v1", "", "run-1")]
                store.replace(USAGE, [frame(USAGE, 2, day)], Slices((ARCHIVE,), [day]), noted)
            open_end = Span(day_after(TODAY), "9999-12-31")
            noted = [Partition(ARCHIVE, FAR[0], 1, "v2", "", "run-2")]
            store.replace(USAGE, [frame(USAGE, 1, FAR[0])], Slices((ARCHIVE,), open_end), noted)
            assert store.partitions("usage_rows") == {
                (ARCHIVE, TODAY): ("v1", ""),
                (ARCHIVE, FAR[0]): ("v2", ""),
            }
        with open_reader(warehouse) as reader:
            day = "CAST(partition_date AS VARCHAR(10))"
            found = reader.rows(f"SELECT {day}, COUNT(*) FROM usage_rows GROUP BY partition_date")
        assert dict(found) == {TODAY: 2, FAR[0]: 1}

    def test_rows_after_today_and_records_of_the_future_are_named(self, warehouse: str) -> None:
        with open_store(warehouse) as store:
            for day in (TODAY, FAR[0]):
                noted = [Partition(ARCHIVE, day, 2, "v1", "", "run-1")]
                store.replace(
                    USAGE,
                    [frame(USAGE, 2, day, session_id="s\x1b[2J")],
                    Slices((ARCHIVE,), [day]),
                    noted,
                )
        with open_reader(warehouse) as reader:
            assert clock_notes(reader, datetime(2096, 1, 1, tzinfo=UTC)) == []
            later, behind = clock_notes(reader, datetime(2026, 11, 10, 23, tzinfo=UTC))
        assert later == (
            f"2 rows are dated after today (first: {FAR[0]}, session s\\x1b[2J): was a clock ahead?"
        )
        assert behind.startswith("this machine's clock (2026-11-10 23:00:00 UTC) is behind what ")


@pytest.mark.hostile
class TestRuns:
    def test_a_clock_that_was_ahead_counts_nothing_twice(self, tmp_path: Path) -> None:
        tomorrow = day_after(TODAY)
        desk = _desk(tmp_path, TODAY, tomorrow)
        with clock_at(tomorrow):
            desk.materialize()
        made = _rows(desk)
        with clock_at(TODAY):
            first, second = desk.run("materialize"), desk.run("materialize")
        for done in (first, second):
            assert done.code == 0, done.err
            assert "Nothing to do" in done.out
            assert f"dated after today (first: {tomorrow}, session s-{TODAY})" in done.err
        assert _rows(desk) == made
        assert _tokens(desk) == 1000 * 4
        with clock_at(day_after(TODAY, 3)):
            assert "dated after today" not in desk.run("materialize").err

    @pytest.mark.parametrize("seed", [0, *further(1, 2)])
    def test_any_clock_positions_end_in_the_tables_of_one_run(
        self, tmp_path: Path, seed: int
    ) -> None:
        draw = random.Random(seed)
        desk = _desk(tmp_path / "moved", TODAY)
        with TinyArchive(desk.archive) as archive:
            odd_rows(archive)
        for number in range(4):
            day = day_after(TODAY, draw.randint(-9, 9))
            with TinyArchive(desk.archive) as archive:
                fill(archive, draw.choice((day, day_after(day), *FAR)), f"more-{number}")
            with clock_at(day_after(TODAY, draw.randint(-9, 9))):
                desk.materialize(
                    *draw.choice(((), (), ("--since", day_after(TODAY, -9)), ("--force",)))
                )
        with clock_at(day_after(TODAY, draw.randint(-9, 9))):
            desk.materialize()
            assert desk.run("materialize").out.startswith("Nothing to do")
        fresh = Desk(tmp_path / "fresh", desk.settings)
        fresh.folder.mkdir()
        desk.archive.rename(fresh.archive)
        with clock_at(day_after(TODAY, draw.randint(-9, 9))):
            fresh.materialize()
        assert _rows(desk) == _rows(fresh)

    def test_doubles_made_by_an_earlier_version_are_mended_on_every_backend(
        self, tmp_path: Path, warehouse: str
    ) -> None:
        tomorrow = day_after(TODAY)
        desk = _desk(tmp_path, TODAY, tomorrow)
        url = warehouse
        environ = {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": url,
            "AGENTSVIEW_ASSETS_START_DATE": START,
            "DAGSTER_HOME": "",
        }
        with clock_at(TODAY):
            assert run_here(["materialize"], environ).code == 0
            with open_store(url) as store:
                for name in DAILY:
                    _double(store, name, tomorrow)
            done = run_here(["materialize"], environ)
            assert done.code == 0, done.err
            assert run_here(["materialize"], environ).out.startswith("Nothing to do")
        with open_reader(url) as reader:
            tokens = "SELECT CAST(SUM(input_tokens) AS BIGINT) FROM daily_usage"
            assert reader.rows(tokens) == [(4000,)]
            assert reader.rows("SELECT COUNT(*) FROM sessions") == [(2,)]

    def test_a_run_of_yesterday_leaves_later_rows_alone_and_one_of_today_makes_them(
        self, tmp_path: Path
    ) -> None:
        yesterday = day_after(TODAY, -1)
        desk = _desk(tmp_path, yesterday, TODAY, FAR[0])
        with clock_at(TODAY):
            desk.materialize()
            before = desk.noted("usage_rows")
            _run_day(desk, yesterday)
            after = desk.noted("usage_rows")
            assert {day for day in after if after[day] != before[day]} == {yesterday}
            _run_day(desk, TODAY)
            last = desk.noted("usage_rows")
        assert {day for day in last if last[day] != after[day]} == {
            *(TODAY, day_after(TODAY), FAR[0], day_after(FAR[0])),
        }
        assert _tokens(desk) == 6000


def _desk(folder: Path, *days: str) -> Desk:
    desk = Desk(folder).starting(START)
    with TinyArchive(desk.archive) as archive:
        for day in days:
            fill(archive, day)
    return desk


def _rows(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables with days, and what is noted of their days."""
    with duckdb.connect(str(desk.warehouse), read_only=True) as warehouse:
        found = {
            name: warehouse.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for name in DAILY
        }
        found["noted"] = warehouse.execute(
            "SELECT asset, partition_date, row_count, input_version, rates_version "
            "FROM warehouse_partitions WHERE partition_date <> '' AND row_count > 0 ORDER BY ALL"
        ).fetchall()
    return found


def _tokens(desk: Desk) -> int:
    return int(desk.rows("SELECT SUM(input_tokens) FROM daily_usage")[0][0])


def _double(store: Any, name: str, tomorrow: str) -> None:
    """Puts what lies after today into the first partition as well, as earlier versions did."""
    contract = CONTRACTS[name]
    columns = ", ".join(c if c != "partition_date" else f"'{START}'" for c in contract.column_names)
    if store.kind == "postgresql":
        columns = columns.replace(f"'{START}'", f"DATE '{START}'")
    with store.transaction():
        store.execute(
            f"INSERT INTO {name} ({', '.join(contract.column_names)}) SELECT {columns} "
            f"FROM {name} WHERE partition_date >= ?",
            [tomorrow],
        )
        archive_id = store.archives()[0].archive_id
        store.record(
            name, [Partition(archive_id, START, 2, "of rows outside", "", "an earlier run")]
        )


def _run_day(desk: Desk, day: str) -> None:
    """One day of the observations, as the UI starts it."""
    settings = load_settings(
        {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
            "AGENTSVIEW_ASSETS_START_DATE": START,
        }
    )
    job = build_definitions(settings).get_repository_def().get_job("__ASSET_JOB")
    names = ("sessions", "usage_rows", "activity_intervals")
    chosen = job.get_subset(asset_selection={dg.AssetKey(name) for name in names})
    assert chosen.execute_in_process(partition_key=day).success
