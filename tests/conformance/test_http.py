"""The `serve` command beside agentsview's own server: equal requests, and all that comes back."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.conformance.comparison import without_freedom
from tests.conformance.http_requests import Requests
from tests.conformance.recipes import RECIPES
from tests.support.command import OurCommand
from tests.support.documents import assert_same_document, assert_same_text
from tests.support.served_oracle import ServedOracle
from tests.support.served_web import ServedWeb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.oracle import Oracle
    from tests.support.postgres import Server
    from tests.support.served import Answer

KINDS = ("duckdb", "sqlite", "postgresql")
EVERYDAY, FURTHER = ("spring", "scrambled-0"), ("sample", "custom-prices", "autumn", "empty")
EVERYDAY_COUNT, FURTHER_COUNT = 40, 120
ACCEPTS = ("", "*/*", "json", "application/json;q=0.5, json", "text/html", "APPLICATION/JSON")
# What a list of differences names (docs/http.md), and what only says how bytes travelled.
_OURS = ("etag", "cache-control", "content-length", "transfer-encoding", "date")


class Servers(NamedTuple):
    """One archive, served by the original and by ours from each backend."""

    theirs: ServedOracle
    ours: dict[str, ServedWeb]


@pytest.fixture(scope="session")
def servers(
    oracle: Oracle, postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Servers]]:
    """Return the servers of a named archive, whose warehouses are made in one run."""
    found: dict[str, Servers] = {}
    with ExitStack() as stack:

        def get(name: str) -> Servers:
            if name not in found:
                folder = tmp_path_factory.mktemp("http")
                archive = RECIPES[name].make(oracle, folder / name)
                theirs = stack.enter_context(ServedOracle(oracle, archive))
                urls = {
                    "duckdb": f"duckdb:///{folder / 'w.duckdb'}",
                    "sqlite": f"sqlite:///{folder / 'w.sqlite'}",
                    "postgresql": postgres_server.database().url(),
                }
                start = {"AGENTSVIEW_ASSETS_START_DATE": RECIPES[name].start}
                command = OurCommand(archive, folder / "home", " ".join(urls.values()), start)
                done = command.materialize_here()
                assert done.returncode == 0, done.stderr[-4000:]
                served = {
                    kind: stack.enter_context(
                        ServedWeb({**command.environment(), "AGENTSVIEW_ASSETS_WAREHOUSE": url})
                    )
                    for kind, url in urls.items()
                }
                found[name] = Servers(theirs, served)
            return found[name]

        yield get


def assert_same_answer(ours: Answer, theirs: Answer, about: str) -> None:
    """Fail unless status, headers and body are the same."""
    assert (ours.status, headers(ours)) == (theirs.status, headers(theirs)), about
    mine, others = (answer.body.decode("utf-8", "surrogateescape") for answer in (ours, theirs))
    if "/activity/" in about and ours.status == 200:
        mine, others = without_freedom(mine, others)
    if others.startswith(("{", "[")):
        assert_same_document(mine, others, about)
    else:
        assert_same_text(mine, others, about)


def headers(answer: Answer) -> dict[str, str | None]:
    names = sorted({name for name, _ in answer.headers} - set(_OURS))
    return {name: answer.header(name) for name in names}


def assert_alike(servers: Servers, kind: str, target: str, accept: str = "") -> None:
    """Ask both servers, again where a day has ended in between."""
    asked = {"Accept": accept} if accept else {}
    while True:
        day = dt.datetime.now(dt.UTC).date()
        theirs = servers.theirs.ask(target, headers=asked)
        ours = servers.ours[kind].ask(target, headers=asked)
        if day == dt.datetime.now(dt.UTC).date():
            break
    assert_same_answer(ours, theirs, f"{kind}: {target}")


def dealt(names: tuple[str, ...], count: int) -> Iterator[object]:
    for name in names:
        for part in range(4):
            marks = pytest.mark.xdist_group(f"http {name}")
            yield pytest.param(name, part, count // 4, id=f"{name}-{part}", marks=marks)


@pytest.mark.parametrize(("name", "part", "count"), list(dealt(EVERYDAY, EVERYDAY_COUNT)))
def test_every_answer_equals_the_originals(servers, name, part, count):
    played(servers(name), part, count)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "part", "count"),
    [*dealt(FURTHER, FURTHER_COUNT)],
)
def test_further_answers_equal_the_originals(servers, name, part, count):
    played(servers(name), part, count)


def played(found: Servers, part: int, count: int) -> None:
    requests = Requests(found.theirs.archive, part)
    for number, target in enumerate(requests.targets(count)):
        kinds = KINDS if number % 4 == 0 else [KINDS[number % 3]]
        for kind in kinds:
            assert_alike(found, kind, target, ACCEPTS[number % len(ACCEPTS)])


def test_what_the_server_says_of_itself_has_the_originals_keys(servers):
    found = servers(EVERYDAY[0])
    for target in ("/api/ping", "/api/v1/version"):
        ours, theirs = found.ours["duckdb"].ask(target), found.theirs.ask(target)
        assert list(ours.json) == list(theirs.json)
        assert headers(ours) == headers(theirs)
    assert found.ours["duckdb"].ask("/api/ping").json["service"] == "agentsview-assets"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP;q=0", "br, gzip;q=0.1", "br", "*", "x-gzip"])
def test_bodies_are_compressed_when_the_original_does(servers, encoding):
    found = servers(EVERYDAY[0])
    for target in ("/api/ping", "/api/v1/usage/summary?no_default_range=1"):
        asked = {"Accept-Encoding": encoding}
        ours, theirs = (
            server.ask(target, headers=asked) for server in (found.ours["duckdb"], found.theirs)
        )
        assert headers(ours) == headers(theirs), target


@pytest.mark.parametrize("target", ["/api/ping", "/api/v1/usage/summary", "/api/v1/nope"])
def test_options_are_answered_as_the_original_does(servers, target):
    found = servers(EVERYDAY[0])
    ours, theirs = (
        server.ask(target, method="OPTIONS") for server in (found.ours["duckdb"], found.theirs)
    )
    assert (ours.status, ours.body, headers(ours)) == (204, b"", headers(theirs))


def test_a_foreign_host_is_told_what_the_original_says(servers):
    found = servers(EVERYDAY[0])
    for host in ("evil.example", "127.0.0.1", "localhost.:8080", "a_b", ""):
        ours, theirs = (
            server.ask("/api/ping", headers={"Host": host})
            for server in (found.ours["duckdb"], found.theirs)
        )
        assert ours.status == theirs.status, host
        if theirs.status == 403:
            mine, others = (
                answer.body.decode().replace(str(port), "PORT")
                for answer, port in (
                    (ours, found.ours["duckdb"].port),
                    (theirs, found.theirs.port),
                )
            )
            assert mine == others
            assert headers(ours) == headers(theirs)


def test_heads_are_those_of_the_whole_answers(servers):
    found = servers(EVERYDAY[0])
    for target in ("/api/ping", "/api/v1/usage/summary", "/api/v1/usage/summary?from=x"):
        ours, theirs = (
            server.ask(target, method="HEAD") for server in (found.ours["duckdb"], found.theirs)
        )
        assert (ours.status, ours.body, headers(ours)) == (theirs.status, b"", headers(theirs))


def test_paths_are_cleaned_as_the_original_does(servers):
    found = servers(EVERYDAY[0])
    for target in ("/api/v1//usage/summary?from=x", "/x/../api/ping", "/api/./ping"):
        ours, theirs = found.ours["duckdb"].ask(target), found.theirs.ask(target)
        assert (ours.status, ours.header("location")) == (theirs.status, theirs.header("location"))


def test_the_daily_document_is_the_commands(servers):
    found = servers(EVERYDAY[0])
    answer = found.ours["sqlite"].ask("/api/v1/usage/daily?all=true&breakdown=1")
    summary = found.theirs.ask("/api/v1/usage/summary?no_default_range=1&include_automated=1").json
    assert answer.status == 200
    document = answer.json
    assert list(document) == [
        *("schema_version", "pricing", "projects", "daily", "totals", "sessionCounts"),
    ]
    for key in document:
        assert_same_document(json.dumps(document[key]), json.dumps(summary[key]), key)
