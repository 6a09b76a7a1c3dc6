"""Queues: which workers see which archives, and what follows for looks, runs and status."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from agentsview_assets.assets.archive import ARCHIVE
from agentsview_assets.assets.common import ARCHIVES_TAG
from agentsview_assets.automation import reconciler
from agentsview_assets.automation.asking import Asked
from agentsview_assets.automation.reconciler import evaluate, evaluate_daily
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ConfigError
from agentsview_assets.queues import QUEUE_TAG, parse_queues
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import READINGS_TABLE
from agentsview_assets.rules.staleness import OBSERVATIONS
from agentsview_assets.settings import load_settings, now
from tests.support.everything import everything
from tests.support.in_process import SAMPLE, Desk
from tests.support.reconciling import carry_out, reconcile, settings_of
from tests.support.staged import Staged
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentsview_assets.settings import Settings

START, DAY = "2026-10-29", "2026-11-10"


class TestTheSetting:
    def test_the_first_line_that_fits_an_archive_counts(self):
        queues = parse_queues(
            "# machines\neast = /srv/east\n\nwest=/srv/*/late\nlate=/srv/west/late\n"
        )
        assert queues.names == ["east", "west", "late"]
        assert [queues.of(name) for name in (
            "/srv/east", "/srv/east/ada/sessions.db", "/srv/easter/ada", "/srv/west/late",
            "/home/ada"
        )] == ["east", "east", "", "west", ""]  # fmt: skip

    def test_a_mirror_is_named_without_its_password(self):
        queues = parse_queues("east=postgresql://ada:s3cret@db.example/agents")
        assert "s3cret" not in str(queues)
        [(_, shown)] = queues.lines
        assert queues.of(shown) == "east"

    @pytest.mark.parametrize(
        "text",
        ["east", "=/srv", "east=", "two words=/srv", "east=@/srv/list", "east=ftp://s3cret@x"],
    )
    def test_a_line_of_another_form_is_named_and_not_repeated(self, text):
        with pytest.raises(ConfigError, match="AGENTSVIEW_ASSETS_QUEUES: line 2") as told:
            parse_queues(f"first=/srv/first\n{text}")
        assert "s3cret" not in str(told.value)

    @pytest.mark.parametrize("minutes", ["0", "1441", "often", "-1", "1.5"])
    def test_minutes_between_looks_are_a_number_of_minutes(self, minutes):
        with pytest.raises(ConfigError, match="AGENTSVIEW_ASSETS_LOOK_MINUTES"):
            load_settings({"AGENTSVIEW_ASSETS_LOOK_MINUTES": minutes})

    def test_a_listing_of_a_queue_may_list_nothing_on_this_machine(self, tmp_path):
        environ = {
            "AGENTSVIEW_ASSETS_ARCHIVE": f"{tmp_path}/east/*",
            "AGENTSVIEW_ASSETS_QUEUES": f"east={tmp_path}/east",
        }
        assert load_settings(environ).archives == ()
        with pytest.raises(ConfigError, match="matches no data folder"):
            load_settings({**environ, "AGENTSVIEW_ASSETS_QUEUES": f"east={tmp_path}/west"})


def _fresh(folder: Path) -> Desk:
    """Two archives of a queue each, which are listed by a pattern; nothing was made yet."""
    for name in ("east", "west"):
        archive = folder / name / "ada"
        archive.mkdir(parents=True)
        shutil.copy(SAMPLE, archive / "sessions.db")
        with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
            database.execute(
                "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", [name]
            )
    settings = {
        "AGENTSVIEW_ASSETS_ARCHIVE": f"{folder}/east/*\n{folder}/west/*",
        "AGENTSVIEW_ASSETS_QUEUES": f"east={folder}/east\nwest={folder}/west",
    }
    desk = Desk(folder / "desk", settings).starting(START)
    desk.folder.mkdir()
    return desk


def _reconciled(folder: Path) -> Desk:
    """The same, of which everything was made."""
    desk = _fresh(folder)
    with desk.history() as instance:
        ran, said = reconcile(_settings(desk), instance)
    assert {run.succeeded for run in ran} == {True}
    assert said.given_up == []
    return desk


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged[Desk]:
    return Staged(tmp_path_factory.mktemp("staged"), _reconciled)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return _fresh(tmp_path)


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


@pytest.fixture
def made(staged: Staged[Desk]) -> Desk:
    return staged.anew()


@pytest.fixture
def past(made: Desk) -> Iterator[dg.DagsterInstance]:
    """The history of what was made."""
    with made.history() as found:
        yield found


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Path]:
    """Whatever is moved here is out of the machine's sight."""
    folder = tmp_path / "away"
    folder.mkdir()
    return folder


