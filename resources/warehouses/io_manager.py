"""The one IO manager: validates against the contract, then replaces whole partitions.

What belongs here: what Dagster hands over and gets back. What does not: any SQL.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.errors import CheckError, ContractError
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE, for_each_run
from agentsview_assets.resources.warehouses.counting_once import ASSET, CHECK, counted_once
from agentsview_assets.resources.warehouses.fencing import require_alive
from agentsview_assets.resources.warehouses.frame_kinds import as_annotated
from agentsview_assets.resources.warehouses.holdings import Holding, holdings
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.warehouses.partition_days import days_of, require_contiguous
from agentsview_assets.resources.warehouses.placing import Placing, generation, require_no_newer
from agentsview_assets.resources.warehouses.run_records import Answer
from agentsview_assets.resources.warehouses.store import (
    Addition,
    Partition,
    Selection,
    Slices,
    Store,
)
from agentsview_assets.resources.work import METER, ahead
from agentsview_assets.rules.staleness import REPORTS, Slice
from agentsview_assets.rules.versions import recorded_rules
from agentsview_assets.rules.windows import Span, cut
from agentsview_assets.schemas import CONTRACTS, TableContract

CHUNK_ROWS = 250_000
"""Rows of a report's input that are held in memory at once."""


@dataclass(frozen=True)
class Days:
    """An upstream table, read some days and archives at a time: memory does not grow with either.

    Annotate an asset's input with this to get it.
    """

    store: Store
    contract: TableContract
    selection: Selection

    def read(self, first: str, last: str, *, days_before: int = 0) -> pa.Table:
        """Reads the rows of contiguous days, and of some days before them."""
        earliest = max(1, date.fromisoformat(first).toordinal() - days_before)
        start = date.fromordinal(earliest).isoformat()
        return self.store.read(self.contract, self.selection._replace(days=[start, last]))

    def read_all(self) -> pa.Table:
        """Reads the rows of all days, or of a table that has none."""
        return self.store.read(self.contract, self.selection._replace(days=None))

    def chunks(self, span: Span, rows: int = CHUNK_ROWS) -> Iterator[Span]:
        """Cuts a span of days into spans of about so many rows."""
        return cut(span, self.store.row_counts(self.contract.name, self.selection.archives), rows)

    def of(self, archives: tuple[str, ...]) -> Days:
        """The rows of some archives alone."""
        return replace(self, selection=self.selection._replace(archives=archives))


class WarehouseIOManager(dg.IOManagerDefinition):
    """What Dagster is given for a warehouse: every run opens it anew and closes it at its end.

    There is nothing in it that a run could configure: neither address nor password ever stand in a
    run's configuration, and so not in the history either.
    """

    def __init__(self, url: str) -> None:
        """Takes the warehouse's URL, or several separated by spaces."""
        super().__init__(
            for_each_run(lambda: RunsWarehouse(url)),
            config_schema=NOTHING_TO_CONFIGURE,
            input_config_schema=NOTHING_TO_CONFIGURE,
            description="the warehouse that the deployment names",
        )


class RunsWarehouse(dg.IOManager):
    """Stores the contracted tables of one run in the warehouse named by `url`."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet."""
        self.url = url
        self._stack = contextlib.ExitStack()
        self._store: Store | None = None
        self._recorded: Mapping[str, str] | None = None
        self._is_counted_once = False

    def close(self) -> None:
        """Closes the warehouse; the next use opens it again."""
        self._store = self._recorded = None
        self._stack.close()

    @property
    def store(self) -> Store:
        """The open warehouse; one connection serves the whole run."""
        if self._store is None:
            self._store = self._stack.enter_context(open_store(self.url, in_run=True))
        return self._store

    def count_once(self, run_id: str) -> None:
        """Decides which rows count, and holds up what would be made of rows that count twice.

        Raises:
            CheckError: Of some key not exactly one row counts, which is recorded.
        """
        if self.store.deduplicate().keys == 0 and self._is_counted_once:
            return
        with self.store.reading() as reader:
            found = counted_once(reader)
        self._is_counted_once = not found.wrong
        if found.wrong:
            self.store.record_answers([Answer(ASSET, CHECK, found.words, run_id)], ())
            raise CheckError(f"nothing was made of usage rows that may count twice: {found.words}")

    def _rules(self) -> Mapping[str, str]:
        """By which rules the rows are made, read once for a run."""
        if self._recorded is None:
            self._recorded = self.store.rules()
        return self._recorded

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Validates the output and replaces the partitions of this step in one transaction."""
        run = (context.step_context.instance, context.run_id)
        with failures_in_words(run), METER.measure():
            contract = CONTRACTS[context.asset_key.path[-1]]
            if not isinstance(obj, Frames):
                raise ContractError(f"{contract.name}: expected frames, got {type(obj).__name__}")
            output = obj
            days = days_of(context)
            require_contiguous(context, days)
            require_no_newer(self._rules())
            if days is not None and (first := _first_day(context)) is not None:
                Placing(first).require_same(self._rules())
            totals = _Totals(contract, output, days, *run)
            self.store.record_rules({**output.rules, **generation()})
            self.store.replace(
                contract,
                totals.validated(),
                Slices(
                    output.archives,
                    totals.span,
                    owns_earlier=days is not None and days[0] == _first_day(context),
                    outdated=output.outdated,
                ),
                totals,
                [Addition(rows.contract, rows.frame) for rows in output.additions],
            )
        for rows in output.additions:
            beside = dg.AssetKey([*context.asset_key.path[:-1], rows.contract.name])
            context.log_event(dg.AssetMaterialization(beside, metadata=rows.metadata))
        METER.report(f"wrote {contract.name}: {sum(totals.rows.values()):,} rows")
        _report(context, totals, days, self._holdings(contract.name, days))

    def _holdings(self, table: str, days: list[str] | None) -> Mapping[str, Holding]:
        if days is None:
            return {}
        with failures_in_words(), METER.measure(), self.store.reading() as reader:
            return holdings(reader.rows, table, days)

    def load_input(self, context: dg.InputContext) -> Any:
        """Loads an upstream table, or the part of it that the input's metadata selects."""
        step = context.step_context
        with failures_in_words((step.instance, step.run_id)), METER.measure():
            contract = CONTRACTS[context.asset_key.path[-1]]
            metadata = context.definition_metadata or {}
            count_by = tuple(metadata.get("count_by", ()))
            partitioned = context.has_asset_partitions and not count_by
            selection = Selection(
                columns=tuple(metadata["columns"]) if "columns" in metadata else None,
                days=list(context.asset_partition_keys) if partitioned else None,
                day_column=metadata.get("day_column", Selection().day_column),
                count_by=count_by,
            )
            if context.dagster_type.typing_type is Days:
                return Days(self.store, contract, selection)
            found = self.store.read(contract, selection)
            return as_annotated(context.dagster_type.typing_type, found, contract.frame)


