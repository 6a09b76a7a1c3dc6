"""The commands over every kind of warehouse: the same documents, mistakes told in one message."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import META_TABLE
from agentsview_assets.resources.warehouses.store import Selection
from agentsview_assets.schemas import CONTRACTS
from tests.support.in_process import SAMPLE, Desk

if TYPE_CHECKING:
    from pathlib import Path


START = "2026-11-03"
DOCUMENTS = (
    ("usage", "daily", "--json", "--all", "--breakdown"),
    ("usage", "daily", "--all", "--timezone", "Asia/Tokyo"),
    ("usage", "statusline"),
    ("activity", "report", "--json", "--date", "2026-11-05"),
    ("export", "sessions", "--all"),
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The sample archive, of which few days are made."""
    data = str(tmp_path / "data")
    return Desk.with_sample(tmp_path, XDG_DATA_HOME=data).starting(START)


def _over(desk: Desk, *urls: str) -> Desk:
    return replace(desk, settings={**desk.settings, "AGENTSVIEW_ASSETS_WAREHOUSE": " ".join(urls)})


def _documents(desk: Desk) -> list[tuple[int, str, str]]:
    answers = [desk.run(*arguments) for arguments in DOCUMENTS]
    return [(answer.code, answer.out, answer.err) for answer in answers]


def _tables(url: str) -> dict[str, list[dict[str, object]]]:
    """The rows of all tables, in one order, without what tells of the run that wrote them."""
    found = {}
    with open_store(url) as store:
        for name, contract in CONTRACTS.items():
            rows = store.read(contract, Selection()).to_pylist()
            rows = [{k: v for k, v in row.items() if k not in _OF_THE_RUN} for row in rows]
            found[name] = sorted(rows, key=lambda row: [str(row.get(k)) for k in contract.key])
    return found


_OF_THE_RUN = {"run_id", "noted_at", "priced_at", "valid_from", "changed_at"}


def test_each_kind_on_its_own_gives_the_same_tables_and_documents(desk, warehouse_url):
    urls = [warehouse_url(kind) for kind in ("duckdb", "sqlite", "postgresql")]
    for url in urls:
        summary = _over(desk, url).materialize()
        assert summary["rows"] > 0
        assert summary["bytes"] > 0
        assert _over(desk, url).materialize()["up_to_date"]
    documents = [_documents(_over(desk, url)) for url in urls]
    assert [code for code, _, _ in documents[0]] == [0] * len(DOCUMENTS)
    assert documents[1] == documents[0]
    assert documents[2] == documents[0]
    tables = [_tables(url) for url in urls]
    for name in CONTRACTS:
        assert tables[1][name] == tables[0][name], name
        assert tables[2][name] == tables[0][name], name


def test_a_copy_that_lost_its_rows_is_seen_and_repaired(desk, database, warehouse_url):
    both = _over(desk, warehouse_url("duckdb"), database.url())
    both.materialize()
    assert [copy["note"] for copy in both.run("status", "--json").json["copies"]] == ["up to date"]
    database.run("DROP SCHEMA warehouse CASCADE")
    (copy,) = both.run("status", "--json").json["copies"]
    assert "holds no tables yet" in copy["note"]
    assert "holds no tables yet" in both.run("status").out
    assert not both.materialize()["up_to_date"]
    assert _tables(database.url()) == _tables(warehouse_url("duckdb"))
    assert both.materialize()["up_to_date"]


def test_a_day_that_only_a_copy_lacks_is_made_again(desk, database, warehouse_url):
    both = _over(desk, warehouse_url("duckdb"), database.url())
    both.materialize()
    database.run("DELETE FROM warehouse.warehouse_partitions WHERE partition_date = '2026-11-05'")
    (copy,) = both.run("status", "--json").json["copies"]
    assert copy["stale"] > 0
    assert both.materialize()["ranges"] == [["2026-11-05", "2026-11-05"]]
    assert both.run("status", "--json").json["copies"][0]["stale"] == 0


