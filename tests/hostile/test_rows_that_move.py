"""A row whose day changes is, between two runs, on its old day and on its new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import open_reader
from tests.support.machines import Machine, everything
from tests.support.staged import Staged
from tests.support.tiny_archives import TinyArchive
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.postgres import Server

A, B = "2026-11-02", "2026-11-04"
KEYED = {"claude_message_id": "m", "claude_request_id": "r"}


def _made(folder: Path, url: str) -> Machine:
    with TinyArchive(folder / "archive", "one-id") as made:
        made.session("mover", A)
        made.message("mover", 0, f"{A}T10:10:00Z", **KEYED)
        made.message("mover", 1, f"{A}T10:11:00Z")
        made.message("mover", 2, f"{B}T10:11:00Z")
        made.session("other", B)
        made.message("other", 0, f"{B}T10:10:00Z")
        made.message("other", 1, f"{B}T10:11:00Z", **KEYED)
    found = Machine(folder, url, (folder / "archive",))
    assert found.run("materialize").code == 0
    return found


@pytest.fixture(scope="module", params=KINDS)
def staged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Staged[Machine]:
    kind = request.param
    folder = tmp_path_factory.mktemp("staged")
    url = f"{kind}:///{folder}/place/warehouse.{kind}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        url = server.database().url()
    return Staged(folder, lambda place: _made(place, url))


@pytest.fixture
def machine(request: pytest.FixtureRequest, staged: Staged[Machine]) -> Machine:
    found = staged.anew()
    if not found.warehouse.startswith("postgresql"):
        return found
    server: Server = request.getfixturevalue("postgres_server")
    copy = server.copy(found.warehouse.rpartition("/")[2].partition("?")[0])
    return replace(found, warehouse=copy.url())


def _move(machine: Machine, *touched: str) -> None:
    """Moves the first row, which shares its key, to another day, and touches some sessions."""
    with TinyArchive(machine.archives[0]) as archive:
        archive.connection.execute(
            "UPDATE messages SET timestamp = ? WHERE session_id = 'mover' AND ordinal = 0",
            [f"{B}T10:12:00Z"],
        )
        for name in touched:
            archive.connection.execute(
                "UPDATE sessions SET local_modified_at = ?, ended_at = ? WHERE id = ?",
                [f"{B}T12:00:00.000Z", f"{B}T12:00:00Z", name],
            )


def _alike(machine: Machine) -> dict[str, list[str]]:
    return {
        name: [row.removeprefix(f"{machine.warehouse} ") for row in rows]
        for name, rows in everything(machine.warehouse).items()
    }


def _require_as_if_fresh(machine: Machine, url: str) -> None:
    """The warehouse holds what one holds that was made of the archive as it is now."""
    other = Machine(machine.folder / "fresh", url, machine.archives)
    assert other.run("materialize").code == 0
    assert _alike(machine) == _alike(other)


def test_one_day_made_by_hand_counts_it_once(
    machine: Machine, further_url: Callable[[str, str], str]
) -> None:
    _move(machine, "mover")
    done = machine.start(day=B)
    assert done.code == 0, done.err
    with open_reader(machine.warehouse) as reader:
        assert reader.rows("SELECT count(*) FROM duplicates WHERE scope = 'archive'") == [(2,)]
    assert machine.run("materialize").code == 0
    _require_as_if_fresh(machine, further_url(machine.warehouse.split(":")[0], "fresh"))


def test_a_move_that_its_session_does_not_show_is_found_with_the_day(
    machine: Machine, further_url: Callable[[str, str], str]
) -> None:
    """Reading a day for another session's sake finds it; the run then makes both days."""
    _move(machine, "other")
    done = machine.run("materialize")
    assert done.code == 0, done.err
    assert machine.run("materialize", "--json").json["up_to_date"]
    _require_as_if_fresh(machine, further_url(machine.warehouse.split(":")[0], "fresh"))
