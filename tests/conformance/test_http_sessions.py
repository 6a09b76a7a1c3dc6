"""The usage of single sessions and activity over HTTP, beside agentsview's own server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.rules.gojson import encode
from tests.conformance.recipes import RECIPES
from tests.support.documents import differences
from tests.support.odd_archives.one_session import EDITS
from tests.support.odd_archives.workbench import apply_edits
from tests.support.served_pair import ServedPair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.oracle import Oracle

NAMES = ("spring", "odd", "custom-prices", "stored-prices", "scrambled-0")
NOT_FOUND = {"error": {"code": "session_not_found", "message": "session not found"}}


def _of(name: str) -> object:
    return pytest.param(name, id=name, marks=pytest.mark.xdist_group(f"served {name}"))


@pytest.fixture(scope="session")
def served(
    oracle: Oracle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ServedPair]]:
    """Return a named archive, edited and served, with our warehouse of it."""
    pairs: dict[str, ServedPair] = {}
    with ExitStack() as stack:

        def get(name: str) -> ServedPair:
            if name not in pairs:
                archive = RECIPES[name].make(oracle, tmp_path_factory.mktemp("served") / name)
                apply_edits(archive, EDITS)
                pairs[name] = stack.enter_context(
                    ServedPair.of(oracle, archive, RECIPES[name].start)
                )
            return pairs[name]

        yield get


@pytest.mark.parametrize("name", [_of(name) for name in NAMES])
def test_what_a_session_used_equals_the_originals(
    served: Callable[[str], ServedPair], name: str
) -> None:
    pair = served(name)
    ids = [str(found) for (found,) in pair.ask_archive("SELECT id FROM sessions ORDER BY id")]
    wrong = []
    for at, session_id in enumerate((*ids, "nowhere")):
        # What is not asked for changes nothing else: some of the sessions show it.
        for breakdown in (True, False) if at % 5 == 0 else (True,):
            found = _session_differs(pair, session_id, breakdown=breakdown)
            wrong += [f"{session_id!r}: {line}" for line in found]
    assert not wrong, "\n".join([f"{len(wrong)} differences of {len(ids)} sessions", *wrong[:40]])


def _session_differs(pair: ServedPair, session_id: str, *, breakdown: bool) -> list[str]:
    query = "?breakdown=true" if breakdown else ""
    answer = pair.theirs.ask(f"/api/v1/sessions/{quote(session_id, safe='')}/usage{query}")
    ours: Any = session_usage(pair.reader, session_id, breakdown=breakdown)
    if ours is None:
        return [] if (answer.status, answer.json) == (404, NOT_FOUND) else [str(answer)]
    if answer.status != 200:
        return [f"{answer.status} {answer.body!r}"]
    return differences(encode(ours, escape_html=False) + "\n", answer.body.decode())
