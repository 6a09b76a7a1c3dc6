"""Usage from the table of daily sums: the same as from the rows, or not at all."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.common.lookups import load_prices, resolve_archives
from agentsview_assets.documents.common.window import Window, load_zone
from agentsview_assets.documents.usage.buckets import read_usage
from agentsview_assets.documents.usage.filters import UsageFilters
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.documents.usage.rolled import rolled_parts, rolled_usage
from agentsview_assets.documents.usage.summary import summary_of
from agentsview_assets.resources.warehouses.reader import open_reader
from tests.support.in_process import Desk
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentsview_assets.resources.warehouses.reader import Reader
    from tests.support.postgres import Server

FIRST, DAYS = date(2026, 11, 1), 9
UTC = load_zone("UTC")
MODELS = ("claude-opus-4-6", "gpt-5.5", "nobody-prices-this")
TOKENS = '{"input_tokens": %d, "output_tokens": %d, "cache_read_input_tokens": %d}'


def fill(folder: Path) -> None:
    """Sessions whose messages recur in others, on other days, in other projects, at other cost."""
    chance = random.Random(7)
    with TinyArchive(folder) as archive:
        for number in range(40):
            day = FIRST + timedelta(chance.randrange(DAYS))
            project, agent = f"p{number % 3}", ("claude", "codex")[number % 2]
            archive.session(f"s{number}", day.isoformat(), project=project, agent=agent)
            for ordinal in range(4):
                event = chance.randrange(30)  # who has it first counts
                at = day + timedelta(ordinal // 2)
                archive.message(
                    f"s{number}",
                    ordinal,
                    f"{at}T{chance.randrange(24):02}:30:00Z",
                    model=MODELS[event % 3],
                    token_usage=TOKENS % (100 + event, event, 7 * event),
                    claude_message_id=f"m{event}",
                    claude_request_id=f"r{event}",
                )
        archive.event("s1", model="gpt-5.5", cost_usd=0.25, dedup_key="paid")
        archive.event("s2", model="gpt-5.5", cost_usd=0.125, dedup_key="")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> Desk:
    folder = tmp_path_factory.mktemp("rolled")
    urls = (
        f"duckdb:///{folder}/warehouse.duckdb",
        f"sqlite:///{folder}/warehouse.sqlite",
        postgres_server.database().url(),
    )
    settings = {"AGENTSVIEW_ASSETS_WAREHOUSE": " ".join(urls)}
    made = Desk(folder, settings).starting("2026-10-29")
    fill(made.archive)
    made.materialize()
    return made


@contextmanager
def opened(desk: Desk, kind: str) -> Iterator[Reader]:
    urls = desk.settings["AGENTSVIEW_ASSETS_WAREHOUSE"].split()
    with open_reader(next(url for url in urls if url.startswith(kind))) as reader:
        yield reader


def both(reader: Reader, window: Window, **filters: Any) -> tuple[Any, Any]:
    """The summary from the table, None where it does not hold, and from the rows."""
    asked = UsageFilters(**{"include_automated": True, **filters})
    scope = UsageScope(resolve_archives(reader, None), window, UTC, asked)
    prices = load_prices(reader, scope.archive_id, offline=False)
    rolled = rolled_usage(reader, scope, prices, ())
    told = rolled and summary_of(reader, scope, prices, rolled, breakdowns=True)
    usage = read_usage(reader, scope, prices, by_project=True)
    return told, summary_of(reader, scope, prices, usage, breakdowns=True)


def windows() -> Iterator[Window]:
    days = [(FIRST + timedelta(number)).isoformat() for number in range(-1, DAYS + 1)]
    for place, first in enumerate(days):
        yield Window(first, None)
        yield Window(None, first)
        for last in days[place:]:
            yield Window(first, last)
    yield Window(None, None)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgresql"])
def test_every_window_says_the_same(desk: Desk, kind: str):
    answered = 0
    with opened(desk, kind) as reader:
        assert reader.rows("SELECT 1 FROM duplicates WHERE counting_row_id <> row_id LIMIT 1")
        for window in windows():
            rolled, told = both(reader, window)
            assert rolled in (None, told), window
            answered += rolled is not None
    assert answered > 50


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgresql"])
@pytest.mark.parametrize("filters", [{}, {"project": "p1"}])
def test_two_windows_that_adjoin_are_read_as_each_alone(
    desk: Desk, kind: str, filters: dict[str, str]
):
    asked, answered = UsageFilters(**filters, include_automated=True), 0
    days = [(FIRST + timedelta(number)).isoformat() for number in range(DAYS)]
    with opened(desk, kind) as reader:
        archive = resolve_archives(reader, None)
        prices = load_prices(reader, archive, offline=False)
        for length in (1, 2, 4):
            for place in range(DAYS - 2 * length + 1):
                first, split, end = (
                    days[place],
                    days[place + length],
                    days[place + 2 * length - 1],
                )
                whole = UsageScope(archive, Window(first, end), UTC, asked)
                parts = rolled_parts(reader, whole, prices, (), split)
                halves = (Window(first, days[place + length - 1]), Window(split, end))
                told = [
                    read_usage(reader, whole._replace(window=half), prices, by_project=True)
                    for half in halves
                ]
                assert parts is None or list(parts) == told
                answered += parts is not None
    assert answered > 5


@pytest.mark.parametrize(
    "filters",
    [{"project": "p1"}, {"agent": "codex"}, {"model": MODELS[0]}, {"project": "p0,p2"}],
)
def test_every_choice_of_names_says_the_same(desk: Desk, filters: dict[str, str]):
    with opened(desk, "duckdb") as reader:
        found = [both(reader, window, **filters) for window in windows()]
    assert all(rolled in (None, told) for rolled, told in found)
    assert any(rolled for rolled, _ in found)


@pytest.mark.parametrize(
    "filters", [{"machine": "local"}, {"include_automated": False}, {"include_one_shot": False}]
)
def test_what_the_table_cannot_tell_is_left_to_the_rows(desk: Desk, filters: dict[str, Any]):
    with opened(desk, "duckdb") as reader:
        assert both(reader, Window(None, None), **filters)[0] is None


def test_days_out_of_date_are_left_to_the_rows(desk: Desk):
    with opened(desk, "duckdb") as reader:
        archive = resolve_archives(reader, None)
        prices = load_prices(reader, archive, offline=False)
        asked = UsageFilters(include_automated=True)
        scope = UsageScope(archive, Window("2026-11-02", "2026-11-04"), UTC, asked)
        assert rolled_usage(reader, scope, prices, [(archive, "2026-11-05")])
        assert rolled_usage(reader, scope, prices, [(archive, "2026-11-04")]) is None
