"""`activity report` from our warehouse beside the original's from the archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conformance.activity_cases import EMPTY, EVERYDAY, MISTAKES, ActivityCase
from tests.conformance.comparison import compare
from tests.conformance.recipes import EVERYDAY_RECIPES
from tests.support.documents import assert_same_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.conftest import PairOf

BUSY = "busy-0"
_MOVES = ("as_of", "effective_end", "elapsed_bucket_count")


def _everyday() -> list[object]:
    names = [name for name in (*EVERYDAY_RECIPES, BUSY) if name != "empty"]
    # The original reads one text of the odd archive for seconds, whatever it is asked.
    pairs = [(n, case) for n in names for case in (EVERYDAY[::4] if n == "odd" else EVERYDAY)]
    return [_param(name, case) for name, case in [*pairs, *(("empty", case) for case in EMPTY)]]


def _param(name: str, case: ActivityCase) -> object:
    return pytest.param(name, case, id=f"{name}: {case}", marks=pytest.mark.xdist_group(name))


@pytest.mark.parametrize(("name", "case"), _everyday())
def test_document_equals_the_originals(pair_of: PairOf, name: str, case: ActivityCase) -> None:
    pair = pair_of(name)
    compare(pair, case.arguments(pair.recipe))


@pytest.mark.parametrize("mistake", MISTAKES, ids=" ".join)
def test_mistakes_are_told_in_the_originals_words(pair_of: PairOf, mistake: Sequence[str]) -> None:
    arguments = ("activity", "report", "--json", "--offline", *mistake)
    assert compare(pair_of("empty"), arguments) == ""


def test_what_goes_wrong_goes_to_stderr_with_exit_code_1(pair_of: PairOf) -> None:
    done = pair_of("empty").ours.run("activity", "report", "--preset", "year")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: invalid preset: year\n"


@pytest.mark.parametrize("preset", ["day", "week", "month"])
def test_as_of_pins_the_clock(pair_of: PairOf, preset: str) -> None:
    """What the original says at some moment is what we say as of that moment, later on."""
    pair = pair_of("recent")
    arguments = ("activity", "report", "--json", "--offline", "--preset", preset)
    said = pair.theirs.run(pair.archive, *arguments).stdout
    then = json.loads(said)
    assert then["partial"]
    pinned = (*arguments, "--date", then["as_of"][:10], "--as-of", then["as_of"])
    ours = json.loads(pair.ours.here(*pinned).stdout)
    assert {key: ours[key] for key in _MOVES} == {key: then[key] for key in _MOVES}
    for document in (then, ours):  # the original's clock has nanoseconds, its document has none
        assert document["totals"].pop("idle_minutes") >= 0
        for session in document["by_session"]:
            session["primary_model"] = None  # drawn among equals
    assert_same_document(json.dumps(ours), json.dumps(then), preset)


@pytest.mark.parametrize("agent", [(), ("--agent", "claude"), ("--agent", "nope")], ids=" ".join)
def test_the_status_line_is_the_originals(pair_of: PairOf, agent: Sequence[str]) -> None:
    compare(pair_of("recent"), ("usage", "statusline", "--offline", "--no-sync", *agent))


def test_the_status_line_has_no_json(pair_of: PairOf) -> None:
    assert compare(pair_of("empty"), ("usage", "statusline", "--json")) == ""
