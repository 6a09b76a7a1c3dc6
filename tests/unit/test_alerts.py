"""Alerts: what the reconciler gives up is told once, by a run that fails, and shown."""

from __future__ import annotations

import importlib.util
import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
import duckdb
import pytest

from agentsview_assets.assets.naming import UNPREFIXED
from agentsview_assets.automation.alerting import CLOSED, OPEN, STATE_TAG
from agentsview_assets.automation.reconciler import evaluate
from agentsview_assets.automation.runs import ALERT_JOB, Runs
from agentsview_assets.automation.wanted import MOST_TRIES
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.reader import CHECKS_TABLE, PARTITIONS_TABLE
from agentsview_assets.resources.warehouses.row_store import RowStore
from agentsview_assets.resources.warehouses.run_records import RunRecords
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.reconciling import Ran, carry_out, queue, reconcile, settings_of
from tests.support.staged import Staged
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY, START = "2026-11-10", "2026-11-08"


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


def _alerts(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The alerts, the first one first."""
    return [*reversed(instance.get_runs(dg.RunsFilter(job_name=ALERT_JOB)))]


def _said(instance: dg.DagsterInstance, run_id: str) -> str:
    """What the red steps of a run say."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failures = (entry.get_dagster_event().step_failure_data for entry in events)
    told = (failure.user_failure_data for failure in failures)
    return "\n".join(str(words.description) for words in told if words is not None)


def _fail(*_: object, **__: object) -> None:
    raise WarehouseError("the disk is full")


def _full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowStore, "replace", _fail)


def _jobs(ran: list[Ran]) -> list[str]:
    return [run.job for run in ran]


