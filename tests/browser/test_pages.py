"""The pages of `serve` in Chromium: they open, draw, say the same twice, and all can use them.

Two warehouses: the sample, and one in which everything that has a name has a hostile one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.pages.address import path_part
from tests.browser.reading import (
    MADE,
    NAMES,
    TABLE,
    Reading,
    environment,
    hostile_web,
    launched,
    read,
)
from tests.support.hostile_names import NUMBERED
from tests.support.in_process import Desk
from tests.support.served_web import ServedWeb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("pages")]

DAYS = "from=2026-10-29&to=2026-11-10"
PAGES = (
    f"/?{DAYS}",
    f"/?{DAYS}&by=machine",
    "/?span=7d",
    f"/projects?{DAYS}",
    f"/projects/lanternfish?{DAYS}",
    f"/models?{DAYS}",
    f"/models/claude-opus-4-6?{DAYS}",
    f"/rows?{DAYS}&in_project=tidepool",
    "/nothing-there",
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWeb]:
    desk = Desk.finished(tmp_path_factory.mktemp("pages"), "2026-10-29")
    with ServedWeb(environment(desk), "--dagster-url", "http://localhost:3000") as served:
        yield served


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWeb]:
    with hostile_web(tmp_path_factory.mktemp("hostile-pages")) as served:
        yield served


@pytest.fixture(scope="module")
def browser(sample: ServedWeb, hostile: ServedWeb) -> Iterator[Browser]:
    """A browser; warehouses are made first, because no run likes the loop that drives it."""
    del sample, hostile
    with launched() as found:
        yield found


@pytest.fixture
def reading(browser: Browser, sample: ServedWeb) -> Iterator[Reading]:
    with read(browser, sample) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_and_its_charts_are_drawn(reading: Reading, path: str):
    page = reading.open(path)
    charts = page.locator("[data-chart]")
    assert page.locator("[data-chart] svg").count() == charts.count()
    for number in range(charts.count()):
        assert charts.nth(number).locator("svg path").count()
    said = [line for line in reading.wrong if "404" not in line]
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_a_page(browser: Browser, sample: ServedWeb, path: str, scheme: str):
    reading = Reading(browser, sample.port, color_scheme=scheme)
    page = reading.open(path)
    for fold in page.locator("details > summary").all():
        fold.click()
    assert reading.violations() == []
    reading.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_telephone(browser: Browser, sample: ServedWeb, path: str):
    reading = Reading(browser, sample.port, viewport={"width": 390, "height": 800})
    page = reading.open(path)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    reading.context.close()


def test_the_table_below_a_chart_says_what_the_document_says(reading: Reading, sample: ServedWeb):
    """To the last digit: days, totals, and each name's part of a day."""
    document = sample.ask(f"/api/v1/usage/summary?{DAYS}&include_automated=true").json
    page = reading.open(f"/?{DAYS}")
    rows = {row[0]: row for row in page.evaluate(TABLE, "cost_by_day")}
    legend = page.locator("#cost .legend li").all_text_contents()
    assert len(rows) == len(document["daily"])
    for day in document["daily"]:
        row = rows[_words(day["date"])]
        assert row[1] == repr(day["totalCost"])
        parts = {part["project"]: part["cost"] for part in day["projectBreakdowns"]}
        for place, name in enumerate(legend[:7]):
            shown = row[2 + place]
            assert shown == (repr(parts[name.strip()]) if name.strip() in parts else "–")
    totals = page.evaluate(TABLE, "by_project")
    assert [row[:2] for row in totals] == [
        [entry["project"], repr(entry["cost"])] for entry in document["projectTotals"]
    ]
    cost = page.locator(".figures data").first.get_attribute("value")
    assert cost == repr(document["totals"]["totalCost"])


def _words(date: str) -> str:
    year, month, day = date.split("-")
    return f"{int(day)} {({'10': 'Oct', '11': 'Nov'})[month]} {year}"


