"""A page of another origin in the same browser: it tries all that a page can, and moves nothing.

The page is served by another port of this machine, which is the nearest that a stranger comes: same
site, other origin. Rebinding is a name of the stranger's that leads to the UI's own address.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from agentsview_assets.automation.jobs import RECONCILER
from tests.browser.conftest import CHROMIUM_FLAGS, chromium
from tests.support.in_process import Desk
from tests.support.served_ui import ServedUi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

REBOUND = "rebound.example"
PLACE = 'repositoryLocationName: "agentsview_assets", repositoryName: "__repository__"'
LAUNCH = f"""mutation {{ launchRun(executionParams: {{
  selector: {{ {PLACE}, jobName: "observe" }}, runConfigData: "{{}}" }}) {{ __typename }} }}"""
START = f"""mutation {{ startSensor(sensorSelector: {{
  sensorName: "{RECONCILER}", {PLACE} }}) {{ __typename }} }}"""
# Every way of a page to send something, each told by what came of it.
_ATTACK = """async ([ui, mutations, reports]) => {
  const told = [];
  const settled = async (name, promise) => {
    const late = new Promise(resolve => setTimeout(() => resolve('nothing'), 4000));
    try { told.push([name, String(await Promise.race([promise, late]))]); }
    catch (error) { told.push([name, 'failed']); }
  };
  const read = async answer => answer.type === 'opaque' ? 'opaque' : 'read ' + await answer.text();
  for (const query of mutations) {
    const url = ui + '/graphql?' + new URLSearchParams({query});
    const body = JSON.stringify({query});
    for (const mode of ['no-cors', 'cors'])
      for (const credentials of ['include', 'omit']) {
        await settled(`get ${mode}`, fetch(url, {mode, credentials}).then(read));
        for (const kind of ['text/plain', 'application/x-www-form-urlencoded',
                            'text/plain; application/json', 'application/json'])
          await settled(`post ${mode} ${kind}`, fetch(ui + '/graphql',
            {mode, credentials, method: 'POST', body, headers: {'content-type': kind}}).then(read));
        await settled(`post query ${mode}`, fetch(url, {mode, method: 'POST'}).then(read));
      }
    await settled('multipart', fetch(ui + '/graphql', {mode: 'no-cors', method: 'POST',
      body: (() => { const form = new FormData(); form.append('query', query); return form; })()
    }).then(read));
    await settled('beacon', navigator.sendBeacon(url, body));
    for (const tag of ['img', 'script', 'iframe', 'embed', 'object', 'link', 'video']) {
      const element = document.createElement(tag);
      if (tag === 'link') { element.rel = 'stylesheet'; element.href = url; }
      else if (tag === 'object') element.data = url; else element.src = url;
      const seen = new Promise(resolve => { element.onload = () => resolve('load');
                                            element.onerror = () => resolve('error'); });
      document.body.append(element);
      await settled(tag, seen);
    }
    for (const [method, enctype] of [['GET', ''], ['POST', 'text/plain'],
        ['POST', 'application/x-www-form-urlencoded'], ['POST', 'multipart/form-data']]) {
      const frame = document.createElement('iframe');
      frame.name = 'f' + Math.random();
      const form = Object.assign(document.createElement('form'),
        {method, enctype, action: url, target: frame.name});
      form.append(Object.assign(document.createElement('input'), {name: 'query', value: query}));
      document.body.append(frame, form);
      const seen = new Promise(resolve => { frame.onload = () => resolve('load'); });
      form.submit();
      await settled(`form ${method} ${enctype}`, seen);
    }
    await settled('websocket', new Promise(resolve => {
      const socket = new WebSocket(ui.replace('http', 'ws') + '/graphql', 'graphql-ws');
      socket.onopen = () => { socket.send(JSON.stringify({type: 'connection_init'}));
        socket.send(JSON.stringify({id: '1', type: 'start', payload: {query}})); resolve('open'); };
      socket.onerror = socket.onclose = () => resolve('refused');
    }));
  }
  for (const path of reports)
    await settled('report',
      fetch(ui + path, {mode: 'no-cors', method: 'POST', body: '{}'}).then(read));
  return told;
}"""
_OWN = """async query => { const answer = await fetch('/graphql', {method: 'POST',
  headers: {'content-type': 'application/json'}, body: JSON.stringify({query})});
  return [answer.status, await answer.text()]; }"""


class _Page(BaseHTTPRequestHandler):
    """An empty page, and what a browser asks for beside it."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>elsewhere</title><body></body>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tells nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of the stranger's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedUi]:
    with ServedUi(Desk.with_sample(tmp_path_factory.mktemp("foreign"))) as ui:
        yield ui


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1,MAP *.other.example 127.0.0.1"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium(), args=[*CHROMIUM_FLAGS, rules]
        )
        yield found
        found.close()


def _reports() -> list[str]:
    events = ("materialization", "check", "observation")
    return [f"/report_asset_{event}/daily_usage?check_name=x&passed=true" for event in events]


@pytest.mark.parametrize("origin", ["127.0.0.1", "localhost", "www.other.example"])
def test_a_page_of_another_origin_moves_nothing_and_reads_nothing(
    served, browser, elsewhere, origin
):
    before = served.state()
    page = browser.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"http://{origin}:{elsewhere}/")
    told = page.evaluate(_ATTACK, [served.url, [LAUNCH, START], _reports()])
    page.close()
    assert len(told) > 50
    assert not [line for line in told if line[1].startswith("read")], told
    assert not [line for line in told if line == ["websocket", "open"]], told
    assert served.state() == before


def test_a_page_cannot_be_shown_within_another(served, browser, elsewhere):
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{elsewhere}/")
    with page.expect_response(lambda answer: answer.url.startswith(served.url)) as answered:
        page.evaluate(
            "url => document.body.append(Object.assign(document.createElement('iframe'),"
            " {src: url}))",
            served.url,
        )
    assert answered.value.status == 403
    assert answered.value.headers["x-frame-options"] == "DENY"
    page.close()


def test_a_name_that_leads_here_is_not_served(served, browser):
    before = served.state()
    page = browser.new_page()
    answer = page.goto(f"http://{REBOUND}:{served.port}/")
    assert answer is not None
    assert answer.status == 421
    assert "--allow-host" in page.inner_text("body")
    for query in (LAUNCH, START, "{ version }"):
        status, text = page.evaluate(_OWN, query)
        assert status == 421
        assert "version" not in text
    page.close()
    assert served.state() == before


def test_a_link_of_another_page_opens_the_ui(served, browser, elsewhere):
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{elsewhere}/")
    page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('a'),"
        " {href: url, textContent: 'go'}))",
        served.url + "/runs",
    )
    page.get_by_text("go").click()
    page.wait_for_url(f"{served.url}/runs**")
    assert page.evaluate(_OWN, "{ version }")[0] == 200
    page.close()


def test_the_uis_own_page_may_do_what_it_does(served, browser):
    page = browser.new_page()
    page.goto(f"{served.url}/graphql-is-not-a-page")
    status, text = page.evaluate(_OWN, "{ version }")
    assert status == 200
    assert json.loads(text)["data"]["version"]
    opened = page.evaluate(
        """() => new Promise(resolve => {
          const socket = new WebSocket(`ws://${location.host}/graphql`, 'graphql-ws');
          socket.onopen = () => resolve(true); socket.onerror = () => resolve(false); })"""
    )
    assert opened
    page.close()
