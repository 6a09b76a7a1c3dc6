"""`materialize --launch`: handing a request to a deployment, whose reconciler carries it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from agentsview_assets.assets.naming import UNPREFIXED
from agentsview_assets.automation.asking import RECONCILER, asked_for
from agentsview_assets.automation.reconciler import evaluate
from agentsview_assets.rules.staleness import REPORTS
from tests.support.in_process import Desk
from tests.support.launching import beat, turn_on
from tests.support.reconciling import reconcile, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START, DAY, LAST = "2026-10-29", "2026-11-03", "2026-11-10"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("made"), START)


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return made.copied(tmp_path / "desk", with_history=False)


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


class TestWhereNobodyWorks:
    def test_a_reconciler_that_is_off_is_said(self, desk, instance):
        found = desk.run("materialize", "--launch")
        assert found.code == 1
        assert "nothing is made while `reconcile` is off" in found.err
        assert asked_for(instance, UNPREFIXED) == []

    @pytest.mark.parametrize("seen", [None, 3600])
    def test_a_daemon_that_is_gone_is_said(self, desk, instance, seen):
        turn_on(instance, RECONCILER)
        if seen is not None:
            beat(instance, seen)
        found = desk.run("materialize", "--launch")
        assert found.code == 1
        assert "no Dagster daemon works on this deployment" in found.err

    @pytest.mark.parametrize("option", ["--new-settings", "--forget=an-archive"])
    def test_what_changes_the_warehouse_itself_is_not_handed_over(self, desk, option):
        found = desk.run("materialize", "--launch", option)
        assert found.code == 2
        assert "without --launch" in found.err


@pytest.fixture
def working(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """A deployment whose reconciler is on and whose daemon lives."""
    turn_on(instance, RECONCILER)
    beat(instance)
    return instance


class TestWhatIsHandedOver:
    def test_a_look_is_asked_for_once(self, desk, working):
        assert desk.run("materialize", "--launch").code == 0
        ran, _ = reconcile(settings_of(desk), working)
        assert [run.assets for run in ran] == [{"archive"}]
        assert evaluate(settings_of(desk), working).requests == []

    def test_verifying_compares_all_contents(self, desk, working):
        desk.edit(
            "UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens', 4321) "
            f"WHERE timestamp LIKE '{DAY}%' AND token_usage <> ''"
        )
        desk.run("materialize", "--launch", "--verify")
        reconcile(settings_of(desk), working)
        tokens = f"SELECT max(output_tokens) FROM usage_rows WHERE partition_date = '{DAY}'"
        assert desk.rows(tokens) == [(4321,)]

    def test_tables_and_days_are_made_again_where_they_are_forced(self, desk, working):
        asked = desk.run(
            "materialize", "--launch", "--force", "--json",
            *("--select", "group:reports", "--since", DAY, "--until", LAST),
        ).json  # fmt: skip
        assert asked["days"] == [DAY, LAST]
        before = desk.noted("daily_usage")
        ran, _ = reconcile(settings_of(desk), working)
        assert ran[0].assets == {*REPORTS}
        assert ran[0].days == (DAY, LAST)
        moved = {day for day, noted in desk.noted("daily_usage").items() if noted != before[day]}
        assert moved
        assert min(moved) >= DAY

    def test_tables_without_days_are_asked_for_without_days(self, desk, working):
        chosen = ("--select", "machines,model_pricing")
        asked = desk.run("materialize", "--launch", "--force", "--json", *chosen).json
        assert asked["days"] == ["", ""]
        ran, _ = reconcile(settings_of(desk), working)
        assert (ran[0].assets, ran[0].days) == ({"machines", "model_pricing"}, None)
        assert ran[0].succeeded

    def test_requests_of_several_commands_are_all_kept(self, desk, working):
        keys = [json.loads(desk.run("materialize", "--launch", "--json").out)["key"] for _ in "abc"]
        assert [asked.key for asked in asked_for(working, UNPREFIXED)] == keys

    def test_one_that_fails_is_tried_again_with_a_limit(self, desk, working):
        desk.run("materialize", "--launch")
        there = desk.archive / "sessions.db"
        there.rename(desk.archive / "away.db")
        ran, _ = reconcile(settings_of(desk), working)
        assert [run.succeeded for run in ran] == [False] * 3


_CELERY = """
run_launcher: {module: dagster_celery.launcher, class: CeleryRunLauncher}
"""


class TestAnInstanceThatLaunchesElsewhere:
    @pytest.mark.parametrize("command", ["materialize", "reprice"])
    def test_a_run_here_is_refused_and_told_how_to_go_on(self, desk, tmp_path, command):
        home = tmp_path / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text(_CELERY)
        before = desk.warehouse.read_bytes()
        found = Desk(desk.folder, {**desk.settings, "DAGSTER_HOME": str(home)}).run(command)
        assert found.code == 1
        assert "launched by dagster_celery.launcher.CeleryRunLauncher" in found.err
        assert "materialize --launch" in found.err
        assert desk.warehouse.read_bytes() == before
