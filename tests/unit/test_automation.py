"""Observation, jobs, schedule and sensors: what they ask for, and that nothing starts by itself."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any
from unittest import mock

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from agentsview_assets.assets.archive import ARCHIVE, NOTHING, moved_days
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ConfigError
from agentsview_assets.resources.archives import reader as archive
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.rules.staleness import by_day
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY, START = "2026-11-10", "2026-10-29"
MODEL = "kelp-coder-preview-3"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk.with_sample(tmp_path_factory.mktemp("made")).starting(START)
    desk.materialize()
    return desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    """A finished warehouse with a history of its own, observed where it lies."""
    shutil.copytree(made.folder, tmp_path / "desk", ignore=shutil.ignore_patterns("dagster"))
    desk = Desk(tmp_path / "desk", made.settings)
    desk.materialize()
    return desk


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with mock.patch.dict(os.environ, {"DAGSTER_HOME": ""}):
        prepare_home(desk.warehouse.with_name(f"{desk.warehouse.name}.state"))
        with dg.DagsterInstance.get() as found:
            yield found


def _definitions(desk: Desk, **more: str) -> dg.Definitions:
    environ = {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        **desk.settings,
        **more,
    }
    return build_definitions(load_settings(environ))


def _job(desk: Desk, name: str, instance: dg.DagsterInstance, **config: Any) -> Any:
    job = _definitions(desk).resolve_job_def(name)
    return job.execute_in_process(
        instance=instance, raise_on_error=False, run_config=config or None
    )


def _observations(instance: dg.DagsterInstance) -> list[dg.AssetObservation]:
    found = instance.fetch_observations(ARCHIVE, limit=1000).records
    return [record.event_log_entry.asset_observation for record in reversed(found)]


def _days(instance: dg.DagsterInstance) -> list[str]:
    return [seen.partition for seen in _observations(instance) if seen.partition]


def _grow(desk: Desk, when: str, tag: str = "grown") -> None:
    """Adds a turn to the last session, as a sync by agentsview does."""
    last = "SELECT session_id FROM messages ORDER BY timestamp DESC LIMIT 1"
    [(session,)] = desk.ask_archive(last)
    desk.edit(
        "INSERT INTO messages (session_id, ordinal, role, content, timestamp, model, token_usage,"
        " claude_message_id, claude_request_id) SELECT session_id, MAX(ordinal) + 1, 'assistant',"
        f" '', '{when}', 'claude-opus-4-6', '{{\"input_tokens\": 9}}', '{tag}', '{tag}'"
        f" FROM messages WHERE session_id = '{session}'",
        f"UPDATE sessions SET message_count = message_count + 1, local_modified_at = '{when}x'"
        f" WHERE id = '{session}'",
    )


class TestWhichDaysMoved:
    @pytest.mark.parametrize(
        ("versions", "recorded", "made", "moved"),
        [
            ({"d1": "a"}, {}, {}, {}),
            ({"d1": "a"}, {}, {"d1": "a"}, {}),
            ({"d1": "b"}, {}, {"d1": "a"}, {"d1": "b"}),
            ({"d1": "b"}, {"d1": "b"}, {"d1": "a"}, {}),
            ({"d1": "a", "d2": "b"}, {}, {"d1": "a"}, {"d2": "b"}),
            ({}, {"d1": "a"}, {}, {"d1": NOTHING}),
            ({}, {"d1": NOTHING}, {}, {}),
            ({}, {}, {"d1": ""}, {}),
        ],
    )
    def test_only_those_that_are_not_as_last_known(self, versions, recorded, made, moved):
        assert moved_days(versions, recorded, made) == moved


class TestObserving:
    def test_materialising_shows_the_archive_as_observed_at_the_cost_of_one_event(self, made):
        home = made.warehouse.with_name(f"{made.warehouse.name}.state") / "dagster"
        with dg.DagsterInstance.from_config(str(home)) as instance:
            [seen] = _observations(instance)
        assert seen.partition is None
        assert seen.metadata["sessions_read"].value == 36
        assert "12 days, 2026-10-29 to 2026-11-10" in seen.description

    def test_a_history_that_is_there_already_is_not_reported_as_changed(self, desk, instance):
        before = _days(instance)
        assert _job(desk, "observe", instance).success
        assert _days(instance) == before == []

    def test_a_day_that_changed_is_reported_once_with_its_version(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        assert _job(desk, "observe", instance).success
        assert _job(desk, "observe", instance).success
        assert _days(instance) == [DAY]
        [version] = [o.tags[DATA_VERSION_TAG] for o in _observations(instance) if o.partition]
        desk.materialize()
        [(archive, made)] = desk.rows(
            "SELECT archive_id, input_version FROM warehouse_partitions "
            f"WHERE asset = 'usage_rows' AND partition_date = '{DAY}'"
        )
        assert by_day({(archive, DAY): made}) == {DAY: version}

    def test_whatever_is_made_of_it_observes_it(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        definitions = _definitions(desk)
        for _ in range(2):
            made = dg.materialize(
                [*(definitions.assets or ())],
                selection=["sessions", "machines"],
                partition_key="2026-11-02",
                resources=definitions.resources,
                instance=instance,
            )
            assert made.success
        days = [o for o in _observations(instance) if o.partition]
        assert [o.partition for o in days] == [DAY]
        [last] = instance.fetch_observations(ARCHIVE, limit=1).records
        assert last.event_log_entry.run_id == made.run_id
        assert "1 changed" not in last.event_log_entry.asset_observation.description

    def test_an_archive_that_was_only_rewritten_reports_no_day(self, desk, instance):
        with sqlite3.connect(desk.archive / "sessions.db") as archive:
            archive.execute("VACUUM")
        assert _job(desk, "observe", instance).success
        assert _days(instance) == []

    def test_an_unchanged_file_is_not_opened(self, desk, instance, monkeypatch):
        opened: list[str] = []

        class Watched(archive.ArchiveReader):
            def __enter__(self) -> Watched:
                opened.append("archive")
                super().__enter__()
                return self

        monkeypatch.setattr(archive, "ArchiveReader", Watched)
        assert _job(desk, "observe", instance).success
        assert opened == []
        (desk.archive / "sessions.db").touch()
        assert _job(desk, "observe", instance).success
        assert opened == ["archive"]

    @pytest.mark.parametrize("harm", ["gone", "damaged"])
    def test_one_that_fails_says_so_and_leaves_the_versions(self, desk, instance, harm):
        _grow(desk, f"{DAY}T22:00:00Z")
        _job(desk, "observe", instance)
        before = _observations(instance)
        archive = desk.archive / "sessions.db"
        if harm == "gone":
            archive.unlink()
        else:
            archive.write_bytes(b"no database at all" * 1000)
        done = _job(desk, "observe", instance)
        assert not done.success
        [failure] = [e for e in done.all_events if e.is_step_failure]
        said = failure.step_failure_data.error.message
        assert str(archive) in said
        assert "Traceback" not in said
        assert _observations(instance) == before


class TestTheUpdateJob:
    def test_it_catches_up_after_days_off_with_one_run_for_each_range(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        _grow(desk, "2026-11-18T12:00:00Z", "later")
        known = {run.run_id for run in instance.get_runs()}
        assert _job(desk, "update", instance).success
        runs = [run for run in instance.get_runs() if run.run_id not in known]
        ranges = {
            (run.tags["dagster/asset_partition_range_start"],
             run.tags["dagster/asset_partition_range_end"])
            for run in runs if "dagster/asset_partition_range_start" in run.tags
        }  # fmt: skip
        assert ranges == {(DAY, DAY), ("2026-11-18", "2026-11-18")}
        assert desk.materialize()["up_to_date"] is True
        assert _days(instance) == [DAY, "2026-11-18"]

    def test_with_nothing_changed_it_makes_no_run(self, desk, instance):
        before = len(instance.get_runs())
        assert _job(desk, "update", instance).success
        assert len(instance.get_runs()) == before + 1  # its own

    def test_what_the_user_can_mend_fails_it_with_the_message_alone(self, desk, instance):
        (desk.archive / "sessions.db").unlink()
        done = _job(desk, "update", instance)
        [failure] = [e for e in done.all_events if e.is_step_failure]
        assert "no such file" in failure.step_failure_data.error.message
        assert failure.step_failure_data.error.cause is None


class TestTheRepriceJob:
    def _price(self, desk: Desk) -> None:
        (desk.archive / "config.toml").write_text(
            f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
        )

    def test_it_does_what_the_command_does_and_shows_what_moved(self, desk, instance):
        self._price(desk)
        done = _job(desk, "reprice", instance)
        assert done.success
        [output] = [e for e in done.all_events if e.is_successful_output]
        shown = output.step_output_data.metadata
        assert markdown(MODEL) in shown["impact"].value
        assert desk.materialize()["up_to_date"] is True
        told = instance.get_latest_materialization_event(dg.AssetKey("restatements"))
        shown = told.asset_materialization.metadata["by_project_and_model"].value
        assert markdown(MODEL) in shown

    def test_dry_it_only_tells(self, desk, instance):
        self._price(desk)
        before = desk.noted("daily_usage")
        config = {"price_anew": {"config": {"dry_run": True}}}
        assert _job(desk, "reprice", instance, ops=config).success
        assert desk.noted("daily_usage") == before


class TestTheCheckJob:
    def test_it_asks_every_check_and_makes_nothing(self, desk, instance):
        done = _job(desk, "check", instance)
        assert done.success
        evaluations = [e for e in done.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        graph = _definitions(desk).resolve_asset_graph()
        assert len(evaluations) == len(graph.asset_check_keys)
        assert all(e.event_specific_data.description for e in evaluations)


class TestTheSchedule:
    def test_it_runs_the_update_at_the_hour_and_zone_that_are_set(self, desk):
        schedule = _definitions(
            desk,
            AGENTSVIEW_ASSETS_SCHEDULE_HOUR="6",
            AGENTSVIEW_ASSETS_SCHEDULE_TIMEZONE="Europe/Berlin",
        ).resolve_schedule_def("daily")
        assert schedule.cron_schedule == "0 6 * * *"
        assert schedule.execution_timezone == "Europe/Berlin"
        assert schedule.job_name == "update"

    def test_by_default_it_is_three_in_utc(self, desk):
        schedule = _definitions(desk).resolve_schedule_def("daily")
        assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("AGENTSVIEW_ASSETS_SCHEDULE_HOUR", "24"),
            ("AGENTSVIEW_ASSETS_SCHEDULE_HOUR", "three"),
            ("AGENTSVIEW_ASSETS_SCHEDULE_TIMEZONE", "Mars/Olympus"),
            ("AGENTSVIEW_ASSETS_SCHEDULE_TIMEZONE", "../etc/passwd"),
        ],
    )
    def test_what_cannot_be_is_told_with_the_name_of_the_setting(self, variable, value):
        with pytest.raises(ConfigError, match=variable):
            load_settings({variable: value})

    def test_nothing_is_on_by_itself(self, desk):
        repository = _definitions(desk).get_repository_def()
        for schedule in repository.schedule_defs:
            assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        for sensor in repository.sensor_defs:
            assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


def _tick(desk: Desk, name: str, instance: dg.DagsterInstance, cursor: str | None) -> Any:
    definitions = _definitions(desk)
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=definitions.get_repository_def()
    )
    return definitions.resolve_sensor_def(name).evaluate_tick(context)


class TestTheSensors:
    @pytest.mark.parametrize("name", ["archive_changes", "price_changes_follow"])
    def test_they_ask_once_and_then_skip_until_something_moves(self, desk, instance, name):
        first = _tick(desk, name, instance, None)
        assert len(first.run_requests) == 1
        second = _tick(desk, name, instance, first.cursor)
        assert second.run_requests == []
        assert "changed" in second.skip_message
        (desk.archive / "config.toml").write_text(
            f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
        )
        third = _tick(desk, name, instance, first.cursor)
        assert len(third.run_requests) == 1
        assert third.run_requests[0].run_key != first.run_requests[0].run_key

    def test_new_sessions_are_no_new_prices(self, desk, instance):
        first = _tick(desk, "price_changes_follow", instance, None)
        _grow(desk, f"{DAY}T22:00:00Z")
        second = _tick(desk, "price_changes_follow", instance, first.cursor)
        assert second.run_requests == []
        assert "its prices did not" in second.skip_message
        assert json.loads(second.cursor)["prices"] == json.loads(first.cursor)["prices"]

    @pytest.mark.parametrize("name", ["archive_changes", "price_changes_follow"])
    def test_an_archive_that_is_gone_is_said_and_nothing_is_asked_for(self, desk, instance, name):
        (desk.archive / "sessions.db").unlink()
        tick = _tick(desk, name, instance, None)
        assert tick.run_requests == []
        assert "no such file" in tick.skip_message

    def test_a_busy_archive_does_not_pile_up_runs(self, desk, instance):
        first = _tick(desk, "archive_changes", instance, None)
        job = _definitions(desk).resolve_job_def("update")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        _grow(desk, f"{DAY}T22:00:00Z")
        waiting = _tick(desk, "archive_changes", instance, first.cursor)
        assert waiting.run_requests == []
        assert "waiting" in waiting.skip_message
        assert waiting.cursor in (None, first.cursor)
