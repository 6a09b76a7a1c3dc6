"""No write loses rows of an archive that the run does not hold, whoever starts it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.history import prepare_home
from agentsview_assets.resources.store import Archive, Origin, Partition, Selection
from agentsview_assets.resources.warehouses import open_store
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms.rates import model_rates
from tests.support.contract_rows import frame
from tests.support.machines import Machine, archive, everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import Database

ONES = [("a", "2026-11-01"), ("b", "2026-11-02"), ("c", "2026-11-05")]
OTHERS = [("x", "2026-11-02"), ("y", "2026-11-03")]
DAY = "2026-11-02"
WAY_OUT = "--forget"
KINDS = ("duckdb", "sqlite", "postgresql")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Dagster home for all runs: making one costs seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        yield str(prepare_home(tmp_path_factory.mktemp("history")))


def pair(tmp_path: Path, warehouse: str, home: str) -> tuple[Machine, Machine]:
    """Two machines with an archive each; the first one's is in the warehouse."""
    machines = []
    for name, sessions in (("one", ONES), ("other", OTHERS)):
        folder = archive(tmp_path / name / "archive", f"{name}-id", sessions)
        machines.append(Machine(tmp_path / name, warehouse, (folder,), {"DAGSTER_HOME": home}))
    one, other = machines
    assert one.run("materialize").code == 0
    if not warehouse.startswith("postgresql"):
        one.lose_state()  # which lies beside a file, where the other machine would find it
    return one, other


def assert_refused(message: str) -> None:
    """The message names the archive, says what would happen, and the way out."""
    assert "one-id" in message
    assert "would lose them" in message
    assert WAY_OUT in message
    assert "KeyError" not in message


