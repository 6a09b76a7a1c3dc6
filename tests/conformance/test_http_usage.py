"""The usage answers of agentsview's own web server, beside ours from a warehouse of its archive."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import UsageError
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.gojson import encode
from tests.conformance import http_archive
from tests.conformance.http_cases import Draws, Parameters, answer, target
from tests.conformance.recipes import RECIPES
from tests.support.command import OurCommand
from tests.support.documents import assert_same_document
from tests.support.odd_archives import make_archive
from tests.support.published import assert_published
from tests.support.served_oracle import ServedOracle, served_copy
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conformance.conftest import PairOf
    from tests.support.oracle import Oracle
    from tests.support.postgres import Database

HAND_MADE = "hand-made"
EVERYDAY = {HAND_MADE: 90, "scrambled-0": 30, "sample": 30}
MATRIX = {HAND_MADE: 600, **dict.fromkeys(RECIPES, 40), "odd": 120}
BATCH = 10
# Within one answer agentsview escapes some texts and others not; only what they say is compared.
_ESCAPED = re.compile(r"\\u00(3c|3e|26)")


@dataclass(frozen=True)
class Served:
    """An archive that agentsview serves.

    Attributes:
        server: The server.
        ours: Our command line over the archive, as the server left it, and its warehouse.
        window: First and last day of what most requests are about.
    """

    server: ServedOracle
    ours: OurCommand
    window: tuple[str, str]

    def draws(self, seed: str) -> Draws:
        """Requests by what there is in the archive."""
        return Draws(self.ours.archive, self.window, seed)

    def compare(self, endpoint: str, parameters: Parameters) -> Any:
        """Fail unless both programs say the same; return what ours said."""
        where = target(endpoint, parameters)
        while True:
            # Default windows depend on the day: try again if it has just ended.
            now = dt.datetime.now(dt.UTC)
            theirs = self.server.ask(where)
            try:
                with open_reader(self.ours.warehouse) as reader:
                    ours, status = answer(reader, endpoint, parameters, now), 200
            except UsageError as error:
                ours, status = {"error": str(error)}, 400
            if now.date() == dt.datetime.now(dt.UTC).date():
                break
        body = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), theirs.body.decode())
        assert theirs.status == status, (where, ours if status != 200 else "", body[:300])
        assert_same_document(f"{encode(ours, escape_html=False)}\n", body, where)
        return ours


ServedOf = Callable[[str], Served]


@pytest.fixture(scope="session")
def served_of(
    pair_of: PairOf, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedOf]:
    """Return a served archive by the name of its recipe; each is served once by a worker."""
    known: dict[str, Served] = {}
    with ExitStack() as running:

        def get(name: str) -> Served:
            if name not in known:
                folder = tmp_path_factory.mktemp("served")
                archive, window, start = _archive(name, pair_of, oracle, folder)
                server = running.enter_context(served_copy(oracle, archive, folder / "copy"))
                known[name] = Served(server, _materialised(server.archive, folder, start), window)
            return known[name]

        yield get


def _archive(
    name: str, pair_of: PairOf, oracle: Oracle, folder: Path
) -> tuple[Path, tuple[str, str], str]:
    if name == HAND_MADE:
        archive = make_archive(oracle, folder / name, edits=http_archive.EDITS)
        return archive, (http_archive.FIRST, http_archive.LAST), "2026-06-30"
    pair = pair_of(name)
    return pair.archive, pair.recipe.window, pair.recipe.start


def _materialised(archive: Path, folder: Path, start: str, warehouse: str = "") -> OurCommand:
    url = warehouse or f"duckdb:///{folder / 'warehouse.duckdb'}"
    settings = {"AGENTSVIEW_ASSETS_START_DATE": start}
    ours = OurCommand(archive, folder / "home", url, settings)
    done = ours.materialize_here()
    assert done.returncode == 0, done.stderr
    return ours


def _batches(counts: dict[str, int]) -> Iterator[Any]:
    for name, count in counts.items():
        for number in range(0, count, BATCH):
            size = min(BATCH, count - number)
            mark = pytest.mark.xdist_group(f"http {name}")
            yield pytest.param(name, number, size, id=f"{name}: {number}", marks=mark)


@pytest.mark.parametrize(("name", "number", "size"), list(_batches(EVERYDAY)))
def test_answers(served_of: ServedOf, name: str, number: int, size: int) -> None:
    _compare_some(served_of(name), f"{name} {number}", size)


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "number", "size"), list(_batches(MATRIX)))
def test_more_answers(served_of: ServedOf, name: str, number: int, size: int) -> None:
    _compare_some(served_of(name), f"more of {name} {number}", size)


@pytest.mark.xdist_group(f"http {HAND_MADE}")
def test_every_backend_says_the_same_to_the_byte(
    served_of: ServedOf, database: Database, tmp_path: Path
) -> None:
    served, now = served_of(HAND_MADE), dt.datetime.now(dt.UTC)
    urls = {kind: f"{kind}:///{tmp_path / f'w.{kind}'}" for kind in KINDS}
    urls["postgresql"] = database.url()
    _materialised(served.ours.archive, tmp_path, http_archive.FIRST, " ".join(urls.values()))
    draws, said = served.draws("backends"), []
    for _ in range(40):
        endpoint, parameters = draws.request()
        told = {kind: _told(url, endpoint, parameters, now) for kind, url in urls.items()}
        assert told["sqlite"] == told["duckdb"], (endpoint, parameters)
        assert told["postgresql"] == told["duckdb"], (endpoint, parameters)
        said.append(told["duckdb"])
    assert len(set(said)) > len(said) / 2


def _told(url: str, endpoint: str, parameters: Parameters, now: dt.datetime) -> str:
    with open_reader(url) as reader:
        try:
            return encode(answer(reader, endpoint, parameters, now))
        except UsageError as error:
            return str(error)


def _compare_some(served: Served, seed: str, size: int) -> None:
    draws = served.draws(seed)
    for _ in range(size):
        endpoint, parameters = draws.request()
        found = served.compare(endpoint, parameters)
        if "error" not in found:
            assert_published(f"usage-{endpoint}", found)
