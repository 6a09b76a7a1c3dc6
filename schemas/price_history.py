"""Contracts of what prices were and what changing them moved: histories, only ever added to."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import (
    SHA256_KEY,
    Instant,
    TableModel,
    count,
    day,
    instant,
    real,
    text,
)
from agentsview_assets.schemas.observations import ARCHIVE_ID
from agentsview_assets.schemas.pricing import RATE_UNIT


class PriceChanges(TableModel):
    """The rates of a model for as long as they were in force."""

    archive_id: str = text(ARCHIVE_ID)
    model: str = text("Model name as reported")
    matched_pattern: str = text("Pattern that priced it; null when unpriced", nullable=True)
    source: str = text(
        "Origin of the rates", closed=("custom", "fetched", "embedded"), nullable=True
    )
    input_usd_per_mtok: float = real("Price of uncached input; 0 when unpriced", RATE_UNIT)
    output_usd_per_mtok: float = real("Price of output; 0 when unpriced", RATE_UNIT)
    cache_write_usd_per_mtok: float = real("Price of cache writes; 0 when unpriced", RATE_UNIT)
    cache_read_usd_per_mtok: float = real("Price of cache reads; 0 when unpriced", RATE_UNIT)
    valid_from: Instant = instant("When this warehouse first used the rates")
    valid_to: Instant = instant("When others took their place; null while in force", nullable=True)
    pricing_digest: str = text(
        "Digest of the effective pricing table that brought the rates", pattern=SHA256_KEY
    )
    run_id: str = text("Dagster run that noted them")


class Restatements(TableModel):
    """What became of a day, project and model after they had been published."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day("UTC day whose cost was restated")
    project: str = text("Project label; empty when unknown")
    model: str = text("Model name as reported")
    restated_at: Instant = instant("When the day was made anew")
    reason: str = text(
        "Why: other prices of the same tokens, content that came late or was edited, content that "
        "was removed, a changed rule, another duplicate that counts, or an upgrade",
        closed=("price", "content", "removal", "rule", "duplicate", "upgrade"),
    )
    old_cost_usd: float = real("Cost as published before, for this reason's part", "USD")
    new_cost_usd: float = real("Cost as published from then on, for this reason's part", "USD")
    old_tokens: int = count("Tokens of the four counters before", "tokens")
    tokens: int = count("Tokens of the four counters from then on", "tokens")
    old_pricing_digest: str = text("Digest of the price table before", pattern=SHA256_KEY)
    new_pricing_digest: str = text("Digest of the price table after", pattern=SHA256_KEY)
    run_id: str = text("Dagster run that made the day anew; empty where none did")


PRICE_CHANGES = TableContract(
    name="price_changes",
    group="histories",
    description=(
        "Every rate that a model seen was ever priced at, from when to when, with the digest of "
        "the price table that brought it. A history: it is added to, never made again."
    ),
    model=PriceChanges,
    key=("archive_id", "model", "valid_from"),
)
RESTATEMENTS = TableContract(
    name="restatements",
    group="histories",
    description=(
        "What changed after it was published: per day, project, model and reason the cost and the "
        "tokens before and after. A price change is told of the same tokens, so that the rows of a "
        "day add up. What was removed stays listed with its last numbers. A history: it is added "
        "to, never made again."
    ),
    model=Restatements,
    key=("archive_id", "partition_date", "project", "model", "restated_at", "reason"),
    partition_column="partition_date",
)
