"""Reports: flat tables for people, priced as late as possible.

What belongs here: which columns each report reads of which days. What does not: the arithmetic.
"""

from collections.abc import Callable

import dagster as dg
import pyarrow as pa

from agentsview_assets.assets.common import days_of, table_asset, window
from agentsview_assets.assets.histories import with_restatements
from agentsview_assets.assets.looking import archives_of, store_of, warehouse_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.assets.pricing import as_table, rates_in_force
from agentsview_assets.assets.shown import show_usage
from agentsview_assets.errors import ContractError
from agentsview_assets.resources.warehouses.io_manager import Days
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.warehouses.store import Selection, Store
from agentsview_assets.resources.work import METER
from agentsview_assets.rules import reports
from agentsview_assets.rules.outdated import outdated_elsewhere
from agentsview_assets.rules.rates import ModelRate
from agentsview_assets.rules.staleness import (
    UPSTREAM,
    expected_of,
    made_from,
)
from agentsview_assets.schemas import CONTRACTS

USAGE_COLUMNS = [
    "archive_id", "partition_date", "row_id", "row_kind", "session_id", "ordinal", "timestamp_text",
    "epoch_seconds", "project", "agent", "model", "session_date", "input_tokens", "output_tokens",
    "cache_creation_tokens", "cache_read_tokens", "reasoning_tokens", "billable_output_tokens",
    "reported_cost_usd", "dedup_key",
]  # fmt: skip

DAILY_COLUMNS = [
    name
    for name in USAGE_COLUMNS
    if name not in ("row_kind", "session_id", "ordinal", "session_date", "dedup_key")
]
VERDICT_COLUMNS = ["archive_id", "scope", "row_id", "counting_row_id"]
BUCKET_COLUMNS = [name for name in DAILY_COLUMNS if name not in ("timestamp_text", "project")]
SESSION_COLUMNS = [
    name for name in USAGE_COLUMNS if name not in ("partition_date", "project", "agent")
]


