"""The usage of single sessions and activity over HTTP, beside agentsview's own server."""

from __future__ import annotations

import functools
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from agentsview_assets.documents.activity.over_http import ActivityRequest, settled
from agentsview_assets.documents.common.lookups import load_prices
from agentsview_assets.documents.sessions import one_usage
from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gojson import encode
from tests.conformance.comparison import without_freedom
from tests.conformance.http_activity_cases import requests
from tests.conformance.recipes import RECIPES
from tests.support.documents import differences
from tests.support.odd_archives.workbench import apply_edits
from tests.support.served_pair import ServedPair
from tests.support.session_rows import EDITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentsview_assets.resources.warehouses.reader import Reader
    from tests.conformance.http_activity_cases import Parameters
    from tests.support.oracle import Oracle

EDITED = "spring"
NAMES = ("spring", "odd", "custom-prices", "stored-prices", "scrambled-0")
# Requests of activity; the original reads one text of the odd archive for seconds, each time.
ASKED = {"spring": 120, "scrambled-0": 60, "odd": 8}
NOT_FOUND = {"error": {"code": "session_not_found", "message": "session not found"}}


def _of(name: str, *more: object) -> object:
    return pytest.param(name, *more, id=name, marks=pytest.mark.xdist_group(f"served {name}"))


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
                apply_edits(archive, EDITS if name == EDITED else ())
                pairs[name] = stack.enter_context(
                    ServedPair.of(oracle, archive, RECIPES[name].start)
                )
            return pairs[name]

        yield get


@pytest.mark.parametrize("name", [_of(name) for name in NAMES])
def test_what_a_session_used_equals_the_originals(
    served: Callable[[str], ServedPair], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # One state has one price table, which hundreds of sessions need not each read anew.
    monkeypatch.setattr(one_usage, "load_prices", functools.cache(load_prices))
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
        return (
            []
            if (answer.status, answer.json) == (HTTPStatus.NOT_FOUND, NOT_FOUND)
            else [str(answer)]
        )
    if answer.status != HTTPStatus.OK:
        return [f"{answer.status} {answer.body!r}"]
    return differences(encode(ours, escape_html=False) + "\n", answer.body.decode())


@pytest.mark.parametrize(("name", "count"), [_of(*pair) for pair in ASKED.items()])
def test_activity_equals_the_originals(
    served: Callable[[str], ServedPair], monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    monkeypatch.setenv("TZ", "UTC")  # what `Local` is to the original's server
    pair = served(name)
    wrong, answered = [], 0
    for asked in requests(RECIPES[name], _branches(pair.reader), count):
        theirs = pair.theirs.ask(f"/api/v1/activity/report?{urlencode(asked, quote_via=quote)}")
        status, ours = _activity(pair.reader, asked)
        answered += status == HTTPStatus.OK
        found = differences(*without_freedom(ours, theirs.body.decode()))
        if status != theirs.status or found:
            wrong += [f"{asked}: {status} vs {theirs.status}", *found[:5]]
    assert not wrong, "\n".join([f"of {count}:", *wrong[:40]])
    assert count // 3 < answered < count


def _activity(reader: Reader, asked: Parameters) -> tuple[int, str]:
    given = {{"from": "from_"}.get(name, name): value for name, value in asked.items()}
    try:
        report = settled(ActivityRequest(**given), datetime.now(UTC)).made(reader)
    except UsageError as error:
        text = encode({"error": str(error)}, escape_html=False)
        return HTTPStatus.BAD_REQUEST, f"{text}\n"
    whole = encode(report.document(), escape_html=False)
    assert "".join(report.json_chunks(indent=None)) == f"{whole}\n"
    return HTTPStatus.OK, f"{whole}\n"


def _branches(reader: Reader) -> list[str]:
    """Tokens of a few branches that are there, of several together, and of none."""
    found = reader.rows(
        "SELECT DISTINCT project, git_branch FROM sessions WHERE deleted_at_text IS NULL "
        "ORDER BY git_branch, project"
    )
    there = [f"{project}\x1f{branch}" for project, branch in found]
    few = there[:: len(there) // 4 + 1]
    none = ("nowhere\x1fmain", "main", "\x1e", "\x1f", "alpha\x1f\x1fmain")
    return [*few, "\x1e".join(there), f"\x1ejunk\x1e{few[-1]}\x1e", *none]
