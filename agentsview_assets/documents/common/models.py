"""The shapes of the v1 documents: what the JSON Schemas in `schemas/v1/` are made from.

Keys stand in the documents' order. What belongs to the models: names, types and what they mean.
What does not: how any value comes about.
"""

from __future__ import annotations

from agentsview_assets.documents.activity.models import ActivityReport
from agentsview_assets.documents.common.own_models import Completeness, RestatementPage
from agentsview_assets.documents.sessions.models import (
    CursorResetError,
    ExportSession,
    SessionExportMeta,
    SessionExportPage,
    SessionUsageDocument,
)
from agentsview_assets.documents.usage.models import (
    PairwiseComparison,
    StatusLine,
    TopSessions,
    UsageComparison,
    UsageDaily,
    UsageSummary,
)

DOCUMENTS: dict[str, object] = {
    "usage-daily": UsageDaily,
    "usage-statusline": StatusLine,
    "usage-summary": UsageSummary,
    "usage-top-sessions": TopSessions,
    "usage-comparison": UsageComparison,
    "usage-pairwise-comparison": PairwiseComparison,
    "activity-report": ActivityReport,
    "session-export-page": SessionExportPage,
    "session-export-meta": SessionExportMeta,
    "session-export-session": ExportSession,
    "cursor-reset": CursorResetError,
    "session-usage": SessionUsageDocument,
    "completeness": Completeness,
    "restatements": RestatementPage,
}
"""What is published, by the name of its schema."""

__all__ = [
    "DOCUMENTS",
    "ActivityReport",
    "Completeness",
    "CursorResetError",
    "ExportSession",
    "PairwiseComparison",
    "RestatementPage",
    "SessionExportMeta",
    "SessionExportPage",
    "SessionUsageDocument",
    "StatusLine",
    "TopSessions",
    "UsageComparison",
    "UsageDaily",
    "UsageSummary",
]