def _settings(desk: Desk) -> Settings:
    return settings_of(desk)


def _queues(requests: list[dg.RunRequest]) -> list[str]:
    return [request.tags.get(QUEUE_TAG, "") for request in requests]


def _later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    monkeypatch.setattr(reconciler, "now", lambda: now() + timedelta(minutes=minutes))


def _carried(desk: Desk, instance: dg.DagsterInstance, *requests: dg.RunRequest) -> list[bool]:
    definitions = build_definitions(_settings(desk))
    return [carry_out(definitions, instance, request).succeeded for request in requests]


class TestLooks:
    def test_workers_of_each_queue_look_first_whatever_this_machine_sees(
        self, desk, instance, away
    ):
        for name in ("east", "west"):
            (desk.folder.parent / name).rename(away / name)
        found = evaluate(_settings(desk), instance)
        assert _queues(found.requests) == ["east", "west"]
        assert [request.asset_selection for request in found.requests] == [
            [dg.AssetKey(ARCHIVE)]
        ] * 2

    def test_a_worker_looks_at_its_own_and_says_nothing_of_others(self, desk, instance, away):
        [east, west] = evaluate(_settings(desk), instance).requests
        (desk.folder.parent / "west").rename(away / "west")
        assert _carried(desk, instance, east) == [True]
        read = desk.rows(f"SELECT archive_id, reason FROM {READINGS_TABLE}")
        assert read == [("east", "")]
        (away / "west").rename(desk.folder.parent / "west")
        (desk.folder.parent / "east").rename(away / "east")
        assert _carried(desk, instance, west) == [True]
        read = desk.rows(f"SELECT archive_id, reason FROM {READINGS_TABLE} ORDER BY 1")
        assert read == [("east", ""), ("west", "")]

    def test_they_look_again_after_so_many_minutes_and_not_before(
        self, desk, instance, monkeypatch
    ):
        reconcile(_settings(desk), instance)
        _later(monkeypatch, 14)
        assert evaluate(_settings(desk), instance).requests == []
        _later(monkeypatch, 16)
        found = evaluate(_settings(desk), instance)
        assert _queues(found.requests) == ["east", "west"]
        assert _carried(desk, instance, found.requests[0]) == [True]
        monkeypatch.undo()
        assert evaluate(_settings(desk), instance).requests == []

    def test_nothing_moved_for_dagster_where_another_queue_looks(self, made, past, monkeypatch):
        before = len(_days(past))
        _later(monkeypatch, 16)
        assert _carried(made, past, *evaluate(_settings(made), past).requests) == [True] * 2
        assert len(_days(past)) == before
        add_turn(made.folder.parent / "west" / "ada", f"{DAY}T22:00:00Z", "late")
        _later(monkeypatch, 32)
        assert _carried(made, past, *evaluate(_settings(made), past).requests) == [True] * 2
        assert _days(past)[before:] == [DAY]

    def test_the_daily_schedule_has_each_queue_compare_all_contents(self, made, past):
        requests = evaluate_daily(_settings(made), past, "2026-11-28T03:00:00").requests
        assert _queues(requests) == ["east", "west"]
        assert {request.tags["agentsview_assets/verify"] for request in requests} == {"true"}
        assert len({request.run_key for request in requests}) == 2

    def test_a_run_without_a_queue_says_which_there_are(self, desk, instance):
        job = build_definitions(_settings(desk)).resolve_job_def("observe")
        done = job.execute_in_process(instance=instance, raise_on_error=False)
        [failure] = [event for event in done.all_events if event.is_step_failure]
        assert "queues east, west" in failure.step_failure_data.error.message
        tagged = job.execute_in_process(instance=instance, tags={QUEUE_TAG: "east"})
        assert tagged.success


def _days(instance: dg.DagsterInstance) -> list[str]:
    found = instance.fetch_observations(dg.AssetKey(ARCHIVE), limit=1000).records
    seen = [record.event_log_entry.asset_observation for record in reversed(found)]
    return [observation.partition for observation in seen if observation.partition]


