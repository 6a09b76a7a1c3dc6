"""The matrix: command lines dealt out over all archives, each compared with the original's answer.

What every command can be asked for is multiplied out, shuffled once, and dealt to the archives like
cards, so that each archive sees every kind of question and all archives together most questions.
Half of each hand is played in `make endurance` alone.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conformance import activity_cases, cases
from tests.conformance.comparison import compare
from tests.conformance.export_cases import EVERYTHING, EXPORT, ODD, PLAIN, Draws
from tests.conformance.recipes import RECIPES
from tests.support.published import assert_published

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conformance.activity_cases import ActivityCase
    from tests.conformance.cases import Case
    from tests.conformance.conftest import PairOf

pytestmark = pytest.mark.matrix

DEALT: Final = {"usage": 4, "activity": 4, "export": 2, "drawn": 2}
# Archives with a text that the original reads for seconds.
SLOW: Final = {"odd": 3, "tokens": 3}


def _dealt(kind: str, cards: Sequence[Any]) -> Iterator[Any]:
    """Yield a test's parameters: an archive's name and one of its cards."""
    deck = list(cards)
    random.Random(kind).shuffle(deck)
    place = 0
    for name in RECIPES:
        cards_of_one = DEALT[kind] // SLOW.get(name, 1)
        for number in range(cards_of_one):
            card = deck[place % len(deck)]
            place += 1
            told = " ".join(card) if isinstance(card, tuple) else str(card)
            marks = [pytest.mark.xdist_group(name)]
            if number >= (cards_of_one + 1) // 2:
                marks.append(pytest.mark.endurance)
            yield pytest.param(name, card, id=f"{name}: {told}", marks=marks)


@pytest.mark.parametrize(("name", "case"), list(_dealt("usage", cases.MATRIX)))
def test_usage_daily(pair_of: PairOf, name: str, case: Case) -> None:
    pair = pair_of(name)
    compare(pair, case.arguments(pair.recipe), zone=case.clock)


@pytest.mark.parametrize(("name", "case"), list(_dealt("activity", activity_cases.MATRIX)))
def test_activity_report(pair_of: PairOf, name: str, case: ActivityCase) -> None:
    pair = pair_of(name)
    compare(pair, case.arguments(pair.recipe))


@pytest.mark.parametrize(("name", "arguments"), list(_dealt("export", (*PLAIN, *ODD))))
def test_export_sessions(pair_of: PairOf, name: str, arguments: Sequence[str]) -> None:
    compare(pair_of(name), (*EXPORT, *arguments))


@pytest.mark.parametrize(("name", "seed"), list(_dealt("drawn", range(1000))))
def test_export_sessions_by_what_there_is(pair_of: PairOf, name: str, seed: int) -> None:
    pair = pair_of(name)
    compare(pair, (*EXPORT, *Draws(pair.archive, seed).arguments()))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in RECIPES]
)
def test_usage_statusline(pair_of: PairOf, name: str) -> None:
    compare(pair_of(name), ("usage", "statusline", "--offline", "--no-sync"))


@pytest.mark.parametrize(
    "arguments", random.Random("calendar").sample(activity_cases.CALENDAR, 80), ids=" ".join
)
@pytest.mark.xdist_group("empty")
def test_days_on_which_clocks_change(pair_of: PairOf, arguments: Sequence[str]) -> None:
    compare(pair_of("empty"), arguments)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in RECIPES]
)
def test_documents_are_as_published(pair_of: PairOf, name: str) -> None:
    pair = pair_of(name)
    first, last = pair.recipe.window
    bounds = ("--from", f"{first}T00:00:00Z", "--to", f"{last}T12:00:00Z")
    asked = {
        "usage-daily": ("usage", "daily", "--json", "--all", "--breakdown"),
        "activity-report": ("activity", "report", "--json", "--preset", "custom", *bounds),
        "session-export-page": (*EXPORT, *EVERYTHING),
    }
    for schema, arguments in asked.items():
        assert_published(schema, json.loads(pair.ours.here(*arguments).stdout))


def test_the_matrix_is_large_enough() -> None:
    assert sum(DEALT.values()) * (len(RECIPES) - len(SLOW)) >= 300
