"""The real web server with its daemon over a sample archive, and a headless Chromium before it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.support.in_process import Desk
from tests.support.served_ui import PATIENCE_SECONDS, ServedUi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
# A container gives a browser neither a sandbox nor much shared memory.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
_RUNS = """{ runsOrError(limit: 100) { ... on Runs { results {
  runId jobName status tags { key value } assetSelection { path } } } } }"""
_STEPS = """{ runOrError(runId: "%s") { ... on Run { stepStats { stepKey status } } } }"""
_TICKS = """{ sensorOrError(sensorSelector: { repositoryLocationName: "agentsview_assets",
  repositoryName: "__repository__", sensorName: "%s" }) { ... on Sensor { sensorState {
  ticks(limit: 10) { timestamp status skipReason } } } } }"""
_ASK = """([url, query]) => fetch(url, {method: 'POST',
  headers: {'content-type': 'application/json'}, body: JSON.stringify({query})})
  .then(answer => answer.json()).then(answer => answer.data)"""
# Asked once a second in the page itself, until the answer is as wanted.
_UNTIL = """async ([url, query, wanted, seconds]) => {
  const isSo = %s;
  for (const until = Date.now() + 1000 * seconds; Date.now() < until;) {
    const answer = await fetch(url, {method: 'POST', headers: {'content-type': 'application/json'},
      body: JSON.stringify({query})});
    if (isSo((await answer.json()).data, wanted)) return true;
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  return false;
}"""
_HAVE_ENDED = """(data, [job, wanted]) => {
  const runs = data.runsOrError.results;
  const ended = runs.filter(run => ['SUCCESS', 'FAILURE', 'CANCELED'].includes(run.status));
  return ended.length === runs.length && ended.filter(r => r.jobName === job).length >= wanted;
}"""
_BACKFILLS = """{ partitionBackfillsOrError { ... on PartitionBackfills {
  results { status } } } }"""
_ARE_COMPLETE = """data =>
  data.partitionBackfillsOrError.results.every(one => one.status === 'COMPLETED_SUCCESS')"""
_HAS_STARTED = """(data, job) =>
  data.runsOrError.results.some(run => run.jobName === job && run.status === 'STARTED')"""
_HAS_SAID = """(data, [words, since]) => {
  const [last] = data.sensorOrError.sensorState.ticks;
  return last !== undefined && last.timestamp > since && (last.skipReason ?? '').includes(words);
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

    def materialize_all(self, partitions: str) -> None:
        """Asks for all assets of some partitions, as typed into the dialog of the graph."""
        page = self.open("/asset-groups")
        page.get_by_role("button", name="Materialize all").click()
        chosen = page.get_by_placeholder("No matching partitions")
        chosen.fill(partitions)
        chosen.press("Enter")
        launch = page.get_by_role("button", name="Launch")
        expect(launch).to_be_enabled()
        launch.click()
        expect(launch).to_be_hidden()

    def launch(
        self, job: str, *, first: Callable[[], Any] = lambda: None, is_partitioned: bool = False
    ) -> dict[str, Any]:
        """Starts a job, waits for it, and returns its run.

        Args:
            job: Its name.
            first: Called with everything ready for the button.
            is_partitioned: Whether it asks back, because no partition is chosen.
        """
        page = self.open(f"/locations/agentsview_assets/jobs/{job}/playground")
        launch, known = page.get_by_role("button", name="Launch run"), len(self.runs(job))
        expect(launch).to_be_enabled(timeout=1000 * PATIENCE_SECONDS)
        first()
        launch.click()
        if is_partitioned:
            page.get_by_role("button", name="Confirm").click()
        return self.wait_for_runs(known + 1, job)[0]

    def automation(self, name: str) -> Locator:
        """What the page of the automations, which is open, shows of one of them."""
        link = self.page.locator(f"a[href$='s/{name}']")
        return link.locator("xpath=ancestor::div[.//label][1]")

    def switch(self, name: str) -> Locator:
        """The switch of an automation, behind the box that chooses it."""
        return self.automation(name).locator("label").nth(1)

    def turn(self, name: str, *, on: bool) -> None:
        """Turns an automation on or off by its switch."""
        self.open("/automation")
        box, patience = self.switch(name).locator("input"), 1000 * PATIENCE_SECONDS
        expect(box).to_be_checked(checked=not on, timeout=patience)
        self.switch(name).click()
        expect(box).to_be_checked(checked=on, timeout=patience)

    def runs(self, job: str = "__ASSET_JOB") -> list[dict[str, Any]]:
        """The runs of a job, the last one first."""
        answer = self.page.evaluate(_ASK, [f"{self.url}/graphql", _RUNS])
        return [run for run in answer["runsOrError"]["results"] if run["jobName"] == job]

    def failed_steps(self, run_id: str) -> list[str]:
        """The steps of a run that failed."""
        answer = self.page.evaluate(_ASK, [f"{self.url}/graphql", _STEPS % run_id])
        steps = answer["runOrError"]["stepStats"]
        return [step["stepKey"] for step in steps if step["status"] == "FAILURE"]

    def wait_for_runs(self, wanted: int, job: str = "__ASSET_JOB") -> list[dict[str, Any]]:
        """Waits until no run is under way and so many of a job have ended."""
        asked = [f"{self.url}/graphql", _RUNS, [job, wanted], PATIENCE_SECONDS]
        assert self.page.evaluate(_UNTIL % _HAVE_ENDED, asked), self.runs(job)
        return self.runs(job)

    def wait_for_backfills(self) -> None:
        """Waits until every backfill has made all that it was asked for."""
        asked = [f"{self.url}/graphql", _BACKFILLS, None, PATIENCE_SECONDS]
        assert self.page.evaluate(_UNTIL % _ARE_COMPLETE, asked), self.runs()

    def wait_until_started(self, job: str = "__ASSET_JOB") -> str:
        """Waits until a run of a job does its work, and returns its id."""
        asked = [f"{self.url}/graphql", _RUNS, job, PATIENCE_SECONDS]
        assert self.page.evaluate(_UNTIL % _HAS_STARTED, asked), self.runs(job)
        return next(run["runId"] for run in self.runs(job) if run["status"] == "STARTED")

    def wait_until_said(self, words: str, since: float, sensor: str = "reconcile") -> None:
        """Waits until a sensor asks for nothing more since a time, and says so in such words."""
        ticks = [f"{self.url}/graphql", _TICKS % sensor]
        asked = [*ticks, [words, since], PATIENCE_SECONDS]
        assert self.page.evaluate(_UNTIL % _HAS_SAID, asked), self.page.evaluate(_ASK, ticks)


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    desk = Desk.with_sample(tmp_path_factory.mktemp("ui")).starting("2026-10-29")
    patient = {"AGENTSVIEW_ASSETS_WAIT": "600"}
    with ServedUi(desk, environ=patient) as served, sync_playwright() as playwright:
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
