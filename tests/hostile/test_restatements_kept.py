"""A restatement that was carried out stays in the record, and no other is ever in it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.duckdb.store import DuckDBStore
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.store import Addition, Partition, Selection, Slices
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import ARCHIVE, frame
from tests.support.further import further
from tests.support.machines import Machine, archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "claude-opus-4-6"
SESSIONS = [("a", "2026-11-01"), ("b", "2026-11-02")]
DAILY, RESTATED = CONTRACTS["daily_usage"], CONTRACTS["restatements"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Dagster home for all runs: making one costs seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        yield str(prepare_home(tmp_path_factory.mktemp("history")))


class Priced(Machine):
    """A machine whose owner changes prices."""

    def price(self, dollars: float) -> None:
        """Sets the price of the model."""
        text = f"[custom_model_pricing.{MODEL}]\ninput = {dollars}\noutput = 0.0\n"
        (self.archives[0] / "config.toml").write_text(text)

    def record(self) -> set[tuple[Any, ...]]:
        """The restatements."""
        columns = "partition_date, restated_at, reason, old_cost_usd, new_cost_usd"
        with open_reader(self.warehouse) as reader:
            return set(reader.rows(f"SELECT {columns} FROM restatements"))

    def costs(self) -> dict[str, float]:
        """What each day costs now."""
        with open_reader(self.warehouse) as reader:
            found = reader.rows(
                "SELECT CAST(partition_date AS VARCHAR(10)), SUM(cost_usd) FROM daily_usage "
                "GROUP BY 1"
            )
        return {day: round(cost, 9) for day, cost in found}

    def trash(self, *, deleted: bool) -> None:
        """Moves a session to the trash, or back from it."""
        import sqlite3  # noqa: PLC0415
        from contextlib import closing  # noqa: PLC0415

        with closing(sqlite3.connect(self.archives[0] / "sessions.db")) as database, database:
            when = "'2026-11-20T00:00:00Z'" if deleted else "NULL"
            database.execute(
                f"UPDATE sessions SET deleted_at = {when}, "
                f"local_modified_at = local_modified_at || 'x' WHERE id = 'a'"
            )


@pytest.fixture
def machine(tmp_path: Path, home: str) -> Priced:
    """A machine whose sessions are priced at one dollar."""
    folder = archive(tmp_path / "archive", "one-id", SESSIONS)
    url = f"duckdb:///{tmp_path}/warehouse.duckdb"
    machine = Priced(tmp_path, url, (folder,), {"DAGSTER_HOME": home})
    machine.price(1)
    assert machine.run("materialize").code == 0
    return machine


@pytest.mark.hostile
def test_what_was_carried_out_stays_when_the_old_price_comes_back_unseen(machine: Priced) -> None:
    """The session is in the trash while the price is corrected, so that no day moves then."""
    machine.price(2)
    assert machine.run("reprice").code == 0
    carried_out = machine.record()
    assert {(round(old, 9), round(new, 9)) for *_, old, new in carried_out} == {(0.002, 0.004)}
    machine.trash(deleted=True)
    machine.price(1)
    assert machine.run("materialize").code == 0
    machine.trash(deleted=False)
    assert machine.run("materialize").code == 0
    machine.price(5)
    assert machine.run("reprice").code == 0
    assert machine.record() > carried_out


@pytest.mark.hostile
@pytest.mark.parametrize("seed", [0, *further(1)])
def test_whatever_happens_between_the_record_only_grows_and_is_true(
    seed: int, machine: Priced, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    record, is_trashed = machine.record(), False
    for _ in range(7):
        event = rng.choice(["price", "price", "trash", "interrupted", "forced"])
        if event == "trash":
            is_trashed = not is_trashed
            machine.trash(deleted=is_trashed)
        else:
            machine.price(rng.choice([1, 2, 3]))
        before = machine.costs()
        with monkeypatch.context() as patch:
            if event == "interrupted":
                table = rng.choice(["daily_usage", "restatements"])
                _die_at(patch, rng.choice(["insert", "record"]), table)
            if event == "price":
                machine.run(rng.choice(["reprice", "materialize"]))
            else:
                machine.run("materialize", *(["--force"] if event == "forced" else []))
        found = machine.record()
        assert record <= found
        after = machine.costs()
        moved: dict[str, float] = {}
        for day, _, reason, old, new in found - record:
            name = str(day)[:10]
            moved[name] = moved.get(name, 0.0) + new - old
            # What other prices do is told of the tokens as they were published.
            assert reason != "price" or round(old, 9) == before[name]
            assert reason in ("price", "removal", "content")
        for name, by in moved.items():
            assert round(by, 9) == round(after.get(name, 0.0) - before.get(name, 0.0), 9)
        assert moved.keys() == {
            name for name in before | after if before.get(name) != after.get(name)
        }
        record = found


def _die_at(patch: pytest.MonkeyPatch, step: str, table: str) -> None:
    """Has a run die where it writes a table."""
    original = getattr(DuckDBStore, step)

    def dying(self: DuckDBStore, what: Any, *rest: Any) -> None:
        if table in (what, getattr(what, "name", None)):
            raise WarehouseError("struck down")
        original(self, what, *rest)

    patch.setattr(DuckDBStore, step, dying)


def _replace(url: str, *, additions: list[Addition]) -> None:
    day = "2026-07-01"
    with open_store(url) as store:
        rows, noted = [frame(DAILY, 2, day)], [Partition(ARCHIVE, day, 2, "v", "r", "run")]
        store.replace(DAILY, rows, Slices((ARCHIVE,), [day]), noted, additions=additions)


def _count(url: str) -> int:
    with open_reader(url) as reader:
        return int(reader.rows("SELECT count(*) FROM restatements")[0][0])


def test_a_history_grows_in_the_transaction_that_makes_it_true(
    warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace(warehouse, additions=[])
    added = [Addition(RESTATED, frame(RESTATED, 3, "2026-07-01"))]
    with open_store(warehouse) as store:
        kind = type(store)
    for step in ("insert", "record"):
        with monkeypatch.context() as patch:

            def fail(*_: object, **__: object) -> None:
                raise WarehouseError("struck down")

            patch.setattr(kind, step, fail)
            with pytest.raises(WarehouseError, match="struck down"):
                _replace(warehouse, additions=added)
        assert _count(warehouse) == 0
    _replace(warehouse, additions=added)
    assert _count(warehouse) == 3
    _replace(warehouse, additions=[])
    assert _count(warehouse) == 3


def test_several_warehouses_have_what_any_of_them_recorded(tmp_path: Path) -> None:
    urls = [f"duckdb:///{tmp_path}/a.duckdb", f"sqlite:///{tmp_path}/b.sqlite"]
    for url, run in zip(urls, ("one", "other"), strict=True):
        _replace(
            url,
            additions=[Addition(RESTATED, frame(RESTATED, 2, "2026-07-01", run_id=run, model=run))],
        )
    with open_store(" ".join(urls)):
        pass
    for url in urls:
        with open_store(url) as store:
            rows = store.read(RESTATED, Selection()).to_pylist()
        assert sorted(row["run_id"] for row in rows) == ["one", "one", "other", "other"]
