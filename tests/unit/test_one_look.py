"""Archives that cannot be read are one failed step, and bad rows keep one table back alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ContractError
from agentsview_assets.materializing import materialize
from agentsview_assets.planning import Request
from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.settings import load_settings
from tests.support.machines import Machine, archive
from tests.support.step_runs import carry_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = "2026-11-02"
DAILY = ("sessions", "usage_rows", "activity_intervals")
WHOLE = ("project_observations", "machines", "model_pricing")
LEDGER = "archive_sessions"
BELOW = {
    "sessions": {"session_summaries"},
    "usage_rows": {
        *("duplicates", "daily_usage", "activity_buckets", "session_model_usage"),
        *("session_summaries", "model_rates"),
    },
    "activity_intervals": {"activity_buckets"},
    "project_observations": {"project_identities"},
    "machines": set(),
    "model_pricing": {
        *("effective_pricing", "model_rates", "daily_usage", "activity_buckets"),
        *("session_model_usage", "session_summaries"),
    },
}
"""What is made of each observation, near or far."""
EVERYTHING = {*BELOW, *set().union(*BELOW.values())}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    place = archive(tmp_path / "data", "one", [("a", DAY)])
    return Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _a_folder(folder: Path) -> None:
    (folder / "sessions.db").unlink()
    (folder / "sessions.db").mkdir()


def _garbage(folder: Path) -> None:
    (folder / "sessions.db").write_bytes(b"no database " * 1000)


class TestAnArchiveThatCannotBeRead:
    @pytest.mark.parametrize("spoil", [_gone, _a_folder, _garbage])
    @pytest.mark.parametrize("assets", [(), ("usage_rows",)])
    def test_it_is_one_failed_step(self, machine, instance, spoil, assets):
        place = machine.archives[0]
        spoil(place)
        ran = carry_out(machine, instance, *assets, day=DAY)
        [message] = ran.failed.values()
        assert message.startswith(f"archive {place}")
        assert (ran.done, ran.made) == (frozenset(), frozenset())

    @pytest.mark.parametrize("assets", [DAILY, WHOLE, *((name,) for name in (*DAILY, *WHOLE))])
    def test_it_is_one_of_any_choice_of_tables_of_a_kind(self, machine, instance, assets):
        _gone(machine.archives[0])
        ran = carry_out(machine, instance, *assets, day=None if assets[0] in WHOLE else DAY)
        [step] = ran.failed
        assert step.endswith(".look_at_archives")
        assert ran.made == frozenset()

    def test_all_is_made_from_failure_once_it_is_there_again(self, machine, instance):
        place = machine.archives[0]
        away = place.rename(place.with_name("away"))
        failed = carry_out(machine, instance, day=DAY)
        away.rename(place)
        again = carry_out(machine, instance, day=DAY, again=failed.run_id)
        assert again.failed == {}
        assert again.made >= EVERYTHING


class TestTheLedger:
    def test_a_look_makes_no_day_look_out_of_date(self, machine, instance):
        assert carry_out(machine, instance, "usage_rows", day=DAY).failed == {}
        assert _is_fresh(machine, instance, "usage_rows")
        assert carry_out(machine, instance, LEDGER).made == {LEDGER}
        assert _is_fresh(machine, instance, "usage_rows")

    def test_what_is_fresh_after_the_command_is_so_after_a_look(self, machine, instance):
        settings = load_settings(machine.environ)
        materialize(settings, Request(), lambda _: None, 0.0, instance)
        assert carry_out(machine, instance, LEDGER).failed == {}
        for name in (*DAILY, *WHOLE):
            assert _is_fresh(machine, instance, name), name


class TestATable:
    @pytest.mark.parametrize("name", [*DAILY, *WHOLE])
    def test_it_can_be_made_alone(self, machine, instance, name):
        ran = carry_out(machine, instance, name, day=None if name in WHOLE else DAY)
        assert ran.failed == {}
        assert ran.made == {name, LEDGER}  # a look says that it has written the ledger

    @pytest.mark.parametrize("name", [*DAILY, *WHOLE])
    def test_bad_rows_of_it_keep_back_nothing_but_what_is_made_of_it(
        self, machine, instance, monkeypatch, name
    ):
        monkeypatch.setattr(TableContract, "validate", _refusing(name))
        ran = carry_out(machine, instance, day=DAY, checks=False)
        assert [*ran.failed.values()] == [f"{name}: bad rows"]
        assert ran.made & EVERYTHING == EVERYTHING - {name} - BELOW[name]
        monkeypatch.undo()
        again = carry_out(machine, instance, day=DAY, checks=False, again=ran.run_id)
        assert again.failed == {}
        assert again.made & EVERYTHING == {name} | BELOW[name]

    def test_where_checks_hold_up_what_follows_the_other_observations_are_made(
        self, machine, instance, monkeypatch
    ):
        monkeypatch.setattr(TableContract, "validate", _refusing("sessions"))
        ran = carry_out(machine, instance, day=DAY)
        assert [*ran.failed.values()] == ["sessions: bad rows"]
        assert ran.made & {*BELOW} == {*BELOW} - {"sessions"}


def _is_fresh(machine: Machine, instance: dg.DagsterInstance, name: str) -> bool:
    """Whether the UI shows an observation, of the day if it has days, as up to date."""
    graph = build_definitions(load_settings(machine.environ)).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    day = None if name in WHOLE else DAY
    return resolver.get_status(dg.AssetKey(name), day) is StaleStatus.FRESH


def _refusing(name: str) -> Any:
    """A contract's `validate` that finds bad rows in one table."""
    validate = TableContract.validate

    def refuse(contract: TableContract, *frame: Any, **more: Any) -> Any:
        if contract.name == name:
            raise ContractError(f"{name}: bad rows")
        return validate(contract, *frame, **more)

    return refuse
