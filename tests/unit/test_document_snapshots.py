"""A document shows one state of the warehouse, whatever is committed while it is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.documents import (
    SessionFilters,
    open_warehouse,
    read_activity_report,
    read_session_page,
    read_sessions,
    read_usage_daily,
)
from agentsview_assets.resources.warehouses.duckdb.reader import DuckDBReader
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from agentsview_assets.resources.warehouses.reader import Reader

    Write = Callable[[], None]
    Opened = Callable[[], AbstractContextManager[tuple[Reader, Write]]]

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("snapshots")

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
EVERYTHING = SessionFilters(include_children=True, automated_scope="all")
DOCUMENTS: dict[str, Callable[[Reader], Any]] = {
    "usage daily": lambda w: read_usage_daily(w, everything=True, timezone="UTC", now=NOW),
    "activity report": lambda w: read_activity_report(
        w, preset="month", date="2026-11-05", timezone="UTC", now=NOW
    ),
    "session page": lambda w: read_session_page(w, filters=EVERYTHING, limit=7, secret=b"key"),
    "all sessions": lambda w: list(read_sessions(w, filters=EVERYTHING)),
}
# What a run of `materialize` may change between two queries of one document.
WRITES = (
    "UPDATE usage_rows SET input_tokens = input_tokens + 1000, project = 'moved'",
    "UPDATE session_model_usage SET input_tokens = input_tokens + 1000",
    "UPDATE sessions SET project = 'moved', message_count = message_count + 1",
    "DELETE FROM activity_intervals",
    "DELETE FROM model_pricing_archives",
    "DELETE FROM sessions WHERE session_id IN (SELECT MIN(session_id) FROM sessions)",
)


class Interrupted:
    """A reader during whose document somebody else commits, right after its first query."""

    def __init__(self, reader: Reader, write: Write) -> None:
        self._reader = reader
        self._write = write
        self.queries = 0

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        found = self._reader.rows(sql, params)
        self.queries += 1
        if self.queries == 1:
            self._write()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


@pytest.fixture(scope="module", params=["duckdb", "sqlite"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp(request.param)
    url = f"{request.param}:///{folder / 'warehouse.duckdb'}"
    made = Desk.with_sample(folder, AGENTSVIEW_ASSETS_WAREHOUSE=url).starting("2026-10-20")
    made.materialize()
    return made


@pytest.fixture
def opened(desk: Desk) -> Opened:
    """Return what opens a reader, and a way to write beside it."""
    if desk.settings["AGENTSVIEW_ASSETS_WAREHOUSE"].startswith("sqlite"):
        return lambda: _sqlite(desk)
    return lambda: _duckdb(desk)


@contextmanager
def _duckdb(desk: Desk) -> Iterator[tuple[Reader, Write]]:
    """One process holds a DuckDB file: reader and writer are two connections of it."""
    with duckdb.connect(str(desk.warehouse)) as writer, writer.cursor() as connection:
        connection.execute("BEGIN TRANSACTION READ ONLY")

        def write() -> None:
            writer.execute("BEGIN")
            for statement in WRITES:
                writer.execute(statement)
            writer.execute("COMMIT")

        yield DuckDBReader(connection, desk.warehouse), write


@contextmanager
def _sqlite(desk: Desk) -> Iterator[tuple[Reader, Write]]:
    """Readers and a writer meet in a write-ahead log, which is there while a run writes."""
    with closing(sqlite3.connect(desk.warehouse)) as log:
        log.execute("PRAGMA journal_mode = WAL")

    def write() -> None:
        with closing(sqlite3.connect(desk.warehouse)) as writer, writer:
            for statement in WRITES:
                writer.execute(statement)

    with open_warehouse(desk.settings["AGENTSVIEW_ASSETS_WAREHOUSE"]) as reader:
        yield reader, write


@pytest.fixture
def restored(desk: Desk) -> Iterator[None]:
    """Give the next test the warehouse back as it was."""
    kept = desk.warehouse.read_bytes()
    yield
    for left_over in desk.warehouse.parent.glob(f"{desk.warehouse.name}*"):
        if left_over.is_file():
            left_over.unlink()
    desk.warehouse.write_bytes(kept)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_commit_in_the_middle_is_not_seen(opened: Opened, name: str) -> None:
    make = DOCUMENTS[name]
    with opened() as (reader, _):
        before = make(reader)
    with opened() as (reader, write):
        interrupted: Any = Interrupted(reader, write)
        during = make(interrupted)
        assert interrupted.queries > 1
    with opened() as (reader, _):
        after = make(reader)
    assert during == before
    assert after != before
