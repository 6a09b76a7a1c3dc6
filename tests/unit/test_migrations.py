"""Warehouses of earlier versions: upgraded whole by the next writer, refused until then."""

from __future__ import annotations

import contextlib
import sqlite3

import duckdb
import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.warehouse_urls import parse_warehouses
from resources import migrations, postgres_reader, warehouse
from resources.migrations import Migration
from resources.store import Partition
from resources.warehouse import (
    CHECKS_TABLE,
    EXPECTED_TABLE,
    META_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
    SCHEMA_VERSION,
    SUCCESSIONS_TABLE,
    open_reader,
)
from resources.warehouses import open_store
from schemas import CONTRACTS
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
        noted = [Partition("", 3, "v1", "r1", "run-1")]
        store.replace(RATES, [frame(RATES, 3)], None, noted)


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
        later.setattr("resources.warehouse.SCHEMA_VERSION", SCHEMA_VERSION + 1)
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
        later.setattr("resources.warehouse.SCHEMA_VERSION", SCHEMA_VERSION + 2)
        with pytest.raises(WarehouseError, match="too old to upgrade"), open_store(warehouse):
            pass
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]


def test_a_later_version_is_refused_and_left_alone(warehouse, monkeypatch):
    _fill(warehouse)
    monkeypatch.setattr("resources.warehouse.SCHEMA_VERSION", 0)
    for opening in (open_store, open_reader):
        with pytest.raises(WarehouseError, match="newer version"), opening(warehouse):
            pass
    monkeypatch.undo()
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]


def test_days_keep_their_rows_through_an_upgrade(warehouse, next_version):
    sessions = CONTRACTS["sessions"]
    with open_store(warehouse) as store:
        store.replace(sessions, [frame(sessions, 2)], [DAY], [Partition(DAY, 2, "v1", "", "run")])
    next_version()
    with open_store(warehouse) as store:
        assert store.partitions("sessions") == {DAY: ("v1", "")}
    assert _ask(warehouse, "SELECT count(*) FROM sessions") == [(2,)]


def test_the_first_duckdb_warehouses_become_what_new_ones_are(tmp_path):
    old, new = tmp_path / "old.duckdb", tmp_path / "new.duckdb"
    for path in (old, new):
        _fill(f"duckdb:///{path}")
    with duckdb.connect(str(old)) as connection:
        for statement in _AS_IN_VERSION_1:
            connection.execute(statement)
    with open_store(f"duckdb:///{old}") as store:
        assert store.partitions("model_rates") != {}
    assert _shapes(old) == _shapes(new)


def test_what_runs_say_is_added_to_the_first_warehouses_of_every_kind(warehouse):
    _fill(warehouse)
    parsed = parse_warehouses(warehouse)[0]
    before = _everything(warehouse, parsed.kind)
    _run(parsed, _AS_IN_VERSION_2 + _INSTANTS_OF_VERSION_2[parsed.kind])
    with open_store(warehouse) as store:
        assert store.partitions("model_rates") == {"": ("v1", "r1")}
    assert _everything(warehouse, parsed.kind) == before
    assert _ask(warehouse, "SELECT count(*) FROM model_rates") == [(3,)]


def test_who_may_read_a_server_s_warehouse_may_read_what_an_upgrade_adds(database):
    url, role = database.url(schema="upgraded"), f"reader_{database.name}"
    _fill(url)
    parsed = parse_warehouses(url)[0]
    database.run(
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA upgraded TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA upgraded TO {role}",
    )
    _run(parsed, _AS_IN_VERSION_2)
    with open_store(url):
        pass
    for table in _ADDED_BY_VERSION_3:
        assert database.run(f"SELECT count(*) FROM upgraded.{table}", user=role) == [(0,)]


def _run(parsed, statements):
    """Runs statements on a warehouse, as its own program would."""
    if parsed.kind == "duckdb":
        with duckdb.connect(str(parsed.file)) as connection:
            for statement in statements:
                connection.execute(statement)
    elif parsed.kind == "sqlite":
        with contextlib.closing(sqlite3.connect(parsed.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
    else:
        with contextlib.closing(postgres_reader.connect(parsed)) as connection, connection:
            postgres_reader.prepare(connection, parsed)
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


def _everything(url, kind):
    """Names, types and nullability of every column, and what SQLite notes of them."""
    if kind == "duckdb":
        return _shapes(parse_warehouses(url)[0].file)
    if kind == "sqlite":
        tables = "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
        others = "SELECT name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY name"
        columns = (
            "SELECT m.name, c.* FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c "
            "WHERE m.type = 'table' ORDER BY m.name, c.cid"
        )
        noted = "SELECT * FROM warehouse_columns ORDER BY 1, 2"
        return [*_ask(url, tables), *_ask(url, others), *_ask(url, columns), *_ask(url, noted)]
    # A column that was dropped leaves its number behind.
    place = "ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY ordinal_position)"
    columns = f"table_name, {place}, column_name, data_type, collation_name, is_nullable"
    return _ask(
        url,
        f"SELECT {columns} FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY 1, 2",
    )


_ADDED_BY_VERSION_3 = (EXPECTED_TABLE, READINGS_TABLE, CHECKS_TABLE, SUCCESSIONS_TABLE, RULES_TABLE)
_COLUMNS_OF_VERSION_3 = ("secrets_rules_version", "starred_at_text")
_AS_IN_VERSION_2 = (
    *(f"DROP TABLE {table}" for table in _ADDED_BY_VERSION_3),
    *(f"ALTER TABLE sessions DROP COLUMN {column}" for column in _COLUMNS_OF_VERSION_3),
    f"UPDATE {META_TABLE} SET schema_version = 2",
)
_INSTANTS_OF_VERSION_2 = {
    "duckdb": (),
    "sqlite": (
        *(
            f"DELETE FROM warehouse_columns WHERE table_name = '{table}'"
            for table in _ADDED_BY_VERSION_3
        ),
        *(
            "DELETE FROM warehouse_columns WHERE table_name = 'sessions' "
            f"AND column_name = '{column}'"
            for column in _COLUMNS_OF_VERSION_3
        ),
    ),
    "postgresql": (),
}
_AS_IN_VERSION_1 = (
    *_AS_IN_VERSION_2,
    "ALTER TABLE sessions DROP COLUMN elsewhere_archive_id",
    "ALTER TABLE usage_rows DROP COLUMN elsewhere_archive_id",
    "ALTER TABLE usage_rows DROP COLUMN elsewhere_row_id",
    "DROP TABLE machines",
    "DROP TABLE price_changes",
    "DROP TABLE restatements",
    f"UPDATE {META_TABLE} SET schema_version = 1",
)


def _shapes(path):
    columns = "table_name, column_index, column_name, data_type, is_nullable"
    with duckdb.connect(str(path), read_only=True) as connection:
        sql = f"SELECT {columns} FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        return connection.execute(sql).fetchall()
