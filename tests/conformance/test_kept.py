"""What is kept of the original is what it says today."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conformance import kept
from tests.conformance.comparison import assert_same_answer
from tests.conformance.recipes import RECIPES
from tests.support.oracle import VERSION

if TYPE_CHECKING:
    from tests.support.oracle import Oracle

pytestmark = pytest.mark.skipif(kept.mode() == "write", reason="is being written")


def test_it_is_of_the_release_and_the_recipes_of_today() -> None:
    assert kept.made_by()["release"] == VERSION
    assert kept.made_by()["rules"] == kept.rules()


@pytest.mark.parametrize("name", kept.NAMES)
def test_no_answer_is_of_a_day(name: str) -> None:
    asked = [arguments for _, arguments, _ in kept.questions(name)]
    assert asked
    assert not [arguments for arguments in asked if kept.moves(arguments)]


@pytest.mark.matrix
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in kept.NAMES]
)
def test_the_original_still_says_so(name: str, oracle: Oracle) -> None:
    archive = kept.archive(name, RECIPES[name], oracle)
    for zone, arguments, answer in kept.questions(name):
        said = subprocess.CompletedProcess([*arguments], *answer)
        assert_same_answer(said, oracle.run(archive, *arguments, zone=zone), arguments)
