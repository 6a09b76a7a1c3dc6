"""What stands in our way is named and left as it is, unless it is provably ours to replace."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.dagster_home.history import prepare_home
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = 65534


def _notes(path: Path) -> None:
    path.write_text("my notes\n" * 500)


def _short(path: Path) -> None:
    path.write_bytes(b"x")


def _zeros_and_more(path: Path) -> None:
    path.write_bytes(bytes(4096) + b"mine")


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE store (landing_version TEXT, engine_version TEXT)")


def _tables_of_another_program(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE store (a INT); INSERT INTO store VALUES (1)")


def _a_warehouse(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE daily_usage (a INT)")


def _a_view(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE VIEW mine AS SELECT 1 AS landing_version, 2 AS engine_version")


def _a_link_to_a_file(path: Path) -> None:
    _notes(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


FOREIGN = [
    _notes,
    _short,
    _zeros_and_more,
    _sqlite,
    _tables_of_another_program,
    _a_warehouse,
    _a_view,
    _a_link_to_a_file,
    _a_link_to_nothing,
    _a_pipe,
]


def _everything(folder: Path) -> dict[str, object]:
    """Each name of a folder with what it is and holds."""
    return {
        path.name: (stat.S_IFMT(path.lstat().st_mode), _content(path)) for path in folder.iterdir()
    }


def _content(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else None


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A warehouse of one day, in which nothing is left to do."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("finished")).starting("2026-11-10")
    assert desk.run("materialize").code == 0
    return desk


@pytest.mark.parametrize("make", FOREIGN)
def test_a_file_where_an_earlier_release_kept_its_store_is_left(
    make: Callable[[Path], None], finished: Desk, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, {**finished.settings, "AGENTSVIEW_ASSETS_ARCHIVE": str(finished.archive)})
    shutil.copy(finished.warehouse, desk.warehouse)
    path = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "observations.duckdb"
    path.parent.mkdir()
    make(path)
    before = _everything(path.parent)
    is_database = path.is_file() and not path.is_symlink() and b"DUCK" in path.read_bytes()[:12]
    assert desk.run("materialize").code == 0
    after = _everything(path.parent)
    assert {name: after.get(name) for name in before} == (
        dict.fromkeys(before) if is_database else before
    )


def test_the_store_of_an_earlier_release_goes(tmp_path: Path) -> None:
    desk = Desk.with_sample(tmp_path)
    path = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "observations.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as store:
        store.execute("CREATE TABLE store (landing_version TEXT, engine_version TEXT)")
    assert desk.run("materialize", "--since", "2026-11-10").code == 0
    assert not path.exists()


class TestTheHomeOfDagster:
    """Its settings name modules that are run."""

    @pytest.fixture(autouse=True)
    def no_home(self, monkeypatch):
        monkeypatch.setenv("DAGSTER_HOME", "")

    @pytest.mark.parametrize("whose", ["the state's", "dagster's"])
    def test_a_folder_of_another_user_is_refused(self, whose, tmp_path, monkeypatch):
        state = tmp_path / "warehouse.duckdb.state"
        (state / "dagster").mkdir(parents=True)
        folder = state if whose == "the state's" else state / "dagster"
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        else:
            monkeypatch.setattr("os.geteuid", lambda: NOBODY)
        with pytest.raises(WarehouseError, match="belongs to another user"):
            prepare_home(state)
        assert list((state / "dagster").iterdir()) == []

    def test_a_folder_that_anybody_may_write_to_is_refused(self, tmp_path):
        state = tmp_path / "warehouse.duckdb.state"
        state.mkdir()
        state.chmod(0o777)
        with pytest.raises(WarehouseError, match="anybody may write to it"):
            prepare_home(state)

    @pytest.mark.parametrize("name", [".lock", ".prepared", "dagster.yaml"])
    def test_a_link_in_it_is_not_written_through(self, name, tmp_path):
        victim = tmp_path / "victim"
        _notes(victim)
        home = tmp_path / "warehouse.duckdb.state" / "dagster"
        home.mkdir(parents=True)
        (home / name).symlink_to(victim)
        with pytest.raises(WarehouseError, match="it is a link"):
            prepare_home(home.parent)
        assert victim.read_text() == "my notes\n" * 500

    def test_it_is_made_for_the_user_alone(self, tmp_path):
        home = prepare_home(tmp_path / "warehouse.duckdb.state")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        shutil.rmtree(home)
