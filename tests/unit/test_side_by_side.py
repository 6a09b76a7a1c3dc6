"""`key_prefix`: graphs side by side in one project, each with its own names, runs and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
import pytest

from agentsview_assets.assets.naming import UNPREFIXED, Names
from agentsview_assets.automation.asking import asked_for
from agentsview_assets.automation.reconciler import evaluate
from agentsview_assets.automation.runs import REQUEST_TAG
from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ConfigError
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.settings import KEY_PREFIX_VARIABLE, Settings, load_settings
from tests.support.in_process import Desk
from tests.support.launching import beat, turn_on
from tests.support.reconciling import carry_out, queue, reconcile, settings_of
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START, DAY = "2026-10-29", "2026-11-10"
ONE, OTHER = "team/one", "team/other"


def _prefixed(desk: Desk, prefix: str) -> Settings:
    return settings_of(desk, **{KEY_PREFIX_VARIABLE: prefix})


class Pair(NamedTuple):
    """Two desks, each with a graph of its own, in one project."""

    desks: tuple[Desk, Desk]
    settings: tuple[Settings, Settings]
    project: dg.Definitions


def _pair(one: Desk, other: Desk) -> Pair:
    settings = _prefixed(one, ONE), _prefixed(other, OTHER)
    project = dg.Definitions.merge(*map(build_definitions, settings), _theirs())
    return Pair((one, other), settings, project)


def _theirs() -> dg.Definitions:
    """A project that has everything that ours would have by the same name."""

    @dg.asset(group_name="reports")
    def daily_usage() -> None:
        """Of theirs."""

    @dg.asset_check(asset=daily_usage)
    def contract() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    @dg.op
    def mend() -> None: ...

    @dg.job
    def upkeep() -> None:
        mend()

    return dg.Definitions(
        assets=[daily_usage],
        asset_checks=[contract],
        resources={name: object() for name in ("warehouse", "archive_source")}
        | {"io_manager": dg.InMemoryIOManager()},
        jobs=[upkeep, dg.define_asset_job("materialize", [daily_usage])],
        schedules=[dg.ScheduleDefinition("daily", cron_schedule="@daily", job_name="materialize")],
        executor=dg.in_process_executor,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("made"), START)


@pytest.fixture
def pair(made: Desk, tmp_path: Path) -> Pair:
    """Two finished warehouses over archives of the same contents."""
    desks = (made.copied(tmp_path / name, with_history=False) for name in ("one", "other"))
    return _pair(*desks)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


class TestNames:
    def test_everything_that_dagster_knows_carries_the_prefix(self, made):
        definitions = build_definitions(_prefixed(made, ONE))
        graph = definitions.resolve_asset_graph()
        for key in graph.get_all_asset_keys():
            assert key.path[:-1] == ["team", "one"], key
            assert graph.get(key).group_name.startswith("team__one__")
        for key in graph.asset_check_keys:
            assert key.asset_key.path[:-1] == ["team", "one"], key
        repository = definitions.get_repository_def()
        jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
        names = [
            *(definitions.resources or ()),
            *(job.name for job in jobs),
            *(node.name for job in jobs for node in job.nodes),
            *(sensor.name for sensor in repository.sensor_defs),
            *(schedule.name for schedule in repository.schedule_defs),
            *(pool for node in graph.asset_nodes for pool in node.pools or ()),
        ]
        assert len(names) > 30
        assert [name for name in names if not name.startswith("team__one__")] == []

    def test_the_same_assets_are_there_as_without_one_and_tables_keep_their_names(self, made):
        plain, ours = (
            build_definitions(settings).resolve_asset_graph()
            for settings in (settings_of(made), _prefixed(made, ONE))
        )
        names = Names(("team", "one"))
        for key in plain.get_all_asset_keys():
            before, after = plain.get(key), ours.get(names.key(key.path[-1]))
            parents = {names.key(parent.path[-1]) for parent in before.parent_keys}
            assert after.parent_keys == parents, key
            assert after.partition_mappings.keys() == {
                names.key(parent.path[-1]) for parent in before.partition_mappings
            }
            named = "dagster/table_name"
            assert after.metadata.get(named) == before.metadata.get(named), key
        assert len(plain.get_all_asset_keys()) == len(ours.get_all_asset_keys())

    @pytest.mark.parametrize(
        "text",
        ["/", "a/", "/a", "a//b", "a__b", "_a", "a_", "1a", "a b", "a.b", "a\nb", "é", "a-b"],
    )
    def test_a_prefix_that_names_could_not_be_made_of_is_refused(self, text):
        with pytest.raises(ConfigError, match=f"^{KEY_PREFIX_VARIABLE}: .*team_a/agents"):
            load_settings({KEY_PREFIX_VARIABLE: text})

    def test_no_two_prefixes_make_one_name(self):
        names = {Names(p).of("x") for p in [("a", "b"), ("a_b",), ("a", "b", "x"), ()]}
        assert len(names) == 4


class TestBothInOneProject:
    def test_each_is_made_from_its_archive_into_its_warehouse(self, tmp_path, instance):
        one = Desk.with_sample(tmp_path / "one").starting(START)
        other = Desk.with_sample(tmp_path / "other").starting(START)
        add_turn(other.archive, f"{DAY}T22:00:00Z", "more")
        pair = _pair(one, other)
        asked = []
        for settings in pair.settings:
            ran, said = reconcile(settings, instance, pair.project)
            assert all(run.succeeded for run in ran), ran
            assert said.words == []
            asked.append({run.job for run in ran})
        assert asked == [
            {"team__one__materialize", "team__one__check"},
            {"team__other__materialize", "team__other__check"},
        ]
        rows = "SELECT COUNT(*) FROM usage_rows"
        assert one.rows(rows)[0][0] + 1 == other.rows(rows)[0][0]
        for desk in pair.desks:
            assert desk.materialize()["up_to_date"]
        self._history_is_of(instance)

    def _history_is_of(self, instance: dg.DagsterInstance) -> None:
        keys = set(instance.all_asset_keys())
        assert {tuple(key.path[:-1]) for key in keys} == {("team", "one"), ("team", "other")}
        for prefix in ("one", "other"):
            names = Names(("team", prefix))
            assert names.key("session_copies") in keys
            assert names.key("price_changes") in keys
            assert instance.fetch_observations(names.key("archive"), limit=1).records
            event = instance.get_latest_materialization_event(names.key("daily_usage"))
            lineage = event.asset_materialization.metadata["dagster/column_lineage"].value
            of = {dep.asset_key for deps in lineage.deps_by_column.values() for dep in deps}
            assert {tuple(key.path[:-1]) for key in of} == {names.prefix}

    def test_what_moved_is_asked_for_by_the_one_that_it_is_of(self, pair, instance):
        for settings in pair.settings:
            reconcile(settings, instance, pair.project)
        add_turn(pair.desks[0].archive, f"{DAY}T22:00:00Z", "more")
        ran, _ = reconcile(pair.settings[0], instance, pair.project)
        assert "usage_rows" in {name for run in ran for name in run.assets}
        assert evaluate(pair.settings[1], instance).requests == []

    def test_the_checks_asked_are_its_own(self, pair, instance):
        done = pair.project.resolve_job_def("team__one__check").execute_in_process(
            instance=instance
        )
        found = [e for e in done.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        prefixes = {tuple(e.event_specific_data.asset_key.path[:-1]) for e in found}
        assert done.success
        assert prefixes == {("team", "one")}


class TestRunsOfAnother:
    """Archives of the same identity and contents: what is asked for has the same digest."""

    def _grown(self, pair: Pair, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
        """What each asks for once it has seen the same turn."""
        found = []
        for desk, settings in zip(pair.desks, pair.settings, strict=True):
            add_turn(desk.archive, f"{DAY}T22:00:00Z", "more")
            [look] = evaluate(settings, instance).requests
            carry_out(pair.project, instance, look)
            [request] = evaluate(settings, instance).requests
            found.append(request)
        assert found[0].run_key == found[1].run_key
        return found

    def test_what_is_on_the_way_of_one_is_not_on_that_of_the_other(self, pair, instance):
        one, other = pair.settings
        [request, same] = self._grown(pair, instance)
        queue(pair.project, instance, request)
        assert evaluate(one, instance).requests == []
        found = evaluate(other, instance)
        assert [r.asset_selection for r in found.requests] == [same.asset_selection]
        assert not any("unfinished" in words for words in found.words)

    def test_what_failed_for_one_is_tried_by_the_other(self, pair, instance, monkeypatch):
        one, other = pair.settings
        self._grown(pair, instance)
        with monkeypatch.context() as broken:
            broken.setattr("agentsview_assets.rules.reports.daily_usage", _broken)
            ran, said = reconcile(one, instance, pair.project)
        assert [run.succeeded for run in ran if "daily_usage" in run.assets] == [False] * 3
        assert len(said.given_up) == 1
        ran, said = reconcile(other, instance, pair.project)
        assert all(run.succeeded for run in ran)
        assert said.given_up == []

    def test_a_run_that_the_project_makes_of_ours_is_seen(self, pair, instance):
        [request, _] = self._grown(pair, instance)
        theirs = dg.Definitions(
            jobs=[dg.define_asset_job("nightly", [*(request.asset_selection or ())])]
        )
        nightly = dg.RunRequest(
            job_name="nightly", asset_selection=request.asset_selection, tags=request.tags
        )
        queue(dg.Definitions.merge(pair.project, theirs), instance, nightly)
        found = evaluate(pair.settings[0], instance)
        assert found.requests == []
        assert "unfinished: nightly" in found.words


def _broken(*_: Any) -> None:
    raise ValueError("on purpose")


class TestTheCommand:
    def test_its_history_is_of_the_assets_with_the_prefix(self, made, tmp_path):
        desk = made.copied(tmp_path / "desk", with_history=False)
        add_turn(desk.archive, f"{DAY}T22:00:00Z", "more")
        desk = Desk(desk.folder, {**desk.settings, KEY_PREFIX_VARIABLE: ONE})
        summary = desk.materialize("--select", "+key:team/one/daily_usage")
        assert {"usage_rows", "daily_usage"} <= {*summary["assets"]} < {*CONTRACTS}
        with desk.history() as instance:
            keys = instance.all_asset_keys()
            assert {tuple(key.path[:-1]) for key in keys} == {("team", "one")}
            assert Names(("team", "one")).key("archive") in keys

    def test_a_request_is_handed_to_the_reconciler_of_the_prefix(self, made, tmp_path):
        desk = made.copied(tmp_path / "desk", with_history=False)
        other = Desk(desk.folder, {**desk.settings, KEY_PREFIX_VARIABLE: OTHER})
        with desk.history() as instance:
            beat(instance)
            turn_on(instance, "reconcile")
            refused = other.run("materialize", "--launch")
            assert refused.code == 1
            assert "nothing is made while `team__other__reconcile` is off" in refused.err
            turn_on(instance, "team__other__reconcile")
            handed = other.run("materialize", "--launch")
            assert "`team__other__reconcile` starts it" in handed.out
            assert asked_for(instance, UNPREFIXED) == []
            [asked] = asked_for(instance, Names(("team", "other")))
            [request] = evaluate(_prefixed(desk, OTHER), instance).requests
            assert request.job_name == "team__other__materialize"
            assert request.tags[REQUEST_TAG] == asked.key
