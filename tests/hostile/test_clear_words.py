"""A user's mistake, or what a machine refuses: one message with the thing and the remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import forked
from tests.support.further import further
from tests.support.hardship import with_files_up_to, without_privileges
from tests.support.in_process import Desk, Finished, run_here
from tests.support.oracle import REPOSITORY
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What all of them look at is made once, not once for each worker.
pytestmark = pytest.mark.xdist_group("clear words")

DAY = "2026-11-01"
REPORT = ("usage", "daily", "--all")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A tiny archive, its warehouse and its history."""
    folder = tmp_path_factory.mktemp("words")
    with TinyArchive(folder / "archive") as archive:
        archive.session("a")
        archive.message("a", 0, f"{DAY}T10:00:00Z")
    desk = Desk(folder, {"AGENTSVIEW_ASSETS_START_DATE": DAY})
    desk.materialize()
    return desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    """A copy of it, whose history knows that it is one."""
    shutil.copytree(made.folder, tmp_path / "desk")
    copy = Desk(tmp_path / "desk", made.settings)
    config = _history(copy) / "dagster.yaml"
    config.write_text(config.read_text().replace(str(made.folder), str(copy.folder)))
    return copy


def _history(desk: Desk) -> Path:
    return Path(f"{desk.warehouse}.state") / "dagster"


def _only_message(done: Finished | subprocess.CompletedProcess[str], code: int = 1) -> str:
    """What a command that failed said beside its progress: one line, and nothing on stdout."""
    ended, out, err = (
        (done.code, done.out, done.err)
        if isinstance(done, Finished)
        else (done.returncode, done.stdout, done.stderr)
    )
    said = [line for line in err.splitlines() if not line.startswith("  ")]
    assert ended == code, err
    assert "Traceback" not in err
    assert len(said) == 1, said
    assert out == ""
    return said[0]


