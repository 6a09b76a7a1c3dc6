"""Archives of several machines: what each has synced, and one that has synced it all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import oracle as original
from tests.support.in_process import Desk
from tests.support.oracle import exclusive
from tests.support.shared import shared_folder
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

START = "2026-10-20"


@dataclass(frozen=True)
class Machines:
    """Archives of two machines that share some transcripts, and one archive of all of them.

    Attributes:
        one: Data folder of the first machine.
        other: Data folder of the second machine.
        both: Data folder of an archive that has all sessions of both.
        oracle: The original program.
    """

    one: Path
    other: Path
    both: Path
    oracle: Oracle


class Bench(Desk):
    """A warehouse, its archives and the command line over them."""

    def over(self, *archives: Path) -> Bench:
        """The same over other archives, through the environment."""
        listed = "\n".join(map(str, archives))
        return Bench(self.folder, {**self.settings, "AGENTSVIEW_ASSETS_ARCHIVE": listed})

    def ids(self) -> list[str]:
        """The archives in the warehouse, in the order in which they were named."""
        return [source["archive_id"] for source in self.run("status", "--json").json["sources"]]

    def shared(self) -> list[tuple[Any, ...]]:
        """The usage rows that count in another archive."""
        return self.rows(
            "SELECT archive_id, row_id, counting_archive_id, counting_row_id FROM duplicates "
            "WHERE scope = 'all' AND counting_archive_id <> archive_id ORDER BY ALL"
        )


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """Made once for all workers; to be read or copied."""
    folder = shared_folder(tmp_path_factory, "machines")
    oracle = original.install(tmp_path_factory.mktemp("oracle"))
    found = Machines(folder / "one", folder / "other", folder / "both", oracle)
    with exclusive(folder / "lock"):
        if not found.both.exists():
            _make(folder, found)
    return found


def _make(folder: Path, found: Machines) -> None:
    corpus = folder / "corpus"
    write_corpus(corpus, Settings(sessions=40, days=12, seed=11))
    files = sorted(path for path in corpus.rglob("*.jsonl") if path.is_file())
    # Of three transcripts one is on the first machine, one on the second, one on both.
    for number, file in enumerate(files):
        for machine, lacks in (("one", 1), ("other", 0)):
            if number % 3 != lacks:
                copy = folder / f"corpus-{machine}" / file.relative_to(corpus)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)
    found.oracle.sync(found.one, folder / "corpus-one")
    found.oracle.sync(found.other, folder / "corpus-other")
    found.oracle.sync(found.both, corpus)


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where archives of the releases are made, once for this worker."""
    return tmp_path_factory.mktemp("releases").resolve()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty desk."""
    return Bench(tmp_path.resolve(), {"AGENTSVIEW_ASSETS_START_DATE": START})


@pytest.fixture(scope="session")
def made(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One warehouse of both machines; to be read only."""
    folder = tmp_path_factory.mktemp("made").resolve()
    bench = Bench(folder, {"AGENTSVIEW_ASSETS_START_DATE": START})
    bench = bench.over(machines.one, machines.other)
    bench.materialize()
    return bench


@pytest.fixture
def both(made: Bench, tmp_path: Path) -> Bench:
    """The warehouse of both machines, to be changed; their archives are to be read only."""
    folder = tmp_path.resolve() / "made"
    shutil.copytree(made.folder, folder)
    return Bench(folder, made.settings)


@pytest.fixture(scope="session")
def copies(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A warehouse of copies of both archives; see `spoilt`."""
    folder = tmp_path_factory.mktemp("copies").resolve() / "now"
    archives = [folder / "one", folder / "other"]
    for copy, archive in zip(archives, (machines.one, machines.other), strict=True):
        shutil.copytree(archive, copy)
    bench = Bench(folder, {"AGENTSVIEW_ASSETS_START_DATE": START}).over(*archives)
    bench.materialize()
    shutil.copytree(folder, folder.with_name("then"))
    return bench


@pytest.fixture
def spoilt(copies: Bench) -> Bench:
    """Archives that may be changed with their warehouse, put back where they were before."""
    shutil.rmtree(copies.folder)
    shutil.copytree(copies.folder.with_name("then"), copies.folder)
    return copies