class TestWhatIsGivenUp:
    def test_it_is_alerted_once_by_a_run_that_fails_with_it(self, desk, instance, monkeypatch):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        settings = settings_of(desk)
        ran, found = reconcile(settings, instance)
        [alert] = [run for run in ran if run.job == ALERT_JOB]
        assert not alert.succeeded
        first_line = _said(instance, alert.run_id).splitlines()[0]
        [given_up] = found.given_up
        assert first_line.startswith("given up: ")
        for named in (*given_up.tables, *given_up.archives, DAY, f"failed {MOST_TRIES} times"):
            assert named in first_line
        assert "asked for again once something of it changes" in first_line
        assert reconcile(settings, instance)[0] == []

    def test_it_names_the_run_that_says_why(self, desk, instance, monkeypatch):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        ran, _ = reconcile(settings_of(desk), instance)
        *_, last, alert = ran
        [event] = instance.all_logs(alert.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        told = event.get_dagster_event().step_failure_data.user_failure_data
        assert told.metadata["last_run"].value == last.run_id
        assert "the disk is full" in _said(instance, last.run_id)

    def test_it_is_not_tried_again_by_dagster_either(self, desk, instance, monkeypatch):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        reconcile(settings_of(desk), instance)
        [alert] = _alerts(instance)
        assert alert.tags["dagster/max_retries"] == "0"

    def test_tried_in_vain_on_another_day_it_is_not_alerted_again(
        self, desk, instance, monkeypatch
    ):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        settings = settings_of(desk)
        reconcile(settings, instance)
        _a_day_later(monkeypatch)
        ran, found = reconcile(settings, instance)
        assert _jobs(ran) == ["materialize"] * MOST_TRIES
        assert found.given_up
        assert len(_alerts(instance)) == 1

    def test_made_in_between_and_given_up_anew_it_is_alerted_again(
        self, desk, instance, monkeypatch
    ):
        settings = settings_of(desk)
        for _ in range(2):
            with pytest.MonkeyPatch.context() as patch:
                _outdate(desk)
                _full_disk(patch)
                reconcile(settings, instance)
            assert _alerts(instance)[-1].tags[STATE_TAG] == OPEN
            desk.materialize()
            assert reconcile(settings, instance)[0] == []
            assert _alerts(instance)[-1].tags[STATE_TAG] == CLOSED
            _a_day_later(monkeypatch)
        first, second = _alerts(instance)
        assert _said(instance, first.run_id) == _said(instance, second.run_id)

    def test_checks_that_fail_for_good_are_alerted_with_their_tables(
        self, desk, instance, monkeypatch
    ):
        with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
            warehouse.execute(
                f"INSERT INTO {CHECKS_TABLE} (asset, check_name, words, run_id, checked_at) "
                "VALUES ('daily_usage', '', '', 'a run that died', now())"
            )
        monkeypatch.setattr(RunRecords, "record_answers", _fail)
        ran, _ = reconcile(settings_of(desk), instance)
        assert _jobs(ran) == [*["check"] * MOST_TRIES, ALERT_JOB]
        assert "given up: checks of daily_usage: " in _said(instance, ran[-1].run_id)
        assert reconcile(settings_of(desk), instance)[0] == []

    def test_a_look_that_fails_for_good_is_alerted_with_its_archive(
        self, desk, instance, monkeypatch
    ):
        (desk.archive / "sessions.db").touch()
        monkeypatch.setattr("agentsview_assets.resources.archives.resource.observe_all", _fail)
        ran, _ = reconcile(settings_of(desk), instance)
        assert _jobs(ran) == [*["materialize"] * MOST_TRIES, ALERT_JOB]
        assert f"look at {desk.archive}" in _said(instance, ran[-1].run_id)

    def test_a_run_that_somebody_ended_is_given_up_without_an_alert(self, desk, instance):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        settings, definitions = settings_of(desk), build_definitions(settings_of(desk))
        carry_out(definitions, instance, evaluate(settings, instance).requests[0])
        [request] = evaluate(settings, instance).requests
        run_id = queue(definitions, instance, request)
        instance.report_run_canceled(instance.get_run_by_id(run_id))
        ran, found = reconcile(settings, instance)
        assert (ran, len(found.given_up)) == ([], 1)

    def test_nobody_waits_for_an_alert(self, desk, instance, monkeypatch):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        settings = settings_of(desk)
        definitions = build_definitions(settings)
        request = None
        while request is None or request.job_name != ALERT_JOB:
            [request] = evaluate(settings, instance).requests
            if request.job_name != ALERT_JOB:
                carry_out(definitions, instance, request)
        queue(definitions, instance, request)
        assert Runs(instance, UNPREFIXED).unfinished().jobs == frozenset()
        assert evaluate(settings, instance).requests == []
        monkeypatch.undo()
        add_turn(desk.archive, f"{DAY}T23:00:00Z", "again")
        assert evaluate(settings, instance).requests


def _a_day_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has no run of before count as a try of late."""
    later = datetime.now(UTC) + timedelta(days=1)
    clock = SimpleNamespace(now=lambda _: later)
    monkeypatch.setattr("agentsview_assets.automation.runs.datetime", clock)


def _outdate(desk: Desk) -> None:
    """Has a table's days be made by the rules of an earlier release."""
    with closing(duckdb.connect(str(desk.warehouse))) as warehouse:
        warehouse.execute(
            f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'of an earlier release' "
            "WHERE asset = 'activity_buckets'"
        )


class _Chat(BaseHTTPRequestHandler):
    """An incoming webhook that keeps what it is sent."""

    messages: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def chat() -> Iterator[str]:
    """The address of a webhook."""
    _Chat.messages.clear()
    with HTTPServer(("127.0.0.1", 0), _Chat) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        serving.join()


class TestTheExample:
    def test_it_sends_what_the_alert_says(self, desk, instance, monkeypatch, chat):
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "grown")
        _full_disk(monkeypatch)
        reconcile(settings_of(desk), instance)
        [alert] = _alerts(instance)
        monkeypatch.setenv("AGENTSVIEW_ASSETS_ARCHIVE", str(desk.archive))
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAREHOUSE", str(desk.warehouse))
        monkeypatch.setenv("ALERT_WEBHOOK", chat)
        example = _example()
        [failure] = instance.all_logs(alert.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context(
            "tell_the_team", failure.get_dagster_event(), instance, alert
        ).for_run_failure()
        example.tell_the_team(context)
        assert _Chat.messages == [{"text": _said(instance, alert.run_id)}]

    def test_it_watches_the_job_and_is_off_at_first(self, desk, monkeypatch):
        monkeypatch.setenv("AGENTSVIEW_ASSETS_ARCHIVE", str(desk.archive))
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAREHOUSE", str(desk.warehouse))
        repository = _example().defs.get_repository_def()
        sensor = repository.get_sensor_def("tell_the_team")
        assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


def _example() -> ModuleType:
    """The example, as Dagster loads it in a deployment."""
    path = REPOSITORY / "examples" / "alerts.py"
    spec = importlib.util.spec_from_file_location("alerts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
