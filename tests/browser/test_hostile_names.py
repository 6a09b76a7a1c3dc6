"""Names of an archive in the real UI: all of them text, whatever they would like to be.

More than three hundred names of models, agents and projects go through `materialize`, the checks
and a price change. Then a browser opens the pages that show them, and is watched.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from agentsview_assets.rules.shown_text import visible
from tests.browser.conftest import CHROMIUM_FLAGS, Ui, chromium
from tests.hostile.test_shown_text import fill
from tests.support.hostile_names import NUMBERED, hostile_names
from tests.support.in_process import Desk
from tests.support.served_ui import PATIENCE_SECONDS, ServedUi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Request

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("hostile-names")]

NAMES = hostile_names()
REFUSED = "2026-11-20"
"""The day of a number that no table holds."""
# Elements that Markdown or HTML makes, and that must not be made of a name.
_MADE = """() => [...document.querySelectorAll(
    'a, img, script, iframe, style, strong, em, b, i, del, h1, h2, h3, h4, h5, h6, li,' +
    'blockquote,' +
    'input[type=checkbox], svg, sup, pre > code, p > code, td > code, td > pre, section')]
  .filter(found => !found.closest('svg') || found.tagName === 'svg')
  .map(found => [found.tagName, [found.getAttribute('href'), found.getAttribute('src'),
    found.getAttribute('alt'), found.textContent].filter(text => text).join(' ')])
  .filter(([tag, text]) => /zq\\d{3}/.test(text))
  .filter(([tag, text]) => !text.startsWith('data:image/svg+xml'))"""
_ROWS = """() => [...document.querySelectorAll('table')].filter(table => table.tHead)
  .map(table => [table.tHead.rows[0].cells.length, [...table.tBodies].flatMap(body =>
    [...body.rows].map(row => row.cells.length)), table.innerText])
  .filter(([, , text]) => /zq\\d{3}/.test(text))"""


class Watched(Ui):
    """The UI with a watch on whatever the page asks for."""

    asked: list[str]

    def watch(self) -> None:
        self.asked = []

        def note(request: Request) -> None:
            if not request.url.startswith(
                (self.url, "data:", "blob:", self.url.replace("http", "ws"))
            ):
                self.asked.append(request.url)

        self.page.on("request", note)

    def text(self) -> str:
        """What can be read on the page, without the breaks in addresses that nobody sees."""
        return str(self.page.evaluate("() => document.body.innerText")).replace("\u200b", "")

    def assert_text_alone(self) -> None:
        """Nothing on the page was made of a name, and nothing was asked for elsewhere."""
        assert self.page.evaluate(_MADE) == []
        for head, rows, text in self.page.evaluate(_ROWS):
            assert set(rows) == {head}, text[:500]
        assert self.asked == []

    def tables(self) -> Iterator[str]:
        """The text of each table that is behind a link of this page, once it is open."""
        links = self.page.get_by_text("[Show Markdown]")
        for number in range(links.count()):
            links.nth(number).click()
            self.page.wait_for_timeout(500)
            yield self.text()
            self.assert_text_alone()
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(500)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("hostile")
    desk = Desk(folder).starting("2026-10-29")
    fill(desk.archive, NAMES)
    assert desk.run("materialize").code == 1  # a row and a day of it are held back
    with ServedUi(desk) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        ui = Watched(desk, served.url, page)
        ui.watch()
        yield ui
        browser.close()


def test_the_checks_name_every_model_and_agent(watched: Watched) -> None:
    watched.open("/assets/daily_usage?view=checks&checkDetail=completeness")
    watched.page.get_by_text("tokens have no price").first.wait_for()
    text = watched.text()
    watched.assert_text_alone()
    shown = "".join(watched.tables()) + text
    # What looks like a credential in a name was taken out of it.
    kept = [model for (model,) in watched.desk.rows("SELECT DISTINCT model FROM daily_usage")]
    assert len(kept) >= 300
    missing = [name for name in kept if _squeezed(visible(name)) not in _squeezed(shown)]
    assert missing == []
    for asset, check in (("session_summaries", "coverage"), ("session_summaries", "freshness"),
                         ("daily_usage", "totals_agree")):  # fmt: skip
        watched.open(f"/assets/{asset}?view=checks&checkDetail={check}")
        watched.assert_text_alone()
        for _ in watched.tables():
            pass


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/assets/daily_usage", "daily_usage"),
        ("/assets/daily_usage?view=events", "top_projects"),
        ("/assets/daily_usage?view=partitions&partition=2026-11-09", "top_projects"),
        ("/assets/archive?view=events", "left_out"),
        ("/assets/archive", "archive"),
        ("/assets/session_summaries?view=events", "session_summaries"),
        ("/assets/sessions?view=events", "sessions"),
        ("/runs", "Runs"),
    ],
)
def test_a_page_shows_names_as_text(path: str, shown: str, watched: Watched) -> None:
    watched.open(path).get_by_text(shown).first.wait_for()
    watched.page.wait_for_timeout(1000)
    watched.assert_text_alone()
    for _ in watched.tables():
        pass


def test_a_price_change_shows_names_as_text(watched: Watched) -> None:
    config = watched.desk.archive / "config.toml"
    prices = "".join(
        f"[custom_model_pricing.{json.dumps(f'{name} model')}]\ninput = 3.0\n"
        for name in NAMES[:60]
    )
    watched.turn("reconcile", on=True)
    # Runs wait in line, so that none makes the days before this one has told of them.
    run = watched.launch("reprice", first=lambda: config.write_text(prices, encoding="utf-8"))
    assert run["status"] == "SUCCESS"
    since = time.time()
    watched.open(f"/runs/{run['runId']}")
    shown = "".join(watched.tables())
    assert NUMBERED.search(shown)
    # The day of which a number is held back is all that cannot be made.
    watched.wait_until_said("given up: ", since)
    watched.turn("reconcile", on=False)
    watched.open("/automation")
    watched.automation("reconcile").get_by_role("button", name="status").click()
    watched.page.get_by_text(f"of {REFUSED}").first.wait_for()
    watched.assert_text_alone()
    page = watched.open("/assets/restatements?view=events")
    page.get_by_text("by_project_and_model").first.wait_for()
    watched.assert_text_alone()
    shown = watched.text() + "".join(watched.tables())
    assert NUMBERED.search(shown)


def test_the_log_of_a_run_shows_names_as_text(watched: Watched) -> None:
    known = len(watched.runs())
    watched.materialize_all(REFUSED)
    run = watched.wait_for_runs(known + 1)[0]
    assert run["status"] == "FAILURE"  # it names what is held back
    page: Page = watched.open(f"/runs/{run['runId']}")
    page.get_by_text("nothing was written").first.wait_for()
    watched.assert_text_alone()
    assert re.search(r"absurd \\x1b\[31m\\nerror: ", watched.text())


def test_the_log_of_a_look_shows_names_as_text(watched: Watched) -> None:
    run = watched.launch("observe", is_partitioned=True)
    assert run["status"] == "SUCCESS"
    page: Page = watched.open(f"/runs/{run['runId']}")
    page.get_by_text("left_out", exact=True).first.wait_for()  # it names that, too
    watched.assert_text_alone()
    assert re.search(r"\\x1b\[31m number", watched.text())


def _squeezed(text: str) -> str:
    """Text without spaces, of which a page shows one where several stand."""
    return re.sub(r"\s+", "", text)
