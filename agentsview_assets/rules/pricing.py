"""The price table in force, and the money that its rates make of tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from agentsview_assets.rules.gojson import canonical_json, utf8_bytes
from agentsview_assets.rules.model_matching import ModelMatcher
from agentsview_assets.rules.timestamps import (
    Instant,
    format_utc_nanos,
    format_utc_seconds,
    parse_rfc3339,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOKENS_PER_MTOK = 1_000_000

Mode: TypeAlias = Literal["offline", "archive"]
Source: TypeAlias = Literal["fetched", "embedded", "custom"]

PriceTuple: TypeAlias = tuple[str, float, float, float, float, str | None]
"""A price row as tables hold it: pattern, rates in the order of `Rates`, text of updated_at."""


class Rates(NamedTuple):
    """Prices in USD per million tokens."""

    input: float
    output: float
    cache_write: float
    cache_read: float


NO_RATES = Rates(0.0, 0.0, 0.0, 0.0)


class PriceRow(NamedTuple):
    """One effective price row; `updated_at` is known of stored rows only."""

    model_pattern: str
    rates: Rates
    source: Source
    updated_at: Instant | None


@dataclass(frozen=True, eq=False)
class PricingTable:
    """The effective price rows of one archive; make it with `build`.

    Attributes:
        rows: Pattern -> row.
        embedded_version: Version of the embedded table, named when its rows are in force.
    """

    rows: Mapping[str, PriceRow]
    embedded_version: str
    _priced: dict[str, PriceRow | None] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def build(
        cls,
        stored: Iterable[PriceTuple],
        embedded: Iterable[PriceTuple],
        custom: Iterable[PriceTuple],
        embedded_version: str,
        mode: Mode,
    ) -> PricingTable:
        """Lay the layers over each other; a later row replaces one of the same pattern whole.

        Args:
            stored: Rows of the archive. Patterns that begin with `_` are bookkeeping, not prices.
            embedded: The fallback table.
            custom: The user's own prices, `_` names included.
            embedded_version: Version of the fallback table.
            mode: `offline` lays the embedded rows over the stored ones; `archive` takes them only
                if the archive has no price row of its own.
        """
        fallback = {pattern: _rates(rates) for pattern, *rates, _ in embedded}
        rows = _stored_rows(stored, fallback)
        if mode == "offline" or not rows:
            rows |= {
                pattern: PriceRow(pattern, rates, "embedded", None)
                for pattern, rates in fallback.items()
            }
        rows |= {
            pattern: PriceRow(pattern, _rates(rates), "custom", None)
            for pattern, *rates, _ in custom
        }
        return cls(rows, embedded_version)

    def price(self, model: str) -> PriceRow | None:
        """Return the row that prices the raw model name, or None if the table does not know it."""
        if model not in self._priced:
            pattern = self._matcher.match(model)
            self._priced[model] = None if pattern is None else self.rows[pattern]
        return self._priced[model]

    @cached_property
    def digest(self) -> str:
        """`sha256:` and the hash over all rows in canonical form.

        Raises:
            ValueError: A rate is not a finite number.
        """
        rows = sorted(self.rows.values(), key=lambda row: utf8_bytes(row.model_pattern))
        text = canonical_json({"rows": [_digested(row) for row in rows]})
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @cached_property
    def source(self) -> str:
        """Where the rows come from, such as `custom+fetched`; empty without rows."""
        base = next((name for name in ("fetched", "embedded") if self._counts.get(name)), "")
        return "+".join(filter(None, ("custom" if self.custom_override_count else "", base)))

    @property
    def table_version(self) -> str:
        """The newest time of a fetched table, else the embedded version, else `custom` or empty."""
        if "fetched" in self.source:
            return format_utc_seconds(self._latest) if self._latest else "fetched"
        return self.embedded_version if "embedded" in self.source else self.source

    @property
    def latest_row_updated_at(self) -> str | None:
        """The newest update of any row, RFC 3339 in UTC with its fraction, if one is known."""
        return format_utc_nanos(self._latest) if self._latest else None

    @property
    def custom_override_count(self) -> int:
        """Number of the user's own rows."""
        return self._counts.get("custom", 0)

    @property
    def effective_row_count(self) -> int:
        """Number of all rows."""
        return len(self.rows)

    @cached_property
    def _matcher(self) -> ModelMatcher:
        return ModelMatcher(self.rows)

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.rows.values():
            counts[row.source] = counts.get(row.source, 0) + 1
        return counts

    @cached_property
    def _latest(self) -> Instant | None:
        return max((row.updated_at for row in self.rows.values() if row.updated_at), default=None)


def _rates(values: Iterable[float]) -> Rates:
    return Rates(*map(float, values))


def _stored_rows(
    stored: Iterable[PriceTuple], fallback: Mapping[str, Rates]
) -> dict[str, PriceRow]:
    """Return the archive's prices; those that repeat the fallback table count as embedded."""
    rows = {}
    for pattern, *values, updated_at in stored:
        if pattern.startswith("_"):
            continue
        rates = _rates(values)
        source: Source = "embedded" if fallback.get(pattern) == rates else "fetched"
        rows[pattern] = PriceRow(pattern, rates, source, parse_rfc3339(updated_at or ""))
    return rows


def _digested(row: PriceRow) -> dict[str, object]:
    return {
        "cache_read_per_mtok": row.rates.cache_read,
        "cache_write_per_mtok": row.rates.cache_write,
        "input_per_mtok": row.rates.input,
        "model_pattern": row.model_pattern,
        "output_per_mtok": row.rates.output,
        "source": row.source,
        "updated_at": format_utc_seconds(row.updated_at) if row.updated_at else None,
    }


def row_cost(
    rates: Rates,
    *,
    input_tokens: int,
    billable_output_tokens: int,
    cache_creation_tokens: int,
    cache_read_tokens: int,
) -> float:
    """Return the computed cost in USD, added up in the order of the contract.

    Args:
        rates: Rates of the row's model; `NO_RATES` if it is unknown.
        input_tokens: Clamped count, like the following.
        billable_output_tokens: The output, or the reasoning where the output is 0.
        cache_creation_tokens: Tokens written to the cache.
        cache_read_tokens: Tokens read from the cache.
    """
    return (
        input_tokens * rates.input
        + billable_output_tokens * rates.output
        + cache_creation_tokens * rates.cache_write
        + cache_read_tokens * rates.cache_read
    ) / TOKENS_PER_MTOK


def cache_savings(rates: Rates, *, cache_creation_tokens: int, cache_read_tokens: int) -> float:
    """Return the USD saved against plain input; negative if the cache cost more than it saved."""
    read = cache_read_tokens * (rates.input - rates.cache_read) / TOKENS_PER_MTOK
    written = cache_creation_tokens * (rates.input - rates.cache_write) / TOKENS_PER_MTOK
    return read + written
