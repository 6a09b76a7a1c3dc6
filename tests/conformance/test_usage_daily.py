"""`usage daily` from our warehouse beside the original's from the archive."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from tests.conformance.cases import (
    BRIEF_MATRIX,
    EMPTY,
    EVERYDAY,
    MATRIX,
    MISTAKES,
    ODDITIES,
    THOROUGH,
    Case,
)
from tests.conformance.recipes import BREAKING_RECIPES, EVERYDAY_RECIPES, RECIPES
from tests.support.documents import assert_same_document, assert_same_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.conftest import Pair, PairOf
    from tests.support.oracle import Oracle

RICH = ("recent", "odd")


def _everyday() -> list[object]:
    # Case by case, not archive by archive: so several workers make several archives at first.
    pairs = [(name, case) for case in EVERYDAY for name in EVERYDAY_RECIPES if name != "empty"]
    pairs += [("empty", case) for case in EMPTY]
    pairs += [(name, case) for case in THOROUGH for name in RICH]
    return [_param(name, case) for name, case in pairs]


def _matrix() -> list[object]:
    return [
        _param(name, case)
        for name in RECIPES
        for case in (BRIEF_MATRIX if name.startswith("scrambled") else MATRIX)
    ]


def _param(name: str, case: Case) -> object:
    return pytest.param(name, case, id=f"{name}: {case}", marks=pytest.mark.xdist_group(name))


def _compare(pair: Pair, case: Case) -> None:
    arguments = case.arguments(pair.recipe)
    # The default window and durations depend on the day: try again if it has just ended.
    while True:
        day = dt.datetime.now(dt.UTC).date()
        theirs = pair.theirs.run(pair.archive, *arguments, zone=case.clock)
        ours = pair.ours.run(*arguments, zone=case.clock)
        if day == dt.datetime.now(dt.UTC).date():
            break
    about = " ".join(arguments)
    assert theirs.returncode == 0, theirs.stderr
    assert ours.returncode == 0, ours.stderr
    compare = assert_same_text if case.human else assert_same_document
    compare(ours.stdout, theirs.stdout, about)
    assert_same_text(_renamed(ours.stderr), theirs.stderr, f"stderr of {about}")


def _renamed(text: str) -> str:
    return text.replace("agentsview-assets", "agentsview")


@pytest.mark.parametrize(("name", "case"), _everyday())
def test_document_equals_the_originals(pair_of: PairOf, name: str, case: Case) -> None:
    _compare(pair_of(name), case)


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "case"), _matrix())
def test_matrix_equals_the_originals(pair_of: PairOf, name: str, case: Case) -> None:
    _compare(pair_of(name), case)


@pytest.mark.parametrize("mistake", MISTAKES, ids=" ".join)
def test_mistakes_are_told_in_the_originals_words(pair_of: PairOf, mistake: Sequence[str]) -> None:
    pair = pair_of("empty")
    arguments = ("usage", "daily", "--json", "--offline", "--no-sync", *mistake)
    theirs, ours = pair.theirs.run(pair.archive, *arguments), pair.ours.run(*arguments)
    assert theirs.returncode == 1
    assert (ours.returncode, ours.stdout) == (1, "")
    assert_same_text(_renamed(ours.stderr), theirs.stderr, " ".join(mistake))


@pytest.mark.parametrize("oddity", ODDITIES, ids=" ".join)
def test_odd_command_lines_are_understood(pair_of: PairOf, oddity: Sequence[str]) -> None:
    pair = pair_of("recent")
    arguments = ("usage", "daily", "--offline", "--no-sync", *oddity)
    theirs, ours = pair.theirs.run(pair.archive, *arguments), pair.ours.run(*arguments)
    assert theirs.returncode == 0
    assert ours.returncode == 0, ours.stderr
    is_document = theirs.stdout.startswith("{")
    compare = assert_same_document if is_document else assert_same_text
    compare(ours.stdout, theirs.stdout, " ".join(oddity))
    assert_same_text(_renamed(ours.stderr), theirs.stderr, "stderr")


def test_the_worked_example_is_the_contracts(pair_of: PairOf) -> None:
    """Not only equal to the original: equal to the figures that the contract prints."""
    window = ("--since", "2026-07-01", "--until", "2026-07-02", "--timezone", "UTC")
    ours = pair_of("golden").ours.run("usage", "daily", "--json", "--offline", *window)
    document = json.loads(ours.stdout)
    assert document["pricing"]["digest"] == (
        "sha256:2119071e9f6ca2fc0d4a68239f7cc9047b126d1de8bbeedf5ddfd9c2f62602fd"
    )
    assert document["projects"]["alpha"]["identity"]["key"] == (
        "sha256:a4bcb5a3e1f586e1a30b1145e5681b23324bad2c33b8b442d7e775ab53bed000"
    )
    assert document["totals"] == {
        "inputTokens": 5_001_015,
        "outputTokens": 216,
        "cacheCreationTokens": 407,
        "cacheReadTokens": 5_108,
        "totalCost": pytest.approx(0.21153, rel=1e-9),
        "copilotAICredits": pytest.approx(7, rel=1e-9),
        "cacheSavings": pytest.approx(0.022521, rel=1e-9),
    }
    assert document["sessionCounts"]["total"] == 3


@pytest.mark.parametrize("name", ["recent", "odd", "custom-prices"])
def test_the_archive_is_left_as_it_was(pair_of: PairOf, name: str) -> None:
    pair = pair_of(name)
    assert pair.bytes_now() == pair.bytes_before()


@pytest.mark.parametrize("name", BREAKING_RECIPES)
def test_what_the_original_cannot_report_we_refuse(broken_archive: PairOf, name: str) -> None:
    pair = broken_archive(name)
    before = pair.bytes_now()
    report = ("usage", "daily", "--json", "--all", "--offline", "--no-sync")
    assert _refused(pair.theirs.run(pair.archive, *report))
    made = pair.ours.materialize()
    # Some of it shows when the archive is read, some only when the document is written.
    refused = made if made.returncode else pair.ours.run(*report)
    assert _refused(refused), refused
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()
    assert pair.bytes_now() == before


def _refused(done: object) -> bool:
    return getattr(done, "returncode", 0) == 1 and getattr(done, "stdout", "") == ""


def test_the_original_is_the_release_we_claim(oracle: Oracle, pair_of: PairOf) -> None:
    version = oracle.run(pair_of("empty").archive, "version")
    assert "0.37.5" in version.stdout
