"""What tests of pages share: a browser that notes what ought not to happen, and two warehouses."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM_FLAGS, chromium
from tests.hostile.test_shown_text import fill
from tests.support.hostile_names import hostile_names
from tests.support.in_process import Desk
from tests.support.served_web import ServedWeb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
NAMES = hostile_names(120)
_AXE = """() => axe.run(document, {resultTypes: ['violations']}).then(found =>
  found.violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 200))]))"""
TABLE = """name => { const table = document.querySelector(`table[data-table="${name}"]`);
  return [...table.tBodies[0].rows].map(row => [...row.cells].map(cell =>
    cell.querySelector('data')?.value ?? cell.textContent)); }"""
MADE = r"""() => [...document.querySelectorAll('img, script, iframe, style, strong, em, b, svg')]
  .filter(made => !made.closest('.plot') && made.type !== 'application/json')
  .map(made => made.outerHTML).filter(text => /zq\d{3}/.test(text))"""


class Reading:
    """A browser before a server, with everything noted that ought not to happen."""

    def __init__(self, browser: Browser, port: int, **options: Any) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._note(asked.url))

    def _note(self, url: str) -> None:
        if not url.startswith((self.origin, "data:")):
            self.wrong.append(f"asked {url}")

    def open(self, path: str) -> Page:
        """Opens a page and waits until its charts are drawn."""
        self.page.goto(self.origin + path)
        if self.page.locator("[data-chart]").count():
            self.page.wait_for_selector("html.drawn", state="attached")
        return self.page

    def violations(self) -> Any:
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        return self.page.evaluate(_AXE)


def environment(desk: Desk) -> dict[str, str]:
    """The environment of a server over a desk's warehouse."""
    return {
        "PATH": os.environ["PATH"],
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
    }


@contextmanager
def hostile_web(folder: Path) -> Iterator[ServedWeb]:
    """A server over an archive in which everything that has a name has a hostile one."""
    desk = Desk(folder).starting("2026-10-29")
    fill(desk.archive, NAMES)
    assert desk.run("materialize").code == 1  # a row and a day of it are held back
    with ServedWeb(environment(desk)) as served:
        yield served


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; warehouses are made before, because no run likes the loop that drives it."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield found
        found.close()


@contextmanager
def read(browser: Browser, served: ServedWeb) -> Iterator[Reading]:
    """A window of a browser before a server."""
    found = Reading(browser, served.port)
    yield found
    found.context.close()
