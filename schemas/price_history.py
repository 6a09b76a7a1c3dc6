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
    """What a price change did to the cost of a day, project and model."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day("UTC day whose cost was restated")
    project: str = text("Project label; empty when unknown")
    model: str = text("Model name as reported")
    restated_at: Instant = instant("When the day was priced anew")
    old_cost_usd: float = real("Cost of the tokens as last published", "USD")
    new_cost_usd: float = real("Cost of the same tokens at the new rates", "USD")
    tokens: int = count("Tokens of the four counters on that day", "tokens")
    old_pricing_digest: str = text("Digest of the price table before", pattern=SHA256_KEY)
    new_pricing_digest: str = text("Digest of the price table after", pattern=SHA256_KEY)
    run_id: str = text("Dagster run that priced the day anew")


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
        "What a price change moved: per day, project and model the cost before and after, of the "
        "same tokens. A history: it is added to, never made again."
    ),
    model=Restatements,
    key=("archive_id", "partition_date", "project", "model", "restated_at"),
    partition_column="partition_date",
)
