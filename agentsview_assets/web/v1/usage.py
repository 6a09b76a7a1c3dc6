"""The usage endpoints: parameters, their defaults, and the questions that they make."""

from __future__ import annotations

from typing import Any

from agentsview_assets.documents.usage.comparison import prior_window, usage_comparison
from agentsview_assets.documents.usage.filters import UsageFilters
from agentsview_assets.documents.usage.http_window import http_window, http_zone
from agentsview_assets.documents.usage.pairwise import narrowed_filters, pairwise_comparison
from agentsview_assets.documents.usage.summary import usage_summary
from agentsview_assets.documents.usage.top_sessions import DEFAULT_LIMIT, top_sessions
from agentsview_assets.rules.gojson import encode
from agentsview_assets.web.asking.parameters import (
    Parameter,
    boolean,
    date,
    date_time,
    integer,
    number,
    text,
)
from agentsview_assets.web.endpoints import Asked, Endpoint, Question, json_body

ARCHIVE = text("archive_id", "Archive of the answer; all of the warehouse by default")
ZONE = text("timezone", "IANA zone of the days", default="UTC")
_LIST = "comma-separated, parts not trimmed"
_FILTERS: tuple[Parameter, ...] = (
    text("agent", f"Only these agents, {_LIST}"),
    text("project", f"Only these projects, {_LIST}"),
    text("machine", f"Only these machines, {_LIST}"),
    text("git_branch", "Only these branches: project U+001F branch, joined by U+001E"),
    text("exclude_project", f"Without these projects, {_LIST}"),
    text("exclude_agent", f"Without these agents, {_LIST}"),
    text("exclude_model", f"Without these models, {_LIST}"),
    text("model", f"Only these models, {_LIST}"),
    integer("min_user_messages", "Fewest messages of the user; 0 is off", default=0, least=0),
    date_time("active_since", "Last active at or after this time, compared as text"),
    text("termination", "How sessions ended: active, stale, unclean, clean, awaiting_user, all"),
    boolean("include_one_shot", "Sessions with one message of the user too", default=True),
    boolean("include_automated", "Sessions started by programs too", default=False),
)
SHARED: tuple[Parameter, ...] = (
    date("from", "First day; 30 days before the last one by default"),
    date("to", "Last day; today in UTC by default"),
    ZONE,
    *_FILTERS,
    boolean("no_default_range", "Leave a bound open that is not given", default=False),
    boolean("breakdowns", "Break down by project and agent", default=True),
    boolean("session_counts", "Count sessions", default=True),
)
_SIDES = (
    text("left_dimension", "What the left side is: model or project", is_required=True),
    text("left_value", "Which, or several, comma-separated", is_required=True),
    text("right_dimension", "What the right side is: model or project", is_required=True),
    text("right_value", "Which, or several, comma-separated", is_required=True),
)
_LIMIT = integer(
    "limit", "Most sessions; 0 is the default", default=DEFAULT_LIMIT, least=0, most=100
)
# How long ago something happened decides about these.
_TIMED = {"active", "stale", "unclean"}


def _common(asked: Asked) -> dict[str, Any]:
    """What all usage documents are asked for.

    Raises:
        UsageError: Zone or window cannot be used, in this order.
    """
    values = asked.values
    zone = http_zone(values["timezone"])
    window = http_window(values["from"], values["to"], values["no_default_range"], asked.now)
    names = [parameter.name for parameter in _FILTERS]
    return {
        "window": window,
        "zone": zone,
        "filters": UsageFilters(**{name: values[name] for name in names}),
        "now": asked.now,
        "archive_id": values["archive_id"] or None,
    }


def _question(options: dict[str, Any], make: Any, *more: object) -> Question:
    filters: UsageFilters = options["filters"]
    words = {word.strip() for word in filters.termination.split(",")}
    key = (options["window"], options["zone"].name, filters, options["archive_id"], *more)
    return Question(None if _TIMED & words else key, make)


def _summary(asked: Asked) -> Question:
    options = _common(asked)
    parts = {name: asked.values[name] for name in ("breakdowns", "session_counts")}
    return _question(
        options,
        lambda reader: summary_body(usage_summary(reader, **options, **parts)),
        *parts.values(),
    )


def summary_body(document: dict[str, Any]) -> bytes:
    """A summary as agentsview's server writes it: only within `daily` are `<`, `>`, `&` escaped."""
    members = (
        f"{encode(name)}:{encode(value, escape_html=name == 'daily')}"
        for name, value in document.items()
    )
    return f"{{{','.join(members)}}}\n".encode()


def _top_sessions(asked: Asked) -> Question:
    options, limit = _common(asked), asked.values["limit"] or DEFAULT_LIMIT
    return _question(
        options,
        lambda reader: json_body(top_sessions(reader, **options, limit=limit)),
        limit,
    )


def _comparison(asked: Asked) -> Question:
    options, cost = _common(asked), asked.values["current_cost"]
    prior_window(options["window"])  # refused here, before anything is opened
    return _question(
        options,
        lambda reader: json_body(usage_comparison(reader, **options, current_cost=cost)),
        cost,
    )


def _pairwise(asked: Asked) -> Question:
    options = _common(asked)
    left, right = (
        (asked.values[f"{side}_dimension"], asked.values[f"{side}_value"])
        for side in ("left", "right")
    )
    for name, side in (("left", left), ("right", right)):
        narrowed_filters(options["filters"], name, *side)  # likewise
    return _question(
        options,
        lambda reader: json_body(pairwise_comparison(reader, **options, left=left, right=right)),
        left,
        right,
    )


ENDPOINTS = (
    Endpoint(
        "/api/v1/usage/summary",
        (*SHARED, ARCHIVE),
        _summary,
        "Tokens and cost of a window: by day, project, model and agent",
        "usage-summary",
    ),
    Endpoint(
        "/api/v1/usage/top-sessions",
        (*SHARED, _LIMIT, ARCHIVE),
        _top_sessions,
        "The sessions that cost most in a window",
        "usage-top-sessions",
    ),
    Endpoint(
        "/api/v1/usage/comparison",
        (*SHARED, number("current_cost", "Cost of the window, in USD"), ARCHIVE),
        _comparison,
        "The cost of as many days before the window",
        "usage-comparison",
    ),
    Endpoint(
        "/api/v1/usage/pairwise-comparison",
        (*SHARED, *_SIDES, ARCHIVE),
        _pairwise,
        "Two models or projects beside each other",
        "usage-pairwise-comparison",
    ),
)
