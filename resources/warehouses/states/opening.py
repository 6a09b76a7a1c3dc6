"""The states of a warehouse by the kind of its URL."""

from __future__ import annotations

import importlib

from agentsview_assets.resources.warehouses.states.state import States
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

_PACKAGE = "agentsview_assets.resources.warehouses.states"
_KINDS: dict[Kind, tuple[str, str]] = {
    "duckdb": ("duckdb_copies", "DuckDBCopies"),
    "sqlite": ("sqlite_states", "SQLiteStates"),
    "postgresql": ("postgres_pool", "PostgresPool"),
}


def states_of(warehouse: WarehouseUrl) -> States:
    """Where a server gets the states of a warehouse from; opens nothing yet."""
    # Only what is used is imported: a server starts in a fraction of a second.
    module, name = _KINDS[warehouse.kind]
    made: States = getattr(importlib.import_module(f"{_PACKAGE}.{module}"), name)(warehouse)
    return made