class TestAnotherMachine:
    """A machine with another archive starts a run on the warehouse."""

    def test_a_day_made_by_dagster_leaves_the_others_rows(
        self, tmp_path: Path, database: Database, home: str
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = everything(one.warehouse)
        assert set(before) == {"one-id"}
        done = other.start(day=DAY)
        assert_refused(done.err)
        assert everything(one.warehouse) == before

    @pytest.mark.hostile
    def test_the_machine_whose_rows_they_are_goes_on_as_before(
        self, tmp_path: Path, database: Database, home: str
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = everything(one.warehouse)
        assert other.run("materialize").code == 1
        assert one.run("materialize", "--json").json["up_to_date"]
        assert one.start(day=DAY).err == ""
        assert one.run("materialize", "--force").code == 0
        assert everything(one.warehouse).keys() == before.keys()

    @pytest.mark.hostile
    @pytest.mark.parametrize("kind", KINDS)
    def test_whatever_starts_a_run_and_whatever_it_makes(
        self, kind: str, tmp_path: Path, warehouse_url: Callable[[str], str], home: str
    ) -> None:
        one, other = pair(tmp_path, warehouse_url(kind), home)
        before = everything(one.warehouse)
        rng = random.Random(kind)
        observations = ("sessions", "usage_rows", "activity_intervals")
        reports = ("daily_usage", "activity_buckets", "session_model_usage", "session_summaries")
        choices: list[tuple[str, ...]] = [(name,) for name in (*observations, *reports)]
        choices += [tuple(rng.sample(observations, 2)), tuple(rng.sample(reports, 2))]
        for chosen in choices:
            day = rng.choice([DAY, "2026-11-04", "2026-10-29"])
            assert_refused(other.start(*chosen, day=day).err)
            assert everything(one.warehouse) == before, chosen
        for name in ("model_pricing", "machines", "project_observations"):
            assert_refused(other.start(name).err)
            assert everything(one.warehouse) == before, name
        for name in ("effective_pricing", "model_rates", "project_identities"):
            assert other.start(name).err == ""  # made from the warehouse's own rows
            assert everything(one.warehouse) == before, name
        for command in (("materialize",), ("materialize", "--force"), ("reprice",)):
            done = other.run(*command)
            assert done.code == 1, command
            assert everything(one.warehouse) == before, command
        assert everything(one.warehouse) == before

    @pytest.mark.hostile
    def test_with_the_command_line_of_dagster(
        self, tmp_path: Path, database: Database, home: str
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = everything(one.warehouse)
        done = other.dagster("*", DAY)
        assert done.returncode != 0
        assert_refused(done.stdout + done.stderr)
        assert everything(one.warehouse) == before

    @pytest.mark.hostile
    def test_a_further_warehouse_is_looked_at_as_well(
        self, tmp_path: Path, database: Database, home: str
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = everything(one.warehouse)
        own = f"duckdb:///{tmp_path}/own.duckdb"
        both = Machine(other.folder, f"{own} {one.warehouse}", other.archives, other.settings)
        for started in (both.start(day=DAY).err, both.run("materialize").err):
            assert_refused(started)
            assert everything(one.warehouse) == before
        # What is made from the first warehouse's rows must not be all that the second one has.
        assert (
            Machine(other.folder, own, other.archives, other.settings).run("materialize").code == 0
        )
        for name in ("effective_pricing", "model_rates", "project_identities"):
            assert_refused(both.start(name).err)
            assert everything(one.warehouse) == before, name


@pytest.mark.hostile
class TestALostState:
    """The state folder of a warehouse is deleted, and not every archive can be read."""

    def test_a_day_made_without_one_of_two_archives_loses_nothing(
        self, tmp_path: Path, home: str
    ) -> None:
        one = archive(tmp_path / "one", "one-id", ONES)
        other = archive(tmp_path / "other", "other-id", OTHERS)
        machine = Machine(
            tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (one, other),
            {"DAGSTER_HOME": home},
        )  # fmt: skip
        assert machine.run("materialize").code == 0
        before = everything(machine.warehouse)
        machine.lose_state()
        one.rename(tmp_path / "unmounted")
        done = machine.start(day=DAY)
        assert_refused(done.err)
        assert everything(machine.warehouse) == before
        (tmp_path / "unmounted").rename(one)
        assert machine.start(day=DAY).err == ""
        assert everything(machine.warehouse).keys() == before.keys()

    def test_an_archive_that_cannot_be_read_is_kept_while_the_state_is_there(
        self, tmp_path: Path, home: str
    ) -> None:
        one = archive(tmp_path / "one", "one-id", ONES)
        other = archive(tmp_path / "other", "other-id", OTHERS)
        url = f"duckdb:///{tmp_path}/warehouse.duckdb"
        machine = Machine(tmp_path, url, (one, other), {"DAGSTER_HOME": home})
        assert machine.run("materialize").code == 0
        before = everything(url)
        one.rename(tmp_path / "unmounted")
        assert machine.start(day=DAY).err == ""
        assert everything(url)["one-id"] == before["one-id"]
        assert machine.run("materialize").code == 0
        assert everything(url)["one-id"] == before["one-id"]


class TestTheWrite:
    """The last look is in the transaction that writes: others may have written after the first."""

    def test_whoever_comes_second_writes_nothing(self, warehouse: str) -> None:
        sessions, days = CONTRACTS["sessions"], ["2026-07-01", "2026-07-02"]
        prices = CONTRACTS["model_pricing"]

        def write(table: str, archive_id: str, day: str | None) -> None:
            contract = CONTRACTS[table]
            origin = Origin(frozenset({archive_id}), [Archive(archive_id, "", 1, "/same/path")])
            rows = frame(contract, 2, day, archive_id=archive_id) if day else frame(
                contract, 2, archive_id=archive_id)  # fmt: skip
            with open_store(warehouse) as store:
                noted = [Partition(day or "", 2, "v", "", "run")]
                store.replace(contract, [rows], [day] if day else None, noted, origin=origin)

        write(sessions.name, "one-id", days[0])
        before = everything(warehouse)
        for table, day in ((sessions.name, days[0]), (sessions.name, days[1]), (prices.name, None)):
            with pytest.raises(WarehouseError, match=r"/same/path \(one-id\).*--forget ID"):
                write(table, "other-id", day)
            assert everything(warehouse) == before
        write(sessions.name, "one-id", days[1])
        write(prices.name, "one-id", None)

    def test_rows_that_nobody_noted_are_seen_as_well(self, warehouse: str) -> None:
        contract = CONTRACTS["usage_rows"]
        day = "2026-07-01"
        with open_store(warehouse) as store:
            rows = frame(contract, 2, day, archive_id="one-id")
            store.replace(contract, [rows], [day], [Partition(day, 2, "v", "", "run")])
        before = everything(warehouse)
        for days, owns_earlier in (([day], False), (["2026-07-02"], True)):
            with open_store(warehouse) as store, pytest.raises(WarehouseError, match="one-id"):
                store.replace(
                    contract, [], days, [], owns_earlier=owns_earlier,
                    origin=Origin(frozenset({"other-id"})),
                )  # fmt: skip
            assert everything(warehouse) == before


def test_usage_without_prices_is_told_in_words() -> None:
    with pytest.raises(WarehouseError, match=r"no prices of archive one-id.*--forget"):
        model_rates([("one-id", "m", 3)], {})


RACER = """
import sys, time
from pathlib import Path
from tests.support.machines import Machine
name, url, wait = sys.argv[2], sys.argv[3], float(sys.argv[4])
folder = Path(sys.argv[1])
time.sleep(wait)
done = Machine(folder, url, (folder / "archive",)).run("materialize")
print(done.err[-2000:])
sys.exit(done.code)
"""


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(4))
def test_two_machines_begin_at_once_with_an_empty_schema(
    seed: int, tmp_path: Path, database: Database
) -> None:
    """One of them has its rows there, whole; the other one is told, and has none."""
    rng = random.Random(seed)
    url = database.url()
    racers = {}
    for name, sessions in (("one", ONES), ("other", OTHERS)):
        archive(tmp_path / name / "archive", f"{name}-id", sessions)
        racers[name] = subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / name), name, url, f"{rng.random():.3f}"],
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path / name / "data")},
            stdout=subprocess.PIPE,
            text=True,
        )
    ended = {name: (racer.communicate()[0], racer.returncode) for name, racer in racers.items()}
    codes = [code for _, code in ended.values()]
    assert sorted(codes) == [0, 1], ended
    winner = next(name for name, (_, code) in ended.items() if code == 0)
    loser = next(name for name, (_, code) in ended.items() if code == 1)
    assert f"{winner}-id" in ended[loser][0]
    assert WAY_OUT in ended[loser][0]
    found = everything(url)
    assert set(found) == {f"{winner}-id"}
    alone = Machine(
        tmp_path / "alone", f"duckdb:///{tmp_path}/alone.duckdb",
        (tmp_path / winner / "archive",),
    )  # fmt: skip
    assert alone.run("materialize").code == 0
    assert len(everything(alone.warehouse)[f"{winner}-id"]) == len(found[f"{winner}-id"])


