"""No write loses rows of an archive that the run does not hold, whoever starts it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.store import Partition, Selection, Slices
from agentsview_assets.rules.rates import model_rates
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import frame
from tests.support.machines import Machine, archive, everything
from tests.support.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.machines import Rows
    from tests.support.postgres import Database

ONES = [("a", "2026-11-01"), ("b", "2026-11-02"), ("c", "2026-11-05")]
OTHERS = [("x", "2026-11-02"), ("y", "2026-11-03")]
DAY = "2026-11-02"
KINDS = ("duckdb", "sqlite", "postgresql")
Records = dict[tuple[str, str, str], tuple[str, str]]


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


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, home: str) -> Staged[Machine]:
    def made(folder: Path) -> Machine:
        one = archive(folder / "one", "one-id", ONES)
        other = archive(folder / "other", "other-id", OTHERS)
        url = f"duckdb:///{folder}/warehouse.duckdb"
        machine = Machine(folder, url, (one, other), {"DAGSTER_HOME": home})
        assert machine.run("materialize").code == 0
        return machine

    return Staged(tmp_path_factory.mktemp("staged"), made)


@pytest.fixture
def machine(staged: Staged[Machine]) -> Machine:
    """A machine with two archives, both of which are in the warehouse."""
    return staged.anew()


def moved(machine: Machine, warehouse: str) -> Machine:
    """The same machine with another warehouse."""
    return Machine(machine.folder, warehouse, machine.archives, machine.settings)


def rows_at(warehouse: str) -> Rows:
    """Every row of one warehouse, without its URL: comparable with another one's."""
    return {
        archive_id: sorted(row.removeprefix(f"{warehouse} ") for row in rows)
        for archive_id, rows in everything(warehouse).items()
    }


def records_of(warehouse: str, archive_id: str) -> Records:
    """What is recorded of the slices of an archive."""
    with open_store(warehouse) as store:
        return {
            (table, *place): versions
            for table, slices in store.all_partitions().items()
            for place, versions in slices.items()
            if place[0] == archive_id
        }


def made_alone(machine: Machine, warehouse: str) -> list[str]:
    """The rows that a machine makes of its archive in a warehouse of its own."""
    own = moved(machine, warehouse)
    assert own.run("materialize").code == 0
    [rows] = rows_at(warehouse).values()
    return rows


