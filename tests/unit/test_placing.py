"""START_DATE and TITLES place and shape rows: a run with others than the warehouse's is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import ConfigError
from agentsview_assets.resources.warehouses.placing import Placing
from tests.support.machines import START, Machine, archive, everything

if TYPE_CHECKING:
    from pathlib import Path

DAY, OTHER = "2026-11-02", "2026-11-01"
OLD = "2026-10-01"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose archive has sessions before and after its start date."""
    place = archive(tmp_path / "data", "one", [("old", OLD), ("new", DAY)])
    return Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ({}, None),
        ({"start_date": DAY, "titles_setting": "full"}, None),
        ({"start_date": DAY}, None),
        ({"start_date": OTHER}, f"AGENTSVIEW_ASSETS_START_DATE={OTHER} (here: {DAY})"),
        ({"titles_setting": "labels"}, "AGENTSVIEW_ASSETS_TITLES=labels (here: full)"),
        (
            {"start_date": OTHER, "titles_setting": "labels"},
            f"START_DATE={OTHER} (here: {DAY}) and AGENTSVIEW_ASSETS_TITLES=labels (here: full)",
        ),
    ],
)
def test_others_than_recorded_are_named(recorded: dict[str, str], words: str | None) -> None:
    placing = Placing(DAY, "full")
    if words is None:
        placing.require_same(recorded)
        return
    with pytest.raises(ConfigError) as refused:
        placing.require_same(recorded)
    assert words in str(refused.value)


def test_a_report_has_no_titles_to_differ_in() -> None:
    Placing(DAY).require_same({"start_date": DAY, "titles_setting": "labels"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AGENTSVIEW_ASSETS_START_DATE", OTHER), ("AGENTSVIEW_ASSETS_TITLES", "labels")],
)
def test_commands_and_runs_of_dagster_change_nothing(
    machine: Machine, variable: str, value: str
) -> None:
    assert machine.run("materialize").code == 0
    before = everything(machine.warehouse)
    other = replace(machine, settings={variable: value})
    for refused in (
        other.run("materialize"),
        other.start(day=DAY),
        other.start("sessions", day=DAY),
    ):
        assert refused.code == 1
        assert f"{variable}=" in refused.err
        assert "--new-settings" in refused.err
    assert everything(machine.warehouse) == before
    assert machine.run("materialize", "--json").json["up_to_date"]


def test_a_report_is_not_placed_by_another_start_date(machine: Machine) -> None:
    assert machine.run("materialize").code == 0
    before = everything(machine.warehouse)
    other = replace(machine, settings={"AGENTSVIEW_ASSETS_START_DATE": OTHER})
    for report in ("daily_usage", "activity_buckets"):
        refused = other.start(report, day=OTHER)
        assert refused.code == 1
        assert f"AGENTSVIEW_ASSETS_START_DATE={START} (here: {OTHER})" in refused.err
    refused = other.run("reprice")
    assert "Nothing to do" in refused.out or "START_DATE" in refused.err
    assert everything(machine.warehouse) == before


def test_when_told_to_everything_is_placed_anew(machine: Machine, tmp_path: Path) -> None:
    assert machine.run("materialize").code == 0
    settings = {"AGENTSVIEW_ASSETS_START_DATE": OTHER, "AGENTSVIEW_ASSETS_TITLES": "labels"}
    other = replace(machine, settings=settings)
    assert other.run("materialize", "--new-settings").code == 0
    assert other.run("materialize", "--json").json["up_to_date"]
    fresh = replace(
        other, folder=tmp_path / "other", warehouse=f"duckdb:///{tmp_path}/fresh.duckdb"
    )
    assert fresh.run("materialize").code == 0
    made, expected = (everything(m.warehouse)["one"] for m in (other, fresh))
    assert [row.replace("warehouse.duckdb", "fresh.duckdb") for row in made] == expected
    assert machine.run("materialize").code == 1