class _Totals(Sequence[Partition]):
    """Counts what passes through, so that slices can be recorded once the rows are in.

    That is the last moment before the commit: a run that is dead by then goes no further.
    """

    def __init__(
        self,
        contract: TableContract,
        output: Frames,
        days: list[str] | None,
        instance: dg.DagsterInstance,
        run_id: str,
    ) -> None:
        self._instance = instance
        self._contract = contract
        self._output = output
        self._days = days
        self.span = output.span or (Span(days[0], days[-1]) if days else None)
        """The days that are replaced: those written, and all later ones with the last of all."""
        self._run_id = run_id
        self._rules_version = recorded_rules(contract.name, is_report=contract.name in REPORTS)
        self.slices: Counter[Slice] = Counter()
        self.rows: Counter[str] = Counter()
        self.cost: dict[str, float] = {}

    def validated(self) -> Iterator[pd.DataFrame]:
        """The frames, each checked while the one before is being written."""
        return ahead(self._valid())

    def _valid(self) -> Iterator[pd.DataFrame]:
        for frame in self._output.frames:
            valid = self._contract.validate(frame, self.span)
            self._add(valid)
            yield valid

    def _add(self, frame: pd.DataFrame) -> None:
        column = self._contract.partition_column if self._days is not None else None
        days = frame[column] if column else pd.Series("", frame.index)
        for key, size in frame.groupby(["archive_id", days], sort=False).size().items():
            archive, day = map(str, cast("tuple[str, str]", key))
            self.slices[archive, day] += int(size)
            self.rows[day] += int(size)
        strange = {archive for archive, _ in self.slices} - set(self._output.archives)
        if strange:
            raise ContractError(
                f"{self._contract.name}: rows of archives that are not written here: "
                f"{', '.join(sorted(strange))}; nothing was written"
            )
        if column and "cost_usd" in frame.columns:
            for date_, cost in frame.groupby(column, sort=False)["cost_usd"].sum().items():
                self.cost[str(date_)] = self.cost.get(str(date_), 0.0) + float(cost)

    def _recorded(self) -> list[Partition]:
        versions, rates = self._output.input_versions, self._output.rates_versions
        return [
            Partition(
                archive_id=place[0],
                partition_date=place[1],
                row_count=self.slices[place],
                input_version=versions.get(place, ""),
                rates_version=rates.get(place, ""),
                run_id=self._run_id,
                rules_version=self._rules_version,
            )
            for place in sorted(self.slices.keys() | versions.keys())
            if self._is_written(place)
        ]

    def _is_written(self, place: Slice) -> bool:
        archive, day = place
        if archive not in self._output.archives:
            return False
        return self.span is None or self.span.first <= day <= self.span.last

    def __getitem__(self, index: Any) -> Any:
        return self._recorded()[index]

    def __len__(self) -> int:
        return len(self._recorded())

    def __iter__(self) -> Iterator[Partition]:
        require_alive(self._instance, self._run_id)
        return iter(self._recorded())


def _first_day(context: dg.OutputContext) -> str | None:
    return context.asset_partitions_def.get_first_partition_key()


def _report(
    context: dg.OutputContext,
    totals: _Totals,
    days: list[str] | None,
    found: Mapping[str, Holding],
) -> None:
    """Puts counts of rows and archives, and costs, on the events: of the table, or of each day."""
    if days is None:
        context.add_output_metadata({"dagster/row_count": sum(totals.rows.values())})
        return
    for day in days:
        metadata: dict[str, Any] = {
            "dagster/partition_row_count": totals.rows.get(day, 0),
            **found[day].metadata(),
        }
        if totals.cost:
            metadata["cost_usd"] = totals.cost.get(day, 0.0)
        context.step_context.add_asset_metadata(
            metadata, asset_key=context.asset_key, partition_key=day
        )
