"""Table contracts of the warehouse: what every table holds, enforced wherever one is written."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import Column
from agentsview_assets.schemas.identities import PROJECT_IDENTITIES
from agentsview_assets.schemas.observations import (
    ACTIVITY_INTERVALS,
    MACHINES,
    PROJECT_OBSERVATIONS,
    SESSIONS,
    USAGE_ROWS,
)
from agentsview_assets.schemas.price_history import PRICE_CHANGES, RESTATEMENTS
from agentsview_assets.schemas.pricing import EFFECTIVE_PRICING, MODEL_PRICING, MODEL_RATES
from agentsview_assets.schemas.reports import (
    ACTIVITY_BUCKETS,
    DAILY_USAGE,
    SESSION_MODEL_USAGE,
    SESSION_SUMMARIES,
)
from agentsview_assets.schemas.settlement import ARCHIVE_SESSIONS, DUPLICATES, SESSION_COPIES

CONTRACTS: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        SESSIONS,
        USAGE_ROWS,
        ACTIVITY_INTERVALS,
        PROJECT_OBSERVATIONS,
        MACHINES,
        MODEL_PRICING,
        ARCHIVE_SESSIONS,
        DUPLICATES,
        SESSION_COPIES,
        PROJECT_IDENTITIES,
        EFFECTIVE_PRICING,
        MODEL_RATES,
        PRICE_CHANGES,
        RESTATEMENTS,
        DAILY_USAGE,
        ACTIVITY_BUCKETS,
        SESSION_SUMMARIES,
        SESSION_MODEL_USAGE,
    )
}
"""Every contracted table by its name, which is also its asset's name."""

STORED: dict[str, TableContract] = {
    stored.name: stored for contract in CONTRACTS.values() for stored in contract.stored
}
"""Every table of a warehouse with rows of its archives, by its name: archives share some rows."""

HISTORIES = (PRICE_CHANGES.name, RESTATEMENTS.name)
"""Tables that are only ever added to, by the assets whose changes they tell of."""

MADE_BY_KEY = (ARCHIVE_SESSIONS.name, DUPLICATES.name, SESSION_COPIES.name)
"""Tables of which rows are replaced one by one, by session or key, rather than by day."""

__all__ = ["CONTRACTS", "HISTORIES", "MADE_BY_KEY", "STORED", "Column", "TableContract"]
