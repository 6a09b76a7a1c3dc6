"""The v1 documents, read from a warehouse without Dagster; the functions are in `api`.

Looked up when they are used, so that a command loads the document that it prints and no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentsview_assets.documents.api import (
        DEFAULT_FILTERS,
        open_warehouse,
        read_activity_report,
        read_gaps,
        read_session_page,
        read_sessions,
        read_usage_daily,
        read_usage_statusline,
    )
    from agentsview_assets.documents.sessions.cursor import CursorReset
    from agentsview_assets.documents.sessions.filters import SessionFilters

__all__ = [
    "DEFAULT_FILTERS",
    "CursorReset",
    "SessionFilters",
    "open_warehouse",
    "read_activity_report",
    "read_gaps",
    "read_session_page",
    "read_sessions",
    "read_usage_daily",
    "read_usage_statusline",
]
_ELSEWHERE = {"CursorReset": "sessions.cursor", "SessionFilters": "sessions.filters"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'api')}"), name)
