"""The one IO manager: validates against the contract, then replaces whole partitions.

What belongs here: what Dagster hands over and gets back. What does not: any SQL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE, for_each_run
from agentsview_assets.resources.observation_reader import Span, cut
from agentsview_assets.resources.store import (
    Addition,
    Archive,
    Origin,
    Partition,
    Selection,
    Store,
    Succession,
)
from agentsview_assets.resources.warehouses import open_store
from agentsview_assets.resources.work import METER, ahead
from agentsview_assets.schemas import CONTRACTS, TableContract
from agentsview_assets.transforms.staleness import MIXED_VERSION

CHUNK_ROWS = 250_000
"""Rows of a report's input that are held in memory at once."""


@dataclass(frozen=True)
class HistoryRows:
    """Rows to add to a history in the transaction of the rows that make them true.

    Attributes:
        contract: The history.
        frame: Validated rows.
        metadata: What its asset is to say of them.
    """

    contract: TableContract
    frame: pd.DataFrame
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Frames:
    """An asset's output in parts, each validated and written before the next is made.

    Attributes:
        frames: The rows, all of the partitions being written.
        input_versions: Version of the observations by day ('' for an unpartitioned asset).
        rates_versions: Version of the rates by day; empty where nothing is priced.
        follows: Tables that the rows were made from; when their noted versions of a day agree,
            that is this table's input version, instead of the above.
        reaches: Other days of those tables that a day's rows were made from as well.
        archives: Archives that the rows were read from, where that is to be noted.
        successions: Which archives others were found in the place of.
        may_replace: Archives whose rows the run holds or takes away on purpose; None where the
            rows were made from the warehouse's own.
        additions: Rows for histories that these rows make true, with what to report of them.
        span: First and last day of the rows, where they may lie beyond the partitions written.
        rules: By which rules the rows were made, where that is to be noted.
    """

    frames: Iterable[pd.DataFrame]
    input_versions: Mapping[str, str] = field(default_factory=dict)
    rates_versions: Mapping[str, str] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    reaches: Mapping[str, Iterable[str]] = field(default_factory=dict)
    archives: Sequence[Archive] = ()
    successions: Sequence[Succession] = ()
    may_replace: frozenset[str] | None = None
    additions: Sequence[HistoryRows] = ()
    span: Span | None = None
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Days:
    """An upstream table, read some days at a time so that memory does not grow with history.

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

    def chunks(self, span: Span, rows: int = CHUNK_ROWS) -> Iterator[Span]:
        """Cuts a span of days into spans of about so many rows."""
        return cut(span, self.store.row_counts(self.contract.name), rows)


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

    def close(self) -> None:
        """Closes the warehouse; the next use opens it again."""
        self._store = None
        self._stack.close()

    @property
    def store(self) -> Store:
        """The open warehouse; one connection serves the whole run."""
        if self._store is None:
            self._store = self._stack.enter_context(open_store(self.url))
        return self._store

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Validates the output and replaces the partitions of this step in one transaction."""
        with METER.measure():
            contract = CONTRACTS[context.asset_key.path[-1]]
            output = obj if isinstance(obj, Frames) else Frames([_frame(contract, obj)])
            days = list(context.asset_partition_keys) if context.has_asset_partitions else None
            _require_contiguous(context, days)
            totals = _Totals(contract, output, days, context.run_id, self.store)
            self.store.note_rules(output.rules)
            self.store.replace(
                contract,
                totals.validated(),
                totals.span,
                totals,
                owns_earlier=days is not None and days[0] == _first_day(context),
                origin=Origin(
                    output.may_replace, output.archives, output.successions, output.follows
                ),
                additions=[Addition(rows.contract, rows.frame) for rows in output.additions],
            )
        for rows in output.additions:
            context.log_event(dg.AssetMaterialization(rows.contract.name, metadata=rows.metadata))
        METER.tell(f"wrote {contract.name}: {sum(totals.rows.values()):,} rows")
        _report(context, totals, days)

    def load_input(self, context: dg.InputContext) -> Any:
        """Loads an upstream table, or the part of it that the input's metadata selects."""
        with METER.measure():
            contract = CONTRACTS[context.asset_key.path[-1]]
            metadata = context.definition_metadata or {}
            count_by = tuple(metadata.get("count_by", ()))
            partitioned = context.has_asset_partitions and not count_by
            selection = Selection(
                columns=tuple(metadata["columns"]) if "columns" in metadata else None,
                days=list(context.asset_partition_keys) if partitioned else None,
                day_column=metadata.get("day_column", contract.partition_column),
                count_by=count_by,
            )
            if context.dagster_type.typing_type is Days:
                return Days(self.store, contract, selection)
            found = self.store.read(contract, selection)
            if context.dagster_type.typing_type is pa.Table:
                return found
            return contract.frame(found)


