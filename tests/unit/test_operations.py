"""The month that docs/operations.md tells of, step by step in its order, over one warehouse."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.rules.staleness import DAILY_TABLES
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk
from tests.support.reconciling import carry_out, reconcile, settings_of
from tests.support.turns import FIRST, add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("operations")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
START, LATE_DAY, TODAY = "2026-10-29", "2026-11-03", "2026-11-12"
MODEL = "kelp-coder-preview-3"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.with_sample(tmp_path_factory.mktemp("month")).starting(START)


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


def _definitions(desk: Desk) -> dg.Definitions:
    return build_definitions(
        load_settings(desk.settings, archive=str(desk.archive), warehouse=str(desk.warehouse))
    )


def _spend(desk: Desk, day: str) -> None:
    """A turn of a session on a day."""
    add_turn(desk.archive, f"{day}T12:00:00Z", day, FIRST)


def _noted(desk: Desk) -> dict[str, dict[str, Any]]:
    return {table: desk.noted(table) for table in DAILY_TABLES}


def _remade(before: dict[str, Any], after: dict[str, Any], table: str) -> set[str]:
    return {day for day, noted in after[table].items() if before[table].get(day) != noted}


class TestAMonth:
    def test_1_the_first_load_makes_everything_in_one_run_of_days(self, desk):
        summary = desk.materialize()
        assert summary["ranges"] == [[START, "2026-11-10"]]
        assert desk.materialize()["up_to_date"] is True

    def _daily(self, desk: Desk, instance: dg.DagsterInstance) -> None:
        """What the schedule asks for at three o'clock is carried out."""
        definitions = _definitions(desk)
        context = dg.build_schedule_context(
            instance, scheduled_execution_time=datetime(2026, 11, 13, 3, tzinfo=UTC)
        )
        tick = definitions.resolve_schedule_def("daily").evaluate_tick(context)
        assert all(carry_out(definitions, instance, r).succeeded for r in tick.run_requests)

    def test_2_the_daily_schedule_makes_what_yesterday_brought(self, desk, instance):
        _spend(desk, TODAY)
        self._daily(desk, instance)
        reconcile(settings_of(desk), instance)
        assert TODAY in desk.noted("daily_usage")
        assert desk.materialize()["up_to_date"] is True

    def test_2_it_finds_what_was_edited_behind_agentsviews_back(self, desk, instance):
        desk.edit(
            "UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens', 4321) "
            f"WHERE timestamp LIKE '{LATE_DAY}%' AND token_usage <> ''"
        )
        before = _noted(desk)
        reconcile(settings_of(desk), instance)
        assert _noted(desk) == before
        self._daily(desk, instance)
        reconcile(settings_of(desk), instance)
        assert LATE_DAY in _remade(before, _noted(desk), "usage_rows")
        tokens = f"SELECT max(output_tokens) FROM usage_rows WHERE partition_date = '{LATE_DAY}'"
        assert desk.rows(tokens) == [(4321,)]

    def test_3_a_price_correction_is_looked_at_and_then_carried_out(self, desk):
        (desk.archive / "config.toml").write_text(
            f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
        )
        before = _noted(desk)
        impact = desk.run("reprice", "--dry-run", "--json").json
        assert _noted(desk) == before
        assert desk.run("reprice").code == 0
        assert _remade(before, _noted(desk), "daily_usage") == set(impact["days"])
        assert _remade(before, _noted(desk), "usage_rows") == set()
        assert desk.rows(
            "SELECT DISTINCT model FROM restatements "
            "WHERE reason = 'price' AND new_cost_usd > old_cost_usd"
        ) == [(MODEL,)]

    def test_4_a_day_that_changes_late_is_made_again_with_the_days_that_read_it(self, desk):
        _spend(desk, LATE_DAY)
        before = _noted(desk)
        desk.materialize()
        assert _remade(before, _noted(desk), "usage_rows") >= {LATE_DAY}
        assert len(_remade(before, _noted(desk), "usage_rows")) < len(before["usage_rows"])
        assert desk.materialize()["up_to_date"] is True

    def test_5_on_a_new_laptop_nothing_is_made_again(self, desk, tmp_path):
        shutil.copytree(desk.archive, tmp_path / "archive")
        shutil.copy(desk.warehouse, tmp_path / "warehouse.duckdb")  # and not the .state folder
        moved = Desk(tmp_path, desk.settings)
        before = _noted(moved)
        assert moved.materialize()["up_to_date"] is True
        assert _noted(moved) == before
        assert moved.rows("SELECT path FROM warehouse_archives")

    def test_6_an_upgrade_of_agentsview_that_rewrites_everything_changes_no_day(self, desk):
        with sqlite3.connect(desk.archive / "sessions.db") as archive:
            [(version,)] = archive.execute("PRAGMA user_version").fetchall()
            archive.execute("UPDATE sessions SET data_version = data_version + 1")
            archive.execute(f"PRAGMA user_version = {version + 1}")
            archive.commit()
            archive.execute("VACUUM")
        before = _noted(desk)
        assert desk.materialize()["up_to_date"] is True
        assert _noted(desk) == before

    def test_the_page_has_these_steps(self):
        page = PAGE.read_text(encoding="utf-8")
        for heading in (
            "First load",
            "Every day",
            "A price correction",
            "A day that changes late",
            "A new laptop",
            "An upgrade of agentsview",
        ):
            assert f"\n## {heading}\n" in page