class TestRuns:
    def test_what_reads_an_archive_goes_to_its_worker_and_reports_to_any(self, desk, instance):
        settings = _settings(desk)
        _carried(desk, instance, *evaluate(settings, instance).requests)
        requests = evaluate(settings, instance).requests
        assert {_of(request) for request in requests} == {("east", "east"), ("west", "west")}
        reconcile(settings, instance)
        _edit(
            desk,
            "UPDATE warehouse_partitions SET rules_version = 'earlier' "
            "WHERE asset = 'activity_buckets'",
        )
        reports = evaluate(settings, instance).requests
        assert {_of(request) for request in reports} == {("", "east,west")}

    def test_it_is_what_one_process_over_all_makes(self, made, tmp_path):
        other = Desk(tmp_path / "other", {**made.settings, "AGENTSVIEW_ASSETS_QUEUES": ""})
        other.folder.mkdir()
        other.materialize()
        found, wanted = everything(str(made.warehouse)), everything(str(other.warehouse))
        assert {table for table in wanted if found[table] != wanted[table]} == set()

    def test_status_says_whose_workers_read_an_archive(self, made, away):
        (made.folder.parent / "west").rename(away / "west")
        states = made.run("status", "--json").json["sources"]
        assert [(state["archive_id"], state["state"]) for state in states] == [
            ("east", "elsewhere"), ("west", "elsewhere")
        ]  # fmt: skip
        assert "workers of west read it" in states[1]["note"]


def _edit(desk: Desk, sql: str) -> None:
    with open_store(f"duckdb:///{desk.warehouse}") as store:
        store.execute(sql)


class TestCommands:
    def test_a_request_of_a_command_is_one_for_each_queue(self, made, past, monkeypatch):
        asked = Asked("request", 0.0, tables=("usage_rows",), days=(DAY, DAY))
        monkeypatch.setattr(reconciler, "asked_for", lambda *_: [asked])
        requests = evaluate(_settings(made), past).requests
        assert _queues(requests) == ["east", "west"]
        assert len({request.run_key for request in requests}) == 2
        assert _carried(made, past, *requests) == [True] * 2
        left = evaluate(_settings(made), past).requests
        assert {request.job_name for request in left} <= {"check"}

    def test_one_of_reports_is_for_any_worker(self, made, past, monkeypatch):
        asked = Asked("request", 0.0, tables=("daily_usage",), days=(DAY, DAY))
        monkeypatch.setattr(reconciler, "asked_for", lambda *_: [asked])
        assert _queues(evaluate(_settings(made), past).requests) == [""]

    def test_prices_of_archives_elsewhere_stand_as_workers_read_them(self, made, away):
        for name in ("east", "west"):
            (made.folder.parent / name).rename(away / name)
        assert made.run("reprice", "--dry-run", "--json").json["up_to_date"] is True

    def test_materialize_where_no_archive_is_says_so(self, desk, away):
        for name in ("east", "west"):
            (desk.folder.parent / name).rename(away / name)
        done = desk.run("materialize")
        assert (done.code, done.out) == (1, "")
        assert "no archive that is named is on this machine" in done.err


def test_a_queue_of_somebody_elses_without_queues_of_ours_reads_all(desk, instance):
    settings = settings_of(desk, AGENTSVIEW_ASSETS_QUEUES="")
    job = build_definitions(settings).resolve_job_def("observe")
    assert job.execute_in_process(instance=instance, tags={QUEUE_TAG: "large"}).success
    assert len(desk.rows(f"SELECT archive FROM {READINGS_TABLE} WHERE reason = ''")) == 2


def _of(request: dg.RunRequest) -> tuple[str, str]:
    return request.tags.get(QUEUE_TAG, ""), request.tags[ARCHIVES_TAG]


def test_a_run_of_observations_is_never_about_archives_of_two_queues(desk, instance):
    settings = _settings(desk)
    for _ in range(5):
        requests = evaluate(settings, instance).requests
        for request in requests:
            if {key.path[-1] for key in request.asset_selection or ()} & {*OBSERVATIONS}:
                assert len(request.tags[ARCHIVES_TAG].split(",")) == 1
        _carried(desk, instance, *requests)