class _Totals(Sequence[Partition]):
    """Counts what passes through, so that partitions can be noted once the rows are in."""

    def __init__(
        self,
        contract: TableContract,
        output: Frames,
        days: list[str] | None,
        run_id: str,
        store: Store,
    ) -> None:
        self._contract = contract
        self._output = output
        self._days = days
        self.span = output.span or (Span(days[0], days[-1]) if days else None)
        """The days that are replaced: those written, and all later ones with the last of all."""
        self._run_id = run_id
        self._followed = [store.partitions(table) for table in output.follows]
        self.rows: dict[str, int] = {}
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
        column = self._contract.partition_column
        if column is None or self._days is None:
            self.rows[""] = self.rows.get("", 0) + len(frame)
            return
        for day, size in frame[column].value_counts().items():
            self.rows[str(day)] = self.rows.get(str(day), 0) + int(size)
        if "cost_usd" in frame.columns:
            for day, cost in frame.groupby(column, sort=False)["cost_usd"].sum().items():
                self.cost[str(day)] = self.cost.get(str(day), 0.0) + float(cost)

    def _input_version(self, day: str) -> str:
        """The version of what the day was made from, or that it was made from a mixture."""
        expected = self._output.input_versions
        if not self._followed:
            return expected.get(day, "")
        versions = {noted.get(day, ("", ""))[0] for noted in self._followed}
        reached = all(
            noted.get(other, ("", ""))[0] == expected.get(other, "")
            for other in self._output.reaches.get(day, ())
            for noted in self._followed
        )
        return versions.pop() if len(versions) == 1 and reached else MIXED_VERSION

    def _noted(self) -> list[Partition]:
        return [
            Partition(
                partition_date=day,
                row_count=self.rows.get(day, 0),
                input_version=self._input_version(day),
                rates_version=self._output.rates_versions.get(day, ""),
                run_id=self._run_id,
            )
            for day in self._written()
        ]

    def _written(self) -> list[str]:
        """The partitions written: of days after the last one, those that hold or held something."""
        if self._days is None or self.span is None:
            return [""]
        later = self.span.beyond({*self.rows, *self._output.input_versions}, self._days[-1])
        return [*self._days, *later]

    def __getitem__(self, index: Any) -> Any:
        return self._noted()[index]

    def __len__(self) -> int:
        return len(self._written())

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._noted())


def _frame(contract: TableContract, obj: Any) -> pd.DataFrame:
    if isinstance(obj, pd.DataFrame):
        return obj
    if isinstance(obj, pa.Table):
        return contract.frame(obj)
    raise ContractError(f"{contract.name}: expected a table, got {type(obj).__name__}")


def _require_contiguous(context: dg.OutputContext, days: list[str] | None) -> None:
    if days is None or len(days) < 2:  # noqa: PLR2004 - one day is contiguous
        return
    ordinals = [date.fromisoformat(day).toordinal() for day in days]
    if ordinals != list(range(ordinals[0], ordinals[0] + len(days))):
        raise ContractError(f"{context.asset_key.path[-1]}: the days written are not contiguous")


def _first_day(context: dg.OutputContext) -> str | None:
    return context.asset_partitions_def.get_first_partition_key()


def _report(context: dg.OutputContext, totals: _Totals, days: list[str] | None) -> None:
    """Puts row counts and costs on the events: of the table, and of each day on its own."""
    if days is None:
        context.add_output_metadata({"dagster/row_count": sum(totals.rows.values())})
        return
    for day in days:
        metadata: dict[str, Any] = {"dagster/partition_row_count": totals.rows.get(day, 0)}
        if totals.cost:
            metadata["cost_usd"] = totals.cost.get(day, 0.0)
        context.step_context.add_asset_metadata(
            metadata, asset_key=context.asset_key, partition_key=day
        )
