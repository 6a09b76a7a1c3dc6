"""Warehouses that earlier versions left: upgraded whole, and told the same as ever."""

from __future__ import annotations

import contextlib
import json
import lzma
import sqlite3
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg2
import pytest

from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.postgres import reader as postgres_reader
from agentsview_assets.resources.warehouses.reader import (
    CHECKS_TABLE,
    EXPECTED_TABLE,
    META_TABLE,
    PARTITIONS_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
    SCHEMA_VERSION,
    SUCCESSIONS_TABLE,
    open_reader,
)
from agentsview_assets.rules.versions import recorded_rules
from agentsview_assets.schemas import HISTORIES, STORED
from agentsview_assets.warehouse_urls import parse_warehouses
from tests.frozen.archive import DOCUMENTS, OWN_PRICE, START_DATE, make_archive
from tests.support.command import OurCommand
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.postgres import Database

FROZEN = REPOSITORY / "tests" / "frozen"
SINCE_ACTIVITY = 6
SINCE_EVENT_ORDER = 7
UNKNOWN = "SELECT count(*) FROM sessions WHERE own_activity_julian IS NULL"
UNORDERED = (
    "SELECT count(*) FROM usage_rows WHERE row_kind = 'usage_event' AND dedup_key IS NULL "
    "AND event_key_order IS NULL"
)
MADE_BY = f"SELECT DISTINCT rules_version FROM {PARTITIONS_TABLE} WHERE asset = 'usage_rows'"
WAREHOUSES = sorted(str(path.relative_to(FROZEN)) for path in FROZEN.glob("schema-*/*.xz"))


class Thawed:
    """A copy of a frozen warehouse.

    Attributes:
        url: Its address.
        schema: The schema version that it was left in.
        expected: The documents that every program so far made from it.
    """

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.url = url
        self.schema = int(name.partition("/")[0].removeprefix("schema-"))
        self.expected = json.loads((FROZEN / "expected.json").read_bytes())
        self._folder = folder

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks it, once it is of this version."""
        with open_reader(self.url) as reader:
            return reader.rows(sql)

    def documents(self) -> dict[str, Any]:
        """The documents that this version makes from it."""
        return {name: json.loads(self.run(*command).stdout) for name, command in DOCUMENTS.items()}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command over it, and over the archive that it was made of where that is there."""
        settings = {"AGENTSVIEW_ASSETS_START_DATE": START_DATE}
        ours = OurCommand(self._folder / "archive", self._folder / "home", self.url, settings)
        return ours.here(*arguments)

    def bring_archive(self) -> None:
        """Makes the archive that it was made of."""
        make_archive(self._folder / "archive")
        (self._folder / "archive" / "config.toml").write_text(OWN_PRICE, encoding="utf-8")


@pytest.fixture(params=WAREHOUSES)
def thawed(
    request: pytest.FixtureRequest, warehouse_url: Callable[[str], str], tmp_path: Path
) -> Thawed:
    """Each frozen warehouse in turn."""
    kind = request.param.partition(".")[2].partition(".")[0]
    url = warehouse_url(kind)
    content = lzma.decompress((FROZEN / request.param).read_bytes())
    path = parse_warehouses(url)[0].path
    if path is not None:
        path.write_bytes(content)
    else:
        database: Database = request.getfixturevalue("database")
        database.run(content.decode())
    return Thawed(request.param, url, tmp_path)


def test_every_version_that_can_be_upgraded_is_frozen_here():
    versions = {int(name.partition("/")[0].removeprefix("schema-")) for name in WAREHOUSES}
    assert versions == set(range(1, SCHEMA_VERSION + 1))
    newest = {name for name in WAREHOUSES if name.startswith(f"schema-{SCHEMA_VERSION}/")}
    assert len(newest) == len(("duckdb", "sqlite", "postgresql"))


def test_it_tells_what_it_told_before(thawed):
    with open_store(thawed.url):
        pass  # the upgrade
    assert thawed.ask(f"SELECT schema_version FROM {META_TABLE}") == [(SCHEMA_VERSION,)]
    assert thawed.documents() == thawed.expected


