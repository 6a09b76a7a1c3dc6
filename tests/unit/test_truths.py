"""What the UI says of archives at a glance: checks of `archive`, and what a day holds and lacks."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pytest

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.build import build_definitions
from agentsview_assets.checks.archives import heard_from, nothing_left_out
from agentsview_assets.errors import ConfigError
from agentsview_assets.resources.archives.held_rows import MOST_NAMED
from agentsview_assets.resources.warehouses.holdings import Holding, holdings
from agentsview_assets.resources.warehouses.reader import (
    LEFT_OUT_TABLE,
    READINGS_TABLE,
    open_reader,
)
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk
from tests.support.reconciling import reconcile, settings_of
from tests.support.staged import Staged
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY, START = "2026-11-10", "2026-11-08"
HEARD, LEFT_OUT = (
    dg.AssetCheckKey(dg.AssetKey(ARCHIVE), name) for name in ("heard_from", "nothing_left_out")
)
HOSTILE = "evil <img src=x> [a](http://b.example) | \x1b[31m"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("made"), START)


@pytest.fixture
def desk(staged: Staged[Desk]) -> Desk:
    """A finished warehouse with a history of its own, observed where it lies."""
    return staged.anew()


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


def _tamper(desk: Desk, *statements: str, parameters: Any = None) -> None:
    with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
        for statement in statements:
            warehouse.execute(statement, parameters)


def _verdict(desk: Desk, ask: Any) -> Any:
    with open_reader(str(desk.warehouse)) as reader:
        return ask(reader)


def _state(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation:
    """What the UI shows of a check: its last evaluation."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
    event = latest[key].event
    assert event is not None
    return event.dagster_event.asset_check_evaluation_data


def _job(desk: Desk, instance: dg.DagsterInstance, name: str, **more: str) -> Any:
    job = build_definitions(settings_of(desk, **more)).resolve_job_def(name)
    return job.execute_in_process(instance=instance, raise_on_error=False)


def _second(desk: Desk, name: str = "second") -> str:
    """Another archive beside that of a desk; how both are named."""
    shutil.copytree(desk.archive, desk.folder / name)
    with closing(sqlite3.connect(desk.folder / name / "sessions.db")) as archive, archive:
        archive.execute("UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", [name])
    return f"{desk.archive}\n{desk.folder / name}"


