"""The PostgreSQL warehouse: proper types, readers that nothing blocks, roles and their errors."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import check_stores, open_store
from agentsview_assets.resources.warehouses.postgres.reader import placeholders
from agentsview_assets.resources.warehouses.reader import META_TABLE, open_reader
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS, STORED
from tests.support.contract_rows import ARCHIVE, DAY, frame

if TYPE_CHECKING:
    from tests.support.postgres import Database

SESSIONS = CONTRACTS["sessions"]
SCHEMA = "warehouse"
TYPES = {
    "text": "text",
    "date": "date",
    "bigint": "bigint",
    "double": "double precision",
    "boolean": "boolean",
    "timestamptz": "timestamp with time zone",
}


@pytest.fixture
def url(database: Database) -> str:
    return database.url()


def _fill(url: str, version: str = "v1", size: int = 3) -> None:
    with open_store(url) as store:
        noted = [Partition(ARCHIVE, DAY, size, version, "", "run")]
        store.replace(
            SESSIONS, [frame(SESSIONS, size, title=version)], Slices((ARCHIVE,), [DAY]), noted
        )


def _titles(url: str) -> list[str]:
    with open_reader(url) as reader:
        return [title for (title,) in reader.rows("SELECT DISTINCT title FROM sessions")]


def _refused(url: str) -> str:
    with pytest.raises(WarehouseError) as caught, open_store(url):
        pass
    return str(caught.value)


class TestTables:
    def test_columns_have_the_types_of_their_kinds(self, database, url):
        _fill(url)
        found = database.run(
            "SELECT table_name, column_name, data_type, is_nullable, collation_name "
            f"FROM information_schema.columns WHERE table_schema = '{SCHEMA}'"
        )
        columns = {(table, column): rest for table, column, *rest in found}
        for contract in STORED.values():
            for column in contract.columns:
                data_type, nullable, collation = columns[contract.name, column.name]
                assert data_type == TYPES[column.kind]
                assert nullable == ("YES" if column.nullable else "NO")
                # Bytes decide, whatever the database's own collation is.
                assert collation == ("C" if column.kind == "text" else None)

    def test_tables_and_columns_tell_what_they_mean(self, database, url):
        _fill(url)
        for contract in STORED.values():
            table = f"'{SCHEMA}.{contract.name}'::regclass"
            found = database.run(
                f"SELECT obj_description({table}), array_agg(col_description({table}, attnum) "
                f"ORDER BY attnum) FROM pg_attribute WHERE attrelid = {table} AND attnum > 0"
            )
            meanings = [f"{c.description} [{c.unit}]" if c.unit else c.description
                        for c in contract.columns]  # fmt: skip
            assert found == [(contract.description, meanings)]

    def test_keys_begin_with_the_day_of_the_partition(self, database, url):
        _fill(url)
        found = database.run(
            "SELECT c.relname, array_agg(a.attname ORDER BY array_position(i.indkey, a.attnum)) "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) "
            f"WHERE i.indisprimary AND c.relnamespace = '{SCHEMA}'::regnamespace GROUP BY 1"
        )
        keys = dict(found)
        for contract in STORED.values():
            day = contract.partition_column
            expected = [name for name in contract.key if name != day]
            assert keys[contract.name] == ([day, *expected] if day else expected)

    def test_a_row_may_move_to_another_day_before_its_old_day_is_replaced(self, url):
        first, second = "2026-07-01", "2026-07-02"
        moving = frame(SESSIONS, 1, second, session_id="moving")
        moved = frame(SESSIONS, 1, first, session_id="moving")
        with open_store(url) as store:
            store.replace(
                SESSIONS,
                [moving],
                Slices((ARCHIVE,), [second]),
                [Partition(ARCHIVE, second, 1, "", "", "")],
            )
            store.replace(
                SESSIONS,
                [moved],
                Slices((ARCHIVE,), [first]),
                [Partition(ARCHIVE, first, 1, "", "", "")],
            )
            store.replace(
                SESSIONS,
                [],
                Slices((ARCHIVE,), [second]),
                [Partition(ARCHIVE, second, 0, "", "", "")],
            )
        assert len(_titles(url)) == 1


class TestBesideOthers:
    def test_readers_do_not_wait_for_an_open_transaction(self, url):
        _fill(url, "old")
        writing, read = threading.Event(), threading.Event()

        def frames():
            yield frame(SESSIONS, 1, title="new")
            writing.set()
            assert read.wait(60)

        def write():
            with open_store(url) as store:
                store.replace(
                    SESSIONS,
                    frames(),
                    Slices((ARCHIVE,), [DAY]),
                    [Partition(ARCHIVE, DAY, 1, "v2", "", "")],
                )

        writer = threading.Thread(target=write)
        writer.start()
        assert writing.wait(60)
        try:
            found = _titles(url)
        finally:
            read.set()
            writer.join()
        assert found == ["old"]
        assert _titles(url) == ["new"]

    def test_a_reader_sees_one_state_from_first_to_last(self, url):
        _fill(url, "old")
        with open_reader(url) as reader:
            before = reader.rows("SELECT DISTINCT title FROM sessions")
            _fill(url, "new")
            assert reader.rows("SELECT DISTINCT title FROM sessions") == before

    def test_a_reader_cannot_write(self, url):
        _fill(url)
        with (
            open_reader(url) as reader,
            pytest.raises(WarehouseError, match="cannot be written"),
        ):
            reader.rows("DELETE FROM sessions RETURNING 1")

    def test_schemas_of_one_database_are_warehouses_of_their_own(self, database):
        _fill(database.url(schema="one"), "v1")
        _fill(database.url(schema="Two"), "v2")
        assert _titles(database.url(schema="one")) == ["v1"]
        assert _titles(database.url(schema="Two")) == ["v2"]

    def test_a_warehouse_takes_space(self, url):
        _fill(url)
        with open_reader(url) as reader:
            assert reader.size() > 8192
            assert reader.has_table("sessions")
            assert not reader.has_table("pg_class")


class TestRoles:
    @pytest.fixture
    def reading_url(self, database, url):
        """A role that may use the schema and select from its tables, and nothing else."""
        _fill(url)
        role = f"reader_{database.name}"
        database.run(
            f"CREATE ROLE {role} LOGIN",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}",
        )
        return database.url(user=role)

    def test_a_role_that_may_only_read_can_read_all(self, reading_url):
        with open_reader(reading_url) as reader:
            for name in STORED:
                reader.rows(f"SELECT count(*) FROM {name}")
            assert reader.size() > 0

    def test_it_cannot_materialise_and_is_told_before_any_work(self, reading_url, url):
        assert "may not write the tables" in _refused(reading_url)
        with pytest.raises(WarehouseError, match="may not write the tables"):
            check_stores(reading_url)
        assert _titles(url) == ["v1"]

    def test_a_role_without_a_right_to_the_schema_is_told_so(self, database, url):
        _fill(url)
        role = f"nobody_{database.name}"
        database.run(f"CREATE ROLE {role} LOGIN")
        with (
            pytest.raises(WarehouseError, match="permission denied for schema"),
            open_reader(database.url(user=role)),
        ):
            pass

    def test_a_role_that_may_make_no_schema_is_told_so(self, database):
        role = f"nomaker_{database.name}"
        database.run(f"CREATE ROLE {role} LOGIN")
        assert "may not make tables in the schema" in _refused(database.url(user=role))

    def test_a_role_may_own_the_schema_without_rights_to_the_database(self, database):
        role = f"maker_{database.name}"
        database.run(f"CREATE ROLE {role} LOGIN", f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {role}")
        _fill(database.url(user=role))
        assert _titles(database.url(user=role)) == ["v1"]


class TestRefusing:
    def test_an_unreachable_server(self, database):
        said = _refused(database.url().replace(str(database.port), "1"))
        assert "cannot be reached" in said
        assert "is the server running" in said

    def test_a_password_that_is_missing_or_wrong(self, database):
        right = database.url_with_password()
        # In this order: a password that was given once is known for the rest of the process.
        for url in (database.url(user="with_password"), right.replace("s3cret", "s3crets")):
            said = _refused(url)
            assert "give the password in PGPASSWORD or ~/.pgpass" in said
            assert "s3cret" not in said
        assert "may not make tables" in _refused(right)

    def test_a_missing_database(self, database):
        said = _refused(database.url().replace(database.name, "nowhere"))
        assert 'database "nowhere" does not exist; make it with createdb' in said

    def test_a_missing_role(self, database):
        assert "does not exist; name another user" in _refused(database.url(user="whoever"))

    def test_a_database_of_another_encoding(self, database):
        name = f"latin_{database.name}"
        database.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1'")
        said = _refused(database.url().replace(database.name, name))
        assert "ENCODING 'UTF8'" in said

    def test_a_schema_of_another_program_is_left_alone(self, database, url):
        database.run(f"CREATE SCHEMA {SCHEMA}", f"CREATE TABLE {SCHEMA}.sessions (id int)")
        assert "of another program" in _refused(url)
        assert database.run(f"SELECT count(*) FROM {SCHEMA}.sessions") == [(0,)]

    def test_a_schema_without_tables_holds_nothing_yet(self, url):
        with pytest.raises(WarehouseError, match="holds no tables yet"), open_reader(url):
            pass
        assert check_stores(url) is False

    def test_a_newer_version(self, database, url):
        _fill(url)
        database.run(f"UPDATE {SCHEMA}.{META_TABLE} SET schema_version = 99")
        assert "newer version of agentsview-assets" in _refused(url)

    def test_a_connection_lost_in_a_transaction_takes_everything_back(self, database, url):
        _fill(url)

        def frames():
            yield frame(SESSIONS, 1, title="new")
            database.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'agentsview-assets%'"
            )
            yield frame(SESSIONS, 1, title="newer")

        with (
            pytest.raises(WarehouseError, match="the connection was lost"),
            open_store(url) as store,
        ):
            store.replace(
                SESSIONS,
                frames(),
                Slices((ARCHIVE,), [DAY]),
                [Partition(ARCHIVE, DAY, 2, "v2", "", "")],
            )
        assert _titles(url) == ["v1"]

    def test_a_full_disk_is_told_as_such(self, database, url):
        _fill(url)
        database.run(
            f"CREATE FUNCTION {SCHEMA}.fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file: No space left on device' "
            "USING ERRCODE = 'disk_full'; END $$",
            f"CREATE TRIGGER refuse BEFORE INSERT ON {SCHEMA}.sessions "
            f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.fill()",
        )
        with pytest.raises(WarehouseError, match="the disk is full"):
            _fill(url, "v2")
        assert _titles(url) == ["v1"]

    def test_two_writers_take_turns(self, url, monkeypatch):
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAIT", "1")
        with (
            open_store(url) as first,
            first.transaction(f"sessions {ARCHIVE}"),
            pytest.raises(WarehouseError, match="another process writes it"),
        ):
            _fill(url)

    def test_writers_of_other_archives_and_tables_do_not_wait(self, url, monkeypatch):
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAIT", "1")
        with open_store(url) as first, first.transaction("sessions another", "usage_rows a"):
            _fill(url)
        assert len(_titles(url)) == 1


def test_placeholders_are_only_those_outside_of_texts():
    sql = "SELECT 'what? it''s 100%', a % 7 FROM t WHERE b = ? AND c LIKE '%?%'"
    assert placeholders(sql) == (
        "SELECT 'what? it''s 100%%', a %% 7 FROM t WHERE b = %s AND c LIKE '%%?%%'"
    )


def test_the_server_of_the_tests_takes_connections(database):
    with closing(psycopg2.connect(host="127.0.0.1", port=database.port, user="owner",
                                  dbname=database.name)) as connection:  # fmt: skip
        assert connection.server_version >= 150000


def test_who_waits_for_a_lock_says_for_whom(url, monkeypatch):
    told: list[str] = []
    with open_store(url) as first, first.transaction(f"sessions {ARCHIVE}"):
        monkeypatch.setattr(METER, "listener", told.append)
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAIT", "0.05")
        with pytest.raises(WarehouseError, match="another process writes it"):
            _fill(url)
    [words] = told
    assert re.match(r"waiting up to 0.05 s for agentsview-assets on \S+ \(\d+\) to finish", words)
