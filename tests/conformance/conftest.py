"""Archives made once for all workers, each with our warehouse of it beside it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.conformance import kept
from tests.conformance.recipes import BREAKING_RECIPES, RECIPES, Recipe
from tests.support import oracle as original
from tests.support.command import OurCommand
from tests.support.oracle import Oracle, exclusive
from tests.support.shared import shared_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """An archive as both programs see it.

    Attributes:
        recipe: What it was made from.
        archive: Its data folder, which the original reads.
        ours: Our command line over it and over its warehouse.
        theirs: The original program.
    """

    recipe: Recipe
    archive: Path
    ours: OurCommand
    theirs: Oracle

    def bytes_before(self) -> str:
        """Return the digest of `sessions.db` as it was before we read it."""
        return (self.ours.home / "digest-before").read_text(encoding="utf-8")

    def bytes_now(self) -> str:
        """Return the digest of `sessions.db`."""
        return hashlib.sha256((self.archive / "sessions.db").read_bytes()).hexdigest()


PairOf = Callable[[str], Pair]


@pytest.fixture(scope="session")
def conformance_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where archives and our warehouses of them are made."""
    return shared_folder(tmp_path_factory, "conformance")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """The original program with a home of this worker's own."""
    return original.install(tmp_path_factory.mktemp("oracle"))


@pytest.fixture(autouse=True)
def asked_in_the_matrix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the matrix the original itself answers, also what is kept."""
    if request.node.get_closest_marker("matrix"):
        monkeypatch.setenv(kept.VARIABLE, "live")


@pytest.fixture(scope="session")
def kept_answers() -> Iterator[None]:
    """Keeps what the original says, if that was asked for."""
    yield
    if kept.mode() == "write":
        kept.write()


@pytest.fixture(scope="session")
def pair_of(conformance_folder: Path, oracle: Oracle, kept_answers: None) -> PairOf:
    """Return a named archive with its warehouse; whichever worker comes first makes both."""
    pairs: dict[str, Pair] = {}

    def get(name: str) -> Pair:
        if name not in pairs:
            pairs[name] = _pair(name, conformance_folder, oracle)
        return pairs[name]

    return get


@pytest.fixture
def broken_archive(tmp_path: Path, oracle: Oracle) -> PairOf:
    """Return a named archive that the original cannot report from; nothing is materialised."""

    def get(name: str) -> Pair:
        recipe = BREAKING_RECIPES[name]
        archive = recipe.make(oracle, tmp_path.resolve() / name)
        ours = OurCommand.beside(archive, AGENTSVIEW_ASSETS_START_DATE=recipe.start)
        return Pair(recipe, archive, ours, oracle)

    return get


def _pair(name: str, folder: Path, oracle: Oracle) -> Pair:
    recipe, theirs = RECIPES[name], oracle
    archive, outcome = folder / name, folder / f"{name}.outcome"
    with exclusive(folder / f"{name}.lock"):
        if name in kept.NAMES:
            theirs = kept.KeptOracle(oracle.program, oracle.scratch, name)
            archive = kept.archive(name, recipe, oracle)
        elif not outcome.exists():
            shutil.rmtree(archive, ignore_errors=True)
            recipe.make(oracle, archive)
        home = folder / f"{name}-home"
        warehouse = f"duckdb:///{home / 'warehouse.duckdb'}"
        ours = OurCommand(archive, home, warehouse, {"AGENTSVIEW_ASSETS_START_DATE": recipe.start})
        if not outcome.exists():
            outcome.write_text(_prepare(archive, ours), encoding="utf-8")
    failure = outcome.read_text(encoding="utf-8")
    if failure:
        pytest.fail(failure, pytrace=False)
    return Pair(recipe, archive, ours, theirs)


def _prepare(archive: Path, ours: OurCommand) -> str:
    shutil.rmtree(ours.home, ignore_errors=True)
    ours.home.mkdir()
    before = hashlib.sha256((archive / "sessions.db").read_bytes()).hexdigest()
    (ours.home / "digest-before").write_text(before, encoding="utf-8")
    done = ours.materialize_here()
    if done.returncode == 0:
        return ""
    return f"materialize of {archive.name} failed ({done.returncode}):\n{done.stderr[-4000:]}"
