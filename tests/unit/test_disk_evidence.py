"""What a disk says of projects is observed by whoever reads the archive; others keep it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.disk_evidence import (
    CHECKOUT,
    PATH,
    DiskAnswer,
    RecordedDisk,
    RecordingDisk,
    says_the_same,
)
from agentsview_assets.rules.disks import Checkout
from tests.support.machines import Machine, archive, everything

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-02"


class Disk:
    """A disk with one working tree."""

    def resolve_symlinks(self, path: str) -> str | None:
        return f"/real{path}" if path.startswith("/a") else None

    def checkout(self, path: str) -> Checkout | None:
        return Checkout("/real/a", "https://h.example/o/r") if path.startswith("/a") else None


def test_what_was_recorded_is_said_again() -> None:
    recording = RecordingDisk(Disk())
    for path in ("/a/b", "/other"):
        recording.resolve_symlinks(path)
        recording.checkout(path)
    assert set(recording.answers.values()) == {
        DiskAnswer(PATH, "/a/b", "/real/a/b"),
        DiskAnswer(PATH, "/other", ""),
        DiskAnswer(CHECKOUT, "/a/b", "/real/a", "https://h.example/o/r"),
        DiskAnswer(CHECKOUT, "/other", ""),
    }
    recorded = RecordedDisk(
        {
            "evidence": answer.evidence,
            "root_path": answer.path,
            "worktree_root_path": answer.root,
            "git_remote": answer.remote,
        }
        for answer in recording.answers.values()
    )
    for path in ("/a/b", "/other", "/never asked"):
        assert recorded.checkout(path) == (
            Disk().checkout(path) if path != "/never asked" else None
        )
    assert recorded.resolve_symlinks("/a/b") == "/real/a/b"
    assert recorded.resolve_symlinks("/other") is None
    assert says_the_same(Disk(), recording.answers.values())
    assert not says_the_same(Disk(), [DiskAnswer(PATH, "/a/b", "/elsewhere")])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose archive has a session in a working tree without a remote."""
    tree = tmp_path / "src" / "demo"
    (tree / ".git").mkdir(parents=True)
    (tree / ".git" / "config").write_text("[core]\n")
    place = archive(tmp_path / "data", "one", [("a", DAY)])
    with closing(sqlite3.connect(place / "sessions.db")) as database, database:
        database.execute("UPDATE sessions SET cwd = ?", [str(tree)])
    made = Machine(tmp_path, f"duckdb:///{tmp_path}/warehouse.duckdb", (place,))
    assert made.run("materialize").code == 0
    return made


def identity(machine: Machine) -> tuple[str, str | None]:
    """How the project of the session is known."""
    with open_reader(machine.warehouse) as reader:
        [found] = reader.rows("SELECT key_source, normalized_remote FROM project_identities")
    return (str(found[0]), found[1])


def add_remote(machine: Machine) -> None:
    (machine.folder / "src/demo/.git/config").write_text(
        '[remote "origin"]\n\turl = https://h.example/o/r.git\n'
    )


def test_a_remote_that_is_added_is_noticed_though_the_archive_did_not_move(
    machine: Machine,
) -> None:
    assert identity(machine) == ("root_path", None)
    assert machine.run("materialize", "--json").json["up_to_date"]
    add_remote(machine)
    assert not machine.run("materialize", "--json").json["up_to_date"]
    assert identity(machine) == ("git_remote", "h.example/o/r")
    assert machine.run("materialize", "--json").json["up_to_date"]


def test_another_machine_takes_the_word_of_the_one_that_read_the_archive(
    machine: Machine, tmp_path: Path
) -> None:
    add_remote(machine)
    assert machine.run("materialize").code == 0
    shutil.rmtree(tmp_path / "src")
    before = everything(machine.warehouse)["one"]
    mine = archive(tmp_path / "mine", "two", [("b", DAY)])
    other = replace(machine, folder=tmp_path / "other", archives=(mine,))
    assert other.run("materialize", "--force").code == 0
    assert other.start("project_identities").err == ""
    assert everything(machine.warehouse)["one"] == before
    assert machine.run("status").code == 0