class TestAnotherMachine:
    """A machine with another archive starts a run on the warehouse."""

    def test_a_day_made_by_dagster_leaves_the_others_rows(
        self,
        tmp_path: Path,
        database: Database,
        further_url: Callable[[str, str], str],
        home: str,
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before, records = rows_at(one.warehouse), records_of(one.warehouse, "one-id")
        assert set(before) == {"one-id"}
        assert other.start(day=DAY).err == ""
        alone = moved(other, further_url("postgresql", "alone"))
        assert alone.start(day=DAY).err == ""
        [others] = rows_at(alone.warehouse).values()
        assert any(row.startswith("usage_rows ") for row in others)
        assert rows_at(one.warehouse) == {**before, "other-id": others}
        assert records_of(one.warehouse, "one-id") == records

    @pytest.mark.hostile
    def test_the_machine_whose_rows_they_are_goes_on_as_before(
        self,
        tmp_path: Path,
        database: Database,
        further_url: Callable[[str, str], str],
        home: str,
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = rows_at(one.warehouse)
        assert other.run("materialize").code == 0
        both = {**before, "other-id": made_alone(other, further_url("postgresql", "alone"))}
        assert rows_at(one.warehouse) == both
        for machine in (one, other):
            assert machine.run("materialize", "--json").json["up_to_date"]
        assert one.start(day=DAY).err == ""
        assert rows_at(one.warehouse) == both
        assert one.run("materialize", "--force").code == 0
        assert rows_at(one.warehouse) == both
        assert other.run("materialize", "--json").json["up_to_date"]

    @pytest.mark.hostile
    @pytest.mark.parametrize("kind", KINDS)
    def test_whatever_starts_a_run_and_whatever_it_makes(
        self,
        kind: str,
        tmp_path: Path,
        warehouse_url: Callable[[str], str],
        further_url: Callable[[str, str], str],
        home: str,
    ) -> None:
        one, other = pair(tmp_path, warehouse_url(kind), home)
        before, records = rows_at(one.warehouse), records_of(one.warehouse, "one-id")
        alone = made_alone(other, further_url(kind, "alone"))

        def assert_kept(*what: object) -> None:
            found = rows_at(one.warehouse)
            assert found["one-id"] == before["one-id"], what
            assert set(found) <= {"one-id", "other-id"}, what
            assert records_of(one.warehouse, "one-id") == records, what

        rng = random.Random(kind)
        observations = ("sessions", "usage_rows", "activity_intervals")
        reports = ("daily_usage", "activity_buckets", "session_model_usage", "session_summaries")
        read = ("model_pricing", "machines", "project_observations")
        # Made from the warehouse's own rows: rates of the models that are in it by then.
        derived = ("effective_pricing", "model_rates", "project_identities")

        def start(*chosen: str, day: str | None = None) -> None:
            assert other.start(*chosen, day=day).err == "", chosen
            assert_kept(chosen, day)

        def some_day() -> str:
            return rng.choice([DAY, "2026-11-04", "2026-10-29"])

        for name in read:
            start(name)
        for chosen in (*((name,) for name in observations), tuple(rng.sample(observations, 2))):
            start(*chosen, day=some_day())
        for name in derived:
            start(name)
        for chosen in (*((name,) for name in reports), tuple(rng.sample(reports, 2))):
            start(*chosen, day=some_day())
        for command in (("materialize",), ("materialize", "--force"), ("reprice",)):
            assert other.run(*command).code == 0, command
            assert_kept(command)
            assert rows_at(one.warehouse)["other-id"] == alone, command
        assert one.run("materialize", "--json").json["up_to_date"]
        assert rows_at(one.warehouse) == {**before, "other-id": alone}

    @pytest.mark.hostile
    def test_with_the_command_line_of_dagster(
        self,
        tmp_path: Path,
        database: Database,
        further_url: Callable[[str, str], str],
        home: str,
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before = rows_at(one.warehouse)
        done = other.dagster("*", DAY)
        assert done.returncode == 0, done.stdout + done.stderr
        alone = moved(other, further_url("postgresql", "alone"))
        assert alone.start(day=DAY).err == ""
        assert rows_at(one.warehouse) == {**before, **rows_at(alone.warehouse)}
        assert set(rows_at(one.warehouse)) == {"one-id", "other-id"}

    @pytest.mark.hostile
    def test_a_further_warehouse_is_looked_at_as_well(
        self,
        tmp_path: Path,
        database: Database,
        further_url: Callable[[str, str], str],
        home: str,
    ) -> None:
        one, other = pair(tmp_path, database.url(), home)
        before, records = rows_at(one.warehouse), records_of(one.warehouse, "one-id")
        alone = {
            kind: made_alone(other, further_url(kind, "alone")) for kind in ("duckdb", "postgresql")
        }
        own = further_url("duckdb", "own")
        both = moved(other, f"{own} {one.warehouse}")
        assert both.start(day=DAY).err == ""
        assert rows_at(one.warehouse)["one-id"] == before["one-id"]
        assert both.run("materialize").code == 0
        # What is made from the first warehouse's rows must not be all that the second one has.
        for name in (None, "effective_pricing", "model_rates", "project_identities"):
            if name:
                assert both.start(name).err == "", name
            assert rows_at(own) == {"other-id": alone["duckdb"]}, name
            assert rows_at(one.warehouse) == {**before, "other-id": alone["postgresql"]}, name
            assert records_of(one.warehouse, "one-id") == records, name


@pytest.mark.hostile
class TestALostState:
    """The state folder of a warehouse is deleted, and not every archive can be read."""

    def test_a_day_made_without_one_of_two_archives_loses_nothing(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        one, before = machine.archives[0], everything(machine.warehouse)
        records = records_of(machine.warehouse, "one-id")
        machine.lose_state()
        one.rename(tmp_path / "unmounted")
        assert machine.start(day=DAY).err == ""
        assert everything(machine.warehouse) == before
        assert machine.run("materialize", "--force").code == 0
        assert everything(machine.warehouse) == before
        assert records_of(machine.warehouse, "one-id") == records
        (tmp_path / "unmounted").rename(one)
        assert machine.run("materialize", "--json").json["up_to_date"]
        assert machine.start(day=DAY).err == ""
        assert everything(machine.warehouse) == before

    def test_an_archive_that_cannot_be_read_is_kept_while_the_state_is_there(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        before = everything(machine.warehouse)
        machine.archives[0].rename(tmp_path / "unmounted")
        assert machine.start(day=DAY).err == ""
        assert everything(machine.warehouse) == before
        assert machine.run("materialize").code == 0
        assert everything(machine.warehouse) == before


class TestTheWrite:
    """A write names the archives that its rows are of: whoever comes second touches no others."""

    def test_whoever_comes_second_leaves_what_is_there(self, warehouse: str) -> None:
        sessions, days = CONTRACTS["sessions"], ["2026-07-01", "2026-07-02"]
        prices = CONTRACTS["model_pricing"]

        def write(table: str, archive_id: str, day: str | None, size: int = 2) -> None:
            contract = CONTRACTS[table]
            rows = frame(contract, size, day or days[0], archive_id=archive_id)
            made = [Partition(archive_id, day or "", size, f"v-{archive_id}", "", "run")]
            with open_store(warehouse) as store:
                slices = Slices((archive_id,), [day] if day else None)
                store.replace(contract, [rows] if size else [], slices, made)

        write(sessions.name, "one-id", days[0])
        write(prices.name, "one-id", None)
        before, records = everything(warehouse), records_of(warehouse, "one-id")
        assert (len(before["one-id"]), len(records)) == (4, 2)
        written = 0
        for table, day in ((sessions.name, days[0]), (sessions.name, days[1]), (prices.name, None)):
            write(table, "other-id", day)
            written += 2
            found = everything(warehouse)
            assert found["one-id"] == before["one-id"]
            assert len(found["other-id"]) == written
            assert records_of(warehouse, "one-id") == records
        for table, day in ((sessions.name, days[0]), (sessions.name, days[1]), (prices.name, None)):
            write(table, "other-id", day, size=0)
        assert everything(warehouse) == before
        assert records_of(warehouse, "one-id") == records
        assert len(records_of(warehouse, "other-id")) == 3

    def test_rows_that_nobody_recorded_are_kept_as_well(self, warehouse: str) -> None:
        contract = CONTRACTS["usage_rows"]
        day = "2026-07-01"
        with open_store(warehouse) as store:
            rows = frame(contract, 2, day, archive_id="one-id")
            store.replace(contract, [rows], Slices(("one-id",), [day]), [])
        before = everything(warehouse)
        assert len(before["one-id"]) == 2
        for days, owns_earlier in (([day], False), (["2026-07-02"], True), (None, False)):
            with open_store(warehouse) as store:
                store.replace(contract, [], Slices(("other-id",), days, owns_earlier), [])
            assert everything(warehouse) == before


def test_usage_without_prices_is_told_in_words() -> None:
    with pytest.raises(ContractError, match=r"no prices of archive one-id.*--forget"):
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
    seed: int, tmp_path: Path, database: Database, further_url: Callable[[str, str], str]
) -> None:
    """Both have their rows there, whole."""
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
    assert [code for _, code in ended.values()] == [0, 0], ended
    found = rows_at(url)
    assert set(found) == {"one-id", "other-id"}
    for name in racers:
        machine = Machine(tmp_path / name, url, (tmp_path / name / "archive",))
        alone = made_alone(machine, further_url("postgresql", name))
        assert found[f"{name}-id"] == alone
        assert machine.run("materialize", "--json").json["up_to_date"]


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

    def test_its_rows_and_records_go_at_once_whatever_else_the_run_makes(
        self, machine: Machine
    ) -> None:
        whole = everything(machine.warehouse)
        records = records_of(machine.warehouse, "other-id")
        alone = Machine(machine.folder, machine.warehouse, machine.archives[1:], machine.settings)
        done = alone.run("materialize", "--forget", "one-id", "--until", "2026-11-02")
        assert done.code == 0
        assert "note: archive one-id is forgotten; no rows of it are left" in done.err
        assert everything(machine.warehouse) == {"other-id": whole["other-id"]}
        assert records_of(machine.warehouse, "one-id") == {}
        assert records_of(machine.warehouse, "other-id") == records
        with open_store(machine.warehouse) as store:
            assert store.expected(["one-id"]) == []
            assert [held.archive_id for held in store.archives()] == ["other-id"]
        assert "one-id" not in alone.run("status").out
        done = alone.run("materialize", "--json")
        assert done.json["up_to_date"]
        assert "one-id" not in done.err
        # It was given up once: should it come back, it is an archive like any other.
        assert machine.run("materialize").code == 0
        assert everything(machine.warehouse) == whole

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
