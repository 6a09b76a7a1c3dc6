"""Runs that are killed around each of their transactions, in warehouses of every kind.

A transaction has two such moments, before its commit and after it. Between them lie the slices, the
ledger, what is decided of duplicates, histories, and the answers of checks.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.duckdb.store import DuckDBStore
from agentsview_assets.resources.warehouses.postgres.store import PostgresStore
from agentsview_assets.resources.warehouses.sqlite.store import SQLiteStore
from tests.support import forked
from tests.support.further import further
from tests.support.machines import Machine, Rows, everything
from tests.support.tiny_archives import TinyArchive
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Server

DAYS = ("2026-11-01", "2026-11-02", "2026-11-04")
KEYED = {"claude_message_id": "m", "claude_request_id": "r"}
PARTS = 50
"""Into how many moments a run is cut, of which each is a test."""
SOME = (4, 22, 40)
pytestmark = pytest.mark.hostile


@dataclass(frozen=True)
class Story:
    """What is to happen to a warehouse.

    Attributes:
        machine: Whose archive has changed since the warehouse was made.
        expected: What a run that nobody disturbs makes of it.
        moments: How many moments such a run has.
    """

    machine: Machine
    expected: Rows
    moments: int
    server: Server | None

    def copied(self, folder: Path) -> Machine:
        """A machine with a copy of the warehouse, and with what it kept of its runs."""
        made = self.machine.warehouse
        if self.server is None:
            kind, path = made.split(":///")
            copied = shutil.copy(path, folder / Path(path).name)
            return replace(self.machine, folder=folder, warehouse=f"{kind}:///{copied}")
        copy = self.server.copy(made.rpartition("/")[2].partition("?")[0])
        return replace(self.machine, folder=folder, warehouse=copy.url())


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.xdist_group(f"killed {kind}")) for kind in KINDS],
)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("killed")
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = f"{request.param}:///{folder}/w.{request.param}"
    if server is not None:
        url = server.database().url()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        home = {"DAGSTER_HOME": str(prepare_home(folder / "home"))}
    machine = Machine(folder, url, (folder / "archive",), home)
    _make(machine.archives[0])
    assert machine.run("materialize").code == 0
    _change(machine.archives[0])
    found = Story(machine, {}, 0, server)
    rehearsed = found.copied(tmp_path_factory.mktemp("rehearsal"))
    counted = rehearsed.folder / "moments"
    done = _run(rehearsed, 0, counted)
    assert done == 0
    return replace(found, expected=_alike(rehearsed), moments=len(counted.read_bytes()))


def _make(folder: Path) -> None:
    with TinyArchive(folder, "one-id") as made:
        for number, day in enumerate(DAYS):
            made.session(f"s{number}", day)
            for ordinal in range(3):
                made.message(f"s{number}", ordinal, f"{day}T10:1{ordinal}:00Z")
            made.message(f"s{number}", 3, f"{day}T10:20:00Z", **KEYED)


def _change(folder: Path) -> None:
    """Moves a row that shares its key, removes a session, adds one, and sets a price."""
    with TinyArchive(folder) as archive:
        archive.connection.execute(
            "UPDATE messages SET timestamp = ? WHERE session_id = 's0' AND ordinal = 3",
            [f"{DAYS[1]}T10:30:00Z"],
        )
        archive.connection.execute("UPDATE sessions SET local_modified_at = '2026-11-05T00:00:00Z'")
        archive.connection.execute("DELETE FROM messages WHERE session_id = 's2'")
        archive.connection.execute("DELETE FROM sessions WHERE id = 's2'")
        archive.session("new", DAYS[2])
        archive.message("new", 0, f"{DAYS[2]}T10:10:00Z", **KEYED)
    (folder / "config.toml").write_text("[custom_model_pricing.claude-opus-4-6]\ninput = 7.0\n")


def _run(machine: Machine, killed_at: int, counted: Path) -> int:
    """Materialises in a process of its own, and returns how that ended."""
    hardship = functools.partial(dies_at, killed_at, str(counted))
    environ = {"PATH": os.environ["PATH"], "HOME": str(machine.folder), **machine.environ}
    with forked.started(["materialize"], environ, hardship=hardship) as process:
        process.communicate()
        return process.wait()


def dies_at(moment: int, counted: str) -> None:
    """Has this process killed at a moment; writes down each that it comes to."""
    file = os.open(counted, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    seen = 0

    def come() -> None:
        nonlocal seen
        seen += 1
        os.write(file, b".")
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    for kind in (DuckDBStore, SQLiteStore, PostgresStore):
        whole: Any = kind.transaction

        @contextlib.contextmanager
        def transaction(store: Any, *locks: str, _whole: Any = whole) -> Iterator[None]:
            with _whole(store, *locks):
                yield
                come()
            come()

        kind.transaction = transaction  # type: ignore[method-assign]


def _alike(machine: Machine) -> Rows:
    return {
        name: [row.removeprefix(f"{machine.warehouse} ") for row in rows]
        for name, rows in everything(machine.warehouse).items()
    }


@pytest.mark.parametrize("part", [*SOME, *further(*sorted({*range(PARTS)} - {*SOME}))])
def test_the_next_run_makes_what_is_missing(story: Story, tmp_path: Path, part: int) -> None:
    machine = story.copied(tmp_path)
    moment = 1 + part * story.moments // PARTS
    assert _run(machine, moment, tmp_path / "moments") == -signal.SIGKILL
    done = machine.run("materialize")
    assert done.code == 0, done.err
    assert _alike(machine) == story.expected
    assert machine.run("materialize", "--json").json["up_to_date"]
