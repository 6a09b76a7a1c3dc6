"""An archive is only read: nothing of ours is left beside it, whoever owns it and whoever reads."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import adbc_driver_sqlite
import pytest

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives import schema as source
from agentsview_assets.resources.archives.private_copy import PREFIX
from agentsview_assets.resources.archives.reader import ArchiveReader
from tests.support.in_process import Desk
from tests.support.oracle import Oracle, install
from tests.support.other_user import OTHER_USER, as_user
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

adbc_driver_sqlite._driver_path()  # looked up as long as everything may be read  # noqa: SLF001

IN_THE_FILE, IN_THE_LOG = "in the file", "in the log"
_HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("SELECT count(*) FROM sessions").fetchall()
print("held", flush=True)
sys.stdin.read()
"""


class Setup(NamedTuple):
    """One state of an archive's folder.

    Attributes:
        log: `content`, `empty` or `absent`.
        index: Whether there is a `-shm`.
        mode: Permissions of the folder.
        is_open: Whether its owner has the archive open.
        reader: Who reads.
    """

    log: str
    index: bool
    mode: int
    is_open: bool
    reader: int


SETUPS = [
    Setup(log, index, mode, is_open, reader)
    for log, index, mode, is_open, reader in itertools.product(
        ("content", "empty", "absent"),
        (True, False),
        (0o755, 0o777, 0o555),
        (False, True),
        (0, OTHER_USER),
    )
    if index or not is_open
]


def make(folder: Path, setup: Setup) -> Path:
    """An archive in such a state, left behind by an owner that did not end in order."""
    made = folder / "made"
    with TinyArchive(made) as archive:
        archive.session(IN_THE_FILE)
        archive.message(IN_THE_FILE, 1, "2026-11-01T10:00:00Z")
    place = folder / "archive"
    place.mkdir()
    with closing(sqlite3.connect(made / "sessions.db")) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("PRAGMA wal_autocheckpoint = 0")
        owner.execute("UPDATE sessions SET project = 'before'")
        owner.commit()
        owner.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if setup.log == "content":
            owner.execute("UPDATE sessions SET project = 'in the log'")
            owner.commit()
        for suffix, is_kept in (
            ("", True),
            ("-wal", setup.log != "absent"),
            ("-shm", setup.index),
        ):
            if is_kept:
                shutil.copy(made / f"sessions.db{suffix}", place / f"sessions.db{suffix}")
    shutil.rmtree(made)
    return place / "sessions.db"