def test_materialising_its_archive_again_changes_no_number_and_keeps_the_histories(thawed):
    with open_store(thawed.url):
        pass
    before = {name: thawed.ask(f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4") for name in HISTORIES}
    [(unknown,)] = thawed.ask(UNKNOWN)
    assert (unknown > 0) == (thawed.schema < SINCE_ACTIVITY)
    [(unordered,)] = thawed.ask(UNORDERED)
    assert (unordered > 0) == (thawed.schema < SINCE_EVENT_ORDER)
    thawed.bring_archive()
    done = thawed.run("materialize")
    assert done.returncode == 0, done.stderr
    assert thawed.documents() == thawed.expected
    # What its version did not hold has come with what its rules did not make.
    assert thawed.ask(UNKNOWN) == [(0,)]
    assert thawed.ask(UNORDERED) == [(0,)]
    assert thawed.ask(MADE_BY) == [(recorded_rules("usage_rows", is_report=False),)]
    after = {name: thawed.ask(f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4") for name in HISTORIES}
    for name, rows in before.items():
        assert set(rows) <= set(after[name]), name
        assert (thawed.schema == 1) == (rows == []), name


def test_it_becomes_what_a_new_one_is(thawed, tmp_path, request):
    before = _counts(thawed)
    with open_store(thawed.url):
        pass
    kind = parse_warehouses(thawed.url)[0].kind
    new = f"{kind}:///{tmp_path / 'new'}"
    if kind == "postgresql":
        new = request.getfixturevalue("postgres_server").database().url()
    with open_store(new):
        pass
    assert shapes(thawed.url, kind) == shapes(new, kind)
    assert _counts(thawed).items() >= before.items()


def test_who_may_read_a_server_s_warehouse_may_read_what_an_upgrade_adds(database):
    role = f"reader_{database.name}"
    content = lzma.decompress((FROZEN / "schema-2" / "warehouse.postgresql.sql.xz").read_bytes())
    database.run(
        content.decode(),
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA warehouse TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA warehouse TO {role}",
    )
    with open_store(database.url()):
        pass
    for table in (EXPECTED_TABLE, READINGS_TABLE, CHECKS_TABLE, SUCCESSIONS_TABLE, RULES_TABLE):
        # One rule is recorded: that what counts was decided by the rules of today.
        rows = 1 if table == RULES_TABLE else 0
        assert database.run(f"SELECT count(*) FROM warehouse.{table}", user=role) == [(rows,)]
    for table in STORED:
        assert database.run(f"SELECT count(*) FROM warehouse.{table}", user=role)


def _counts(thawed):
    """The rows of every contracted table that is there, whatever version it is of."""
    parsed = parse_warehouses(thawed.url)[0]
    found = {}
    with contextlib.ExitStack() as opened:
        ask = opened.enter_context(_asking(parsed))
        for table in STORED:
            with contextlib.suppress(duckdb.Error, sqlite3.Error, psycopg2.Error):
                found[table] = ask(f"SELECT count(*) FROM {table}")
    return found


@contextlib.contextmanager
def _asking(parsed):
    """A plain connection of the backend's own driver, which knows of no versions."""
    if parsed.kind == "duckdb":
        with duckdb.connect(str(parsed.file), read_only=True) as connection:
            yield lambda sql: connection.execute(sql).fetchall()
    elif parsed.kind == "sqlite":
        with contextlib.closing(sqlite3.connect(parsed.file)) as connection:
            yield lambda sql: connection.execute(sql).fetchall()
    else:
        with contextlib.closing(postgres_reader.connect(parsed)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SET search_path TO warehouse")

                def ask(sql):
                    cursor.execute(sql)
                    return cursor.fetchall()

                yield ask


def shapes(url, kind):
    """Names, types, nullability and meaning of every column."""
    found = _SHAPES[kind]
    with open_reader(url) as reader:
        return [row for sql in found for row in reader.rows(sql)]


_SHAPES = {
    "duckdb": (
        (
            "SELECT table_name, column_index, column_name, data_type, is_nullable, comment "
            "FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ),
        "SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL",
    ),
    "sqlite": (
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
        "SELECT name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY name",
        (
            "SELECT m.name, c.* FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c "
            "WHERE m.type = 'table' ORDER BY m.name, c.cid"
        ),
        "SELECT * FROM warehouse_columns ORDER BY 1, 2",
    ),
    "postgresql": (
        # Places are numbered anew: a column that was dropped leaves its number behind.
        (
            "SELECT table_name, "
            "ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY ordinal_position), "
            "column_name, data_type, collation_name, is_nullable, "
            "col_description(table_name::regclass, ordinal_position) "
            "FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2"
        ),
        (
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class "
            "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY 1"
        ),
    ),
}