def _unprivileged(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process for which permission bits hold."""
    pinned = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC", **environ}
    return forked.run(arguments, pinned, cwd=REPOSITORY, hardship=without_privileges)


class TestAFolderOfSomebodyElse:
    @pytest.fixture
    def forbidden(self, desk: Desk) -> Iterator[Path]:
        """The data folder, as agentsview makes it and somebody else sees it."""
        desk.archive.chmod(0o000)
        yield desk.archive
        desk.archive.chmod(0o755)

    @pytest.mark.parametrize(
        "named",
        [
            *(pytest.param(n, marks=pytest.mark.hostile) for n in ("", "sessions.db")),
            "deeper/still",
        ],
    )
    @pytest.mark.parametrize(
        "command", [("reprice", "--dry-run"), pytest.param(("materialize",),
                                                           marks=pytest.mark.hostile)]
    )  # fmt: skip
    def test_is_named_with_the_missing_right(self, desk, forbidden, command, named):
        place = forbidden / named if named else forbidden
        done = _unprivileged(*command, "--archive", str(place), "--warehouse", str(desk.warehouse))
        said = _only_message(done)
        assert f"archive {forbidden}" in said
        assert "Permission denied" in said
        assert f"the folder {forbidden} may not be entered" in said
        assert "run this as its owner, or have the right granted" in said

    @pytest.mark.hostile
    def test_among_several_the_others_are_read_and_it_is_named(self, tmp_path, forbidden):
        with TinyArchive(tmp_path / "mine", identity="mine") as archive:
            archive.session("b")
            archive.message("b", 0, f"{DAY}T12:00:00Z")
        done = _unprivileged(
            "materialize", "--archive", str(forbidden), "--archive", str(tmp_path / "mine"),
            "--warehouse", str(tmp_path / "new.duckdb"), AGENTSVIEW_ASSETS_START_DATE=DAY,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"not read, its rows stay as they were: archive {forbidden}" in done.stderr
        assert "Permission denied" in done.stderr

    @pytest.mark.parametrize("locked", ["folder", "state", "config"])
    @pytest.mark.hostile
    def test_so_are_the_other_places(self, desk, locked):
        config = desk.archive / "config.toml"
        config.write_text("")
        place = {"folder": desk.folder / "w", "state": _history(desk).parent, "config": config}
        if locked == "folder":
            (desk.folder / "w").mkdir()
        warehouse = desk.folder / "w" / "w.duckdb" if locked == "folder" else desk.warehouse
        place[locked].chmod(0o000)
        done = _unprivileged(
            "materialize", "--archive", str(desk.archive), "--warehouse", str(warehouse),
            AGENTSVIEW_ASSETS_START_DATE=DAY,
        )  # fmt: skip
        place[locked].chmod(0o755)
        said = _only_message(done)
        assert str(place[locked]) in said
        assert "ermission denied" in said


def _circle(folder: Path) -> Path:
    (folder / "circle").symlink_to(folder / "circle")
    return folder / "circle"


ODD_PLACES: dict[str, Callable[[Path], str]] = {
    "circle": lambda folder: str(_circle(folder)),
    "below a circle": lambda folder: str(_circle(folder) / "deeper"),
    "long name": lambda folder: str(folder / ("x" * 300)),
    "long path": lambda folder: str(folder / "/".join(["y" * 200] * 30)),
    "nobody's home": lambda _: "~nobody-of-this-name/archive",
}


MOST_SHOWN = 40
"""Characters of a place that a message always has, however long it is."""


class TestAPlaceThatIsNone:
    @pytest.mark.parametrize("place", ODD_PLACES)
    @pytest.mark.parametrize(
        ("option", "command"),
        [
            ("--archive", ("materialize",)),
            ("--archive", ("reprice",)),
            ("--warehouse", ("materialize",)),
            ("--warehouse", REPORT),
            ("--warehouse", ("status",)),
            ("--warehouse", ("export", "sessions")),
        ],
    )
    def test_is_named_and_so_is_what_is_wrong(self, made, tmp_path, place, option, command):
        named = ODD_PLACES[place](tmp_path)
        # What cannot be read is recorded, and others look at the warehouse that was made.
        is_recorded = (option, command) == ("--archive", ("materialize",))
        other = ("--warehouse", str(tmp_path / "other")) if is_recorded else ()
        said = _only_message(made.run(*command, option, named, *other))
        assert named[:MOST_SHOWN] in said
        assert option.removeprefix("--") in said
        words = ("circle", "shorten it", "name the whole path")
        assert any(text in said for text in words)

    def test_a_current_folder_that_is_gone(self, made, tmp_path, monkeypatch):
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        said = _only_message(made.run("status", "--archive", "relative"))
        assert "archive relative: the current folder cannot be told" in said


def _noise(path: Path) -> None:
    path.write_bytes(b"\xa5" * 5000)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (text TEXT)")


STORAGE = ("history/runs.db", "history/index.db", "schedules/schedules.db", "history/.db")


class TestADamagedHistory:
    @pytest.mark.parametrize("damage", [_noise, _cut, _folder])
    @pytest.mark.parametrize(
        "name", [STORAGE[0], *(pytest.param(n, marks=pytest.mark.hostile) for n in STORAGE[1:])]
    )
    def test_is_named_by_its_file_and_may_be_removed(self, desk, name, damage):
        path = _history(desk) / name
        damage(path)
        said = _only_message(desk.run("materialize", "--force"))
        assert f"run history {path}" in said
        assert f"remove the folder {_history(desk)}" in said
        assert "the warehouse stays as it is" in said

    @pytest.mark.hostile
    def test_the_remedy_works(self, desk):
        _noise(_history(desk) / "history" / "runs.db")
        _only_message(desk.run("materialize", "--force"))
        shutil.rmtree(_history(desk))
        assert desk.run("materialize", "--force").code == 0
        assert desk.run("materialize").out.startswith("Nothing to do")

    @pytest.mark.hostile
    @pytest.mark.parametrize("damage", [_empty, _foreign])
    @pytest.mark.parametrize("name", [*STORAGE, "dagster.yaml"])
    def test_what_can_be_made_again_is(self, desk, name, damage):
        if name != "dagster.yaml" or damage is _empty:
            damage(_history(desk) / name)
        assert desk.run("materialize", "--force").code == 0

    @pytest.mark.hostile
    def test_a_home_that_was_made_half_is_made_again(self, desk):
        (_history(desk) / ".prepared").unlink()
        for name in STORAGE:
            _cut(_history(desk) / name)
        assert desk.run("materialize", "--force").code == 0


CONFIGS = {
    "no yaml": ("a: [b\nc: {", "is no YAML"),
    "a text": ("hello", "dagster.yaml"),
    "a list": ("- a\n- b", "dagster.yaml"),
    "no text": ("\ufffe\x00", "dagster.yaml"),
    "unknown key": ("foo: 1\n", '"foo"'),
    "unknown key inside": ("telemetry:\n  enabledd: false\n", '"enabledd"'),
    "wrong type": ("telemetry:\n  enabled: [1]\n", "telemetry:enabled"),
    "unknown module": ("run_storage: {module: not.there, class: Foo}\n", "not.there"),
    "unknown class": ("run_storage: {module: dagster, class: Foo}\n", "Foo"),
    "unknown storage": ("storage: {foo: {}}\n", '"foo"'),
    "unset variable": (
        "storage: {postgres: {postgres_url: {env: NOT_SET_ANYWHERE}}}\n",
        "NOT_SET_ANYWHERE",
    ),
}


class TestAHomeOfDagster:
    @pytest.mark.parametrize("kind", ["relative", "missing", "file", "circle"])
    def test_that_is_no_folder_is_named(self, made, tmp_path, kind):
        named = {
            "relative": "rel/dir",
            "missing": str(tmp_path / "missing"),
            "file": str(tmp_path / "file"),
            "circle": str(_circle(tmp_path)),
        }[kind]
        (tmp_path / "file").write_text("")
        desk = Desk(made.folder, {**made.settings, "DAGSTER_HOME": named})
        said = _only_message(desk.run("materialize", "--force"))
        assert f"DAGSTER_HOME {named}: " in said
        assert not (tmp_path / "missing").exists()

    @pytest.mark.parametrize("kind", CONFIGS)
    def test_whose_configuration_cannot_be_used_is_named_with_the_key(self, made, tmp_path, kind):
        text, named = CONFIGS[kind]
        (tmp_path / "dagster.yaml").write_text(text)
        desk = Desk(made.folder, {**made.settings, "DAGSTER_HOME": str(tmp_path)})
        said = _only_message(desk.run("materialize", "--force"))
        assert f"DAGSTER_HOME {tmp_path}: {tmp_path / 'dagster.yaml'}" in said
        assert named in said
        assert "unset DAGSTER_HOME" in said
        assert len(said) < 1000


_AS_NOBODY = """
import os, pwd, runpy, sys
def unknown(*_):
    raise KeyError("uid not found")
if os.geteuid() == 0:
    os.setresuid(54321, 0, 0)  # who we are is unknown; what we may read is not what is tried here
else:
    pwd.getpwuid = unknown
sys.argv = ["agentsview-assets", *sys.argv[1:]]
runpy.run_module("agentsview_assets", run_name="__main__", alter_sys=True)
"""


def _without_home(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user id that has no entry in the list of users, and no HOME."""
    return subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *arguments],
        env={"PATH": os.environ["PATH"], "TZ": "UTC", **environ},
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip


