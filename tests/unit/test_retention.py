"""Retention: old runs go from Dagster's history, and what the UI shows stays as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType

from agentsview_assets.assets.naming import UNPREFIXED
from agentsview_assets.automation.alerting import STATE_TAG
from agentsview_assets.automation.asking import Asked, asked_for
from agentsview_assets.automation.retention import Ours, remove_old_runs
from agentsview_assets.automation.runs import RETENTION_JOB, Runs
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ConfigError, WarehouseError
from agentsview_assets.resources.warehouses.row_store import RowStore
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.reconciling import queue, reconcile, settings_of
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY, START = "2026-11-10", "2026-11-08"
JOBS = frozenset({"materialize", "check", "observe", "alert", "upkeep", "reprice", "retention"})


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a past: a first load, a day made twice more, a failure that was alerted."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("lived")).starting(START)
    desk.materialize()
    with desk.history() as instance:
        for hour in ("21", "22"):
            add_turn(desk.archive, f"{DAY}T{hour}:00:00Z", hour)
            reconcile(settings_of(desk), instance)
        add_turn(desk.archive, f"{DAY}T23:00:00Z", "late")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RowStore, "replace", _fail)
            reconcile(settings_of(desk), instance)
    desk.materialize()
    with desk.history() as instance:
        reconcile(settings_of(desk), instance)
    return desk


def _fail(*_: object, **__: object) -> None:
    raise WarehouseError("the disk is full")


@pytest.fixture
def desk(lived: Desk, tmp_path: Path) -> Desk:
    desk = lived.copied(tmp_path / "desk")
    home = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster"
    config = home / "dagster.yaml"
    config.write_text(config.read_text().replace(str(lived.folder), str(desk.folder)))
    return desk


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


def _ours(desk: Desk) -> Ours:
    graph = build_definitions(settings_of(desk)).resolve_asset_graph()
    return Ours(JOBS, graph.get_all_asset_keys(), graph.asset_check_keys, None)


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def _age(instance: dg.DagsterInstance, desk: Desk) -> None:
    """Has all runs have ended long ago."""
    home = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster"
    with closing(sqlite3.connect(home / "history" / "runs.db")) as runs, runs:
        runs.execute("UPDATE runs SET update_timestamp = '2026-01-01 00:00:00.000000'")


def _shown(instance: dg.DagsterInstance, ours: Ours) -> dict[str, Any]:
    """What the UI shows of assets, days and checks."""
    storage = instance.event_log_storage
    kinds = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION)
    checks = storage.get_latest_asset_check_execution_by_key([*ours.checks])
    return {
        "days": {key: sorted(instance.get_materialized_partitions(key)) for key in ours.assets},
        "latest": {
            (key, kind): storage.get_latest_storage_id_by_partition(key, kind)
            for key in ours.assets
            for kind in kinds
        },
        "versions": {
            key: storage.get_latest_tags_by_partition(key, kinds[0], ["dagster/data_version"])
            for key in ours.assets
        },
        "last": {
            key: [
                (record.storage_id, record.run_id)
                for fetch in (instance.fetch_materializations, instance.fetch_observations)
                for record in fetch(key, limit=1).records
            ]
            for key in ours.assets
        },
        "checks": {
            key: (record.status, record.run_id, record.event.timestamp if record.event else None)
            for key, record in checks.items()
        },
    }


class TestOldRuns:
    def test_they_are_gone_and_what_is_shown_is_the_same(self, desk, instance):
        ours = _ours(desk)
        before, runs = _shown(instance, ours), {run.run_id for run in instance.get_runs()}
        assert before["days"][dg.AssetKey("daily_usage")]
        assert len(before["checks"]) == len(ours.checks)
        status = desk.run("status", "--json").json
        removed = remove_old_runs(instance, ours, _later())
        after = {run.run_id for run in instance.get_runs()}
        assert removed.runs == len(runs - after) > 0
        assert removed.needed == len(after) > 0
        assert _shown(instance, ours) == before
        assert desk.run("status", "--json").json == status
        assert all(not instance.all_logs(run_id) for run_id in runs - after)

    def test_runs_that_made_nothing_and_days_that_were_made_again_are_gone(self, desk, instance):
        of_day = dg.AssetRecordsFilter(dg.AssetKey("usage_rows"), asset_partitions=[DAY])
        last, *between, first = instance.fetch_materializations(of_day, limit=20).records
        assert between
        remove_old_runs(instance, _ours(desk), _later())
        left = instance.get_runs()
        assert not [run for run in left if run.status is dg.DagsterRunStatus.FAILURE]
        made = instance.fetch_materializations(of_day, limit=20).records
        # The first load is the last that made the other days.
        assert [record.run_id for record in made] == [last.run_id, first.run_id]

    def test_done_again_nothing_more_is_removed(self, desk, instance):
        remove_old_runs(instance, _ours(desk), _later())
        assert remove_old_runs(instance, _ours(desk), _later()).runs == 0

    def test_nothing_is_left_of_them_in_any_table_or_file(self, desk, instance):
        home = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster" / "history"
        remove_old_runs(instance, _ours(desk), _later())
        left = {run.run_id for run in instance.get_runs()}
        files = {path.name.partition(".")[0] for path in home.glob("*-*-*-*-*.db*")}
        assert files <= left
        for database, table in (
            ("index", "event_logs"),
            ("index", "asset_check_executions"),
            ("runs", "run_tags"),
        ):
            with closing(sqlite3.connect(home / f"{database}.db")) as opened:
                found = {run for (run,) in opened.execute(f"SELECT run_id FROM {table}")}
            assert found - {""} <= left, table

    def test_what_goes_on_afterwards_is_as_before(self, desk, instance):
        remove_old_runs(instance, _ours(desk), _later())
        settings = settings_of(desk)
        desk.materialize()  # here, where it was copied to
        assert reconcile(settings, instance)[0] == []
        add_turn(desk.archive, f"{DAY}T23:30:00Z", "afterwards")
        ran, _ = reconcile(settings, instance)
        assert all(run.succeeded for run in ran)
        assert desk.materialize()["up_to_date"] is True


class TestAHistoryInPostgresql:
    def test_old_runs_are_gone_and_what_is_shown_is_the_same(
        self, tmp_path, postgres_server, monkeypatch
    ):
        history = postgres_server.database()
        home = tmp_path / "home"
        home.mkdir()
        shutil.copy(REPOSITORY / "deploy" / "dagster.yaml", home)
        url = f"postgresql+psycopg2://owner@127.0.0.1:{history.port}/{history.name}"
        monkeypatch.setenv("DAGSTER_STORAGE_URL", url)
        start = load_settings({}).last_date
        desk = Desk.with_sample(tmp_path / "desk", DAGSTER_HOME=str(home)).starting(start)
        for _ in range(2):
            desk.materialize("--force", "--select", "sessions")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            ours = _ours(desk)
            before, runs = _shown(instance, ours), {run.run_id for run in instance.get_runs()}
            removed = remove_old_runs(instance, ours, _later())
            left = {run.run_id for run in instance.get_runs()}
            assert removed.runs == len(runs - left) > 0
            assert _shown(instance, ours) == before
        for table in ("event_logs", "asset_check_executions", "run_tags"):
            found = {run for (run,) in history.run(f"SELECT run_id FROM public.{table}")}
            assert found - {""} <= left, table


class TestRunsThatStay:
    def _kept(self, desk: Desk, instance: dg.DagsterInstance) -> set[str]:
        remove_old_runs(instance, _ours(desk), _later())
        return {run.run_id for run in instance.get_runs()}

    def test_one_that_has_not_ended(self, desk, instance):
        request = dg.RunRequest(job_name="materialize", asset_selection=[dg.AssetKey("sessions")])
        run_id = queue(build_definitions(settings_of(desk)), instance, request)
        assert run_id in self._kept(desk, instance)

    def test_those_that_ended_since(self, desk, instance):
        runs = {run.run_id for run in instance.get_runs()}
        ours = _ours(desk)
        assert remove_old_runs(instance, ours, datetime.now(UTC) - timedelta(days=2)).runs == 0
        assert {run.run_id for run in instance.get_runs()} == runs

    def test_an_alert_of_what_is_still_out_of_date(self, desk, instance):
        [alert] = instance.get_runs(dg.RunsFilter(job_name="alert"))
        instance.add_run_tags(alert.run_id, {STATE_TAG: "open"})
        assert alert.run_id in self._kept(desk, instance)

    def test_all_of_a_request_of_which_one_is_of_late(self, desk, instance):
        tried = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        request = next(r.tags["agentsview_assets/request"] for r in tried if r.job_name != "alert")
        mine = {r.run_id for r in tried if r.tags.get("agentsview_assets/request") == request}
        assert len(mine) > 1
        _age(instance, desk)
        instance.add_run_tags(min(mine), {"touched": "of late"})
        remove_old_runs(instance, _ours(desk), datetime.now(UTC) - timedelta(days=2))
        left = {run.run_id for run in instance.get_runs()}
        assert mine <= left
        assert len(left) < len(tried) + 20

    def test_one_that_somebody_stopped_so_that_it_is_not_asked_for_again(self, desk, instance):
        request = dg.RunRequest(
            job_name="materialize",
            asset_selection=[dg.AssetKey("sessions")],
            tags={"agentsview_assets/request": "stopped"},
        )
        run_id = queue(build_definitions(settings_of(desk)), instance, request)
        instance.report_run_canceled(instance.get_run_by_id(run_id))
        assert run_id in self._kept(desk, instance)

    def test_runs_of_others_in_the_same_instance(self, desk, instance):
        @dg.asset
        def theirs() -> None:
            return None

        @dg.op
        def nothing() -> None:
            return None

        @dg.job
        def their_job() -> None:
            nothing()

        runs = {dg.materialize([theirs], instance=instance).run_id for _ in range(2)}
        runs.add(their_job.execute_in_process(instance=instance).run_id)
        assert runs <= self._kept(desk, instance)


class TestTheJob:
    def test_it_removes_what_ended_before_the_days_that_are_set(self, desk, instance):
        _age(instance, desk)
        ours = _ours(desk)
        before, count = _shown(instance, ours), instance.get_runs_count()
        job = build_definitions(settings_of(desk)).resolve_job_def(RETENTION_JOB)
        done = job.execute_in_process(instance=instance)
        [output] = [e for e in done.all_events if e.is_successful_output]
        told = {name: value.value for name, value in output.step_output_data.metadata.items()}
        assert told["runs"] > 0
        assert instance.get_runs_count() == count - told["runs"] + 1
        assert _shown(instance, ours) == before

    def test_it_keeps_what_ended_of_late(self, desk, instance):
        count = instance.get_runs_count()
        job = build_definitions(settings_of(desk)).resolve_job_def(RETENTION_JOB)
        assert job.execute_in_process(instance=instance).success
        assert instance.get_runs_count() == count + 1

    def test_nobody_waits_for_it(self, desk, instance):
        queue(build_definitions(settings_of(desk)), instance, dg.RunRequest(job_name=RETENTION_JOB))
        assert Runs(instance, UNPREFIXED).unfinished().jobs == frozenset()

    def test_a_schedule_that_is_off_asks_for_it_once_a_week(self, desk):
        schedule = build_definitions(settings_of(desk)).resolve_schedule_def("weekly")
        assert (schedule.job_name, schedule.cron_schedule) == (RETENTION_JOB, "30 3 * * 0")
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED

    @pytest.mark.parametrize("value", ["0", "1", "-5", "never"])
    def test_fewer_than_two_days_are_refused_because_tries_of_the_last_day_count(self, value):
        with pytest.raises(ConfigError, match=r"AGENTSVIEW_ASSETS_KEEP_DAYS: .* from 2 "):
            load_settings({"AGENTSVIEW_ASSETS_KEEP_DAYS": value})


class TestTicks:
    def test_every_home_and_deployment_has_dagster_remove_old_ones(self, desk, instance):
        home = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster"
        configs = [home, REPOSITORY / "deploy", REPOSITORY / "deploy" / "celery"]
        for folder in configs:
            config = yaml.safe_load((folder / "dagster.yaml").read_text())
            assert config["retention"]["sensor"]["purge_after_days"]["skipped"] == 7
            assert config["retention"]["schedule"]["purge_after_days"] == 90
        settings = instance.get_tick_retention_settings(InstigatorType.SENSOR)
        assert {status.value: days for status, days in settings.items()}["SKIPPED"] == 7


class TestRequestsOfCommands:
    def test_one_that_was_carried_out_is_not_made_again_once_its_runs_no_longer_count(
        self, instance
    ):
        entries = [Asked("new", time.time()), Asked("old", time.time() - 86_401)]
        key = "agentsview_assets/asked"
        text = json.dumps([asdict(entry) for entry in entries])
        instance.daemon_cursor_storage.set_cursor_values({key: text})
        assert [asked.key for asked in asked_for(instance, UNPREFIXED)] == ["new"]
