"""What a warehouse knows of itself: how complete it is, and what it restated."""

from __future__ import annotations

from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.documents.common.restatements import MAX_LIMIT, restatements
from agentsview_assets.web.asking.parameters import date, integer, text
from agentsview_assets.web.endpoints import Asked, Endpoint, Question, json_body
from agentsview_assets.web.v1.usage import ARCHIVE


def _completeness(asked: Asked) -> Question:
    archive_id = asked.values["archive_id"] or None
    # Ages are told as of the present moment.
    return Question(None, lambda reader: json_body(completeness(reader, asked.now, archive_id)))


def _restatements(asked: Asked) -> Question:
    values = asked.values
    options = {
        "from_": values["from"],
        "to": values["to"],
        "limit": values["limit"],
        "cursor": values["cursor"],
        "archive_id": values["archive_id"] or None,
    }
    return Question(
        tuple(options.values()), lambda reader: json_body(restatements(reader, **options))
    )


ENDPOINTS = (
    Endpoint(
        "/api/v1/completeness",
        (ARCHIVE,),
        _completeness,
        "What is missing beside every number: unread archives, days out of date, unpriced tokens",
        "completeness",
    ),
    Endpoint(
        "/api/v1/restatements",
        (
            date("from", "First UTC day whose figures were restated"),
            date("to", "Last such day"),
            integer("limit", "Most of a page", default=100, least=1, most=MAX_LIMIT),
            text("cursor", "Where to go on: `next_cursor` of the page before"),
            ARCHIVE,
        ),
        _restatements,
        "Figures that were told differently before, and why",
        "restatements",
    ),
)
