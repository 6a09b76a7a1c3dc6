"""What programs watch: whether the server can answer, and the figures of Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.documents.common.metrics import CONTENT_TYPE, metrics, metrics_text
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


def metrics_answer(service: Service, request: Request) -> Response:
    """Answers with the figures, in the text format of Prometheus."""

    def text(state: State) -> Response:
        body = metrics_text(metrics(state.reader, service.clock())).encode()
        return json_answer(request, body, media_type=CONTENT_TYPE)

    return service.guarded(request, text)
