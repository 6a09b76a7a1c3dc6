"""Rates of the models seen, and what tells one set of rates from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from agentsview_assets.errors import ContractError
from agentsview_assets.rules.pricing import PriceTuple, PricingTable
from agentsview_assets.rules.text import storable
from agentsview_assets.schemas.pricing import MODEL_PRICING

PRICE_COLUMNS = (
    "archive_id", "layer", "model_pattern", "input_usd_per_mtok", "output_usd_per_mtok",
    "cache_write_usd_per_mtok", "cache_read_usd_per_mtok", "updated_at_text", "table_version",
)  # fmt: skip
"""Columns of `model_pricing`, in their order."""
_RATE_COLUMNS = PRICE_COLUMNS[3:7]
PRICED_TOKENS = (
    "priced_input_tokens", "priced_output_tokens", "priced_cache_creation_tokens",
    "priced_cache_read_tokens",
)  # fmt: skip
"""Sums of the tokens that are priced, in reports, in the order of the rates."""
PRICE_ROWS = f"SELECT {', '.join(PRICE_COLUMNS)} FROM {MODEL_PRICING.relation}"
"""SQL of the price rows of all archives."""


class ModelRate(NamedTuple):
    """A model seen, the pattern that priced it and its rates in USD per million tokens."""

    archive_id: str
    model: str
    matched_pattern: str | None
    source: str | None
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cache_write_usd_per_mtok: float
    cache_read_usd_per_mtok: float
    usage_row_count: int
    pricing_digest: str


SAME_MONEY = 1e-9
"""Relative difference up to which two costs are the same money."""


def cost_sql(rates: str, *tokens: str) -> str:
    """SQL of what tokens cost in USD: `pricing.row_cost` for SQL, added up in the same order.

    Args:
        rates: Alias of `model_rates`.
        tokens: SQL of the input, billable output, cache write and cache read tokens.
    """
    terms = zip(tokens, _RATE_COLUMNS, strict=True)
    return f"(({' + '.join(f'{count} * {rates}.{rate}' for count, rate in terms)}) / 1000000.0)"


def computed_cost_sql(usage: str, rates: str) -> str:
    """SQL of what priced tokens cost in USD, reported costs left out.

    Args:
        usage: Alias of a relation with the sums of priced tokens, such as `daily_usage`.
        rates: Alias of `model_rates`.
    """
    return cost_sql(rates, *(f"{usage}.{name}" for name in PRICED_TOKENS))


def cache_savings_sql(usage: str, rates: str) -> str:
    """SQL of what a cache saved against plain input: `pricing.cache_savings` for SQL.

    Args:
        usage: Alias of a relation with sums of `cache_read_tokens` and `cache_creation_tokens`.
        rates: Alias of `model_rates`.
    """
    saved = (
        f"{usage}.{tokens} * ({rates}.input_usd_per_mtok - {rates}.{rate})"
        for tokens, rate in (
            ("cache_read_tokens", "cache_read_usd_per_mtok"),
            ("cache_creation_tokens", "cache_write_usd_per_mtok"),
        )
    )
    return f"(({' + '.join(saved)}) / 1000000.0)"


def model_rates(
    seen: Iterable[tuple[str, str, int]], tables: Mapping[str, PricingTable]
) -> list[ModelRate]:
    """Prices every model seen.

    Args:
        seen: Archive, model and number of usage rows.
        tables: The effective pricing table of each archive.

    Raises:
        ContractError: There is no such table of an archive.
    """
    rates = []
    for archive_id, model, count in sorted(seen):
        if archive_id not in tables:
            raise ContractError(
                f"model_pricing: no prices of archive {archive_id}, of which there is usage; "
                "materialise model_pricing together with this where that archive is observed, or "
                "give the archive up with `agentsview-assets materialize --forget ID`"
            )
        table = tables[archive_id]
        row = table.price(model)
        values = row.rates if row else (0.0, 0.0, 0.0, 0.0)
        pattern, source = (row.model_pattern, row.source) if row else (None, None)
        rates.append(ModelRate(archive_id, model, pattern, source, *values, count, table.digest))
    return rates


def rates_version(
    models: Iterable[tuple[str, str]], rates: Mapping[tuple[str, str], ModelRate]
) -> str:
    """A version of the rates of some models that moves only when one of those rates does.

    The names in it are those that every warehouse can hold: what one has in another spelling
    would never be up to date.
    """
    text = "\n".join(
        repr(_versioned(_storable(model), rates.get(model) or rates.get(_storable(model))))
        for model in sorted(models, key=_storable)
    )
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _storable(model: tuple[str, str]) -> tuple[str, str]:
    archive_id, name = model
    return archive_id, storable(name)


def _versioned(model: tuple[str, str], rate: ModelRate | None) -> tuple[object, ...]:
    if rate is None:
        return model
    pattern = rate.matched_pattern
    return (*model, None if pattern is None else storable(pattern), *rate[4:8])


def price_tables(rows: Iterable[tuple[object, ...]]) -> Mapping[str, PricingTable]:
    """Builds the table in force of every archive from the rows of `model_pricing`.

    Args:
        rows: In column order: archive, layer, pattern, four rates, update time, table version.
    """
    return _price_tables(frozenset(rows))


# Planning, pricing and rating ask for the same tables one after another, digests included.
@lru_cache(maxsize=2)
def _price_tables(rows: frozenset[tuple[object, ...]]) -> Mapping[str, PricingTable]:
    by_archive: dict[str, set[tuple[object, ...]]] = {}
    for archive_id, *row in rows:
        by_archive.setdefault(str(archive_id), set()).add(tuple(row))
    # Most archives have the same prices.
    tables = {prices: _table(prices) for prices in {frozenset(own) for own in by_archive.values()}}
    return {archive_id: tables[frozenset(own)] for archive_id, own in by_archive.items()}


def _table(rows: frozenset[tuple[object, ...]]) -> PricingTable:
    layers: dict[str, list[PriceTuple]] = {"stored": [], "embedded": [], "custom": []}
    version = ""
    for layer, *price, table_version in rows:
        layers[str(layer)].append(cast("PriceTuple", tuple(price)))
        version = str(table_version or version)
    return PricingTable.build(
        layers["stored"], layers["embedded"], layers["custom"], version, "archive"
    )
