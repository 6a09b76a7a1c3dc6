"""The document of `usage daily` over HTTP: the command's options as parameters."""

from __future__ import annotations

from agentsview_assets.documents.activity.calendar import activity_zone
from agentsview_assets.documents.common.window import resolve_window
from agentsview_assets.documents.usage.daily import usage_daily
from agentsview_assets.errors import UsageError
from agentsview_assets.web.asking.parameters import boolean, text
from agentsview_assets.web.endpoints import Asked, Endpoint, Question, json_body
from agentsview_assets.web.v1.usage import ARCHIVE, ZONE


def _daily(asked: Asked) -> Question:
    values = asked.values
    zone = activity_zone(values["timezone"])
    try:
        window = resolve_window(values["since"], values["until"], values["all"], zone, asked.now)
    except UsageError as error:
        raise UsageError(str(error).replace("--", "")) from None
    options = {
        "agents": values["agent"],
        "breakdown": values["breakdown"],
        "offline": values["offline"],
        "archive_id": values["archive_id"] or None,
    }
    return Question(
        (window, zone.name, *options.values()),
        lambda reader: json_body(usage_daily(reader, window=window, zone=zone, **options)),
    )


ENDPOINTS = (
    Endpoint(
        "/api/v1/usage/daily",
        (
            text("since", "First day: YYYY-MM-DD, or a distance such as 7d"),
            text("until", "Last day, likewise"),
            boolean("all", "No default window of 31 days", default=False),
            ZONE,
            text("agent", "Only these agents, comma-separated"),
            boolean("breakdown", "Break down by project and agent", default=False),
            boolean("offline", "Prefer the built-in prices to the archive's own", default=False),
            ARCHIVE,
        ),
        _daily,
        "What `usage daily --json` prints",
        "usage-daily",
    ),
)
