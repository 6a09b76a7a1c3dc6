"""The SQLite warehouse: strict tables whose encodings sort as values do, safe beside readers."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import check_stores, open_store
from agentsview_assets.resources.warehouses.reader import META_TABLE, PARTITIONS_TABLE, open_reader
from agentsview_assets.resources.warehouses.sqlite import reader as sqlite_reader
from agentsview_assets.resources.warehouses.sqlite.reader import COLUMNS_TABLE
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS, STORED
from tests.support.contract_rows import ARCHIVE, DAY, frame, frame_of, records
from tests.support.in_process import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

SESSIONS, USAGE = CONTRACTS["sessions"], CONTRACTS["usage_rows"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def _fill(url: str, version: str = "v1", size: int = 3) -> None:
    with open_store(url) as store:
        noted = [Partition(ARCHIVE, DAY, size, version, "", "run")]
        store.replace(
            SESSIONS, [frame(SESSIONS, size, title=version)], Slices((ARCHIVE,), [DAY]), noted
        )


def _ask(path: Path, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, parameters).fetchall()


class TestTables:
    def test_every_table_is_strict_and_has_its_key(self, url, path):
        _fill(url)
        tables = dict(_ask(path, "SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        for contract in STORED.values():
            assert tables[contract.name].endswith("STRICT")
            columns = _ask(path, f"PRAGMA table_info({contract.name})")
            assert [row[1] for row in columns] == list(contract.column_names)
            assert [bool(row[3]) for row in columns] == [not c.nullable for c in contract.columns]
            key = sorted((row[5], row[1]) for row in columns if row[5])
            assert {name for _, name in key} >= set(contract.key)
            if contract.partition_column:
                assert key[0][1] == contract.partition_column

    def test_no_index_begins_with_what_all_rows_may_share(self, url, path):
        _fill(url)
        indexes = _ask(path, "SELECT name FROM sqlite_master WHERE type = 'index'")
        first = {name: _ask(path, f"PRAGMA index_info({name})")[0][2] for (name,) in indexes}
        large = [name for name in first if "usage_rows" in name or "intervals" in name]
        assert len(large) == 4
        assert {first[name] for name in large} <= {
            "partition_date",
            "timestamp_text",
            "epoch_seconds",
        }

    def test_what_columns_mean_is_told_in_a_table(self, url, path):
        _fill(url)
        sql = f"SELECT table_name, column_name, kind, description FROM {COLUMNS_TABLE}"
        told = {(table, column): (kind, text) for table, column, kind, text in _ask(path, sql)}
        for contract in STORED.values():
            assert told[contract.name, ""] == ("table", contract.description)
            for column in contract.columns:
                unit = f" [{column.unit}]" if column.unit else ""
                meaning = (column.kind, f"{column.description}{unit}")
                assert told[contract.name, column.name] == meaning

    def test_a_column_name_means_one_kind_of_converted_value(self):
        kinds: dict[str, set[str]] = {}
        for contract in STORED.values():
            for column in contract.columns:
                kinds.setdefault(column.name, set()).add(column.kind)
        converted = {"boolean", "timestamptz"}
        assert [name for name, found in kinds.items() if found & converted and len(found) > 1] == []

    def test_times_and_days_sort_as_texts_do_and_booleans_are_0_and_1(self, url, path):
        times = [
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2026, 7, 1, 12, tzinfo=UTC),
            datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ]
        rows = records(USAGE, len(times))
        for row, time in zip(rows, times, strict=True):
            row["occurred_at"] = time
        with open_store(url) as store:
            store.replace(
                USAGE,
                [frame_of(USAGE, rows)],
                Slices((ARCHIVE,), [DAY]),
                [Partition(ARCHIVE, DAY, 5, "", "", "")],
            )
            store.replace(SESSIONS, [frame(SESSIONS, 2)], Slices((ARCHIVE,), [DAY]), [])
        found = [row[0] for row in _ask(path, "SELECT occurred_at FROM usage_rows ORDER BY 1")]
        assert found == [
            "0001-01-01T00:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-07-01T12:00:00.000000Z",
            "2026-07-01T12:00:00.000001Z",
            "9999-12-31T23:59:59.999999Z",
        ]
        assert _ask(path, "SELECT DISTINCT partition_date, is_automated FROM sessions") == [
            (DAY, 1),
            (DAY, 0),
        ]
        with open_reader(url) as reader:
            sql = "SELECT occurred_at FROM usage_rows ORDER BY occurred_at"
            assert [row[0] for row in reader.rows(sql)] == times
            flags = reader.rows("SELECT is_automated FROM sessions")
            assert {type(flag) for (flag,) in flags} == {bool}
            (noted,) = reader.rows(f"SELECT written_at FROM {PARTITIONS_TABLE}")[0]
        assert abs((datetime.now(UTC) - noted).total_seconds()) < 3600


class TestBesideOthers:
    def test_at_rest_there_is_one_file_that_can_be_read_without_writing(self, url, path):
        _fill(url)
        assert [found.name for found in path.parent.iterdir()] == [path.name]
        assert _ask(path, "PRAGMA journal_mode") == [("delete",)]

    def test_a_reader_sees_one_state_while_a_writer_replaces_it(self, url):
        _fill(url, "old")
        seen = []
        noted = [Partition(ARCHIVE, DAY, 1, "v2", "", "run")]
        with open_store(url) as store, open_reader(url) as reader:
            seen += reader.rows("SELECT DISTINCT title FROM sessions")
            store.replace(
                SESSIONS, [frame(SESSIONS, 1, title="new")], Slices((ARCHIVE,), [DAY]), noted
            )
            seen += reader.rows("SELECT DISTINCT title FROM sessions")
        with open_reader(url) as reader:
            seen += reader.rows("SELECT DISTINCT title FROM sessions")
        assert [title for (title,) in seen] == ["old", "old", "new"]

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
        with open_reader(url) as reader:
            found = reader.rows("SELECT DISTINCT title FROM sessions")
        read.set()
        writer.join()
        assert found == [("old",)]

    def test_a_second_writer_is_told_that_the_first_one_is_at_work(self, url, monkeypatch):
        monkeypatch.setattr(sqlite_reader, "PATIENCE_SECONDS", 0.1)
        with (
            open_store(url) as first,
            first.transaction(),
            pytest.raises(WarehouseError, match="in use by another process"),
        ):
            _fill(url)


class TestRefusing:
    def _refused(self, url: str) -> str:
        with pytest.raises(WarehouseError) as caught, open_store(url):
            pass
        return str(caught.value)

    def test_an_archive_is_refused_and_left_alone(self, tmp_path):
        archive = tmp_path / "sessions.db"
        shutil.copy(SAMPLE, archive)
        before = archive.read_bytes()
        said = self._refused(f"sqlite:///{archive}")
        assert "an agentsview archive" in said
        with pytest.raises(WarehouseError, match="an agentsview archive"):
            check_stores(f"sqlite:///{archive}")
        with pytest.raises(WarehouseError, match="archive"), open_reader(f"sqlite:///{archive}"):
            pass
        assert archive.read_bytes() == before
        assert [found.name for found in tmp_path.iterdir()] == ["sessions.db"]

    def test_the_database_of_another_program_is_refused_and_left_alone(self, url, path):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE precious (one INTEGER)")
        before = path.read_bytes()
        assert "of another program" in self._refused(url)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("content", [b"no database at all" * 99, b"\0" * 8 + b"DUCK" * 99])
    def test_what_is_no_database_is_refused_and_left_alone(self, url, path, content):
        path.write_bytes(content)
        assert "not an SQLite database" in self._refused(url)
        assert path.read_bytes() == content

    def test_a_damaged_file_is_told_so(self, url, path):
        _fill(url)
        content = bytearray(path.read_bytes())
        content[100:3000] = b"x" * 2900
        path.write_bytes(content)
        assert "damaged" in self._refused(url)
        with pytest.raises(WarehouseError, match="damaged"), open_reader(url):
            pass
        assert path.read_bytes() == bytes(content)

    def test_a_file_cut_off_is_told_so(self, url, path):
        _fill(url)
        path.write_bytes(path.read_bytes()[:8192])
        with pytest.raises(WarehouseError, match="damaged"), open_reader(url) as reader:
            reader.rows("SELECT * FROM session_summaries")

    def test_a_folder_is_refused(self, tmp_path):
        assert "is a folder" in self._refused(f"sqlite:///{tmp_path}")

    def test_a_path_through_a_file_is_refused(self, tmp_path):
        (tmp_path / "notes.txt").write_text("notes")
        assert "notes.txt" in self._refused(f"sqlite:///{tmp_path / 'notes.txt' / 'w.sqlite'}")

    def test_a_missing_file_is_not_made_by_reading(self, url, path):
        with pytest.raises(WarehouseError, match="no such file"), open_reader(url):
            pass
        assert not path.exists()

    def test_an_empty_file_holds_nothing_yet(self, url, path):
        path.touch()
        with pytest.raises(WarehouseError, match="holds no tables yet"), open_reader(url):
            pass
        _fill(url)

    def test_a_newer_version_is_refused(self, url, path):
        _fill(url)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE {META_TABLE} SET schema_version = 99")
        before = path.read_bytes()
        assert "newer version of agentsview-assets" in self._refused(url)
        assert path.read_bytes() == before

    def test_a_full_disk_takes_back_what_was_being_written(self, url, path):
        _fill(url)
        with open_store(url) as store:
            store.execute("PRAGMA max_page_count = 1")
            with pytest.raises(WarehouseError, match="the disk is full"):
                noted = [Partition(ARCHIVE, DAY, 9000, "v2", "", "")]
                store.replace(
                    SESSIONS, [frame(SESSIONS, 9000, title="v2")], Slices((ARCHIVE,), [DAY]), noted
                )
        assert _ask(path, "SELECT title, count(*) FROM sessions GROUP BY 1") == [("v1", 3)]

    def test_an_sqlite_that_is_too_old_is_told_so(self, url, monkeypatch):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
        assert "too old" in self._refused(url)


def test_who_waits_for_another_writer_says_so_and_gives_up(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'warehouse.sqlite'}"
    told: list[str] = []
    with open_store(url) as first, open_store(url) as second, first.transaction():
        monkeypatch.setattr(METER, "listener", told.append)
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAIT", "0.05")
        with pytest.raises(WarehouseError, match="in use by another process"):
            second.record_rules({"a rule": "of mine"})
    assert told == [f"waiting up to 0.05 s for another writer of {tmp_path / 'warehouse.sqlite'}"]
