"""The real server by plain sockets: what a page, a proxy or a stranger's program could send."""

from __future__ import annotations

import itertools
import json
import signal
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.automation.jobs import RECONCILER
from tests.support.in_process import Desk
from tests.support.served_ui import ServedUi

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.hostile

PLACE = 'repositoryLocationName: "agentsview_assets", repositoryName: "__repository__"'
LAUNCH = f"""mutation {{ launchRun(executionParams: {{
  selector: {{ {PLACE}, jobName: "observe" }}, runConfigData: "{{}}" }}) {{ __typename }} }}"""
START = f"""mutation {{ startSensor(sensorSelector: {{
  sensorName: "{RECONCILER}", {PLACE} }}) {{ __typename }} }}"""
MUTATIONS = [LAUNCH, START, 'mutation { setConcurrencyLimit(concurrencyKey: "x", limit: 1) }']
KINDS = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
]


@pytest.fixture(scope="module")
def ui(tmp_path_factory) -> Iterator[ServedUi]:
    with ServedUi(Desk.with_sample(tmp_path_factory.mktemp("ui"))) as served:
        yield served


def _request(line: str, *headers: str, body: str = "") -> bytes:
    length = [f"Content-Length: {len(body.encode())}"] if body else []
    return "\r\n".join([line, *headers, *length, "", body]).encode("latin-1")


def _requests(port: int) -> Iterator[bytes]:
    """Everything that is to change nothing."""
    ours, evil = f"127.0.0.1:{port}", f"evil.example:{port}"
    bodies = [json.dumps({"query": text}) for text in MUTATIONS]
    for body, kind in itertools.product(bodies, KINDS):
        post = ("POST /graphql HTTP/1.1", f"Content-Type: {kind}")
        if kind != "application/json":
            yield _request(post[0], f"Host: {ours}", post[1], body=body)
        yield _request(post[0], f"Host: {evil}", post[1], body=body)
        for origin in (
            "null",
            f"http://{evil}",
            "http://127.0.0.1:1",
            f"http://{ours}.evil.example",
        ):
            yield _request(post[0], f"Host: {ours}", f"Origin: {origin}", post[1], body=body)
        for twice in ((ours, evil), (evil, ours), (ours, ours)):
            yield _request(post[0], *(f"Host: {name}" for name in twice), post[1], body=body)
        yield _request(post[0], post[1], body=body)
        yield _request("POST /graphql HTTP/1.0", post[1], body=body)
        for site in ("cross-site", "same-site"):
            yield _request(post[0], f"Host: {ours}", f"Sec-Fetch-Site: {site}", post[1], body=body)
        yield _request(f"POST http://{ours}/graphql HTTP/1.1", f"Host: {ours}", post[1], body=body)
        yield _request(f"POST http://{evil}/graphql HTTP/1.1", f"Host: {ours}", post[1], body=body)
        for bent in (f"Host: evil.example\r\n {ours}", f"Host: {ours}\r\n evil.example"):
            yield _request(post[0], bent, post[1], body=body)
        yield _request(post[0], f"Host : {ours}", post[1], body=body)
    yield from _without_a_body(ours)


def _without_a_body(ours: str) -> Iterator[bytes]:
    for text, method in itertools.product(MUTATIONS, ("GET", "HEAD", "POST", "PUT", "OPTIONS")):
        query = urllib.parse.urlencode({"query": text})
        for headers in ([], [f"Origin: http://{ours}"], ["Accept: */*", "Referer: http://x/"]):
            yield _request(f"{method} /graphql?{query} HTTP/1.1", f"Host: {ours}", *headers)
        yield _request(f"{method} /graphql?query=%7Bversion%7D&{query} HTTP/1.1", f"Host: {ours}")
        yield _request(f"{method} /%67raphql?{query} HTTP/1.0", f"Host: {ours}")
    for event in ("materialization", "check", "observation"):
        path = f"/report_asset_{event}/daily_usage?check_name=x&passed=true"
        for kind in KINDS[1:]:
            yield _request(
                f"POST {path} HTTP/1.1", f"Host: {ours}", f"Content-Type: {kind}", body="{}"
            )
        yield _request(f"POST {path} HTTP/1.1", f"Host: {ours}")
        yield _request(f"GET {path} HTTP/1.1", f"Host: {ours}")


def test_nothing_that_a_stranger_sends_changes_anything(ui):
    before = ui.state()
    for request in _requests(ui.port):
        answer = ui.say(request)
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
        # Reading a page of the UI is no change, whatever its address was meant to do.
        is_page = b"text/html" in answer and request.startswith(b"GET /report")
        assert 400 <= status < 500 or is_page, (request, answer[:300])
        assert b"access-control-" not in answer.lower()
    assert ui.state() == before


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://127.0.0.1:1", "file://"])
def test_a_websocket_of_another_origin_is_not_opened(ui, origin):
    shake = [
        *("GET /graphql HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"),
        *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        "Sec-WebSocket-Protocol: graphql-ws",
    ]
    ours = f"Host: 127.0.0.1:{ui.port}"
    assert ui.say(_request(*shake, ours, f"Origin: {origin}")).startswith(b"HTTP/1.1 403")
    rebound = _request(*shake, f"Host: evil.example:{ui.port}")
    assert ui.say(rebound).startswith(b"HTTP/1.1 421")
    both = _request(*shake, ours, f"Origin: http://127.0.0.1:{ui.port}", f"Origin: {origin}")
    assert ui.say(both).startswith(b"HTTP/1.1 400")
    own = _request(*shake, ours, f"Origin: http://127.0.0.1:{ui.port}")
    assert ui.say(own).startswith(b"HTTP/1.1 101")


def test_the_user_and_the_users_programs_are_served(ui):
    ours = f"Host: 127.0.0.1:{ui.port}"
    assert ui.say(_request("GET / HTTP/1.1", ours)).startswith(b"HTTP/1.1 200")
    asked = ui.say(_request("GET /graphql?query=%7Bversion%7D HTTP/1.1", ours))
    assert b'{"data":{"version"' in asked
    assert ui.graphql("{ version }")["version"]


def test_it_listens_at_one_port_and_leaves_nothing_behind(ui, tmp_path):
    assert ui.listening_ports() == {ui.port}
    with ServedUi(Desk.with_sample(tmp_path / "other")) as other:
        assert other.listening_ports() == {other.port}
        started = other.descendants()
        assert len(started) >= 4
        assert other.end(signal.SIGTERM) == 0
    assert not started & other.descendants() - {other.process.pid}


def test_a_run_cannot_be_told_where_to_write(ui, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    told = """mutation($config: RunConfigData) { launchRun(executionParams: {selector: {
      repositoryLocationName: "agentsview_assets", repositoryName: "__repository__",
      jobName: "observe"}, runConfigData: $config}) {
        __typename ... on RunConfigValidationInvalid { errors { message } } } }"""
    for key, field in [("archive_source", "store_path"), ("warehouse", "url")]:
        config = json.dumps({"resources": {key: {"config": {field: str(victim)}}}})
        answer = ui.graphql(told, config=config)["launchRun"]
        assert answer["__typename"] == "RunConfigValidationInvalid"
        assert field in answer["errors"][0]["message"]
    assert victim.read_text() == "mine"
