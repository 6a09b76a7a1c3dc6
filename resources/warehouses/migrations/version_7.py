"""The migration to version 7: how events of one moment go that have a number for a key.

What belongs here: the shapes of version 7 as they were when it was new. They are never changed,
also where today's contracts go on.
"""

from __future__ import annotations

from agentsview_assets.resources.warehouses.migrations.version_4 import TYPES
from agentsview_assets.warehouse_urls import Kind


def order_of_numbered_events(kind: Kind) -> tuple[str, ...]:
    """Version 7: a column that holds nothing until its slices are made again."""
    return (f"ALTER TABLE usage_rows ADD COLUMN event_key_order {TYPES[kind]['bigint']}",)