def test_a_chart_draws_what_its_table_says(reading: Reading):
    page = reading.open(f"/?{DAYS}&by=agent")
    data = page.evaluate("() => JSON.parse(document.getElementById('chart-cost').textContent)")
    drawn = {
        (value["date"], value["name"]): value["value"]
        for value in data["layer"][0]["data"]["values"]
    }
    heads = page.locator("table[data-table=cost_by_day] thead th").all_text_contents()
    names = [head.strip() for head in heads]
    for row in page.evaluate(TABLE, "cost_by_day"):
        for name, shown in list(zip(names, row, strict=True))[2:5]:
            if shown not in ("–", "0"):
                assert repr(drawn.pop((row[0], name))) == shown
    assert drawn == {}


def test_a_number_leads_to_its_rows_which_add_up_to_it(reading: Reading):
    page = reading.open(f"/projects?{DAYS}")
    cell = page.locator("table[data-table=by_project] tbody tr").first.locator("td").first
    shown = cell.locator("data").get_attribute("value")
    cell.locator("a").click()
    page.wait_for_url("**/rows?*")
    cost = page.locator(".figures data").nth(1).get_attribute("value")
    assert float(cost or 0) == pytest.approx(float(shown or 0), rel=1e-12)
    page.get_by_text("The query behind it").click()
    assert "FROM usage_rows" in page.locator(".sql code").inner_text()


def test_the_keyboard_reaches_everything(reading: Reading):
    page = reading.open(f"/projects?{DAYS}")
    reached = []
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => { const at = document.activeElement; return at.closest('nav')?.ariaLabel "
                "|| at.closest('[role=region]')?.ariaLabel || at.className || at.tagName; }"
            )
        )
    assert reached[0] == "skip"
    assert {"Pages", "Span", "SUMMARY", "By project", "file"} <= set(reached)
    page.goto(page.url)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_charts_follow_the_scheme_without_being_drawn_again(reading: Reading):
    page = reading.open(f"/?{DAYS}")
    colour = "() => getComputedStyle(document.querySelector('#cost svg .mark-rect path')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light


def test_without_a_script_the_tables_are_there(browser: Browser, sample: ServedWeb):
    reading = Reading(browser, sample.port, java_script_enabled=False)
    page = reading.page
    page.goto(f"{reading.origin}/projects?{DAYS}")
    assert "the table says the same" in page.content()
    assert page.locator("table[data-table=by_project] tbody tr").count() == 10
    reading.context.close()


def test_names_of_an_archive_are_text(browser: Browser, hostile: ServedWeb):
    reading = Reading(browser, hostile.port)
    seen: set[str] = set()
    name = NAMES[3]
    days = urlencode({"span": "all"})
    for path in (
        *(f"/?{days}&by={by}" for by in ("project", "model", "agent", "machine")),
        *(f"/projects?{days}", f"/models?{days}", f"/rows?{days}"),
        *(f"/projects/{path_part(one)}?{days}" for one in NAMES[:12]),
        f"/models/{path_part(f'{name} model')}?{days}",
        f"/?{days}&project={quote(name)}&timezone=UTC",
    ):
        page = reading.open(path)
        assert page.evaluate(MADE) == []
        text = page.evaluate("() => document.body.textContent")
        seen |= set(re.findall(NUMBERED, text))
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b\u202e\u2066]", text)
    assert len(seen) == len(NAMES)
    assert [line for line in reading.wrong if "404" not in line] == []
    first = reading.open(f"/projects/{path_part(NAMES[0])}?{days}")
    assert visible(NAMES[0]).strip() in first.locator("h1").inner_text()
    reading.context.close()


def test_a_picture_for_the_documentation(browser: Browser, sample: ServedWeb, picture: Any):
    tall = {"width": 1280, "height": 1240}
    reading = Reading(browser, sample.port, viewport=tall)
    page = reading.open("/?from=2026-11-04&to=2026-11-10&by=model")
    picture(page, "dashboard")
    reading.context.close()
