"""The shapes of our own answers about a warehouse, which agentsview has none of."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from agentsview_assets.documents.common.model_parts import Doc, UtcTime


class ArchiveCompleteness(TypedDict):
    """How old and how whole one archive's rows are."""

    archive_id: str
    observed_at: Annotated[str, Doc("When something new was last read, UTC")]
    read_at: Annotated[str, Doc("When it was last looked at, UTC")]
    age_seconds: Annotated[float, Doc("Seconds since read_at")]
    failing_since: Annotated[
        str | None, Doc("Since when it cannot be read, UTC; null where it can")
    ]
    succeeded_by: Annotated[str | None, Doc("Archive that took its place; null where none did")]
    days_out_of_date: Annotated[int, Doc("UTC days that are to be made, or anew")]
    first_day_out_of_date: Annotated[str | None, Doc("YYYY-MM-DD; null where there is none")]
    last_day_out_of_date: Annotated[str | None, Doc("YYYY-MM-DD; null where there is none")]
    tokens: Annotated[int, Doc("Tokens of all four counters")]
    unpriced_tokens: Annotated[int, Doc("Those with neither a price nor a reported cost")]
    unpriced_models: Annotated[list[str], Doc("Their models, sorted")]
    rows_left_out: Annotated[int, Doc("Rows that cannot be read")]
    rules_digest: Annotated[
        str | None, Doc("sha256: and a digest of the rules that made its rows; null without rows")
    ]
    pricing_digest: Annotated[
        str | None, Doc("sha256: and the digest of its price rows in force; null without any")
    ]


class CompletenessTotals(TypedDict):
    """Sums over archives."""

    archives: int
    failing_archives: Annotated[int, Doc("Archives that cannot be read now")]
    age_seconds: Annotated[float | None, Doc("Seconds since the oldest reading; null without any")]
    days_out_of_date: Annotated[int, Doc("Days to be made, each archive's by itself")]
    tokens: Annotated[int, Doc("What several archives hold is in it several times")]
    unpriced_tokens: int
    rows_left_out: int


class Completeness(TypedDict):
    """How far the figures of a warehouse can be trusted."""

    schema_version: Literal[1]
    as_of: UtcTime
    revision: Annotated[int, Doc("Rises with everything written")]
    start_date: Annotated[str | None, Doc("First day with a partition of its own, YYYY-MM-DD")]
    gaps: Annotated[list[str], Doc("What is amiss, in words; empty where nothing is")]
    undecided_keys: Annotated[int, Doc("Keys and sessions of which no row is chosen yet")]
    archives: Annotated[list[ArchiveCompleteness], Doc("By archive_id")]
    totals: CompletenessTotals


class Restatement(TypedDict):
    """What became of a day, project and model after they had been published."""

    archive_id: str
    date: Annotated[str, Doc("UTC day, YYYY-MM-DD")]
    project: str
    model: str
    restated_at: UtcTime
    reason: Literal["price", "content", "removal", "rule", "duplicate", "upgrade"]
    old_cost_usd: Annotated[float, Doc("USD before, of this reason's part")]
    new_cost_usd: Annotated[float, Doc("USD from then on")]
    old_tokens: Annotated[int, Doc("Tokens of all four counters before")]
    tokens: Annotated[int, Doc("Tokens from then on")]
    old_pricing_digest: Annotated[str, Doc("Digest of the price table before")]
    new_pricing_digest: Annotated[str, Doc("Digest of the price table from then on")]
    run_id: Annotated[str, Doc("Dagster run that made the day anew; '' where none did")]


class PriceChange(TypedDict):
    """Rates of a model, for as long as they were in force."""

    archive_id: str
    model: str
    valid_from: UtcTime
    valid_to: Annotated[str | None, Doc("UTC; null while in force")]
    matched_pattern: Annotated[str | None, Doc("Price row that the name found; null: no price")]
    source: Annotated[str | None, Doc("custom, fetched or embedded; null without a price")]
    input_usd_per_mtok: Annotated[float, Doc("USD per million input tokens")]
    output_usd_per_mtok: Annotated[float, Doc("USD per million output tokens")]
    cache_write_usd_per_mtok: Annotated[float, Doc("USD per million tokens put into the cache")]
    cache_read_usd_per_mtok: Annotated[float, Doc("USD per million tokens taken from the cache")]
    pricing_digest: Annotated[str, Doc("Digest of the price table that brought them")]


class RestatementPage(TypedDict):
    """Changes of published figures, the latest first."""

    schema_version: Literal[1]
    restatements: list[Restatement]
    price_changes: Annotated[
        list[PriceChange], Doc("All rates of the models that prices restated on this page")
    ]
    next_cursor: Annotated[str, Doc("Where the next page begins; '' after the last one")]