def test_forgetting_what_is_not_there_is_an_error_before_anything_is_made(tmp_path: Path) -> None:
    one = archive(tmp_path / "one", "one-id", ONES)
    machine = Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (one,))
    for wrong, words in (("typo", "no such archive"), ("one-id", "read by this very run")):
        done = machine.run("materialize", "--forget", wrong)
        assert (done.code, "Traceback" in done.err) == (2, False)
        assert f"--forget {wrong}" in done.err
        assert words in done.err
        assert not (tmp_path / "warehouse.duckdb").exists()


@pytest.mark.hostile
class TestForgetting:
    """`--forget` does what it says, once, and says what it has not done."""

    @pytest.fixture
    def machine(self, tmp_path: Path, home: str) -> Machine:
        one = archive(tmp_path / "one", "one-id", ONES)
        other = archive(tmp_path / "other", "other-id", OTHERS)
        url = f"duckdb:///{tmp_path}/warehouse.duckdb"
        machine = Machine(tmp_path, url, (one, other), {"DAGSTER_HOME": home})
        assert machine.run("materialize").code == 0
        return machine

    def test_an_id_that_is_not_there_and_one_that_is_read(self, machine: Machine) -> None:
        before = everything(machine.warehouse)
        alone = Machine(machine.folder, machine.warehouse, machine.archives[1:], machine.settings)
        done = alone.run("materialize", "--forget", "one-idd")
        assert (done.code, "Traceback" in done.err) == (2, False)
        assert "--forget one-idd: there is no such archive" in done.err
        assert "one-id" in done.err.split("there are ")[1]
        done = alone.run("materialize", "--forget", "other-id")
        assert done.code == 2
        assert "read by this very run" in done.err
        assert everything(machine.warehouse) == before

    def test_one_that_is_cut_short_is_finished_by_the_next_run(self, machine: Machine) -> None:
        whole = everything(machine.warehouse)
        alone = Machine(machine.folder, machine.warehouse, machine.archives[1:], machine.settings)
        done = alone.run("materialize", "--forget", "one-id", "--until", "2026-11-02")
        assert done.code == 0
        assert "one-id" in done.err.split("note: rows of archive ")[1]
        found = everything(machine.warehouse)
        assert 0 < len(found["one-id"]) < len(whole["one-id"])
        assert "one-id: given up" in alone.run("status").out
        done = alone.run("materialize")
        assert "note: archive one-id is forgotten" in done.err
        assert set(everything(machine.warehouse)) == {"other-id"}
        assert "one-id" not in alone.run("status").out
        # It was given up once: should it come back, it is an archive like any other.
        assert machine.run("materialize").code == 0
        assert everything(machine.warehouse).keys() == whole.keys()

    def test_an_archive_whose_sessions_are_all_deleted_is_no_loss(self, machine: Machine) -> None:
        archive(machine.archives[0], "one-id", [])
        assert machine.run("materialize").code == 0
        assert not [row for row in everything(machine.warehouse)["one-id"] if " sessions " in row]
        assert machine.run("materialize", "--json").json["up_to_date"]

    def test_histories_stay(self, machine: Machine) -> None:
        alone = Machine(machine.folder, machine.warehouse, machine.archives[1:], machine.settings)
        with open_store(machine.warehouse) as store:
            before = store.read(CONTRACTS["price_changes"], Selection()).num_rows
        assert alone.run("materialize", "--forget", "one-id").code == 0
        with open_store(machine.warehouse) as store:
            assert store.read(CONTRACTS["price_changes"], Selection()).num_rows == before
