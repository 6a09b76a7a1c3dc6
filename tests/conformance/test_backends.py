"""One archive, three warehouses: every document is the same to the byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conformance.recipes import RECIPES
from tests.support.in_process import Desk
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conformance.conftest import Pair, PairOf
    from tests.support.postgres import Database

# The moment that a report of today is about would differ from run to run.
_ACTIVITY = ("activity", "report", "--json", "--as-of", "2027-01-01T00:00:00Z", "--preset")
# Each warehouse may have a secret of its own, with which it signs cursors.
_SIGNATURE = re.compile(r'("next":"[^".]*)\.[^"]*')
_ALWAYS = ("odd", "sample")
# One in four of the others: three warehouses take long to fill.
_MATRIX = [
    *_ALWAYS,
    *(
        pytest.param(name, marks=pytest.mark.matrix)
        for name in sorted({*RECIPES} - {*_ALWAYS})[::4]
    ),
]


def _documents(pair: Pair) -> Iterator[tuple[str, ...]]:
    since, until = pair.recipe.window
    daily = ("usage", "daily", "--json")
    yield (*daily, "--all")
    yield (*daily, "--all", "--breakdown", "--offline")
    yield (*daily, "--since", since, "--until", until, "--timezone", "Asia/Kolkata")
    yield (*daily, "--all", "--agent", "claude,cursor", "--timezone", "America/New_York")
    yield ("usage", "statusline", "--offline")
    yield (*_ACTIVITY, "day", "--date", until)
    yield (*_ACTIVITY, "week", "--date", since, "--timezone", "America/New_York")
    range_ = ("--from", f"{since}T05:00:00Z", "--to", f"{until}T23:00:00.5Z", "--bucket", "1h")
    yield (*_ACTIVITY, "custom", *range_, "--agent", "claude")
    yield ("export", "sessions", "--all")
    yield ("export", "sessions", "--all", "--format", "ndjson")
    yield ("export", "sessions", "--limit", "7")


@pytest.mark.parametrize("name", _MATRIX)
def test_documents_from_every_backend_are_the_same_to_the_byte(
    name: str, pair_of: PairOf, database: Database, tmp_path: Path
) -> None:
    pair = pair_of(name)
    urls = {kind: f"{kind}:///{tmp_path / f'w.{kind}'}" for kind in KINDS}
    urls["postgresql"] = database.url()
    everywhere = _desk(pair, " ".join(urls.values()), tmp_path)
    everywhere.materialize()
    for arguments in _documents(pair):
        answers = {}
        for kind, url in urls.items():
            answer = _desk(pair, url, tmp_path).run(*arguments)
            answers[kind] = (answer.code, _SIGNATURE.sub(r"\1", answer.out), answer.err)
        assert answers["duckdb"][0] == 0, arguments
        assert answers["sqlite"] == answers["duckdb"], arguments
        assert answers["postgresql"] == answers["duckdb"], arguments


def _desk(pair: Pair, urls: str, folder: Path) -> Desk:
    settings = {
        **pair.ours.settings,
        "AGENTSVIEW_ASSETS_ARCHIVE": str(pair.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": urls,
        "XDG_DATA_HOME": str(folder / "data"),
    }
    return Desk(folder, settings)
