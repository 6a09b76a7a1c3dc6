"""What the user can mend, as a run of Dagster shows it: the message, and no stack."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from unittest import mock

import dagster as dg
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.connections import build_resources
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.rules.versions import rules
from agentsview_assets.settings import load_settings
from tests.support.machines import QUIET, Machine, archive

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-02"
LOOK = "daily_observations.look_at_archives"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    place = archive(tmp_path / "data", "one", [("a", DAY)])
    return Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))


def failures(machine: Machine, *assets: str) -> dict[str, dg.StepExecutionFailure]:
    """The steps that fail when assets of a day are made as a worker of Dagster's makes them."""
    with mock.patch.dict(os.environ, machine.environ):
        settings = load_settings()
        definitions = build_definitions(settings)
        result = dg.materialize(
            [*(definitions.assets or ()), *(definitions.asset_checks or ())],
            selection=[*assets],
            partition_key=DAY,
            resources=build_resources(settings),
            instance=dg.DagsterInstance.ephemeral(),
            run_config=QUIET,
            raise_on_error=False,
        )
    assert not result.success
    return {
        event.step_key: event.step_failure_data
        for event in result.all_events
        if event.is_step_failure
    }


def require_words(failure: dg.StepExecutionFailure, *words: str) -> None:
    """A person sees the message first, and nothing of how it came about."""
    assert failure.user_failure_data is not None
    said = failure.user_failure_data.description
    assert said is not None
    for word in words:
        assert word in said
    assert failure.error is not None
    assert failure.error.cause is None
    assert failure.error.context is None
    assert said in failure.error.message.splitlines()[0]


def test_an_archive_that_is_gone_is_named(machine: Machine) -> None:
    shutil.rmtree(machine.archives[0])
    found = failures(machine, "usage_rows")
    assert found.keys() == {LOOK}
    require_words(found[LOOK], str(machine.archives[0]), "no such")


def test_a_table_of_newer_rules_is_left_with_words(machine: Machine) -> None:
    assert machine.run("materialize").code == 0
    with open_store(machine.warehouse) as store:
        store.record_rules({"rules_generation": str(rules().generation + 1)})
    for asset, step in (("sessions", LOOK), ("daily_usage", "daily_usage")):
        found = failures(machine, asset)
        require_words(found[step], "a newer release", "upgrade this one")


def test_prices_that_were_never_read_are_asked_for(machine: Machine) -> None:
    assert machine.start("usage_rows", "sessions", day=DAY).code == 0
    found = failures(machine, "daily_usage")
    require_words(found["daily_usage"], "model_pricing: not materialised", "together")


def test_nothing_is_made_of_rows_that_count_twice(machine: Machine) -> None:
    assert machine.run("materialize").code == 0
    with open_store(machine.warehouse) as store, store.transaction():  # type: ignore[attr-defined]
        copy = "UPDATE usage_rows SET dedup_key = 'claude:m:r'"
        store.execute(copy)  # type: ignore[attr-defined]
    found = failures(machine, "daily_usage")
    require_words(found["daily_usage"], "count twice", "not exactly one row counts")
    refused = machine.run("materialize")
    assert refused.code == 1
    assert "duplicates, duplicates_removed" in refused.err
