"""Reports: flat tables for people, priced as late as possible.

What belongs here: which columns each report reads of which days. What does not: the arithmetic.
"""

from collections.abc import Callable

import dagster as dg
import pyarrow as pa

from agentsview_assets.assets.common import (
    ARCHIVE_KEY,
    IO_MANAGER_KEY,
    days_of,
    table_asset,
    window,
)
from agentsview_assets.assets.histories import with_restatements
from agentsview_assets.assets.looking import source_of
from agentsview_assets.assets.shown import show_usage
from agentsview_assets.errors import ContractError
from agentsview_assets.resources.io_manager import Days, Frames
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms import reports
from agentsview_assets.transforms.rates import ModelRate, rates_version

USAGE_COLUMNS = [
    "archive_id", "partition_date", "row_id", "session_id", "ordinal", "timestamp_text",
    "epoch_seconds", "project", "agent", "model", "session_date", "input_tokens", "output_tokens",
    "cache_creation_tokens", "cache_read_tokens", "reasoning_tokens", "billable_output_tokens",
    "reported_cost_usd", "dedup_key", "has_duplicates", "duplicate_of",
]  # fmt: skip

DAILY_COLUMNS = [
    name
    for name in USAGE_COLUMNS
    if name not in ("row_id", "session_id", "ordinal", "session_date", "dedup_key")
]
BUCKET_COLUMNS = [name for name in DAILY_COLUMNS if name not in ("timestamp_text", "project")]
_KEYS = {ARCHIVE_KEY, IO_MANAGER_KEY}
SESSION_COLUMNS = [
    name for name in USAGE_COLUMNS if name not in ("partition_date", "project", "agent")
]


