"""Archives and the original's answers about them, kept in the repository.

What the original prints depends on an archive and a command line alone, so that it has to be asked
once: `make fixtures` makes the archives, runs the original and keeps what it said; `make matrix`
asks it again and compares. What belongs to a day (windows that end today) is always asked.

Archives name folders of the disk, so that they are unpacked where they were made.
"""

from __future__ import annotations

import functools
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.oracle import REPOSITORY, VERSION, Oracle, exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.conformance.recipes import Recipe

VARIABLE = "AGENTSVIEW_ASSETS_ORACLE"
"""`live`: the original is asked, whatever is kept; `write`: and its answers are kept anew.

Tests of the matrix always have it `live`.
"""
NAMES = (
    *("sample", "empty", "odd", "golden", "golden-export", "sessions", "busy-0"),
    *("custom-prices", "stored-prices", "no-cursor-table", "scrambled-0"),
)
"""Archives that are kept: all that are used every day but the one that moves with the calendar."""
_FOLDER = Path(__file__).with_name("kept")
_HEAD = _FOLDER / "made_by.json"
_SOURCES = (
    *("tests/conformance/recipes.py", "tests/support/busy_archive.py"),
    *("tests/support/odd_archives", "tests/support/transcripts"),
)
_NO_RECIPE = ("#", "from agentsview_assets.")
"""Comments make no archive, nor does where our own modules are."""
_REMEDY = "run `make fixtures`, look at what changed, and commit it"
_LEFT_BEHIND = (".lock", "-shm", "-wal", ".log")

Answer = list[Any]
"""Exit code, standard output and standard error."""


def mode() -> str:
    """Return what the environment asks for: "", `live` or `write`."""
    return os.environ.get(VARIABLE, "")


@functools.cache
def rules() -> str:
    """Return the digest of what makes the archives: release and recipes."""
    digest = hashlib.sha256(VERSION.encode())
    for source in _SOURCES:
        place = REPOSITORY / source
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            lines = (line.rstrip() for line in file.read_text(encoding="utf-8").splitlines())
            told = "\n".join(x for x in lines if x and not x.lstrip().startswith(_NO_RECIPE))
            digest.update(f"{file.relative_to(REPOSITORY)}\n{told}\n".encode())
    return digest.hexdigest()


def made_by() -> dict[str, str]:
    """Return what made all that is kept: `release`, the digest `rules`, the folder `place`.

    A test that asks fails if it is not today's.
    """
    if mode() == "write":
        _FOLDER.mkdir(exist_ok=True)
        made = {"release": VERSION, "rules": rules(), "place": f"{_root()}/{rules()[:12]}"}
        _HEAD.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        return made
    found: dict[str, str] = json.loads(_HEAD.read_text("utf-8")) if _HEAD.exists() else {}
    if (found.get("release"), found.get("rules")) != (VERSION, rules()):
        pytest.fail(f"tests/conformance/kept is of other recipes: {_REMEDY}", pytrace=False)
    return found


def _root() -> str:
    return "/tmp/agentsview-assets-kept"  # noqa: S108 - the same everywhere, as archives name it


def archive(name: str, recipe: Recipe, oracle: Oracle) -> Path:
    """Return the data folder of a kept archive, unpacked once for a machine; to be read only.

    To keep it anew, it is made first.
    """
    place = Path(made_by()["place"])
    place.parent.mkdir(mode=0o700, exist_ok=True)
    if place.parent.is_symlink() or place.parent.stat().st_uid != os.getuid():
        pytest.fail(f"{place.parent} is somebody else's folder; tests need it", pytrace=False)
    with exclusive(place / f"{name}.lock"):
        if mode() == "write":
            _remove(place, name)
            recipe.make(oracle, place / name)
            _pack(place, name)
        if not _is_whole(place, name):
            _remove(place, name)
            _unpack(place, name)
    return place / name


def _remove(place: Path, name: str) -> None:
    for end in ("", "-disk", "-transcripts"):
        shutil.rmtree(place / f"{name}{end}", ignore_errors=True)


def _pack(place: Path, name: str) -> None:
    def chosen(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        # Transcripts are in the archive by now; what stays of their folder are checkouts.
        return None if member.name.endswith((*_LEFT_BEHIND, ".jsonl")) else member

    with tarfile.open(_packed(name), "w:xz", preset=9) as tar:
        for end in ("", "-disk", "-transcripts"):
            if (place / f"{name}{end}").exists():
                tar.add(place / f"{name}{end}", f"{name}{end}", filter=chosen)


def _unpack(place: Path, name: str) -> None:
    if not _packed(name).exists():
        pytest.fail(f"{_packed(name).relative_to(REPOSITORY)} is missing: {_REMEDY}", pytrace=False)
    with tarfile.open(_packed(name)) as tar:
        # Links of checkouts lead where those links lead that they stand for.
        tar.extractall(place, filter="fully_trusted")  # noqa: S202 - our own
    (place / f"{name}.whole").write_text(_digest(_packed(name)), encoding="utf-8")


def _is_whole(place: Path, name: str) -> bool:
    mark = place / f"{name}.whole"
    return (
        (place / name).is_dir()
        and mark.exists()
        and mark.read_text(encoding="utf-8") == _digest(_packed(name))
    )


def _packed(name: str) -> Path:
    return _FOLDER / f"{name}.tar.xz"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def moves(arguments: Sequence[str]) -> bool:
    """Whether an answer is of a day: a window of so many days before today."""
    windows = ("--all", "--since", "--until")
    return arguments[0] == "usage" and not any(
        argument.startswith(window) for argument in arguments for window in windows
    )


@dataclass(frozen=True)
class KeptOracle(Oracle):
    """The original as far as its answers are kept, and the program itself beyond them.

    Attributes:
        name: The kept archive that it is asked about.
    """

    name: str

    def run(
        self,
        archive: Path,
        *arguments: str,
        zone: str = "UTC",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Return what the original says; what is not kept fails the test with a remedy."""
        if mode() == "live" or env or moves(arguments):
            return super().run(archive, *arguments, zone=zone, env=env)
        answers, key = _answers(self.name), json.dumps([zone, *arguments])
        if mode() == "write":
            done = super().run(archive, *arguments, zone=zone)
            answers[key] = [done.returncode, done.stdout, done.stderr]
            return done
        if key not in answers:
            pytest.fail(f"{self.name}: no answer to {key} is kept: {_REMEDY}", pytrace=False)
        return subprocess.CompletedProcess([*arguments], *answers[key])


@functools.cache
def _answers(name: str) -> dict[str, Answer]:
    file = _FOLDER / f"{name}.json.xz"
    if mode() == "write":
        return {}
    if not file.exists():
        pytest.fail(f"{file.relative_to(REPOSITORY)} is missing: {_REMEDY}", pytrace=False)
    found: dict[str, Answer] = json.loads(lzma.decompress(file.read_bytes()))
    return found


def questions(name: str) -> Iterator[tuple[str, list[str], Answer]]:
    """Yield the zone and the arguments of every answer that is kept about an archive."""
    for key, answer in _answers(name).items():
        zone, *arguments = json.loads(key)
        yield zone, arguments, answer


def write(names: Sequence[str] = NAMES) -> None:
    """Keep all that was answered in this process, which has to have asked everything."""
    for name in names:
        text = json.dumps(_answers(name), indent=0, sort_keys=True, ensure_ascii=True)
        packed = lzma.compress(text.encode(), preset=9)
        (_FOLDER / f"{name}.json.xz").write_bytes(packed)