class TestHeardFrom:
    def test_it_tells_when_each_archive_was_read_and_on_which_day_it_last_holds_anything(
        self, desk
    ):
        verdict = _verdict(desk, heard_from(7))
        assert verdict.passed
        shown = verdict.numbers["by_archive"].value
        assert markdown(str(desk.archive)) in shown
        assert markdown(DAY) in shown

    def test_one_that_nobody_reads_any_more_is_a_warning_after_so_many_days(self, desk):
        _tamper(desk, f"UPDATE {READINGS_TABLE} SET read_at = now() - INTERVAL 8 DAY")
        assert _verdict(desk, heard_from(9)).passed
        verdict = _verdict(desk, heard_from(7))
        assert not verdict.passed
        assert not verdict.is_wrong
        assert str(desk.archive) in verdict.words
        assert "1 were not read for 7 days" in verdict.words

    def test_one_that_cannot_be_read_is_a_warning_from_the_look_that_failed(self, desk, instance):
        (desk.archive / "sessions.db").unlink()
        assert not _job(desk, instance, "observe").success
        state = _state(instance, HEARD)
        assert (state.passed, state.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert markdown(str(desk.archive)) in state.description

    def test_one_of_several_that_cannot_be_read_is_a_warning_and_passes_once_it_is_back(
        self, desk, instance
    ):
        both = _second(desk)
        settings = settings_of(desk, AGENTSVIEW_ASSETS_ARCHIVE=both)
        reconcile(settings, instance)
        there, away = (desk.folder / "second" / name for name in ("sessions.db", "away.db"))
        there.rename(away)
        reconcile(settings, instance)
        assert not _state(instance, HEARD).passed
        assert markdown(str(desk.folder / "second")) in _state(instance, HEARD).description
        away.rename(there)
        reconcile(settings, instance)
        assert _state(instance, HEARD).passed

    def test_every_command_and_every_run_that_looks_leaves_its_state(self, desk, instance):
        first = _state(instance, HEARD)
        assert first.passed
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        ran, _ = reconcile(settings_of(desk), instance)
        [record] = instance.event_log_storage.get_asset_check_execution_history(HEARD, limit=1)
        assert record.run_id in {run.run_id for run in ran}

    def test_the_setting_decides_and_reaches_the_checks(self, desk, instance):
        _tamper(desk, f"UPDATE {READINGS_TABLE} SET read_at = now() - INTERVAL 3 DAY")
        assert _job(desk, instance, "check").success
        assert _state(instance, HEARD).passed
        assert _job(desk, instance, "check", AGENTSVIEW_ASSETS_UNREAD_DAYS="2").success
        assert not _state(instance, HEARD).passed

    @pytest.mark.parametrize("value", ["0", "-1", "a week", "1.5", "99999"])
    def test_a_setting_that_is_no_number_of_days_is_refused_by_name(self, value):
        with pytest.raises(ConfigError, match="AGENTSVIEW_ASSETS_UNREAD_DAYS"):
            load_settings({"AGENTSVIEW_ASSETS_UNREAD_DAYS": value})

    def test_names_and_reasons_are_shown_as_text(self, desk):
        statement = f"UPDATE {READINGS_TABLE} SET archive = ?, reason = ?, failing_since = now()"
        _tamper(desk, statement, parameters=[HOSTILE, HOSTILE])
        found = _verdict(desk, heard_from(7)).result("heard_from", "archive")
        for text in (found.description, found.metadata["by_archive"].value):
            assert "\\<img" in text
            assert " <img" not in text
            assert "\x1b" not in text
            assert "](http" not in text

    def test_however_many_cannot_be_read_few_are_named(self, desk):
        rows = ", ".join(f"('gone {n}', '', 'no such file', NULL, now())" for n in range(300))
        _tamper(desk, f"INSERT INTO {READINGS_TABLE} VALUES {rows}")
        verdict = _verdict(desk, heard_from(7))
        assert verdict.words.count("gone ") == MOST_NAMED
        assert f"and {300 - MOST_NAMED} more" in verdict.words
        assert verdict.numbers["by_archive"].value.count("gone ") == MOST_NAMED
        assert verdict.numbers["cannot_be_read"] == 300


class TestNothingLeftOut:
    def test_rows_that_cannot_be_read_are_a_warning_that_names_them(self, desk, instance):
        desk.edit("UPDATE sessions SET message_count = 'many' WHERE rowid = 1")
        _job(desk, instance, "observe")
        state = _state(instance, LEFT_OUT)
        assert (state.passed, state.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "sessions" in state.description
        assert state.metadata["rows_left_out"].value >= 1

    def test_it_changes_no_exit_code_and_is_no_alarm(self, desk):
        _tamper(desk, f"UPDATE {READINGS_TABLE} SET read_at = now() - INTERVAL 80 DAY")
        assert desk.run("status", "--json").json["alarms"] == []
        assert desk.run("materialize", "--force", "--since", DAY).code == 0

    def test_however_many_there_are_few_are_named(self, desk):
        [(archive,)] = desk.rows("SELECT DISTINCT archive_id FROM usage_rows")
        rows = ", ".join(
            f"('{archive}', 'messages', 's', 'row {n}.', 'is no number')" for n in range(300)
        )
        _tamper(
            desk,
            f"INSERT INTO {LEFT_OUT_TABLE} "
            f"(archive_id, source_table, session_id, row_name, reason) VALUES {rows}",
        )
        verdict = _verdict(desk, nothing_left_out)
        assert verdict.words.startswith("300 row(s)")
        assert verdict.words.count("is no number") == MOST_NAMED


class TestWhatADayHolds:
    def _shown(self, instance: dg.DagsterInstance, table: str, day: str) -> dict[str, Any]:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(table), asset_partitions=[day]), limit=1
        ).records
        metadata = records[0].event_log_entry.asset_materialization.metadata
        return {name: value.value for name, value in metadata.items()}

    @pytest.mark.parametrize("table", ["sessions", "usage_rows", "daily_usage"])
    def test_a_day_of_one_archive_holds_it_and_lacks_none(self, desk, instance, table):
        desk.materialize("--force")
        shown = self._shown(instance, table, DAY)
        assert (shown["archives_held"], shown["archives_lacking"]) == (1, 0)
        assert "lacking" not in shown

    def test_what_was_seen_and_not_made_yet_is_lacking_by_name(self, desk, instance):
        both = _second(desk)
        assert _job(desk, instance, "observe", AGENTSVIEW_ASSETS_ARCHIVE=both).success
        [(first,)] = desk.rows("SELECT DISTINCT archive_id FROM usage_rows")
        definitions = build_definitions(settings_of(desk, AGENTSVIEW_ASSETS_ARCHIVE=both))
        one = {"agentsview_assets/archives": first, "dagster/partition": DAY}
        dg.materialize(
            [*(definitions.assets or ())],
            selection=["sessions"],
            partition_key=DAY,
            tags=one,
            resources=definitions.resources,
            instance=instance,
        )
        shown = self._shown(instance, "sessions", DAY)
        assert (shown["archives_held"], shown["archives_lacking"]) == (1, 1)
        assert shown["lacking"] == str(desk.folder / "second" / "sessions.db")
        reconcile(settings_of(desk, AGENTSVIEW_ASSETS_ARCHIVE=both), instance)
        shown = self._shown(instance, "sessions", DAY)
        assert (shown["archives_held"], shown["archives_lacking"]) == (2, 0)

    def test_one_that_cannot_be_read_is_lacking_on_days_since_then_alone(self, desk):
        _tamper(
            desk,
            f"UPDATE {READINGS_TABLE} SET reason = 'gone', failing_since = '{DAY} 08:00:00+00'",
        )
        with open_reader(str(desk.warehouse)) as reader:
            found = holdings(reader.rows, "usage_rows", [START, "2026-11-09", DAY])
        assert found[START].lacking == found["2026-11-09"].lacking == ()
        assert found["2026-11-09"].held == 1
        assert (found[DAY].held, len(found[DAY].lacking)) == (0, 1)

    def test_the_observation_tells_how_many_were_read_and_which_were_not(self, desk, instance):
        both = f"{desk.archive}\n{desk.folder / 'nowhere'}"
        assert _job(desk, instance, "observe", AGENTSVIEW_ASSETS_ARCHIVE=both).success
        [last] = instance.fetch_observations(dg.AssetKey(ARCHIVE), limit=1).records
        shown = last.event_log_entry.asset_observation.metadata
        assert shown["archives_held"].value == 1
        assert shown["archives_lacking"].value == 1
        assert shown["lacking"].value == str(desk.folder / "nowhere")

    def test_names_are_few_and_shown_as_text(self):
        names = tuple([HOSTILE] * 30)
        shown = Holding(2, names).metadata()["lacking"]
        assert "\x1b" not in shown
        assert "http://" not in shown
        assert shown.endswith(f"and {30 - MOST_NAMED} more")
