"""What we make is for its user alone; locks of others are waited for aloud, and not for ever."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources import locks
from agentsview_assets.resources.dagster_home.history import prepare_home
from tests.support import forked
from tests.support.command import OurCommand
from tests.support.in_process import SAMPLE, Desk

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """What others than its owner may do anything with."""
    return [
        f"{path} {stat.filemode(path.lstat().st_mode)}"
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


@pytest.fixture
def free_umask() -> Iterator[None]:
    with umask(0):
        yield


@pytest.mark.hostile
def test_warehouse_and_state_are_their_user_s_alone(tmp_path: Path, free_umask: None) -> None:
    desk = Desk.with_sample(tmp_path / "desk", AGENTSVIEW_ASSETS_START_DATE="2026-11-09")
    place = tmp_path / "made" / "deeper"
    desk.materialize("--warehouse", f"{place}/w.duckdb sqlite:///{place}/w.sqlite")
    assert (place / "w.sqlite").exists()
    assert open_to_others(tmp_path / "made") == []
    named = ("--warehouse", f"{place}/w.duckdb")
    assert desk.run("export", "sessions", "--limit", "1", *named).code == 0
    assert open_to_others(tmp_path / "made") == []
    assert os.umask(0) == 0  # and only while a command runs


@pytest.mark.hostile
def test_what_is_there_keeps_its_permissions(tmp_path: Path, free_umask: None) -> None:
    desk = Desk.with_sample(tmp_path / "desk", AGENTSVIEW_ASSETS_START_DATE="2026-11-09")
    desk.materialize()
    desk.warehouse.chmod(0o664)
    desk.folder.chmod(0o755)
    desk.materialize("--force")
    assert stat.S_IMODE(desk.warehouse.stat().st_mode) == 0o664
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o755


@pytest.mark.hostile
@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_process_of_its_own_makes_nothing_for_others(
    mask: int, kind: str, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "sessions.db").write_bytes(SAMPLE.read_bytes())
    home = tmp_path / "home"
    url = f"{kind}:///{home}/made/w.{kind}"
    command = OurCommand(archive, home, url, {"AGENTSVIEW_ASSETS_START_DATE": "2026-11-09"})
    done = forked.run(["materialize"], command.environment(), hardship=partial(os.umask, mask))
    assert done.returncode == 0, done.stderr
    assert open_to_others(home / "made") == []


@pytest.mark.hostile
def test_what_dagster_s_own_processes_make_is_for_nobody_else(tmp_path: Path) -> None:
    """They load the definitions, without our command line."""
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    done = subprocess.run(
        [sys.executable, "-c", "import agentsview_assets.definitions, os; print(os.umask(0))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) & 0o077 == 0o077


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with a Dagster home that nobody has prepared."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    place = tmp_path / "w.state" / "dagster"
    place.mkdir(parents=True)
    return place


def test_a_lock_that_another_process_keeps_is_told_and_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.0)
    with (home / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(WarehouseError, match=r"\.lock: another process has held it"):
            prepare_home(home.parent)
    assert f"waiting for another process that holds {home / '.lock'}" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_what_stands_in_the_place_of_the_lock_is_refused(
    what: str, home: Path, tmp_path: Path
) -> None:
    lock, other = home / ".lock", tmp_path / "other"
    other.write_text("untouched")
    if what == "link":
        lock.symlink_to(other)
    elif what == "pipe":
        os.mkfifo(lock)
    else:
        lock.mkdir()
    with pytest.raises(WarehouseError):
        prepare_home(home.parent)
    assert other.read_text() == "untouched"