def test_a_role_that_may_only_read_gets_every_report(desk, database):
    _over(desk, database.url()).materialize()
    role = f"reader_{database.name}"
    database.run(
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA warehouse TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA warehouse TO {role}",
    )
    reading = _over(desk, database.url(user=role))
    assert _documents(reading) == _documents(_over(desk, database.url()))
    status = reading.run("status", "--json").json
    assert status["warehouse"] == database.url(user=role)
    failed = reading.run("materialize")
    assert (failed.code, failed.out) == (1, "")
    assert "may not write the tables of the schema warehouse" in failed.err


class TestMistakes:
    """Each is one message and exit status 1, and the archive's observations survive."""

    def _refused(self, desk: Desk, url: str, *commands: str) -> str:
        said = ""
        for command in commands or ("materialize", "usage daily --json"):
            ended = _over(desk, url).run(*command.split())
            assert (ended.code, ended.out) == (1, ""), ended.err
            assert "Traceback" not in ended.err
            assert ended.err.count("warehouse ") >= 1
            said = ended.err
        return said

    def test_an_unreachable_server(self, desk, database):
        url = database.url(user="ada", password="s3cret")  # noqa: S106
        said = self._refused(desk, url.replace(f":{database.port}", ":1"))
        assert "cannot be reached" in said
        assert "s3cret" not in said

    def test_a_wrong_password(self, desk, database):
        url = database.url_with_password().replace("s3cret", "s3crets")
        said = self._refused(desk, url)
        assert "password authentication failed" in said
        assert "s3cret" not in said

    def test_a_missing_database(self, desk, database):
        url = database.url().replace(database.name, "nowhere")
        assert 'database "nowhere" does not exist' in self._refused(desk, url)

    def test_a_missing_right_to_make_the_schema(self, desk, database):
        role = f"nomaker_{database.name}"
        database.run(f"CREATE ROLE {role} LOGIN")
        said = self._refused(desk, database.url(user=role), "materialize")
        assert "may not make tables in the schema warehouse" in said

    def test_a_server_of_a_newer_version(self, desk, database):
        with open_store(database.url()):
            pass
        database.run(f"UPDATE warehouse.{META_TABLE} SET schema_version = 99")
        assert "newer version" in self._refused(desk, database.url())

    def test_an_archive_named_as_the_warehouse(self, desk, tmp_path):
        archive = tmp_path / "other.db"
        shutil.copy(SAMPLE, archive)
        before = archive.read_bytes()
        assert "an agentsview archive" in self._refused(desk, f"sqlite:///{archive}")
        assert archive.read_bytes() == before

    def test_a_folder(self, desk, tmp_path):
        assert "is a folder" in self._refused(desk, f"sqlite:///{tmp_path}")

    def test_a_file_that_is_no_database(self, desk, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("precious notes")
        assert "not an SQLite database" in self._refused(desk, f"sqlite:///{path}")
        assert path.read_text() == "precious notes"

    def test_a_file_of_a_newer_version(self, desk, tmp_path):
        url = f"sqlite:///{tmp_path / 'w.sqlite'}"
        with open_store(url):
            pass
        with closing(sqlite3.connect(tmp_path / "w.sqlite")) as connection, connection:
            connection.execute(f"UPDATE {META_TABLE} SET schema_version = 99")
        assert "newer version" in self._refused(desk, url)

    def test_a_second_one_that_cannot_be_written_is_told_before_any_work(self, desk, tmp_path):
        first = tmp_path / "w.duckdb"
        said = self._refused(desk, f"duckdb:///{first} sqlite:///{tmp_path}", "materialize")
        assert "is a folder" in said
        assert not first.exists()

    def test_a_url_that_means_nothing(self, desk):
        ended = _over(desk, "postgresql://ada:s3cret@db").run("materialize")
        assert ended.code == 1
        assert "names no database" in ended.err
        assert "s3cret" not in ended.err
