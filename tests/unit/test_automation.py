"""Observation, jobs, schedule, reconciler: what they ask for; nothing starts by itself."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from agentsview_assets.assets.archive import ARCHIVE, NOTHING, moved_days
from agentsview_assets.assets.common import ARCHIVES_TAG, VERIFY_TAG
from agentsview_assets.automation.reconciler import evaluate
from agentsview_assets.automation.wanted import MOST_TRIES
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ConfigError, ContractError, WarehouseError
from agentsview_assets.resources.archives import reader as archive
from agentsview_assets.resources.warehouses.reader import (
    CHECKS_TABLE,
    PARTITIONS_TABLE,
    PENDING_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.resources.warehouses.row_store import RowStore
from agentsview_assets.rules.shown_text import markdown
from agentsview_assets.rules.staleness import DAILY_TABLES, REPORTS, TABLES, by_day
from agentsview_assets.rules.windows import days_between
from agentsview_assets.schemas import TableContract
from agentsview_assets.settings import load_settings
from tests.support.everything import everything
from tests.support.holders import holding
from tests.support.in_process import Desk
from tests.support.reconciling import Ran, carry_out, queue, reconcile, settings_of
from tests.support.staged import Staged
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY, START = "2026-11-10", "2026-10-29"
MODEL = "kelp-coder-preview-3"


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


def _definitions(desk: Desk, **more: str) -> dg.Definitions:
    return build_definitions(settings_of(desk, **more))


def _job(desk: Desk, name: str, instance: dg.DagsterInstance, **config: Any) -> Any:
    job = _definitions(desk).resolve_job_def(name)
    return job.execute_in_process(
        instance=instance, raise_on_error=False, run_config=config or None
    )


def _observations(instance: dg.DagsterInstance) -> list[dg.AssetObservation]:
    found = instance.fetch_observations(dg.AssetKey(ARCHIVE), limit=1000).records
    return [record.event_log_entry.asset_observation for record in reversed(found)]


def _days(instance: dg.DagsterInstance) -> list[str]:
    return [seen.partition for seen in _observations(instance) if seen.partition]


def _grow(desk: Desk, when: str, tag: str = "grown") -> None:
    """Adds a turn to the last session."""
    add_turn(desk.archive, when, tag)


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
        [last] = instance.fetch_observations(dg.AssetKey(ARCHIVE), limit=1).records
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


_BY_ARCHIVE = "SELECT archive_id, COUNT(*) FROM usage_rows GROUP BY 1 ORDER BY 1"


def _price(desk: Desk) -> None:
    (desk.archive / "config.toml").write_text(
        f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
    )


class TestTheRepriceJob:
    def test_it_tells_what_would_move_and_makes_nothing_itself(self, desk, instance):
        _price(desk)
        before = desk.noted("daily_usage")
        config = {"price_anew": {"config": {"dry_run": True}}}
        done = _job(desk, "reprice", instance, ops=config)
        assert done.success
        [output] = [e for e in done.all_events if e.is_successful_output]
        shown = output.step_output_data.metadata
        assert markdown(MODEL) in shown["impact"].value
        assert desk.noted("daily_usage") == before

    def test_where_nobody_would_make_the_days_it_says_so(self, desk, instance):
        _price(desk)
        done = _job(desk, "reprice", instance)
        [failure] = [e for e in done.all_events if e.is_step_failure]
        assert "turn it on under Automation" in failure.step_failure_data.error.message


class TestTheReconciler:
    def _made(self, ran: list[Ran]) -> list[tuple[frozenset[str], tuple[str, str] | None]]:
        """The runs that made assets of days."""
        return [(run.assets, run.days) for run in ran if run.assets & {*DAILY_TABLES}]

    def test_with_everything_up_to_date_it_asks_for_nothing(self, desk, instance):
        ran, found = reconcile(settings_of(desk), instance)
        assert (ran, found.words) == ([], [])

    def test_a_first_load_is_a_look_one_run_of_everything_and_the_checks(self, tmp_path, instance):
        desk = Desk.with_sample(tmp_path / "new").starting(START)
        ran, _ = reconcile(settings_of(desk), instance)
        assert [run.job for run in ran] == ["materialize", "materialize", "check"]
        assert ran[0].assets == {"archive"}
        assert ran[1].days == (START, DAY)
        assert ran[1].assets == {*TABLES, "duplicates", "archive_sessions"}
        assert desk.materialize()["up_to_date"] is True

    def test_days_off_and_late_days_are_one_run_for_each_range(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        _grow(desk, "2026-11-18T12:00:00Z", "later")
        ran, _ = reconcile(settings_of(desk), instance)
        observed = [days for assets, days in self._made(ran) if "usage_rows" in assets]
        assert observed == [(DAY, DAY), ("2026-11-18", "2026-11-18")]
        assert all(run.succeeded for run in ran)
        assert _days(instance) == [DAY, "2026-11-18"]
        assert desk.materialize()["up_to_date"] is True

    def test_it_makes_what_materialize_makes(self, desk, instance, tmp_path):
        _grow(desk, f"{DAY}T22:00:00Z")
        _grow(desk, "2026-11-18T12:00:00Z", "later")
        reconcile(settings_of(desk), instance)
        other = Desk(tmp_path / "other", desk.settings)
        other.folder.mkdir()
        shutil.copytree(desk.archive, other.archive)
        other.materialize()
        found, wanted = everything(str(desk.warehouse)), everything(str(other.warehouse))
        differ = {table for table in wanted if found[table] != wanted[table]}
        # What was published before is restated; each archive lies somewhere else.
        assert differ <= {"restatements", "price_changes", "warehouse_archives"}

    def test_looking_at_the_same_thing_again_makes_nothing(self, desk, instance):
        (desk.archive / "sessions.db").touch()
        ran, _ = reconcile(settings_of(desk), instance)
        assert [run.assets for run in ran] == [{"archive"}]
        assert reconcile(settings_of(desk), instance)[0] == []

    def test_other_prices_make_the_price_tables_and_then_just_the_days_that_move(
        self, desk, instance
    ):
        _price(desk)
        impact = desk.run("reprice", "--dry-run", "--json").json
        ran, _ = reconcile(settings_of(desk), instance)
        look, prices, *reports, check = ran
        assert (look.assets, check.job) == ({"archive"}, "check")
        assert prices.assets == {"model_pricing", "effective_pricing", "model_rates"}
        made = [day for run in reports for day in days_between(*run.days)]
        assert made == impact["days"]
        assert all(run.assets == {*REPORTS} for run in reports)
        told = instance.get_latest_materialization_event(dg.AssetKey("restatements"))
        shown = told.asset_materialization.metadata["by_project_and_model"].value
        assert markdown(MODEL) in shown
        assert desk.materialize()["up_to_date"] is True

    def test_other_rules_make_the_days_of_their_table(self, desk, instance):
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(
                f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'of an earlier release' "
                "WHERE asset = 'activity_buckets'"
            )
        ran, _ = reconcile(settings_of(desk), instance)
        made = self._made(ran)
        assert {assets for assets, _ in made} == {frozenset({"activity_buckets"})}
        assert [days for _, days in made] == [(START, "2026-11-07"), ("2026-11-09", DAY)]
        assert desk.materialize()["up_to_date"] is True

    def test_a_new_archive_is_made_beside_the_others(self, desk, instance, tmp_path):
        second = tmp_path / "second"
        shutil.copytree(desk.archive, second)
        with closing(sqlite3.connect(second / "sessions.db")) as archive, archive:
            archive.execute(
                "UPDATE archive_metadata SET value = 'second' WHERE key = 'database_id'"
            )
        both = f"{desk.archive}\n{second}"
        settings = settings_of(desk, AGENTSVIEW_ASSETS_ARCHIVE=both)
        before = desk.rows(_BY_ARCHIVE)
        ran, _ = reconcile(settings, instance)
        assert len(self._made(ran)) == 1
        assert [row for row in desk.rows(_BY_ARCHIVE) if row in before] == before
        assert len(desk.rows(_BY_ARCHIVE)) == 2
        assert reconcile(settings, instance)[0] == []

    def test_an_archive_that_is_gone_is_looked_for_once_and_keeps_its_rows(self, desk, instance):
        before = desk.rows(_BY_ARCHIVE)
        (desk.archive / "sessions.db").unlink()
        ran, _ = reconcile(settings_of(desk), instance)
        assert [(run.assets, run.succeeded) for run in ran] == [({"archive"}, False)]
        assert reconcile(settings_of(desk), instance)[0] == []
        assert desk.rows(_BY_ARCHIVE) == before
        [state] = desk.run("status", "--json").json["sources"]
        assert "no such file" in state["note"]

    def test_one_that_comes_back_is_looked_at_again(self, desk, instance):
        there, away = desk.archive / "sessions.db", desk.archive / "away.db"
        there.rename(away)
        reconcile(settings_of(desk), instance)
        away.rename(there)
        ran, _ = reconcile(settings_of(desk), instance)
        assert [(run.assets, run.succeeded) for run in ran] == [({"archive"}, True)]

    def test_a_run_that_fails_is_tried_three_times_and_then_said_to_be_given_up(
        self, desk, instance, monkeypatch
    ):
        _grow(desk, f"{DAY}T22:00:00Z")

        def fail(*_: object, **__: object) -> None:
            raise WarehouseError("the disk is full")

        monkeypatch.setattr(RowStore, "replace", fail)
        ran, found = reconcile(settings_of(desk), instance)
        assert [days for _, days in self._made(ran)] == [(DAY, DAY)] * MOST_TRIES
        assert [run.days for run in found.given_up] == [(DAY, DAY)]
        assert any("given up" in words and DAY in words for words in found.words)
        monkeypatch.undo()
        assert reconcile(settings_of(desk), instance)[0] == []
        _grow(desk, f"{DAY}T23:00:00Z", "again")
        ran, found = reconcile(settings_of(desk), instance)
        assert (len(self._made(ran)), found.given_up) == (1, [])

    def test_of_refused_rows_the_good_days_are_made(self, desk, instance, monkeypatch):
        _grow(desk, f"{DAY}T22:00:00Z")
        _grow(desk, "2026-11-12T12:00:00Z", "later")
        validate = TableContract.validate

        def refuse(contract: TableContract, frame: Any, span: Any = None) -> Any:
            days = frame.get("partition_date")
            if contract.name == "usage_rows" and (days.astype(str) == DAY).any():
                raise ContractError(f"usage_rows: bad rows on {DAY}")
            return validate(contract, frame, span)

        monkeypatch.setattr(TableContract, "validate", refuse)
        ran, found = reconcile(settings_of(desk), instance)
        assert {run.days for run in found.given_up} == {(DAY, DAY)}
        rows = desk.rows("SELECT COUNT(*) FROM usage_rows WHERE partition_date = '2026-11-12'")
        assert rows == [(1,)]
        assert len(ran) < 15

    def test_what_is_pending_is_decided_first(self, desk, instance):
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(f"INSERT INTO {PENDING_TABLE} VALUES ('key', 'a key')")
        ran, _ = reconcile(settings_of(desk), instance)
        assert [run.assets for run in ran] == [{"duplicates"}]

    def test_checks_that_were_not_asked_are_asked_once(self, desk, instance):
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(
                f"INSERT INTO {CHECKS_TABLE} (asset, check_name, words, run_id, checked_at) "
                "VALUES ('daily_usage', '', '', 'a run that died', now())"
            )
        ran, _ = reconcile(settings_of(desk), instance)
        assert [run.job for run in ran] == ["check"]
        assert reconcile(settings_of(desk), instance)[0] == []

    def test_a_warehouse_that_is_in_use_is_said_and_looked_at_again(self, desk, instance):
        with holding(desk.warehouse, "writer"):
            tick = _tick(desk, "reconcile", instance)
        assert tick.run_requests == []
        assert "in use" in tick.skip_message

    def test_a_warehouse_of_earlier_rules_is_mended_once_everything_is_made(self, desk, instance):
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(
                f"UPDATE {RULES_TABLE} SET value = 'earlier' WHERE name = 'credentials'"
            )
        ran, _ = reconcile(settings_of(desk), instance)
        assert [run.job for run in ran] == ["upkeep"]

    def test_runs_name_archives_days_and_nothing_of_the_machine(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        definitions = _definitions(desk)
        requests = evaluate(settings_of(desk), instance).requests
        carry_out(definitions, instance, requests[0])
        [request] = evaluate(settings_of(desk), instance).requests
        [(archive_id,)] = desk.rows("SELECT DISTINCT archive_id FROM usage_rows")
        assert request.tags[ARCHIVES_TAG] == archive_id
        assert not request.run_config
        assert str(desk.folder) not in repr(request)

    def test_what_is_on_its_way_is_not_asked_for_again(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        definitions, settings = _definitions(desk), settings_of(desk)
        carry_out(definitions, instance, evaluate(settings, instance).requests[0])
        [request] = evaluate(settings, instance).requests
        queue(_definitions(desk), instance, request)
        found = evaluate(settings, instance)
        assert found.requests == []
        assert any("unfinished: materialize" in words for words in found.words)

    def test_while_the_first_look_goes_on_it_is_not_said_to_be_up_to_date(self, tmp_path, instance):
        desk = Desk.with_sample(tmp_path / "new").starting(START)
        settings = settings_of(desk)
        [look] = evaluate(settings, instance).requests
        queue(_definitions(desk), instance, look)
        found = evaluate(settings, instance)
        assert (found.requests, found.words) == ([], ["unfinished: materialize"])


class TestTheCheckJob:
    def test_it_asks_every_check_and_makes_nothing(self, desk, instance):
        done = _job(desk, "check", instance)
        assert done.success
        evaluations = [e for e in done.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        graph = _definitions(desk).resolve_asset_graph()
        assert len(evaluations) == len(graph.asset_check_keys)
        assert all(e.event_specific_data.description for e in evaluations)


class TestTheSchedule:
    def _tick(self, desk: Desk, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
        schedule = _definitions(desk).resolve_schedule_def("daily")
        when = datetime(2026, 11, 13, 3, tzinfo=UTC)
        context = dg.build_schedule_context(instance, scheduled_execution_time=when)
        return list(schedule.evaluate_tick(context).run_requests or ())

    def test_with_nothing_new_it_compares_all_contents_and_makes_nothing(self, desk, instance):
        [request] = self._tick(desk, instance)
        assert request.asset_selection == [dg.AssetKey(ARCHIVE)]
        assert request.tags[VERIFY_TAG] == "true"

    def test_what_moved_is_made_with_the_days_since_it_was_read(self, desk, instance):
        _grow(desk, f"{DAY}T22:00:00Z")
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(f"UPDATE {READINGS_TABLE} SET read_at = '2026-11-09 08:00:00+00'")
        [request] = self._tick(desk, instance)
        ran = carry_out(_definitions(desk), instance, request)
        assert ran.succeeded
        assert ran.days == ("2026-11-09", load_settings({}).last_date)
        assert desk.materialize()["up_to_date"] is True

    def test_it_finds_what_was_edited_behind_agentsviews_back(self, desk, instance):
        desk.edit(
            "UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens', 4321) "
            f"WHERE timestamp LIKE '{DAY}%' AND token_usage <> ''"
        )
        definitions, settings = _definitions(desk), settings_of(desk)
        reconcile(settings, instance)
        tokens = f"SELECT max(output_tokens) FROM usage_rows WHERE partition_date = '{DAY}'"
        assert desk.rows(tokens) != [(4321,)]
        for request in self._tick(desk, instance):
            carry_out(definitions, instance, request)
        reconcile(settings, instance)
        assert desk.rows(tokens) == [(4321,)]

    def test_it_is_asked_at_the_hour_and_zone_that_are_set(self, desk):
        schedule = _definitions(
            desk,
            AGENTSVIEW_ASSETS_SCHEDULE_HOUR="6",
            AGENTSVIEW_ASSETS_SCHEDULE_TIMEZONE="Europe/Berlin",
        ).resolve_schedule_def("daily")
        assert schedule.cron_schedule == "0 6 * * *"
        assert schedule.execution_timezone == "Europe/Berlin"
        assert schedule.job_name == "materialize"

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
            ("AGENTSVIEW_ASSETS_EXECUTOR", "threads"),
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


def _tick(desk: Desk, name: str, instance: dg.DagsterInstance) -> Any:
    definitions = _definitions(desk)
    context = dg.build_sensor_context(
        instance=instance, repository_def=definitions.get_repository_def()
    )
    return definitions.resolve_sensor_def(name).evaluate_tick(context)