def report_assets(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The day-partitioned reports."""
    return [
        _daily_usage(names, partitions),
        _activity_buckets(names, partitions),
        _session_model_usage(names, partitions),
        _session_summaries(names, partitions),
    ]


def _daily_usage(names: Names, partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        names,
        "daily_usage",
        partitions,
        reads={"usage_rows": {"columns": DAILY_COLUMNS}},
        deps=["effective_pricing"],
    )
    def daily_usage(context: dg.AssetExecutionContext, usage_rows: Days) -> Frames:
        inputs = _Inputs(context, "daily_usage", partitions)
        usage_rows, duplicates = inputs.of(usage_rows), inputs.verdicts()

        def made(first: str, last: str) -> pa.Table:
            usage = usage_rows.read(first, last)
            return reports.daily_usage(usage, duplicates.read(first, last), inputs.rates)

        frames = inputs.frames(usage_rows, made)
        return show_usage(context, with_restatements(context, frames, inputs.rates))

    return daily_usage


def _activity_buckets(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @table_asset(
        names,
        "activity_buckets",
        partitions,
        reads={"usage_rows": {"columns": BUCKET_COLUMNS}, "effective_pricing": _DIGESTS},
    )
    def activity_buckets(
        context: dg.AssetExecutionContext,
        activity_intervals: Days,
        usage_rows: Days,
        effective_pricing: Days,
    ) -> Frames:
        inputs = _Inputs(context, "activity_buckets", partitions)
        intervals_of, usage_of = inputs.of(activity_intervals), inputs.of(usage_rows)
        duplicates, digests = inputs.verdicts(), inputs.of(effective_pricing).read_all()

        def made(first: str, last: str) -> pa.Table:
            usage = usage_of.read(first, last)
            # An interval may run up to five minutes into the next day.
            intervals = intervals_of.read(first, last, days_before=1)
            _require_digests(intervals, digests)
            bounds = {"first": inputs.window.first, "from": first, "to": last}
            verdicts = duplicates.read(first, last)
            return reports.activity_buckets(
                intervals, usage, verdicts, inputs.rates, digests, bounds
            )

        return inputs.frames(intervals_of, made)

    return activity_buckets


def _session_model_usage(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @table_asset(
        names,
        "session_model_usage",
        partitions,
        # The usage of sessions that started on these days, whenever it happened.
        reads={"usage_rows": {"columns": SESSION_COLUMNS, "day_column": "session_date"}},
        deps=["effective_pricing"],
    )
    def session_model_usage(context: dg.AssetExecutionContext, usage_rows: Days) -> Frames:
        inputs = _Inputs(context, "session_model_usage", partitions)
        usage_rows, duplicates = inputs.of(usage_rows), inputs.verdicts("session_date")

        def made(first: str, last: str) -> pa.Table:
            usage = usage_rows.read(first, last)
            verdicts = duplicates.read(first, last)
            return reports.session_model_usage(usage, verdicts, inputs.rates)

        return inputs.frames(usage_rows, made)

    return session_model_usage


def _session_summaries(
    names: Names, partitions: dg.DailyPartitionsDefinition
) -> dg.AssetsDefinition:
    @table_asset(
        names,
        "session_summaries",
        partitions,
        reads={"effective_pricing": _DIGESTS},
    )
    def session_summaries(
        context: dg.AssetExecutionContext,
        sessions: Days,
        session_model_usage: Days,
        effective_pricing: Days,
    ) -> Frames:
        inputs = _Inputs(context, "session_summaries", partitions)
        sessions, session_model_usage = inputs.of(sessions), inputs.of(session_model_usage)
        digests = inputs.of(effective_pricing).read_all()

        def made(first: str, last: str) -> pa.Table:
            rows = sessions.read(first, last)
            _require_digests(rows, digests)
            return reports.session_summaries(
                rows, session_model_usage.read(first, last), inputs.rates, digests
            )

        return inputs.frames(sessions, made)

    return session_summaries


_DIGESTS = {"count_by": ["archive_id", "pricing_digest"]}


class _Inputs:
    """What a report is made of: of whose slices, at which rates, of which versions.

    Which rows count and what models cost is looked up, and brought up to date, by whoever needs it.
    As assets between the days of others, `duplicates` and `model_rates` would cut a range of days
    into several runs.

    All versions are read before the rows are: what is written meanwhile leaves the report out of
    date, and never the other way round.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        name: str,
        partitions: dg.DailyPartitionsDefinition,
    ) -> None:
        self._name = name
        self.window = window(partitions)
        self.archives = archives_of(context)
        self._store, days = store_of(context), days_of(context)
        self._span = self.window.span(days)
        with METER.measure():
            warehouse_of(context).count_once(context.run.run_id)
        rates = rates_in_force(context, self.archives)
        self.rates = as_table(rates)
        with METER.measure():
            self._versions(self._store, rates)

    def _versions(self, store: Store, rates: list[ModelRate]) -> None:
        by_model = {(rate.archive_id, rate.model): rate for rate in rates}
        expected = expected_of(store.expected(self.archives), by_model, self.window)
        recorded = store.all_partitions()
        upstream = {table: recorded.get(table, {}) for table in UPSTREAM[self._name]}
        mine = [
            place for place in expected.inputs if self._span.first <= place[1] <= self._span.last
        ]
        self.inputs = {place: made_from(place, self._name, upstream, expected) for place in mine}
        self.priced = {place: expected.rates[place] for place in mine}
        made = recorded.get(self._name, {})
        self.outdated = outdated_elsewhere(expected.inputs, made, self._span)

    def of(self, table: Days) -> Days:
        """A table's rows of the archives in question."""
        return table.of(self.archives)

    def verdicts(self, day_column: str = "partition_date") -> Days:
        """Which rows of these archives count, by a day of theirs."""
        columns = tuple(VERDICT_COLUMNS)
        selection = Selection(columns=columns, day_column=day_column, archives=self.archives)
        return Days(self._store, CONTRACTS["duplicates"], selection)

    def frames(self, paced_by: Days, made: Callable[[str, str], pa.Table]) -> Frames:
        """The report, made some days at a time, with the versions that tell when it is out of date.

        Args:
            paced_by: The table whose rows decide how many days are made at a time.
            made: Makes the rows of contiguous days.
        """
        contract = CONTRACTS[self._name]
        return Frames(
            (contract.frame(made(*chunk)) for chunk in paced_by.chunks(self._span)),
            self.archives,
            input_versions=self.inputs,
            rates_versions=self.priced,
            outdated=self.outdated,
            span=self._span,
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
