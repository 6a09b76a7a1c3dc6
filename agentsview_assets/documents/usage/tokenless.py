"""Reports of zero that are about agents which do not say how many tokens they took.

What belongs here: when a report says so, and whether such agents were at work. What does not: any
figure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from agentsview_assets.documents.common.lookups import of_archive
from agentsview_assets.documents.common.sql import Sql, all_of
from agentsview_assets.documents.usage.conditions import session_tests
from agentsview_assets.documents.usage.query import row_filter
from agentsview_assets.rules.agents import AGENTS_WITHOUT_TOKENS, COPILOT_AGENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.documents.usage.query import UsageScope
    from agentsview_assets.resources.warehouses.reader import Reader

Kind = Literal["copilot-no-token-data", "no-token-data"]
_FIGURES = (
    *("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens"),
    *("totalCost", "copilotAICredits"),
)


def missing_tokens(agents: Iterable[str], totals: Mapping[str, Any]) -> Kind | None:
    """Return what a report of zero lacks; None where its zeros are what there is.

    Args:
        agents: The agents that it was asked about, as people read them; none for all.
        totals: Its totals.
    """
    names = set(agents)
    if not names or names - AGENTS_WITHOUT_TOKENS or any(map(totals.get, _FIGURES)):
        return None
    return "no-token-data" if names - COPILOT_AGENTS else "copilot-no-token-data"


def were_at_work(reader: Reader, scope: UsageScope) -> bool:
    """Whether agents without tokens answered, or left usage, in the window of a report.

    Args:
        reader: The warehouse.
        scope: What the report is about; its agents are such agents.
    """
    events = row_filter(reader, scope)
    texts = reader.rows(
        "SELECT DISTINCT timestamp_text FROM usage_rows "
        f"WHERE row_kind = 'usage_event' AND {events.text}",
        events.params,
    )
    if any(scope.holds(text) for (text,) in texts):
        return True
    archive = Sql(*of_archive(scope.archive_id))
    sessions = all_of(
        [
            archive,
            Sql("deleted_at_text IS NULL AND answer_times IS NOT NULL"),
            *session_tests(reader, archive, scope.filters, now=scope.now, of_sessions=True),
        ]
    )
    found = reader.rows(f"SELECT answer_times FROM sessions WHERE {sessions.text}", sessions.params)
    return any(_answered(json.loads(times), scope) for (times,) in found)


def _answered(answers: Iterable[Mapping[str, Any]], scope: UsageScope) -> bool:
    return any(
        scope.holds(text)
        for answer in answers
        if _is_asked_for(answer["model"], scope.filters)
        for text in answer["times"]
    )


def _is_asked_for(model: str, filters: UsageFilters) -> bool:
    is_wanted = not filters.model or model in filters.model.split(",")
    return is_wanted and not (filters.exclude_model and model in filters.exclude_model.split(","))