def seen(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that a folder shows of its files."""
    found = {}
    for path in folder.iterdir():
        about = path.stat()
        found[path.name] = (
            about.st_uid, about.st_gid, about.st_mode, about.st_size, about.st_mtime_ns,
            about.st_ino,
        )  # fmt: skip
    return found


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Its owner, who has it open and writes nothing now."""
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdin is not None
        assert owner.stdout.readline() == b"held\n"
        yield
        owner.stdin.close()


def projects(path: Path) -> str:
    """What is read of the sessions, or why it cannot be."""
    try:
        with ArchiveReader(path) as reader, reader.transaction():
            rows = reader.read(source.SESSIONS).to_pylist()
    except ArchiveError as error:
        return f"refused: {error}"
    return ",".join(row["project"] for row in rows)


@pytest.fixture
def tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that other users can reach, with a temporary folder that all may write."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() and folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o055)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    return tmp_path


def check(setup: Setup, folder: Path) -> None:
    path = make(folder, setup)
    path.parent.chmod(setup.mode)
    with held_open(path) if setup.is_open else closing(open(os.devnull)):  # noqa: PTH123
        before = seen(path.parent)
        said = as_user(setup.reader, lambda: projects(path))
        assert said == (IN_THE_LOG if setup.log == "content" else "before")
        assert seen(path.parent) == before
    path.parent.chmod(0o755)
    assert list((folder / "scratch").iterdir()) == []
    # Its owner goes on as if nobody had been there.
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("UPDATE sessions SET project = 'afterwards'")
        owner.commit()


@pytest.mark.parametrize("log", ["content", "empty", "absent"])
@pytest.mark.parametrize("index", [True, False])
def test_another_user_s_reading_leaves_nothing_in_a_folder_that_all_may_write(
    log: str,
    index: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    check(Setup(log, index, 0o777, False, OTHER_USER), tmp_path)


@pytest.mark.hostile
@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_reading_leaves_nothing_and_misses_nothing(setup: Setup, tmp_path: Path) -> None:
    check(setup, tmp_path)


@pytest.mark.hostile
def test_a_run_over_a_left_over_log_reads_it_and_leaves_the_folder_as_it_was(
    tmp_path: Path,
) -> None:
    path = make(tmp_path, Setup("content", False, 0o755, False, 0))
    desk = Desk(tmp_path, {"AGENTSVIEW_ASSETS_START_DATE": "2026-11-01"})
    before = seen(path.parent)
    desk.materialize()
    assert desk.rows("SELECT project FROM sessions") == [(IN_THE_LOG,)]
    assert desk.materialize()["up_to_date"]
    assert desk.run("reprice", "--json").code == 0
    assert seen(path.parent) == before


def test_a_copy_that_cannot_be_made_is_told_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, Setup("content", False, 0o755, False, 0))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    said = projects(path)
    assert said.startswith(f"refused: archive {path}: its last changes are in sessions.db-wal")
    assert "agentsview" in said
    assert "TMPDIR" in said


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_stands_in_the_place_of_the_log_is_not_followed(kind: str, tmp_path: Path) -> None:
    path = make(tmp_path, Setup("content", False, 0o755, False, 0))
    log = path.with_name("sessions.db-wal")
    elsewhere = log.rename(tmp_path / "elsewhere")
    if kind == "link":
        log.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(log)
    else:
        log.mkdir()
    before = seen(path.parent)
    assert projects(path).startswith(("refused: ", "before"))
    assert seen(path.parent) == before


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """The original program."""
    return install()


@pytest.mark.hostile
@pytest.mark.parametrize("index", [True, False])
def test_the_owner_s_agentsview_goes_on(
    index: bool,  # noqa: FBT001
    oracle: Oracle,
    tmp_path: Path,
) -> None:
    path = make(tmp_path, Setup("content", index, 0o777, False, OTHER_USER))
    assert as_user(OTHER_USER, lambda: projects(path)) == IN_THE_LOG
    oracle.sync(path.parent)
    with closing(sqlite3.connect(path)) as owner:
        assert owner.execute("SELECT project FROM sessions").fetchall()


@pytest.mark.hostile
def test_beside_an_owner_that_opens_writes_and_closes_nothing_is_made_by_us(
    tmp_path: Path,
) -> None:
    """The moment between looking and opening: the owner's last connection takes its files away."""
    path = make(tmp_path, Setup("absent", False, 0o777, False, OTHER_USER))
    program = """
import sqlite3, sys
for n in range(300):
    database = sqlite3.connect(sys.argv[1], timeout=30)
    database.execute("UPDATE sessions SET project = ?", [f"round {n}"])
    database.commit()
    database.close()
"""

    with subprocess.Popen([sys.executable, "-c", program, str(path)]) as owner:
        child = as_user(OTHER_USER, lambda: _until_ended(path, owner.pid))
        assert owner.wait() == 0
    assert child == ""
    assert not [p.name for p in path.parent.iterdir() if p.stat().st_uid == OTHER_USER]
    assert not list((tmp_path / "scratch").glob(f"{PREFIX}*"))


def _until_ended(path: Path, owner: int) -> str:
    strange: set[str] = set()
    while _is_running(owner):
        said = projects(path)
        if not said.startswith(("round", "before", "refused")):
            strange.add(said)
    return ",".join(sorted(strange))


def _is_running(process: int) -> bool:
    try:
        about = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False
    return about.rpartition(b")")[2].split()[0] != b"Z"
