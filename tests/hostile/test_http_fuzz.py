"""Requests that nobody means: whatever comes, the server answers, and never with a defect."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.states.opening import states_of
from agentsview_assets.settings import load_settings
from agentsview_assets.warehouse_urls import parse_warehouse
from agentsview_assets.web.answering import LOG, Service
from agentsview_assets.web.application import ENDPOINTS, application
from agentsview_assets.web.pages.address import SHARED
from agentsview_assets.web.pages.routes import PAGES
from agentsview_assets.web.serving import Serving
from tests.conformance.http_requests import Requests
from tests.support.asgi import ask

if TYPE_CHECKING:
    from tests.support.in_process import Desk

pytestmark = pytest.mark.hostile

COUNT, PARTS, FURTHER_PARTS = 500, 4, 200
PIECES = (
    *("%", "%zz", "%00", "%ff", "%e2%80%ae", "&", "=", ";", "+", "#", "?", "..", "//", "\x1f"),
    *("'", '"', "<script>", "--", "/*", "$$", "{{7*7}}", "9" * 400, "-9" * 5, "1e999", "nan"),
    *(
        "Local",
        "UTC",
        "0001-01-01",
        "9999-12-31",
        "0000-01-01",
        "%ed%a0%80",
        "\udcff",
        "é",
        "\u2028",
    ),
    *("true", "all", "custom", "month", "1w", "5m", "models", "archive_id=", "cursor=", "limit=0"),
)
NAMES = sorted({parameter.name for endpoint in ENDPOINTS for parameter in endpoint.parameters})
PAGE_NAMES = (
    *SHARED,
    *("by", "bucket", "format", "table", "page", "in_day", "in_project", "in_session", "of"),
    *("sort_sessions", "sort_by_project", "sort_rows", "but_project", "but_machine"),
    *("since", "until", "weekday", "hour", "in_agent", "in_model", "in_machine"),
)
PAGE_PIECES = (
    *("~", "~~x", "7d", "interactive", "csv", "json", "parquet", "by_project", "rows", "-cost"),
    *("Monday", "13", "people", "2026-11-05T10:00:00Z", "0001-01-01T00:00:00+23:59"),
    *("9999-12-31T23:59:59.999999999-23:59", "Europe/Dublin", "Australia/Lord_Howe"),
    *("2026-11-05", "2026-13-01", "Asia/Kathmandu", "hours", "1h", "auto", "machine", "-1", "9e9"),
)
PATHS = (
    *(endpoint.path for endpoint in ENDPOINTS),
    *("/api/v1/export/sessions", "/health", "/metrics", "/api/ping", "/api/openapi.json"),
    *("/api/v1/sessions/%2e%2e%2f/usage", "/api/", "/api/v1/usage/%00", "/api/v1/usage/summary/"),
)


def spoiled(draw: random.Random, requests: Requests) -> str:
    """A request with pieces in it that do not belong there."""
    if draw.random() < 0.5:
        [target] = requests.targets(1)
    else:
        pairs = (f"{draw.choice(NAMES)}={draw.choice(PIECES)}" for _ in range(draw.randint(0, 6)))
        target = f"{draw.choice(PATHS)}?{'&'.join(pairs)}"
        if draw.random() < 0.3:
            target = of_a_page(draw)
    for _ in range(draw.choice((0, 1, 1, 2, 5))):
        place = draw.randrange(len(target)) + 1
        target = target[:place] + draw.choice(PIECES) + target[place + draw.choice((0, 0, 1, 4)) :]
    return target if target.startswith("/") else f"/{target}"


def of_a_page(draw: random.Random) -> str:
    """A request for a page, some of its parameters meant."""
    path = draw.choice(PAGES).path.split("{")[0] + draw.choice(("", draw.choice(PIECES)))
    pairs = (
        f"{draw.choice(PAGE_NAMES)}={draw.choice((*PIECES, *PAGE_PIECES * 2))}"
        for _ in range(draw.randint(0, 6))
    )
    return f"{path}?{'&'.join(pairs)}"


def dealt() -> list[object]:
    return [
        pytest.param(part, marks=[pytest.mark.endurance] if part >= PARTS else [])
        for part in range(FURTHER_PARTS + PARTS)
    ]


@pytest.mark.parametrize("part", dealt())
def test_no_request_meets_a_defect(sample_desk: Desk, part: int, caplog):
    draw, requests = random.Random(part), Requests(sample_desk.archive, part)
    serving = Serving(str(sample_desk.warehouse))
    states = states_of(parse_warehouse(str(sample_desk.warehouse)))
    settings = load_settings(warehouse=str(sample_desk.warehouse))
    app = application(Service(serving, settings, states))
    with asyncio.Runner() as runner:
        for _ in range(COUNT):
            target = spoiled(draw, requests)
            method = draw.choice(("GET",) * 8 + ("HEAD", "POST", "OPTIONS"))
            answer = ask(app, target, method=method, run=runner.run)
            assert answer.status < 500, (target, answer)
    states.close()
    assert [record for record in caplog.records if record.name == LOG.name] == []
