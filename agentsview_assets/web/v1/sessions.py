"""The usage of one session."""

from __future__ import annotations

from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.web.asking.parameters import boolean
from agentsview_assets.web.endpoints import (
    Asked,
    Endpoint,
    MissingError,
    Question,
    json_body,
)
from agentsview_assets.web.v1.usage import ARCHIVE

_MISSING = {"error": {"code": "session_not_found", "message": "session not found"}}


def _usage(asked: Asked) -> Question:
    session_id, archive_id = asked.path["session_id"], asked.values["archive_id"] or None
    breakdown = asked.values["breakdown"]

    def answer(reader: Reader) -> bytes:
        found = session_usage(reader, session_id, breakdown=breakdown, archive_id=archive_id)
        if found is None:
            raise MissingError(_MISSING)
        return json_body(found)

    return Question((session_id, breakdown, archive_id), answer)


ENDPOINTS = (
    Endpoint(
        "/api/v1/sessions/{session_id:path}/usage",
        (boolean("breakdown", "List what adds up to it", default=False), ARCHIVE),
        _usage,
        "Tokens and cost of one session",
        "session-usage",
    ),
)
