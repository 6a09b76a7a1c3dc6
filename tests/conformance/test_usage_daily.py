"""`usage daily` from our warehouse beside the original's from the archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conformance.cases import EMPTY, EVERYDAY, MISTAKES, ODDITIES, THOROUGH, Case
from tests.conformance.comparison import compare
from tests.conformance.recipes import BREAKING_RECIPES, EVERYDAY_RECIPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.conftest import PairOf
    from tests.support.oracle import Oracle

RICH = "recent"


def _everyday() -> list[object]:
    # Case by case, not archive by archive: so several workers make several archives at first.
    pairs = [(name, case) for case in EVERYDAY for name in EVERYDAY_RECIPES if name != "empty"]
    pairs += [("empty", case) for case in EMPTY]
    pairs += [(RICH, case) for case in THOROUGH]
    return [_param(name, case) for name, case in pairs]


def _param(name: str, case: Case) -> object:
    return pytest.param(name, case, id=f"{name}: {case}", marks=pytest.mark.xdist_group(name))


@pytest.mark.parametrize(("name", "case"), _everyday())
def test_document_equals_the_originals(pair_of: PairOf, name: str, case: Case) -> None:
    pair = pair_of(name)
    compare(pair, case.arguments(pair.recipe), zone=case.clock)


@pytest.mark.parametrize("mistake", MISTAKES, ids=" ".join)
def test_mistakes_are_told_in_the_originals_words(pair_of: PairOf, mistake: Sequence[str]) -> None:
    arguments = ("usage", "daily", "--json", "--offline", "--no-sync", *mistake)
    assert compare(pair_of("empty"), arguments) == ""


@pytest.mark.parametrize("oddity", ODDITIES, ids=" ".join)
def test_odd_command_lines_are_understood(pair_of: PairOf, oddity: Sequence[str]) -> None:
    assert compare(pair_of("recent"), ("usage", "daily", "--offline", "--no-sync", *oddity))


def test_a_process_of_its_own_says_the_same(pair_of: PairOf) -> None:
    """The other tests run our command in their own process, which spares them its start-up."""
    ours = pair_of("recent").ours
    arguments = ("usage", "daily", "--json", "--all", "--breakdown")
    assert ours.run(*arguments).stdout == ours.here(*arguments).stdout
    assert ours.run(*arguments, "--since", "x").stderr.startswith("error: invalid --since")


def test_the_worked_example_is_the_contracts(pair_of: PairOf) -> None:
    """Not only equal to the original: equal to the figures that the contract prints."""
    window = ("--since", "2026-07-01", "--until", "2026-07-02", "--timezone", "UTC")
    ours = pair_of("golden").ours.here("usage", "daily", "--json", "--offline", *window)
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
    made = pair.ours.materialize_here()
    # Some of it shows when the archive is read, some only when the document is written.
    refused = made if made.returncode else pair.ours.here(*report)
    assert _refused(refused), refused
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()
    assert pair.bytes_now() == before


def _refused(done: object) -> bool:
    return getattr(done, "returncode", 0) == 1 and getattr(done, "stdout", "") == ""


def test_the_original_is_the_release_we_claim(oracle: Oracle, pair_of: PairOf) -> None:
    version = oracle.run(pair_of("empty").archive, "version")
    assert "0.37.5" in version.stdout
