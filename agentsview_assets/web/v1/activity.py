"""The activity endpoint."""

from __future__ import annotations

from agentsview_assets.documents.activity.over_http import ActivityRequest, settled
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.web.asking.parameters import choice, date, text
from agentsview_assets.web.endpoints import Asked, Endpoint, Question
from agentsview_assets.web.v1.usage import ARCHIVE, ZONE

_PARAMETERS = (
    choice("preset", "Which range; day by default", ("day", "week", "month", "custom")),
    date("date", "A day of the range; today by default"),
    text("from", "Start of a custom range, RFC 3339"),
    text("to", "Its end, excluded"),
    ZONE,
    choice("bucket", "How the range is cut", ("5m", "15m", "1h", "1d", "1w")),
    text("project", "Only this project"),
    text("git_branch", "Only these branches: project U+001F branch, joined by U+001E"),
    text("agent", "Only these agents, comma-separated"),
    text("machine", "Only these machines, comma-separated"),
    text("automation", "all, interactive or automated", default="all"),
)


def _report(asked: Asked) -> Question:
    values = {parameter.name: asked.values[parameter.name] for parameter in _PARAMETERS}
    values["from_"] = values.pop("from")
    found = settled(ActivityRequest(**values), asked.now)
    archive_id = asked.values["archive_id"] or None

    def answer(reader: Reader) -> bytes:
        return "".join(found.made(reader, archive_id).json_chunks(indent=None)).encode()

    # A range that is not over yet is told as of the present moment.
    return Question(None if found.span.partial else (found, archive_id), answer)


ENDPOINTS = (
    Endpoint(
        "/api/v1/activity/report",
        (*_PARAMETERS, ARCHIVE),
        _report,
        "Who was active when, how many at once, and at what cost",
        "activity-report",
    ),
)
