"""A label that archives see differently: resolved the same, whatever their order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from agentsview_assets.documents.common.lookups import ALL_ARCHIVES, project_map

PROJECT = ("resolved", "sha256:a", "git_remote", "host/a", None, False)
OTHER = ("resolved", "sha256:b", "root_path", None, "/b", True)
AMBIGUOUS = ("ambiguous", None, None, None, None, False)
UNKNOWN = ("unknown", None, None, None, None, False)


class Rows:
    """A warehouse whose identities come in an order of the test's own."""

    def __init__(self, verdicts: tuple[tuple[Any, ...], ...]) -> None:
        self.verdicts = verdicts

    def rows(self, _sql: str, _params: object = ()) -> list[tuple[Any, ...]]:
        return [("label", *verdict) for verdict in self.verdicts]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((AMBIGUOUS, UNKNOWN), "ambiguous"),
        ((AMBIGUOUS, PROJECT), "ambiguous"),
        ((PROJECT, OTHER), "ambiguous"),
        ((PROJECT, UNKNOWN), "resolved"),
        ((PROJECT, PROJECT, UNKNOWN), "resolved"),
        ((PROJECT, OTHER, PROJECT), "ambiguous"),
        ((AMBIGUOUS, UNKNOWN, UNKNOWN), "ambiguous"),
        ((UNKNOWN, UNKNOWN), "unknown"),
        ((PROJECT, UNKNOWN, OTHER), "ambiguous"),
        ((PROJECT, AMBIGUOUS, PROJECT), "ambiguous"),
    ],
)
def test_a_label_is_what_the_archives_that_know_it_agree_on(
    verdicts: tuple[tuple[Any, ...], ...], expected: str
) -> None:
    for order in permutations(verdicts):
        found = project_map(Rows(order), ALL_ARCHIVES, ["label"])["label"]  # type: ignore[arg-type]
        assert found["resolution"] == expected, order
        assert (found["identity"] is None) == (expected != "resolved")
