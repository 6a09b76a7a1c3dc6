"""`activity report` from our warehouse beside the original's from the archive."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.conformance.activity_cases import EMPTY, EVERYDAY, MATRIX, MISTAKES, ActivityCase
from tests.conformance.conftest import Pair
from tests.conformance.recipes import EVERYDAY_RECIPES, RECIPES, Recipe
from tests.support.busy_archive import busy, negative_costs
from tests.support.command import OurCommand
from tests.support.documents import assert_same_document, assert_same_text
from tests.support.odd_archives import make_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.conformance.conftest import PairOf
    from tests.support.oracle import Oracle

# Seed -> number of sessions: beyond twelve, ties are put in an order of their own.
BUSY = {"0": 300, "1": 12, "2": 13, "3": 60, "4": 900}
_PRIMARY = re.compile(r'^      "primary_model": (.*),$', re.MULTILINE)
# What moves with the clock of a range that is not over yet.
_CLOCK = re.compile(
    r'^(?:  |    )"(?:partial|as_of|effective_end|elapsed_bucket_count|idle_minutes)": .*$',
    re.MULTILINE,
)


def _everyday() -> list[object]:
    pairs = [(name, case) for name in EVERYDAY_RECIPES if name != "empty" for case in EVERYDAY]
    return [_param(name, case) for name, case in [*pairs, *(("empty", case) for case in EMPTY)]]


def _param(name: str, case: ActivityCase, value: str | None = None) -> object:
    return pytest.param(
        value or name, case, id=f"{name}: {case}", marks=pytest.mark.xdist_group(name)
    )


def _compare(pair: Pair, case: ActivityCase) -> None:
    arguments = case.arguments(pair.recipe)
    about = " ".join(arguments)
    theirs, ours = pair.theirs.run(pair.archive, *arguments), pair.ours.run(*arguments)
    assert theirs.returncode == 0, theirs.stderr
    assert ours.returncode == 0, ours.stderr
    assert ours.stderr == ""
    if case.human:
        assert_same_text(_steady_text(ours.stdout), _steady_text(theirs.stdout), about)
        return
    settled = _with_their_ties(ours.stdout, theirs.stdout)
    assert_same_document(_steady(settled), _steady(theirs.stdout), about)


def _with_their_ties(ours: str, theirs: str) -> str:
    """Take over which of a session's models is the primary one: the original draws among equals."""
    mine, others = json.loads(ours)["by_session"], json.loads(theirs)["by_session"]
    if len(mine) != len(others):
        return ours
    names = iter(
        other["primary_model"]
        if other["primary_model"] in (one["models"] or ())
        else one["primary_model"]
        for one, other in zip(mine, others, strict=True)
    )
    quoted = _PRIMARY.findall(theirs)
    found = {json.loads(text): text for text in [*quoted, *_PRIMARY.findall(ours)]}
    return _PRIMARY.sub(lambda _: f'      "primary_model": {found[next(names)]},', ours)


def _steady(text: str) -> str:
    """Blank out the clock, where the range is partial."""
    return _CLOCK.sub("", text) if '\n  "partial": true' in text else text


def _steady_text(text: str) -> str:
    if "\nPartial range, " not in text:
        return text
    return re.sub(r"^(Partial range, data as of|Idle minutes ).*$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize(("name", "case"), _everyday())
def test_document_equals_the_originals(pair_of: PairOf, name: str, case: ActivityCase) -> None:
    _compare(pair_of(name), case)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "case"), [_param(name, case) for name in RECIPES for case in MATRIX]
)
def test_matrix_equals_the_originals(pair_of: PairOf, name: str, case: ActivityCase) -> None:
    _compare(pair_of(name), case)


@pytest.fixture(scope="module")
def busy_pair(tmp_path_factory: pytest.TempPathFactory, oracle: Oracle) -> PairOf:
    """Return the archive of a seed with its warehouse, made once."""

    @cache
    def get(seed: str) -> Pair:
        folder = tmp_path_factory.mktemp("busy").resolve() / "archive"
        edits = (busy(int(seed), BUSY[seed]), negative_costs)
        archive = make_archive(oracle, folder, edits=edits)
        ours = OurCommand.beside(archive, AGENTSVIEW_ASSETS_START_DATE="2026-07-02")
        made = ours.materialize()
        assert made.returncode == 0, made.stderr
        window = ("2026-07-01", "2026-07-02")
        return Pair(Recipe(lambda _, path: path, window, "2026-07-02"), archive, ours, oracle)

    return get


def _busy(cases: Sequence[ActivityCase], seeds: Iterable[str]) -> list[object]:
    return [_param(f"busy-{seed}", case, seed) for seed in seeds for case in cases]


@pytest.mark.parametrize(("seed", "case"), _busy(EVERYDAY, list(BUSY)[:1]))
def test_overlaps_ties_and_repeats(busy_pair: PairOf, seed: str, case: ActivityCase) -> None:
    _compare(busy_pair(seed), case)


@pytest.mark.matrix
@pytest.mark.parametrize(("seed", "case"), _busy(MATRIX, BUSY))
def test_matrix_of_busy_archives(busy_pair: PairOf, seed: str, case: ActivityCase) -> None:
    _compare(busy_pair(seed), case)


@pytest.mark.parametrize("mistake", MISTAKES, ids=" ".join)
def test_mistakes_are_told_in_the_originals_words(pair_of: PairOf, mistake: Sequence[str]) -> None:
    pair = pair_of("empty")
    arguments = ("activity", "report", "--json", "--offline", *mistake)
    theirs, ours = pair.theirs.run(pair.archive, *arguments), pair.ours.run(*arguments)
    assert theirs.returncode == 1
    assert (ours.returncode, ours.stdout) == (1, "")
    assert_same_text(ours.stderr.replace("agentsview-assets", "agentsview"), theirs.stderr)


@pytest.mark.parametrize("agent", [(), ("--agent", "claude"), ("--agent", "nope")], ids=" ".join)
def test_the_status_line_is_the_originals(pair_of: PairOf, agent: Sequence[str]) -> None:
    pair = pair_of("recent")
    arguments = ("usage", "statusline", "--offline", "--no-sync", *agent)
    while True:  # the figure is today's: try again if the day has just ended
        before = pair.theirs.run(pair.archive, *arguments)
        ours = pair.ours.run(*arguments)
        after = pair.theirs.run(pair.archive, *arguments)
        if before.stdout == after.stdout:
            break
    assert ours.returncode == 0, ours.stderr
    assert_same_text(ours.stdout, after.stdout)


def test_the_status_line_has_no_json(pair_of: PairOf) -> None:
    pair = pair_of("empty")
    arguments = ("usage", "statusline", "--json")
    theirs, ours = pair.theirs.run(pair.archive, *arguments), pair.ours.run(*arguments)
    assert (theirs.returncode, ours.returncode) == (1, 1)
    assert_same_text(ours.stderr, theirs.stderr)
