"""`export sessions` from our warehouse beside the original's from the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from agentsview_assets.cli.main import cli
from tests.conformance.export_cases import ODD, PLAIN, REFUSED, Draws
from tests.conformance.recipes import RECIPES
from tests.support.documents import assert_same_document, assert_same_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.testing import Result

    from tests.conformance.conftest import Pair, PairOf

EVERYDAY = ("sessions", "recent", "odd", "golden-export", "custom-prices", "scrambled-0")
DRAWN = 12
DRAWN_MATRIX = 30


def ours(pair: Pair, *arguments: str) -> Result:
    """Run our export in this process: the same code, without its start-up."""
    return CliRunner().invoke(
        cli, ["export", "sessions", *arguments], env=pair.ours.environment(), catch_exceptions=False
    )


def compare(pair: Pair, arguments: Sequence[str]) -> None:
    """Compare everything that both programs say, all but the last digits of sums of money."""
    theirs = pair.theirs.run(pair.archive, "export", "sessions", *arguments)
    mine = ours(pair, *arguments)
    about = repr(arguments)
    assert mine.exit_code == theirs.returncode, (about, mine.stderr, theirs.stderr)
    assert_same_text(mine.stderr, theirs.stderr, f"stderr of {about}")
    found, expected = mine.stdout.split("\n"), theirs.stdout.split("\n")
    assert len(found) == len(expected), about
    for number, (line, other) in enumerate(zip(found, expected, strict=True)):
        if line != other:
            assert_same_document(line, other, f"line {number} of {about}")


def _param(name: str, *values: object) -> object:
    return pytest.param(name, *values, marks=pytest.mark.xdist_group(name))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(_param(name, case) for name in (*EVERYDAY, "empty") for case in PLAIN),
        *(_param("sessions", case) for case in ODD),
        *(_param("empty", case) for case in REFUSED),
    ],
)
def test_document_equals_the_originals(
    pair_of: PairOf, name: str, arguments: Sequence[str]
) -> None:
    compare(pair_of(name), arguments)


@pytest.mark.parametrize("name", [_param(name) for name in EVERYDAY])
def test_drawn_command_lines_equal_the_originals(pair_of: PairOf, name: str) -> None:
    pair = pair_of(name)
    draws = Draws(pair.archive, 1)
    for _ in range(DRAWN):
        compare(pair, draws.arguments())


@pytest.mark.matrix
@pytest.mark.parametrize("name", [_param(name) for name in RECIPES])
def test_matrix_equals_the_originals(pair_of: PairOf, name: str) -> None:
    pair = pair_of(name)
    draws = Draws(pair.archive, 2)
    for arguments in (*PLAIN, *ODD, *(draws.arguments() for _ in range(DRAWN_MATRIX))):
        compare(pair, arguments)


def test_the_archive_is_left_as_it_was(pair_of: PairOf) -> None:
    pair = pair_of("golden-export")
    assert ours(pair, "--limit", "1").exit_code == 0
    assert pair.bytes_now() == pair.bytes_before()
