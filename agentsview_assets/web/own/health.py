"""Whether the server can answer: for those who start it anew when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.web.endpoints import json_body
from agentsview_assets.web.wire import json_answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from agentsview_assets.resources.warehouses.states.state import State
    from agentsview_assets.web.answering import Service


def health_answer(service: Service, request: Request) -> Response:
    """Answers 200 where the warehouse can be read, and 503 where it cannot."""

    def well(state: State) -> Response:
        state.reader.rows("SELECT 1")
        return json_answer(request, json_body({"ok": True, "state": state.name}))

    return service.guarded(request, well)
