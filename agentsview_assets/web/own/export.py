"""The session export over HTTP: a page with a cursor, or everything as a stream.

A stream holds its state of the warehouse open, and a few thousand rows at a time in memory.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from agentsview_assets.documents.sessions.export import (
    MAX_LIMIT,
    SessionExport,
    session_export_all,
    session_export_page,
)
from agentsview_assets.documents.sessions.filters import SessionFilters
from agentsview_assets.documents.sessions.secret import cursor_key
from agentsview_assets.errors import AssetsError, UsageError
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.asking.parameters import (
    Parameter,
    boolean,
    choice,
    integer,
    read_parameters,
    text,
)
from agentsview_assets.web.asking.query import Query
from agentsview_assets.web.v1.usage import ARCHIVE
from agentsview_assets.web.wire import error, json_answer

if TYPE_CHECKING:
    from starlette.requests import Request

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.web.answering import Service

LOG = logging.getLogger(__name__)
PATH = "/api/v1/export/sessions"
NDJSON = "application/x-ndjson"
STREAM_SECONDS = 600.0
"""How long a client may take to read a stream."""
_TEXTS = (
    ("project", "Only this project"),
    ("exclude_project", "All but this project"),
    ("machine", "Only these machines, comma-separated"),
    ("git_branch", "Only these branches: project U+001F branch, joined by U+001E"),
    ("agent", "Only these agents, comma-separated"),
    ("date", "Under way on this UTC day"),
    ("date_from", "Ended on this UTC day or later"),
    ("date_to", "Started on this UTC day or earlier"),
    ("active_since", "Last active at this time or later"),
)
_COUNTS = ("min_messages", "max_messages", "min_user_messages")
_LEAST = -(2**63)
_FILTERS: tuple[Parameter, ...] = (
    *(text(name, meaning) for name, meaning in _TEXTS),
    *(integer(name, "A bound; 0 is none", default=0, least=_LEAST) for name in _COUNTS),
    boolean("include_one_shot", "Sessions with a single prompt too", default=False),
    boolean("include_automated", "Sessions that programs started too", default=False),
    boolean("include_children", "What sessions started in turn too", default=False),
    text("outcome", "Only these outcomes, comma-separated"),
    text("health_grade", "Only these grades, comma-separated"),
    integer("min_tool_failures", "At least so many failed tool calls", default=None, least=_LEAST),
    boolean("has_secret", "Only sessions in which a secret was found", default=False),
)
PARAMETERS: tuple[Parameter, ...] = (
    *_FILTERS,
    integer("limit", "Most rows of a page", default=MAX_LIMIT, least=1, most=MAX_LIMIT),
    text("cursor", "Where to go on: `cursor.next` of the page before"),
    boolean("all", "All pages at once, as a stream", default=False),
    choice("format", "json by default; ndjson is one session a line", ("json", "ndjson")),
    ARCHIVE,
)


def export_sessions(service: Service, request: Request) -> Response:
    """Answers with a page, or begins a stream."""
    query = Query(request.scope["query_string"])
    try:
        values = read_parameters(query, PARAMETERS)
        _check(values, query)
    except UsageError as refusal:
        return error(request, 400, str(refusal))
    if values["all"] or values["format"] == "ndjson":
        return service.refused(request, lambda: _stream(service, request, values))
    return service.guarded(
        request,
        lambda state: json_answer(
            request, "".join(_found(service, state.reader, values).json_text()).encode()
        ),
    )


def _check(values: dict[str, Any], query: Query) -> None:
    """Refuses filters beside a cursor, which brings its own.

    Raises:
        UsageError: The first of them is named.
    """
    if not values["cursor"]:
        return
    for name in (*(parameter.name for parameter in _FILTERS), "all"):
        if query.value(name):
            raise UsageError(f"cursor cannot be combined with {name}")


def _found(service: Service, reader: Reader, values: dict[str, Any]) -> SessionExport:
    filters, archive_id = _filters(values), values["archive_id"] or None
    if values["all"]:
        return session_export_all(reader, filters=filters, archive_id=archive_id)
    secret = cursor_key(
        reader, service.settings, archive_id, file=service.serving.cursor_secret_file
    )
    return session_export_page(
        reader,
        secret=secret,
        filters=filters,
        cursor=values["cursor"],
        limit=values["limit"],
        archive_id=archive_id,
    )


def _filters(values: dict[str, Any]) -> SessionFilters:
    same = [name for name, _ in _TEXTS] + [*_COUNTS, "include_children", "has_secret"]
    return SessionFilters(
        **{name: values[name] for name in same},
        exclude_one_shot=not values["include_one_shot"],
        automated_scope="all" if values["include_automated"] else "human",
        outcome=tuple(values["outcome"].split(",")),
        health_grade=tuple(values["health_grade"].split(",")),
        min_tool_failures=values["min_tool_failures"],
    )


def _stream(service: Service, request: Request, values: dict[str, Any]) -> Response:
    """Begins a stream: what goes wrong before its first piece is an answer of its own."""
    with contextlib.ExitStack() as opened:
        state = opened.enter_context(service.reading(STREAM_SECONDS))
        found = _found(service, state.reader, values)
        pieces = found.ndjson_text() if values["format"] == "ndjson" else found.json_text()
        first = next(pieces, "")
        kept = opened.pop_all()
    if request.method == "HEAD":
        kept.close()
        pieces, first = iter(()), ""
    media_type = NDJSON if values["format"] == "ndjson" else "application/json"
    return StreamingResponse(
        _written(kept, first, pieces, visible(request.url.path)),
        headers={"content-type": media_type},
    )


def _written(
    kept: contextlib.ExitStack, first: str, pieces: Iterator[str], path: str
) -> Iterator[bytes]:
    """The pieces of a stream; one that breaks off lacks its last chunk, which clients see."""
    with kept:
        try:
            yield first.encode()
            for piece in pieces:
                yield piece.encode()
        except AssetsError as failure:
            LOG.error("%s: %s", path, visible(str(failure)))  # noqa: TRY400
            raise