def report_assets(partitions: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The day-partitioned reports."""
    return [
        _daily_usage(partitions),
        _activity_buckets(partitions),
        _session_model_usage(partitions),
        _session_summaries(partitions),
    ]


def _daily_usage(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        "daily_usage",
        partitions,
        required_resource_keys=_KEYS,
        ins={"usage_rows": dg.AssetIn(metadata={"columns": DAILY_COLUMNS})},
    )
    def daily_usage(
        context: dg.AssetExecutionContext, usage_rows: Days, model_rates: pa.Table
    ) -> Frames:
        def made(first: str, last: str) -> pa.Table:
            usage = usage_rows.read(first, last)
            _require_rates(usage, model_rates)
            return reports.daily_usage(usage, model_rates)

        frames = _priced(context, "daily_usage", usage_rows, made, model_rates, partitions)
        return show_usage(context, with_restatements(context, frames, model_rates))

    return daily_usage


def _activity_buckets(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        "activity_buckets",
        partitions,
        required_resource_keys=_KEYS,
        ins={
            # An interval may run up to five minutes into the next day.
            "activity_intervals": dg.AssetIn(
                partition_mapping=dg.TimeWindowPartitionMapping(
                    start_offset=-1, allow_nonexistent_upstream_partitions=True
                )
            ),
            "usage_rows": dg.AssetIn(metadata={"columns": BUCKET_COLUMNS}),
            "effective_pricing": _DIGESTS,
        },
    )
    def activity_buckets(
        context: dg.AssetExecutionContext,
        activity_intervals: Days,
        usage_rows: Days,
        model_rates: pa.Table,
        effective_pricing: pa.Table,
    ) -> Frames:
        first_day = window(partitions).first

        def made(first: str, last: str) -> pa.Table:
            usage = usage_rows.read(first, last)
            intervals = activity_intervals.read(first, last, days_before=1)
            _require_rates(usage, model_rates)
            _require_digests(intervals, effective_pricing)
            bounds = {"first": first_day, "from": first, "to": last}
            return reports.activity_buckets(
                intervals, usage, model_rates, effective_pricing, bounds
            )

        return _priced(
            context, "activity_buckets", activity_intervals, made, model_rates, partitions
        )

    return activity_buckets


def _session_model_usage(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        "session_model_usage",
        partitions,
        required_resource_keys=_KEYS,
        ins={
            # The usage of sessions that started on these days, whenever it happened.
            "usage_rows": dg.AssetIn(
                metadata={"columns": SESSION_COLUMNS, "day_column": "session_date"}
            )
        },
    )
    def session_model_usage(
        context: dg.AssetExecutionContext, usage_rows: Days, model_rates: pa.Table
    ) -> Frames:
        def made(first: str, last: str) -> pa.Table:
            usage = usage_rows.read(first, last)
            _require_rates(usage, model_rates)
            return reports.session_model_usage(usage, model_rates)

        return _priced(context, "session_model_usage", usage_rows, made, model_rates, partitions)

    return session_model_usage


def _session_summaries(partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        "session_summaries",
        partitions,
        required_resource_keys=_KEYS,
        ins={"effective_pricing": _DIGESTS},
    )
    def session_summaries(
        context: dg.AssetExecutionContext,
        sessions: Days,
        session_model_usage: Days,
        model_rates: pa.Table,
        effective_pricing: pa.Table,
    ) -> Frames:
        def made(first: str, last: str) -> pa.Table:
            rows = sessions.read(first, last)
            _require_digests(rows, effective_pricing)
            return reports.session_summaries(
                rows, session_model_usage.read(first, last), model_rates, effective_pricing
            )

        return _priced(context, "session_summaries", sessions, made, model_rates, partitions)

    return session_summaries


_MADE_FROM = {
    "daily_usage": ("usage_rows",),
    "activity_buckets": ("activity_intervals", "usage_rows"),
    "session_model_usage": ("usage_rows",),
    "session_summaries": ("sessions", "session_model_usage"),
}
_REACHING = ("activity_buckets", "session_model_usage")
_DIGESTS = dg.AssetIn(metadata={"count_by": ["archive_id", "pricing_digest"]})


def _priced(  # noqa: PLR0913 - what a report is made of
    context: dg.AssetExecutionContext,
    name: str,
    paced_by: Days,
    made: Callable[[str, str], pa.Table],
    model_rates: pa.Table,
    partitions: dg.DailyPartitionsDefinition,
) -> Frames:
    """The report, made some days at a time, with the versions that tell when it is out of date."""
    days, all_days = days_of(context), window(partitions)
    span = all_days.span(days)
    with METER.measure():
        store = source_of(context, all_days).observed()
        rates = {(r.archive_id, r.model): r for r in _model_rates(model_rates)}
        models, observed = store.models(all_days), store.versions(all_days)
        made_days = [*days, *span.beyond(observed, days[-1])]
        versions = {day: rates_version(models.get(day, ()), rates) for day in made_days}
    frames = (CONTRACTS[name].frame(made(*chunk)) for chunk in paced_by.chunks(span))
    return Frames(
        frames,
        input_versions=observed,
        rates_versions=versions,
        follows=_MADE_FROM[name],
        reaches=store.reaches(all_days) if name in _REACHING else {},
        may_replace=store.may_replace(),
        span=span,
    )


def _model_rates(table: pa.Table) -> list[ModelRate]:
    return [ModelRate(**row) for row in table.to_pylist()]


def _require_rates(usage: pa.Table, model_rates: pa.Table) -> None:
    """Refuses to leave out rows whose model has no row in `model_rates` yet."""
    used = _pairs(usage, ("archive_id", "model"))
    missing = sorted(used - _pairs(model_rates, ("archive_id", "model")))
    if missing:
        models = ", ".join(repr(model) for _, model in missing[:5])
        raise ContractError(
            f"model_rates: no row for {len(missing)} model(s) that were used ({models}); "
            "materialise model_rates together with this table"
        )


def _require_digests(rows: pa.Table, effective_pricing: pa.Table) -> None:
    missing = _pairs(rows, ("archive_id",)) - _pairs(effective_pricing, ("archive_id",))
    if missing:
        raise ContractError(
            "effective_pricing: not materialised for this archive yet; materialise it together "
            "with this table"
        )


def _pairs(table: pa.Table, columns: tuple[str, ...]) -> set[tuple[str, ...]]:
    found = table.select(list(columns)).group_by(list(columns)).aggregate([])
    return {tuple(row.values()) for row in found.to_pylist()}
