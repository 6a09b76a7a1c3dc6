"""The DuckDB store: a partition is replaced whole or not at all, and comes back as it went in."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import META_TABLE, SCHEMA_VERSION, open_reader
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS, STORED
from tests.support.contract_rows import ARCHIVE, frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentsview_assets.resources.warehouses.store import Store

SESSIONS = CONTRACTS["sessions"]
USAGE = CONTRACTS["usage_rows"]
DAYS = ["2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04", "2026-07-05"]
PATIENCE_SECONDS = 120
"""How long a child process may take before a test gives up on it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def _noted(days: Sequence[str], version: str = "v1", run_id: str = "run-1") -> list[Partition]:
    return [Partition(ARCHIVE, day, 1, version, "", run_id) for day in days]


def _fill(store: Store, days: Sequence[str] = DAYS, size: int = 3, version: str = "v1") -> None:
    """Writes `size` sessions of each day, in one range."""
    frames = [frame(SESSIONS, size, day, title=version) for day in days]
    store.replace(SESSIONS, frames, Slices((ARCHIVE,), days), _noted(days, version))


def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with open_reader(str(path)) as reader:
        return reader.rows(sql)


def _titles(path: Path) -> dict[tuple[str, str], int]:
    """Sessions by day and title: who wrote the rows of which day."""
    found = _rows(
        path,
        "SELECT strftime(partition_date, '%Y-%m-%d'), title, count(*) FROM sessions GROUP BY ALL",
    )
    return {(day, title): count for day, title, count in found}


def _versions(path: Path) -> dict[str, str]:
    with open_store(str(path)) as store:
        return {day: version for day, (version, _) in store.partitions("sessions").items()}


class TestTheFile:
    def test_every_table_is_there_from_the_start_with_what_it_means(self, path):
        with open_store(str(path)):
            pass
        tables = dict(_rows(path, "SELECT table_name, comment FROM duckdb_tables()"))
        columns = {
            (table, column): comment
            for table, column, comment in _rows(
                path, "SELECT table_name, column_name, comment FROM duckdb_columns()"
            )
        }
        for contract in STORED.values():
            assert tables[contract.name] == contract.description
            for column in contract.columns:
                unit = f" [{column.unit}]" if column.unit else ""
                assert columns[contract.name, column.name] == column.description + unit

    def test_it_says_which_version_of_the_tables_it_holds(self, path):
        for _ in range(2):
            with open_store(str(path)):
                pass
        assert _rows(path, f"SELECT schema_version FROM {META_TABLE}") == [(SCHEMA_VERSION,)]

    def test_a_warehouse_of_a_newer_version_is_refused_and_left_alone(self, path):
        with open_store(str(path)) as store:
            _fill(store)
        with closing(duckdb.connect(str(path))) as connection:
            connection.execute(f"UPDATE {META_TABLE} SET schema_version = {SCHEMA_VERSION + 1}")
        before = path.read_bytes()
        with (
            pytest.raises(WarehouseError, match="newer version of agentsview-assets"),
            open_store(str(path)),
        ):
            pass
        with pytest.raises(WarehouseError, match="upgrade agentsview-assets"):
            _titles(path)
        assert path.read_bytes() == before

    def test_the_database_of_another_program_is_refused_and_left_alone(self, path):
        with closing(duckdb.connect(str(path))) as connection:
            connection.execute("CREATE TABLE precious AS SELECT 1 AS one")
        before = path.read_bytes()
        with pytest.raises(WarehouseError, match="of another program"), open_store(str(path)):
            pass
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        "content", [b"not a database at all" * 1000, b"SQLite format 3\0" * 99]
    )
    def test_a_file_that_is_no_database_is_refused_and_left_alone(self, path, content):
        path.write_bytes(content)
        with pytest.raises(WarehouseError, match=r"warehouse\.duckdb: "), open_store(str(path)):
            pass
        assert path.read_bytes() == content

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(WarehouseError, match="is a folder"), open_store(str(tmp_path)):
            pass

    def test_a_path_through_a_file_is_refused_in_words(self, tmp_path):
        (tmp_path / "notes.txt").write_text("notes")
        through = tmp_path / "notes.txt" / "warehouse.duckdb"
        with pytest.raises(WarehouseError, match=r"notes\.txt"), open_store(str(through)):
            pass

    def test_missing_folders_are_made(self, tmp_path):
        with open_store(str(tmp_path / "a" / "b" / "w.duckdb")) as store:
            _fill(store)

    @pytest.mark.parametrize("mode", ["writer", "reader"])
    def test_a_file_in_use_by_another_process_is_told(self, path, mode):
        with open_store(str(path)) as store:
            _fill(store)
        with _holding(path, read_only=mode == "reader"):
            with (
                pytest.raises(WarehouseError, match="in use by another process"),
                open_store(str(path)),
            ):
                pass
            if mode == "writer":
                with pytest.raises(WarehouseError, match="in use by another process"):
                    _titles(path)
        assert _titles(path) == {(day, "v1"): 3 for day in DAYS}

    def test_a_failure_closes_the_file_so_that_it_can_be_opened_otherwise(self, path):
        with pytest.raises(RuntimeError), open_store(str(path)) as store:
            _fill(store)
            raise RuntimeError
        with closing(duckdb.connect(str(path), read_only=True)) as connection:
            assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(15,)]


@contextmanager
def _holding(path: Path, *, read_only: bool) -> Iterator[None]:
    """Another process holds the file open until the block ends."""
    script = (
        "import duckdb, sys\n"
        f"connection = duckdb.connect(sys.argv[1], read_only={read_only})\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
        "connection.close()\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            yield
        finally:
            holder.communicate(timeout=PATIENCE_SECONDS)
