"""`export sessions` from our warehouse beside the original's from the archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.reader import open_reader
from tests.conformance.comparison import compare
from tests.conformance.export_cases import EVERYTHING, EXPORT, ODD, PLAIN, REFUSED, Draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.conftest import PairOf

EVERYDAY = ("sessions", "recent", "golden-export", "custom-prices", "scrambled-0")
DRAWN = 12


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
    compare(pair_of(name), (*EXPORT, *arguments))


@pytest.mark.parametrize("name", [_param(name) for name in EVERYDAY])
def test_drawn_command_lines_equal_the_originals(pair_of: PairOf, name: str) -> None:
    pair = pair_of(name)
    draws = Draws(pair.archive, 1)
    for _ in range(DRAWN):
        compare(pair, (*EXPORT, *draws.arguments()))


@pytest.mark.parametrize("name", [_param(name) for name in ("sessions", "sample", "odd")])
def test_the_table_has_the_durations_of_the_document(pair_of: PairOf, name: str) -> None:
    ours = pair_of(name).ours
    told = json.loads(ours.here(*EXPORT, *EVERYTHING).stdout)["sessions"]
    sessions = {row["id"]: row["duration_seconds"] for row in told}
    with open_reader(ours.warehouse) as reader:
        held = dict(reader.rows("SELECT session_id, duration_seconds FROM session_summaries"))
    assert sessions
    assert {session: held[session] for session in sessions} == sessions


def test_the_archive_is_left_as_it_was(pair_of: PairOf) -> None:
    pair = pair_of("golden-export")
    assert pair.ours.here(*EXPORT, "--limit", "1").returncode == 0
    assert pair.bytes_now() == pair.bytes_before()
