"""Activity, sessions, changes and trust in Chromium, in the manner of `test_pages`.

A third warehouse has what the sample lacks: figures that were told differently before, a failed
check, and rows that cannot be read.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import duckdb
import pytest

from tests.browser.reading import (
    MADE,
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
    f"/activity?{DAYS}",
    "/activity?from=2026-11-06&to=2026-11-06&timezone=Europe/Berlin",
    f"/activity?{DAYS}&bucket=1h&agent=claude",
    "/activity?span=all",
    "/activity?from=2019-01-01&to=2019-01-02",
    f"/sessions?{DAYS}",
    f"/sessions?{DAYS}&sort_sessions=-cost&model=claude-opus-4-6",
    "/sessions?span=7d",
    f"/changes?{DAYS}",
    "/trust",
)
_RUN = "0d9c2c7e-4f5b-4d6a-9d0e-3a0f4f6c1b2d"
_EVIL = "zq900<script>alert(1)</script>"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("more-pages"), "2026-10-29")


@pytest.fixture(scope="module")
def sample(desk: Desk) -> Iterator[ServedWeb]:
    with ServedWeb(environment(desk), "--dagster-url", "http://localhost:3000") as served:
        yield served


@pytest.fixture(scope="module")
def moved(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWeb]:
    """A warehouse that has had a hard time."""
    file = tmp_path_factory.mktemp("moved") / "warehouse.duckdb"
    shutil.copy(desk.warehouse, file)
    with duckdb.connect(file) as connection:
        [(archive,)] = connection.execute("SELECT MIN(archive_id) FROM sessions").fetchall()
        for number in range(230):
            connection.execute(
                "INSERT INTO restatements (archive_id, partition_date, project, model, "
                "restated_at, reason, old_cost_usd, new_cost_usd, old_tokens, tokens, "
                "old_pricing_digest, new_pricing_digest, run_id) VALUES "
                "(?, ?, ?, ?, ?, ?, ?, ?, 100, ?, ?, ?, ?)",
                [
                    *(archive, f"2026-11-{number % 7 + 1:02}", f"{_EVIL}{number}", "claude"),
                    *("2026-11-20 10:00:00+00", ("price", "content", "removal")[number % 3]),
                    *(1.5, number / 100, number, f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"),
                    _RUN,
                ],
            )
        connection.execute(
            "INSERT INTO warehouse_checks VALUES ('daily_usage', 'totals_agree', ?, ?, now()), "
            "('sessions', '', '', ?, now())",
            [f"3 days differ {_EVIL}", _RUN, _RUN],
        )
        connection.execute(
            "INSERT INTO warehouse_left_out VALUES (?, 'messages', 's-1', 'row 17', ?)",
            [archive, _EVIL],
        )
        connection.execute(
            "INSERT INTO warehouse_readings VALUES (?, '', 'no such file', NULL, now())",
            [f"/home/{_EVIL}"],
        )
    moved = {**environment(desk), "AGENTSVIEW_ASSETS_WAREHOUSE": str(file)}
    with ServedWeb(moved, "--dagster-url", "http://localhost:3000") as served:
        yield served


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWeb]:
    with hostile_web(tmp_path_factory.mktemp("hostile-more")) as served:
        yield served


@pytest.fixture(scope="module")
def browser(sample: ServedWeb, moved: ServedWeb, hostile: ServedWeb) -> Iterator[Browser]:
    """A browser; warehouses are made first, because no run likes the loop that drives it."""
    del sample, moved, hostile
    with launched() as found:
        yield found


@pytest.fixture
def reading(browser: Browser, sample: ServedWeb) -> Iterator[Reading]:
    with read(browser, sample) as found:
        yield found


@pytest.fixture
def reading_moved(browser: Browser, moved: ServedWeb) -> Iterator[Reading]:
    with read(browser, moved) as found:
        yield found


def _first_session(reading: Reading) -> str:
    page = reading.open(f"/sessions?{DAYS}&sort_sessions=-cost")
    link = page.locator("table[data-table=sessions] tbody th a").first
    return str(link.get_attribute("href"))


@pytest.mark.parametrize("path", [*PAGES, "a session"])
def test_a_page_opens_and_its_charts_are_drawn(reading: Reading, path: str):
    page = reading.open(_first_session(reading) if path == "a session" else path)
    charts = page.locator("[data-chart]")
    assert page.locator("[data-chart] svg").count() == charts.count()
    if "2019" not in path:
        for number in range(charts.count()):
            assert charts.nth(number).locator("svg path").count()
    assert reading.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/activity", "/sessions", "/changes", "/trust", "a session"])
def test_everybody_can_use_a_page(browser: Browser, moved: ServedWeb, path: str, scheme: str):
    reading = Reading(browser, moved.port, color_scheme=scheme)
    address = _first_session(reading) if path == "a session" else f"{path}?{DAYS}"
    page = reading.open(address)
    for fold in page.locator("details > summary").all():
        fold.click()
    assert reading.violations() == []
    reading.context.close()


@pytest.mark.parametrize("path", [*PAGES, "a session"])
def test_a_page_fits_a_telephone(browser: Browser, moved: ServedWeb, path: str):
    reading = Reading(browser, moved.port, viewport={"width": 390, "height": 800})
    page = reading.open(_first_session(reading) if path == "a session" else path)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    reading.context.close()


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ("from=2026-10-29T00:00:00Z&to=2026-11-11T00:00:00Z", DAYS),
        (
            "from=2026-11-05T23:00:00Z&to=2026-11-06T23:00:00Z&timezone=Europe/Berlin",
            "from=2026-11-06&to=2026-11-06&timezone=Europe/Berlin",
        ),
        (
            "from=2026-10-29T00:00:00Z&to=2026-11-11T00:00:00Z&agent=claude&bucket=1h",
            f"{DAYS}&agent=claude&bucket=1h",
        ),
    ],
)
def test_activity_is_the_report_of_the_window(
    reading: Reading, sample: ServedWeb, asked: str, more: str
):
    document = sample.ask(f"/api/v1/activity/report?preset=custom&{asked}").json
    page = reading.open(f"/activity?{more}")
    rows = page.evaluate(TABLE, "worked_by_time")
    assert [row[2:] for row in rows] == [
        [repr(bucket[key]) for key in _BUCKET] for bucket in document["buckets"]
    ]
    for by in ("project", "agent", "model"):
        found = page.evaluate(TABLE, f"by_{by}")
        assert [(row[0], row[1], row[5]) for row in found] == [
            (entry["key"], repr(entry["agent_minutes"]), repr(entry["cost"]))
            for entry in document[f"by_{by}"]
        ]
    heat = page.evaluate(TABLE, "week")
    total = sum(float(row[1]) for row in heat)
    assert total == pytest.approx(document["totals"]["agent_minutes"], rel=1e-9)


_BUCKET = (
    *("agent_minutes", "max_agents", "interactive_at_peak", "automated_at_peak"),
    *("output_tokens", "cost"),
)


def test_a_session_is_its_usage_document(reading: Reading, sample: ServedWeb):
    address = _first_session(reading)
    session_id = address.removeprefix("/sessions/").partition("?")[0]
    document = sample.ask(f"/api/v1/sessions/{session_id}/usage?breakdown=true").json
    page = reading.open(address)
    rows = page.evaluate(TABLE, "steps_table")
    assert [float(row[-1]) for row in rows] == [e["cost_usd"] for e in document["breakdown"]]
    assert len(rows) == document["breakdown_count"]
    cost = page.locator(".figures data").first.get_attribute("value")
    assert cost == repr(document["cost_usd"])
    page.locator(".figures a").first.click()
    page.wait_for_url("**/rows?*")
    # Rows that repeat those of another session count there.
    counted = int(page.locator(".figures data").first.get_attribute("value") or 0)
    assert 0 < counted <= len(rows)


def test_sessions_are_sorted_by_the_address_and_filtered(reading: Reading):
    page = reading.open(f"/sessions?{DAYS}&agent=codex")
    page.locator("table[data-table=sessions] thead").get_by_text("Cost").click()
    page.wait_for_url("**sort_sessions=-cost**")
    rows = page.evaluate(TABLE, "sessions")
    costs = [float(row[5]) for row in rows]
    assert rows
    assert costs == sorted(costs, reverse=True)
    assert {row[3] for row in rows} == {"codex"}


def test_changes_add_up_and_go_on_page_by_page(reading_moved: Reading):
    page = reading_moved.open(f"/changes?{DAYS}")
    moved = float(page.locator(".figures data").first.get_attribute("value") or 0)
    by_day = page.evaluate(TABLE, "moved_by_day")
    by_reason = page.evaluate(TABLE, "by_reason")
    assert sum(float(row[1]) for row in by_day) == pytest.approx(moved)
    assert sum(float(row[1]) for row in by_reason) == pytest.approx(moved)
    seen: list[tuple[str, ...]] = []
    while True:
        seen += [tuple(row) for row in page.evaluate(TABLE, "restated")]
        further = page.get_by_text("Further rows")
        if not further.count():
            break
        further.click()
        page.wait_for_load_state()
    assert len({row[3] for row in seen}) == len(seen) == 230
    assert sum(float(row[7]) for row in seen) == pytest.approx(moved)
    run = page.locator(f"a[href='http://localhost:3000/runs/{_RUN}']")
    assert run.count() == 30


def test_trust_says_what_is_wrong(reading_moved: Reading):
    page = reading_moved.open("/trust")
    rows = page.evaluate(TABLE, "checks")
    assert rows[0][:4] == ["daily_usage", "totals_agree", "wrong", f"3 days differ {_EVIL}"]
    assert ["sessions", "contract", "due"] in [row[:3] for row in rows]
    assert "1 check found numbers to be wrong" in page.locator(".lead").inner_text()
    assert "no such file" in page.locator("#archives").inner_text()
    assert page.evaluate(TABLE, "left_out")[0][:2] == ["messages", "row 17"]


@pytest.mark.parametrize("path", [f"/changes?{DAYS}", "/trust"])
def test_nothing_of_an_archive_acts(reading_moved: Reading, path: str):
    page = reading_moved.open(path)
    assert page.evaluate(MADE) == []
    assert "zq900<script>" in page.evaluate("() => document.body.textContent")
    assert reading_moved.wrong == []


def test_names_of_an_archive_are_text(browser: Browser, hostile: ServedWeb):
    reading = Reading(browser, hostile.port)
    seen: set[str] = set()
    days = urlencode({"span": "all"})
    for path in (f"/activity?{days}", f"/sessions?{days}", f"/changes?{days}", "/trust"):
        page = reading.open(path)
        assert page.evaluate(MADE) == []
        text = page.evaluate("() => document.body.textContent")
        seen |= set(re.findall(NUMBERED, text))
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b\u202e\u2066]", text)
    assert seen
    links = reading.open(f"/sessions?{days}").locator("table[data-table=sessions] tbody th a")
    addresses: list[Any] = [link.get_attribute("href") for link in links.all()]
    for address in addresses[:10]:
        page = reading.open(address)
        assert page.locator("dl.facts").count() == 1
        assert page.evaluate(MADE) == []
    assert reading.wrong == []
    reading.context.close()
