"""The `pricing` object that every v1 document carries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agentsview_assets.errors import WarehouseError
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.pricing import NO_RATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentsview_assets.rules.pricing import PriceRow, PricingTable


def pricing_block(
    table: PricingTable, models: Mapping[str, tuple[bool, bool]]
) -> dict[str, object]:
    """Return the block in the contract's key order.

    Args:
        table: The price rows in force.
        models: Raw name of every model of the document's surviving rows -> whether any of its
            rows had a computed cost, and whether any had a reported one.

    Raises:
        WarehouseError: A rate in force is not a finite number, which no digest can hold.
    """
    names = sorted(models, key=utf8_bytes)
    priced = {name: table.price(name) for name in names}
    fallback = [name for name, row in priced.items() if row and row.source == "embedded"]
    computed = any(computed for computed, _ in models.values())
    reported = any(reported for _, reported in models.values())
    return {
        "source": table.source,
        "table_version": table.table_version,
        "latest_row_updated_at": table.latest_row_updated_at,
        "custom_override_count": table.custom_override_count,
        "effective_row_count": table.effective_row_count,
        "digest": _digest(table),
        "cost_source": _cost_source(computed=computed, reported=reported),
        "fallback": {"used": bool(fallback), "models": fallback},
        "models": {name: _model_entry(row, models[name]) for name, row in priced.items()},
    }


def _cost_source(*, computed: bool, reported: bool) -> str:
    if not reported:
        return "computed"
    return "mixed" if computed else "reported"


def _model_entry(row: PriceRow | None, costs: tuple[bool, bool]) -> dict[str, object]:
    rates = row.rates if row else NO_RATES
    computed, reported = costs
    return {
        "matched_pattern": row.model_pattern if row else None,
        "input_cost_per_mtok": rates.input,
        "output_cost_per_mtok": rates.output,
        "cache_write_cost_per_mtok": rates.cache_write,
        "cache_read_cost_per_mtok": rates.cache_read,
        "cost_source": _cost_source(computed=computed, reported=reported),
    }


def _digest(table: PricingTable) -> str:
    try:
        return table.digest
    except ValueError as error:
        broken = [
            row.model_pattern
            for row in table.rows.values()
            if not all(map(math.isfinite, row.rates))
        ]
        msg = f"building pricing block: canonical pricing digest: {error}: price of {broken[0]!r}"
        raise WarehouseError(msg) from error
