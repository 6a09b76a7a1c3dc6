"""The reconciler with a real daemon: each event makes just the runs that it needs, once.

The tests are steps of one story and run in this order. Those marked `endurance` are told by tests
without a daemon as well (`tests/unit/test_automation.py`).
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE
from agentsview_assets.rules.staleness import DAILY_TABLES, REPORTS, TABLES
from agentsview_assets.rules.windows import days_between
from tests.live.conftest import Live, LiveRun, living
from tests.support.everything import everything
from tests.support.in_process import Desk
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("reconciling")]

START, DAY = "2026-10-29", "2026-11-10"
MODEL = "kelp-coder-preview-3"
LOOK = frozenset({"archive"})
EVERYTHING = frozenset({*TABLES, "archive_sessions", "duplicates"})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    desk = Desk.with_sample(tmp_path_factory.mktemp("live") / "desk").starting(START)
    with living(desk) as found:
        found.first = found.until_quiet()
        yield found


def _of_days(runs: list[LiveRun]) -> list[LiveRun]:
    return [run for run in runs if run.assets & {*DAILY_TABLES}]


def test_a_first_load_is_a_look_one_run_of_everything_and_the_checks(live):
    runs = live.first
    assert [run.job for run in runs] == ["materialize", "materialize", "check"]
    assert [run.assets for run in runs[:2]] == [LOOK, EVERYTHING]
    assert runs[1].days == (START, DAY)
    assert live.troubles(runs) == {}


def test_late_days_and_days_off_are_a_run_for_each_range(live):
    add_turn(live.desk.archive, f"{DAY}T22:00:00Z", "late")
    add_turn(live.desk.archive, "2026-11-18T12:00:00Z", "after days off")
    runs = live.until_quiet()
    observed = [run.days for run in _of_days(runs) if "usage_rows" in run.assets]
    assert observed == [(DAY, DAY), ("2026-11-18", "2026-11-18")]
    assert live.troubles(runs) == {}


def test_a_session_that_goes_on_overnight_is_reported_once_its_days_are_recorded(live):
    add_turn(live.desk.archive, "2026-11-24T23:50:00Z", "before midnight")
    add_turn(live.desk.archive, "2026-11-25T00:10:00Z", "after midnight")
    runs = live.until_quiet()
    assert live.troubles(runs) == {}
    mixed = f"SELECT COUNT(*) FROM {PARTITIONS_TABLE} WHERE input_version = 'mixed'"
    assert live.desk.rows(mixed) == [(0,)]
    assert all(run.tags["agentsview_assets/archives"] for run in _of_days(runs))


@pytest.mark.endurance
def test_other_prices_make_the_price_tables_and_just_the_days_that_move(live):
    (live.desk.archive / "config.toml").write_text(
        f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
    )
    impact = live.desk.run("reprice", "--dry-run", "--json").json
    look, prices, *reports, check = live.until_quiet()
    assert (look.assets, check.job) == (LOOK, "check")
    assert prices.assets == {"model_pricing", "effective_pricing", "model_rates"}
    assert {run.assets for run in reports} == {frozenset(REPORTS)}
    made = sorted(day for run in reports for day in days_between(*(run.days or ("", ""))))
    assert made == impact["days"]


@pytest.mark.endurance
def test_a_release_with_other_rules_makes_its_tables_days(live):
    with open_store(f"duckdb:///{live.desk.warehouse}") as store:
        store.execute(
            f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'earlier' "
            "WHERE asset = 'activity_buckets'"
        )
    runs = live.until_quiet()
    assert {run.assets for run in _of_days(runs)} == {frozenset({"activity_buckets"})}
    assert live.troubles(runs) == {}


@pytest.mark.endurance
def test_what_fails_for_good_is_alerted_once_and_closed_once_it_is_made(live):
    lost = "ALTER TABLE {} RENAME TO {}"
    with open_store(f"duckdb:///{live.desk.warehouse}") as store:
        store.execute(
            f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'earlier' "
            f"WHERE asset = 'activity_buckets' AND partition_date = '{DAY}'"
        )
        store.execute(lost.format("activity_buckets", "lost"))
    *tries, alert = live.until_quiet("given up")
    assert [run.job for run in tries] == ["materialize"] * len(tries)
    assert {run.status for run in (*tries, alert)} == {"FAILURE"}
    assert alert.job == "alert"
    assert live.until_quiet("given up") == []
    with open_store(f"duckdb:///{live.desk.warehouse}") as store:
        store.execute(lost.format("lost", "activity_buckets"))
    live.desk.materialize()
    live.until_quiet()
    tags = live.ui.graphql(_TAGS, run=alert.run_id)["runOrError"]["tags"]
    assert {"key": "agentsview_assets/alert", "value": "closed"} in tags


_TAGS = """query($run: ID!) { runOrError(runId: $run) { ... on Run { tags { key value } } } }"""


@pytest.mark.endurance
def test_the_same_thing_seen_again_makes_nothing(live):
    (live.desk.archive / "sessions.db").touch()
    runs = live.until_quiet()
    assert [run.assets for run in runs] == [LOOK]


@pytest.mark.endurance
def test_an_archive_that_is_gone_is_looked_for_once_and_keeps_its_rows(live):
    there, away = (live.desk.archive / name for name in ("sessions.db", "away.db"))
    before = live.desk.rows("SELECT COUNT(*) FROM usage_rows")
    there.rename(away)
    [look] = live.until_quiet()
    assert (look.assets, look.status) == (LOOK, "FAILURE")
    assert live.desk.rows("SELECT COUNT(*) FROM usage_rows") == before
    away.rename(there)
    [look] = live.until_quiet()
    assert (look.assets, look.status) == (LOOK, "SUCCESS")


def test_a_request_of_a_command_is_carried_out_by_the_deployment(live):
    asked = live.desk.run(
        "materialize", "--launch", "--force", "--select", "daily_usage", "--since", DAY, "--json"
    ).json
    [run, check] = live.until_quiet()
    assert (run.assets, check.job) == (frozenset({"daily_usage"}), "check")
    assert run.tags["agentsview_assets/request"] == asked["key"]


def test_a_backfill_the_reconciler_and_a_command_at_once_queue_and_none_fails(live):
    assets = ("sessions", "usage_rows", "activity_intervals")
    backfill = live.backfill(assets, [DAY, "2026-11-09"])
    add_turn(live.desk.archive, "2026-11-20T12:00:00Z", "at once")
    patient = Desk(live.desk.folder, {**live.desk.settings, "AGENTSVIEW_ASSETS_WAIT": "600"})
    found = patient.run("materialize", "--force", "--since", DAY)
    assert found.code == 0, found.err
    live.until(lambda _: live.has_made(backfill), "the backfill does not complete")
    runs = live.until_quiet()
    assert any("dagster/backfill" in run.tags for run in runs)
    assert live.troubles(runs) == {}


def test_in_the_end_it_is_what_a_single_run_makes(live, tmp_path):
    assert live.desk.materialize()["up_to_date"] is True
    other = Desk(tmp_path / "other", live.desk.settings)
    other.folder.mkdir()
    shutil.copytree(live.desk.archive, other.archive)
    other.materialize()
    # A day whose rates did not move keeps the digest of the price table that it was priced with.
    found, wanted = (
        everything(str(desk.warehouse), "pricing_digest") for desk in (live.desk, other)
    )
    differ = {table for table in wanted if found[table] != wanted[table]}
    # What was published before is restated; the archives lie in two places.
    assert differ <= {"restatements", "price_changes", "warehouse_archives"}


@pytest.mark.endurance
def test_a_new_archive_is_made_beside_the_others(tmp_path):
    desk = Desk.with_sample(tmp_path / "desk").starting(START)
    desk.materialize()
    second = tmp_path / "second"
    _copy_as(desk.archive, second, "second")
    with living(desk, AGENTSVIEW_ASSETS_ARCHIVE=f"{desk.archive}\n{second}") as live:
        runs = live.until_quiet()
    assert live.troubles(runs) == {}
    [made] = _of_days(runs)
    assert made.tags["agentsview_assets/archives"] == "second"
    assert desk.rows("SELECT COUNT(DISTINCT archive_id) FROM usage_rows") == [(2,)]


def _copy_as(archive: Path, second: Path, identity: str) -> None:
    shutil.copytree(archive, second)
    with closing(sqlite3.connect(second / "sessions.db")) as database, database:
        database.execute(
            "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", [identity]
        )
