"""Contracts of price tables: what was stored, what is in force, and what each model matched."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import (
    SHA256_KEY,
    Instant,
    TableModel,
    count,
    instant,
    real,
    text,
)
from agentsview_assets.schemas.observations import ARCHIVE_ID

RATE_UNIT = "USD per million tokens"
DIGEST = "Digest of the effective pricing table that made this row"


class ModelPricing(TableModel):
    """A price row with the layer that it comes from."""

    archive_id: str = text(ARCHIVE_ID)
    layer: str = text("Where the row comes from", closed=("stored", "embedded", "custom"))
    model_pattern: str = text("Model name or pattern that the row prices")
    input_usd_per_mtok: float = real("Price of uncached input", RATE_UNIT)
    output_usd_per_mtok: float = real("Price of output", RATE_UNIT)
    cache_write_usd_per_mtok: float = real("Price of cache writes", RATE_UNIT)
    cache_read_usd_per_mtok: float = real("Price of cache reads", RATE_UNIT)
    updated_at_text: str = text("Time of the last change, as stored", nullable=True)
    table_version: str = text("Version of the embedded table", nullable=True)


class EffectivePricing(TableModel):
    """A price row in force."""

    archive_id: str = text(ARCHIVE_ID)
    model_pattern: str = text("Model name or pattern that the row prices")
    source: str = text("Origin of the rates", closed=("custom", "fetched", "embedded"))
    input_usd_per_mtok: float = real("Price of uncached input", RATE_UNIT)
    output_usd_per_mtok: float = real("Price of output", RATE_UNIT)
    cache_write_usd_per_mtok: float = real("Price of cache writes", RATE_UNIT)
    cache_read_usd_per_mtok: float = real("Price of cache reads", RATE_UNIT)
    updated_at: Instant = instant("Time of the last change", nullable=True)
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


class ModelRates(TableModel):
    """A model seen in the archive, the pattern that it matched and its rates."""

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
    usage_row_count: int = count("Usage rows that name the model, duplicates included", "rows")
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


MODEL_PRICING = TableContract(
    name="model_pricing",
    group="observations",
    description="A price row as found: stored in the archive, embedded here, or custom.",
    model=ModelPricing,
    key=("archive_id", "layer", "model_pattern"),
    shared_by=("layer",),
)
EFFECTIVE_PRICING = TableContract(
    name="effective_pricing",
    group="pricing",
    description="The price rows in force, later layers replacing earlier ones, and their digest.",
    model=EffectivePricing,
    key=("archive_id", "model_pattern"),
    shared_by=(),
)
MODEL_RATES = TableContract(
    name="model_rates",
    group="pricing",
    description="Every model seen, the price pattern that it matched and the rates in force.",
    model=ModelRates,
    key=("archive_id", "model"),
)
