"""Warehouses of earlier versions: upgraded whole by the next writer, refused until then."""

from __future__ import annotations

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses import reader as warehouse
from agentsview_assets.resources.warehouses.migrations import steps as migrations
from agentsview_assets.resources.warehouses.migrations.steps import Migration
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import META_TABLE, SCHEMA_VERSION, open_reader
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import DAY, frame

RATES = CONTRACTS["model_rates"]
KINDS = ("duckdb", "sqlite", "postgresql")


@pytest.fixture
def next_version(monkeypatch):
    """This program as its next release, which adds a table and has `model_rates` made again."""

    def release(*statements: str) -> None:
        to_version = warehouse.SCHEMA_VERSION + 1
        step = Migration(to_version, dict.fromkeys(KINDS, statements), forget=("model_rates",))
        monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
        monkeypatch.setattr(warehouse, "SCHEMA_VERSION", to_version)

    return release


def _fill(url: str) -> None:
    with open_store(url) as store:
        rows = frame(RATES, 3)
        archives = tuple(sorted(set(rows["archive_id"])))
        made = [Partition(archive, "", len(rows), "v1", "r1", "run-1") for archive in archives]
        store.replace(RATES, [rows], Slices(archives), made)


def _ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with open_reader(url) as reader:
        return reader.rows(sql)


def test_a_new_warehouse_is_of_this_version(warehouse):
    _fill(warehouse)
    assert _ask(warehouse, f"SELECT schema_version FROM {META_TABLE}") == [(SCHEMA_VERSION,)]


def test_an_earlier_version_is_upgraded_by_the_next_writer(warehouse, next_version):
    _fill(warehouse)
    next_version("CREATE TABLE added (n BIGINT)", "INSERT INTO added VALUES (7)")
    with open_store(warehouse) as store:
        assert store.partitions("model_rates") == {}
    assert _ask(warehouse, "SELECT n FROM added") == [(7,)]
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]
    assert _ask(warehouse, f"SELECT schema_version FROM {META_TABLE}") == [(SCHEMA_VERSION + 1,)]
    with open_store(warehouse):
        pass  # and only once
    assert _ask(warehouse, "SELECT n FROM added") == [(7,)]


def test_versions_are_upgraded_one_after_the_other(warehouse, next_version):
    _fill(warehouse)
    next_version("CREATE TABLE added (n BIGINT)")
    next_version("INSERT INTO added VALUES (7)")
    with open_store(warehouse):
        pass
    assert _ask(warehouse, "SELECT n FROM added") == [(7,)]


def test_an_upgrade_that_fails_leaves_the_earlier_version(warehouse, next_version, monkeypatch):
    _fill(warehouse)
    with monkeypatch.context() as later:
        later.setattr(
            "agentsview_assets.resources.warehouses.reader.SCHEMA_VERSION", SCHEMA_VERSION + 1
        )
        step = Migration(
            SCHEMA_VERSION + 1,
            dict.fromkeys(KINDS, ("CREATE TABLE added (n BIGINT)", "SELECT nothing FROM nowhere")),
        )
        later.setattr(migrations, "MIGRATIONS", (step,))
        with pytest.raises(WarehouseError), open_store(warehouse):
            pass
    with open_reader(warehouse) as reader:
        assert reader.rows(f"SELECT schema_version FROM {META_TABLE}") == [(SCHEMA_VERSION,)]
        assert not reader.has_table("added")
        assert reader.has_table("model_rates")


def test_an_earlier_version_is_not_read_before_it_is_upgraded(warehouse, next_version):
    _fill(warehouse)
    next_version()
    with (
        pytest.raises(WarehouseError, match=r"an earlier version.*run `agentsview-assets mater"),
        open_reader(warehouse),
    ):
        pass


def test_what_is_too_old_is_refused_and_left_alone(warehouse, monkeypatch):
    _fill(warehouse)
    with monkeypatch.context() as later:
        later.setattr(
            "agentsview_assets.resources.warehouses.reader.SCHEMA_VERSION", SCHEMA_VERSION + 2
        )
        with pytest.raises(WarehouseError, match="too old to upgrade"), open_store(warehouse):
            pass
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]


def test_a_later_version_is_refused_and_left_alone(warehouse, monkeypatch):
    _fill(warehouse)
    monkeypatch.setattr("agentsview_assets.resources.warehouses.reader.SCHEMA_VERSION", 0)
    for opening in (open_store, open_reader):
        with pytest.raises(WarehouseError, match="newer version"), opening(warehouse):
            pass
    monkeypatch.undo()
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]


def test_days_keep_their_rows_through_an_upgrade(warehouse, next_version):
    sessions = CONTRACTS["sessions"]
    with open_store(warehouse) as store:
        rows = frame(sessions, 2)
        (archive,) = set(rows["archive_id"])
        made = [Partition(archive, DAY, 2, "v1", "", "run")]
        store.replace(sessions, [rows], Slices((archive,), [DAY]), made)
    next_version()
    with open_store(warehouse) as store:
        assert store.partitions("sessions") == {(archive, DAY): ("v1", "")}
    assert _ask(warehouse, "SELECT count(*) FROM sessions") == [(2,)]
