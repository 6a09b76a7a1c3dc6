"""The migration to version 6: what usage by session and its filters are told by.

What belongs here: the shapes of version 6 as they were when it was new. They are never changed,
also where today's contracts go on.
"""

from __future__ import annotations

from agentsview_assets.resources.warehouses.migrations.version_4 import TYPES
from agentsview_assets.warehouse_urls import Kind

_ADDED = (
    ("sessions", "display_name", "text"),
    ("sessions", "own_activity_julian", "double"),
    ("sessions", "answer_times", "text"),
    ("usage_rows", "is_headless", "boolean"),
)


def facts_of_usage_by_session(kind: Kind) -> tuple[str, ...]:
    """Version 6: columns that hold nothing until their slices are made again."""
    return tuple(
        f"ALTER TABLE {table} ADD COLUMN {column} {TYPES[kind][type_]}"
        for table, column, type_ in _ADDED
    )
