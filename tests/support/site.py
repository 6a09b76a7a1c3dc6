"""Pages of a warehouse without a server, at noon of the sample's last day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from agentsview_assets.resources.warehouses.states.opening import states_of
from agentsview_assets.settings import load_settings
from agentsview_assets.warehouse_urls import parse_warehouses
from agentsview_assets.web.answering import Service
from agentsview_assets.web.application import application
from agentsview_assets.web.serving import Serving
from tests.support.asgi import ask

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.served import Answer

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
DAYS = "from=2026-10-29&to=2026-11-10"


class Site:
    """The pages of a warehouse."""

    def __init__(self, warehouse: Path | str, **options: Any) -> None:
        """Serves a DuckDB file, or the warehouse of a URL, as options of `Serving` say."""
        url = warehouse if isinstance(warehouse, str) else f"duckdb:///{warehouse}"
        serving = Serving(url, **options)
        settings = load_settings(warehouse=serving.warehouse)
        states = states_of(parse_warehouses(serving.warehouse)[0])
        self.service = Service(serving, settings, states, clock=lambda: NOW)
        self.app = application(self.service)

    def get(self, target: str, **headers: str) -> Answer:
        """Asks for a page."""
        return ask(self.app, target, headers=headers)

    def post(self, target: str, cookie: str = "", **fields: str) -> Answer:
        """Sends a form."""
        headers = {"Cookie": cookie, "Origin": "http://127.0.0.1:8080"}
        body = urlencode(fields).encode()
        return ask(self.app, target, method="POST", headers=headers, body=body)
