"""The real web server with its daemon over a sample archive, and a headless Chromium before it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.in_process import Desk
from tests.support.served_ui import PATIENCE_SECONDS, ServedUi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
# A container gives a browser neither a sandbox nor much shared memory.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
_RUNS = """query ($limit: Int) { runsOrError(limit: $limit) { ... on Runs { results {
  runId jobName status tags { key value } assetSelection { path } } } } }"""
_ASK = """([url, query, variables]) => fetch(url, {method: 'POST',
  headers: {'content-type': 'application/json'}, body: JSON.stringify({query, variables})})
  .then(answer => answer.json()).then(answer => answer.data)"""
# Asked once a second in the page itself, until as many runs as wanted have ended.
_UNTIL_ENDED = """async ([url, query, job, wanted, seconds]) => {
  for (const until = Date.now() + 1000 * seconds; Date.now() < until;) {
    const answer = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json'},
      body: JSON.stringify({query, variables: {limit: 100}})});
    const runs = (await answer.json()).data.runsOrError.results;
    const ended = runs.filter(run => ['SUCCESS', 'FAILURE', 'CANCELED'].includes(run.status));
    if (ended.length === runs.length && ended.filter(r => r.jobName === job).length >= wanted)
      return true;
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  return false;
}"""


@dataclass
class Ui:
    """The Dagster UI of a desk, as a person has it before them.

    Attributes:
        desk: Archive and warehouse.
        url: Where it is served.
        page: The browser's page.
    """

    desk: Desk
    url: str
    page: Page

    def open(self, path: str) -> Page:
        """Goes to a page and waits until it has asked for all that it shows."""
        self.page.goto(self.url + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def runs(self, job: str = "__ASSET_JOB") -> list[dict[str, Any]]:
        """The runs of a job, the last one first."""
        answer = self.page.evaluate(_ASK, [f"{self.url}/graphql", _RUNS, {"limit": 100}])
        return [run for run in answer["runsOrError"]["results"] if run["jobName"] == job]

    def wait_for_runs(self, wanted: int, job: str = "__ASSET_JOB") -> list[dict[str, Any]]:
        """Waits until no run is under way and so many of a job have ended."""
        asked = [f"{self.url}/graphql", _RUNS, job, wanted, PATIENCE_SECONDS]
        assert self.page.evaluate(_UNTIL_ENDED, asked), self.runs(job)
        return self.runs(job)


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    desk = Desk.with_sample(tmp_path_factory.mktemp("ui")).starting("2026-10-29")
    with ServedUi(desk) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        yield Ui(desk, served.url, page)
        browser.close()


def chromium() -> str:
    found = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    assert found, f"none of {', '.join(_CHROMIUMS)} is installed: apt-get install chromium"
    return found


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keeps a picture of the page: in docs/images when `SCREENSHOTS` names that folder."""
    folder = os.environ.get("SCREENSHOTS") or str(tmp_path_factory.mktemp("pictures"))

    def take(page: Page, name: str) -> Path:
        path = f"{folder}/{name}.png"
        page.screenshot(path=path, animations="disabled")
        return path  # type: ignore[return-value]

    return take
