"""States of a warehouse for a server: the latest, for many at once, never in a run's way."""

from __future__ import annotations

import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import TimedOutError, WarehouseError
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.states import duckdb_copies
from agentsview_assets.resources.warehouses.states.opening import states_of
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.warehouse_urls import parse_warehouse
from tests.support.contract_rows import ARCHIVE, DAY, frame
from tests.support.postgres import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentsview_assets.resources.warehouses.states.state import State, States
    from tests.support.postgres import KillableServer

SESSIONS = CONTRACTS["sessions"]
ENDLESS = (
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 2000000000) "
    "SELECT COUNT(*) FROM t"
)
HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
held.execute("UPDATE warehouse_meta SET revision = revision + 1")
print("held", flush=True)
sys.stdin.readline()
held.close()
"""
WRITE = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('CHECKPOINT')"


def write(url: str, count: int) -> None:
    with open_store(url) as store:
        store.replace(
            SESSIONS,
            [frame(SESSIONS, count)],
            Slices((ARCHIVE,), [DAY]),
            [Partition(ARCHIVE, DAY, count, "", "", "")],
        )


def count(state: State) -> int:
    return state.reader.rows("SELECT COUNT(*) FROM sessions")[0][0]


@pytest.fixture
def states(warehouse: str) -> Iterator[States]:
    write(warehouse, 2)
    with closing(states_of(parse_warehouse(warehouse))) as opened:
        yield opened


def test_each_request_reads_the_latest_state_and_goes_on_reading_that_one(states, warehouse):
    with states.reading(600) as first:
        assert count(first) == 2
        write(warehouse, 3)
        assert count(first) == 2
        with states.reading(30) as second:
            assert count(second) == 3
            assert second.name != first.name
        assert count(first) == 2


def test_a_state_has_one_name_in_every_server(states, warehouse):
    with (
        closing(states_of(parse_warehouse(warehouse))) as others,
        states.reading(30) as mine,
        states.reading(30) as again,
        others.reading(30) as theirs,
    ):
        assert mine.name == again.name == theirs.name
        assert mine.taken_at is None


def test_what_takes_too_long_is_ended_and_does_not_harm_the_next(states):
    with (
        pytest.raises(TimedOutError, match=r"not answered within 0\.2 s"),
        states.reading(0.2) as state,
    ):
        state.reader.rows(ENDLESS)
    with states.reading(30) as state:
        assert count(state) == 2


def test_a_query_that_fails_does_not_harm_the_next(states):
    with pytest.raises(WarehouseError), states.reading(30) as state:
        state.reader.rows("SELECT nothing FROM nowhere")
    with states.reading(30) as state:
        assert count(state) == 2


def test_a_warehouse_that_is_not_there_is_named(warehouse):
    with (
        closing(states_of(parse_warehouse(warehouse))) as missing,
        pytest.raises(WarehouseError, match="run `agentsview-assets materialize` first"),
        missing.reading(30),
    ):
        pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write(str(path), 2)
    return path


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Has another process write the file, and keep it open meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        yield
        run.communicate("\n")


def test_while_a_run_writes_the_file_the_last_state_answers_and_says_of_when_it_is(file):
    with closing(states_of(parse_warehouse(str(file)))) as states:
        with states.reading(30) as before:
            name = before.name
        with writing(file), states.reading(30) as meanwhile:
            assert (meanwhile.name, count(meanwhile)) == (name, 2)
            assert meanwhile.taken_at is not None
        with states.reading(30) as after:
            assert after.name != name
            assert after.taken_at is None


def test_a_server_that_starts_during_a_run_says_so_and_answers_after_it(file):
    with closing(states_of(parse_warehouse(str(file)))) as states:
        with (
            writing(file),
            pytest.raises(WarehouseError, match="is being written"),
            states.reading(30),
        ):
            pass
        with states.reading(30) as state:
            assert count(state) == 2


def test_a_state_that_is_read_keeps_no_run_out(file):
    with closing(states_of(parse_warehouse(str(file)))) as states, states.reading(30) as state:
        subprocess.run([sys.executable, "-c", WRITE, str(file)], check=True)
        assert count(state) == 2


def test_a_copy_is_its_owner_s_alone_and_leaves_no_file(file, tmp_path, monkeypatch):
    folder, seen = tmp_path / "temporary", []
    folder.mkdir()
    monkeypatch.setattr(duckdb_copies.tempfile, "tempdir", str(folder))
    opened = duckdb_copies.connect

    def connect(path: Path, **options: object) -> object:
        seen.extend(stat.S_IMODE(part.stat().st_mode) for part in (path, path.parent))
        return opened(path, **options)

    monkeypatch.setattr(duckdb_copies, "connect", connect)
    file.chmod(0o644)
    with closing(states_of(parse_warehouse(str(file)))) as states, states.reading(30) as state:
        assert [list(place.iterdir()) for place in folder.iterdir()] == [[]]
        assert count(state) == 2
    assert seen == [0o600, 0o700]


def test_a_file_that_is_damaged_later_leaves_the_last_state(file):
    with closing(states_of(parse_warehouse(str(file)))) as states:
        with states.reading(30) as state:
            assert count(state) == 2
        file.write_bytes(b"no database")
        with states.reading(30) as state:
            assert count(state) == 2
            assert state.taken_at is not None


@pytest.fixture
def server() -> Iterator[KillableServer]:
    with running_server() as started:
        yield started


def test_a_server_of_postgresql_that_was_gone_is_used_again(server):
    database = server.database()
    url = database.url()
    write(url, 2)
    database.run("CHECKPOINT")  # servers of tests lose what they wrote last
    with closing(states_of(parse_warehouse(url))) as states:
        with states.reading(30) as state:
            assert count(state) == 2
        server.stop_at_once()
        with pytest.raises(WarehouseError), states.reading(30):
            pass
        server.start_again()
        with states.reading(30) as state:
            assert count(state) == 2


@pytest.mark.parametrize("statement", ["DELETE FROM sessions", "CREATE TABLE mine (a INTEGER)"])
def test_nothing_can_be_written_through_a_state(states, statement):
    with pytest.raises((WarehouseError, TypeError)), states.reading(30) as state:
        state.reader.rows(statement)
    with states.reading(30) as state:
        assert count(state) == 2
        assert not state.reader.has_table("mine")
