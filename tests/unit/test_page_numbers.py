"""Numbers of pages: each leads to what it is the sum of, and that adds up to it."""

from __future__ import annotations

import html
import json
import random
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from agentsview_assets.web.pages.paging import PER_PAGE
from tests.support.in_process import Desk
from tests.support.site import DAYS, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.postgres import Database

SAMPLED = 60
DOCUMENTED = ("archives", "checks", "identities", "kin", "copies")
"""Tables of several questions, or of names: `/api/v1/completeness` and the pages they lead to."""
_TABLE = re.compile(r'<table data-table="([^"]*)">(.*?)</table>', re.DOTALL)
_HEAD = re.compile(r'<th scope="col"[^>]*>(.*?)</th>', re.DOTALL)
_MARKUP = re.compile(r"<small>.*?</small>|<[^>]*>")
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<(?:td|th scope=row)[^>]*>(.*?)</t[hd]>", re.DOTALL)
_NUMBER = re.compile(r'<a href="(/(?:rows|spans)[^"]*)"><data value="([^"]*)">')
_FIGURE = re.compile(r'<dt>([^<]*)</dt>\s*<dd class="big"><data value="([^"]*)">')
_COUNTERS = {
    "Input": "input_tokens",
    "Output": "output_tokens",
    "Cache writes": "cache_creation_tokens",
    "Cache reads": "cache_read_tokens",
}


class Number(NamedTuple):
    """A number of a table that leads somewhere."""

    table: str
    column: str
    value: float
    href: str


def page(site: Site, target: str) -> str:
    answer = site.get(target)
    assert answer.status == 200, target
    return answer.body.decode()


def numbers(site: Site, target: str) -> Iterator[Number]:
    for name, table in _TABLE.findall(page(site, target)):
        heads = [
            re.sub(r"<small>.*?</small>|<[^>]*>", "", head).strip() for head in _HEAD.findall(table)
        ]
        for row in _ROW.findall(table):
            for head, cell in zip(heads, _CELL.findall(row), strict=False):
                for href, value in _NUMBER.findall(cell):
                    yield Number(name, head, float(value), html.unescape(href))


def some(found: list[Number], seed: str) -> list[Number]:
    assert len(found) > SAMPLED
    return random.Random(seed).sample(found, SAMPLED)


def figures(site: Site, target: str) -> dict[str, float]:
    """The numbers in large type of a page."""
    return {title: float(value) for title, value in _FIGURE.findall(page(site, target))}


def what_rows_say(site: Site, number: Number) -> float | None:
    """What the rows behind a number come to; None for more rows than a page has."""
    there = figures(site, number.href)
    if number.column in ("Cost", "Tokens"):
        return there[number.column]
    if number.column not in (*_COUNTERS, "Sessions"):
        return there["Cost" if number.table.startswith("cost") else "Tokens"]
    if there["Rows"] > PER_PAGE:
        return None
    rows = json.loads(site.get(f"{number.href}&format=json&table=rows").body)
    if number.column == "Sessions":
        return len({row["session"] for row in rows})
    return sum(row[_COUNTERS[number.column]] for row in rows)


@pytest.mark.parametrize(
    "target",
    [
        f"/?{DAYS}",
        f"/?{DAYS}&by=machine&timezone=Asia/Kathmandu",
        "/?from=2026-11-04&to=2026-11-10&by=agent",
        f"/projects/lanternfish?{DAYS}",
    ],
)
def test_rows_add_up_to_the_number_that_leads_to_them(site: Site, target: str):
    for number in some(list(numbers(site, target)), target):
        said = what_rows_say(site, number)
        assert said is None or said == pytest.approx(number.value), number


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/activity", "/projects", "/projects/lanternfish", "/models"),
        *("/models/gpt-5.2-codex", "/sessions", "a session", "/changes", "/trust", "/rows"),
        "/spans",
    ],
)
def test_every_table_with_numbers_has_the_query_or_the_rows_behind_it(site: Site, path: str):
    if path == "a session":
        [path] = re.findall(r'href="(/sessions/[^"?]+)', page(site, f"/sessions?{DAYS}"))[:1]
    text = page(site, f"{path}?{DAYS}")
    for name, table in _TABLE.findall(text):
        if '<td class="n"' not in table or name in DOCUMENTED:
            continue
        after = text[text.index(table) :].partition("<table")[0]
        has_query = "The query behind it" in after.partition("<h2>")[0]
        assert has_query or _NUMBER.search(table), name


