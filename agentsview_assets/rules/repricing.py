"""What a change of prices means: which rates moved, and from when to when each was in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agentsview_assets.rules.rates import ModelRate

RATES = (
    "matched_pattern",
    "source",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "cache_read_usd_per_mtok",
)
"""What of a model's rate is kept in the history; a change of the source alone is no change."""
_PRICES = tuple(name for name in RATES if name != "source")

Row = dict[str, Any]


def next_history(
    history: Iterable[Row], rates: Iterable[ModelRate], now: datetime, run_id: str
) -> list[Row]:
    """The history of rates with those now in force; equal to the history given if none moved.

    Args:
        history: Rows of `price_changes`.
        rates: The rates in force of every model seen.
        now: The time from which they are.
        run_id: The run that makes them so.
    """
    rows = [dict(row) for row in history]
    in_force = {(row["archive_id"], row["model"]): row for row in rows if row["valid_to"] is None}
    for rate in rates:
        last = in_force.get((rate.archive_id, rate.model))
        if last is not None:
            if all(last[name] == getattr(rate, name) for name in _PRICES):
                continue
            last["valid_to"] = now
        rows.append(
            {
                "archive_id": rate.archive_id,
                "model": rate.model,
                **{name: getattr(rate, name) for name in RATES},
                "valid_from": now,
                "valid_to": None,
                "pricing_digest": rate.pricing_digest,
                "run_id": run_id,
            }
        )
    return rows


def moved_rates(
    old: Mapping[tuple[str, str], ModelRate], new: Mapping[tuple[str, str], ModelRate]
) -> list[tuple[ModelRate | None, ModelRate]]:
    """The models whose matched rates are others than before, each with both; None if it is new."""
    return [
        (old.get(key), rate)
        for key, rate in sorted(new.items())
        if (last := old.get(key)) is None
        or any(getattr(last, name) != getattr(rate, name) for name in _PRICES)
    ]
