"""The kinds of warehouses, as fixtures: a URL of an empty one of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.in_process import Desk
from tests.support.postgres import Database, Server, running_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KINDS = ("duckdb", "sqlite", "postgresql")


@pytest.fixture(scope="session")
def sample_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The sample archive and a DuckDB warehouse of all of it; to be read only."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("sample")).starting("2026-10-20")
    desk.materialize()
    return desk


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL server of this worker, started when a test first asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture
def database(postgres_server: Server) -> Database:
    """An empty PostgreSQL database."""
    return postgres_server.database()


@pytest.fixture
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return a function from a kind to the URL of an empty warehouse of this test."""

    def url(kind: str) -> str:
        if kind == "postgresql":
            database: Database = request.getfixturevalue("database")
            return database.url()
        return f"{kind}:///{tmp_path / f'warehouse.{kind}'}"

    return url


@pytest.fixture
def further_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], str]:
    """Return a function from a kind and a name to the URL of one more empty warehouse."""

    def url(kind: str, name: str) -> str:
        if kind == "postgresql":
            server: Server = request.getfixturevalue("postgres_server")
            return server.database().url()
        return f"{kind}:///{tmp_path / f'{name}.{kind}'}"

    return url


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, warehouse_url: Callable[[str], str]) -> str:
    """The URL of an empty warehouse; the test runs once for each kind."""
    return warehouse_url(request.param)