@pytest.mark.parametrize(
    "query",
    [
        DAYS,
        f"{DAYS}&timezone=America/New_York&bucket=1h",
        f"{DAYS}&timezone=Asia/Kathmandu&agent=claude",
    ],
)
def test_spans_add_up_to_the_minutes_that_lead_to_them(site: Site, query: str):
    found = [
        number
        for number in numbers(site, f"/activity?{query}")
        if number.href.startswith("/spans") and not number.table.startswith("at_once")
        if number.column in ("Agent minutes", "All") or number.table in ("week", "by_project")
    ]
    for number in some(found, query):
        assert figures(site, number.href)["Agents worked"] == pytest.approx(number.value), number


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(Desk.finished(tmp_path_factory.mktemp("numbers"), "2026-10-29").warehouse)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "since: expected a time such as"),
        ("until=2026-11-05", "until: expected a time such as"),
        ("weekday=Funday", "weekday: expected one of Mon"),
        ("hour=24", "hour: expected a whole number from 0 to 23"),
        ("of=robots", "of: expected one of people, programs"),
        ("page=x", "page: expected a whole number"),
    ],
)
def test_spans_that_cannot_be_asked_for_are_explained(site: Site, query: str, words: str):
    answer = site.get(f"/spans?{DAYS}&{query}")
    assert (answer.status, words in answer.body.decode()) == (400, True)


def test_rows_and_spans_are_the_same_in_every_kind_of_warehouse(database: Database, tmp_path: Path):
    urls = [f"{kind}:///{tmp_path / f'w.{kind}'}" for kind in ("duckdb", "sqlite")]
    urls.append(database.url())
    desk = Desk.with_sample(tmp_path / "desk").starting("2026-10-29")
    assert desk.run("materialize", "--warehouse", " ".join(urls)).code == 0
    sites = [Site(url) for url in urls]
    for query in (
        f"/spans?{DAYS}&format=json&table=spans",
        f"/spans?{DAYS}&timezone=America/New_York&weekday=Friday&hour=14&format=json&table=spans",
        f"/spans?{DAYS}&timezone=Australia/Lord_Howe&hour=3&of=people&format=json&table=spans",
        f"/spans?{DAYS}&in_agent=claude&since=2026-11-01T12:00:00.5Z&format=json&table=spans",
        f"/rows?{DAYS}&but_project=tidepool&but_project=rookery&format=json&table=rows",
        f"/?{DAYS}&format=json&table=by_project",
        f"/activity?{DAYS}&format=json&table=week",
        f"/sessions?{DAYS}&format=json&table=sessions",
        "/trust?format=json&table=duplicates",
    ):
        said = [site.get(query) for site in sites]
        assert {answer.status for answer in said} == {200}, query
        assert said[1].json == said[2].json == said[0].json != [], query


def test_spans_come_page_by_page(site: Site):
    seen = []
    target = f"/spans?{DAYS}"
    while target:
        text = page(site, target)
        rows = json.loads(site.get(f"{target}&format=json&table=spans").body)
        seen += [(row["start"], row["archive"], row["id"], row["agent_minutes"]) for row in rows]
        further = re.search(r'<a href="([^"]*)" rel="next">', text)
        target = html.unescape(further[1]) if further else ""
    told = figures(site, f"/spans?{DAYS}")
    assert len(seen) == told["Spans"] > PER_PAGE
    assert sum(row[-1] for row in seen) == pytest.approx(told["Agents worked"])
    assert [row[0] for row in seen] == sorted(row[0] for row in seen)