class TestAUserWithoutAHome:
    @pytest.mark.parametrize(
        "command", [REPORT, pytest.param(("export", "sessions"), marks=pytest.mark.hostile)]
    )
    def test_reports_work_where_the_warehouse_is_named(self, made, command):
        done = _without_home(*command, "--warehouse", str(made.warehouse))
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.hostile
    @pytest.mark.parametrize("command", [("materialize", "--force"), ("status",), ("reprice",)])
    def test_the_others_work_where_both_are_named(self, made, command):
        done = _without_home(
            *command, "--archive", str(made.archive), "--warehouse", str(made.warehouse),
            AGENTSVIEW_ASSETS_START_DATE=DAY,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize(
        ("command", "remedy"),
        [
            (REPORT, "--warehouse"),
            pytest.param(("materialize",), "--warehouse", marks=pytest.mark.hostile),
            pytest.param(("status",), "--warehouse", marks=pytest.mark.hostile),
        ],
    )
    def test_a_default_that_is_needed_is_told(self, command, remedy):
        said = _only_message(_without_home(*command))
        assert "the home folder cannot be found, as HOME is not set" in said
        assert remedy in said

    @pytest.mark.hostile
    @pytest.mark.parametrize("command", [("status",), ("materialize",), ("reprice",)])
    def test_so_is_the_archive(self, desk, command):
        said = _only_message(_without_home(*command, "--warehouse", str(desk.warehouse)))
        assert "archive ~/.agentsview: the home folder cannot be found" in said


@pytest.mark.hostile
class TestAFullDisk:
    """At any moment, the making of the history included; the next run with room completes."""

    @pytest.mark.parametrize(
        "size",
        [
            0,
            90_000,
            600_000,
            900_000,
            *further(1, 3, 11, 4096, 20_000, 150_000, 300_000, 1_500_000),
        ],
    )
    def test_is_told_and_once_there_is_room_the_next_run_completes(self, made, tmp_path, size):
        shutil.copytree(made.archive, tmp_path / "archive")
        arguments = [
            sys.executable, "-m", "agentsview_assets", "materialize", "--archive",
            str(tmp_path / "archive"), "--warehouse", str(tmp_path / "w.duckdb"),
        ]  # fmt: skip
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path),
                   "AGENTSVIEW_ASSETS_START_DATE": DAY,
                   # Python 3.11 keeps compiled files that it could write in part alone.
                   "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        done = subprocess.run(
            arguments, env=environ, cwd=REPOSITORY, capture_output=True, text=True, check=False,
            preexec_fn=with_files_up_to(size),
        )  # fmt: skip
        if done.returncode != 0:
            assert "disk" in _only_message(done)
        environ |= {"DAGSTER_HOME": "", "AGENTSVIEW_ASSETS_WAREHOUSE": str(tmp_path / "w.duckdb")}
        again = run_here(["materialize", "--archive", str(tmp_path / "archive")], environ)
        assert again.code == 0, again.err
