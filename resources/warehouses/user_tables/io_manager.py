"""An IO manager for assets of others: their tables, under their contracts, in our warehouse.

What belongs here: what Dagster hands over and gets back. What does not: SQL (`rows`), and what a
contract may say (`schemas.user_table`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.resources.warehouses.fencing import require_alive
from agentsview_assets.resources.warehouses.frame_kinds import as_annotated, as_rows
from agentsview_assets.resources.warehouses.opening import each, open_store
from agentsview_assets.resources.warehouses.partition_days import days_of, require_contiguous
from agentsview_assets.resources.warehouses.user_tables import rows as user_rows
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas.user_table import UserContract, UserTable, user_table

DAY_COLUMN = "partition_expr"
"""Metadata of an asset with days: the column that holds them. Dagster's IO managers call it so."""


class UserTablesIOManager(dg.IOManagerDefinition):
    """Stores what assets of others return as tables of the warehouse, under pandera contracts.

    An asset returns a pandas frame, an Arrow table, a polars frame or a DuckDB relation; who reads
    it gets what its input is annotated with. The table has the asset's name (the last part of its
    key). An asset with daily partitions names the column of its days as `partition_expr` in its
    metadata.
    """

    def __init__(self, url: str, contracts: Mapping[str, UserContract]) -> None:
        """Takes the warehouse's URL, or several separated by spaces, and a contract for each table.

        Raises:
            ConfigError: A name is one of our tables, or a contract cannot be kept.
        """
        for name, contract in contracts.items():
            user_table(name, contract)
        super().__init__(
            lambda _context: _UserTables(url, dict(contracts)),
            config_schema=NOTHING_TO_CONFIGURE,
            input_config_schema=NOTHING_TO_CONFIGURE,
            description="tables of others in the warehouse that the deployment names",
        )


class _UserTables(dg.IOManager):
    """The same for one run; the warehouse is open only while rows are written or read."""

    def __init__(self, url: str, contracts: Mapping[str, UserContract]) -> None:
        self._url = url
        self._contracts = contracts

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Checks the rows against the contract and replaces the table or its days."""
        with failures_in_words(), METER.measure():
            days = days_of(context)
            require_contiguous(context, days)
            table = self._table(context.asset_key, context.definition_metadata, days)
            rows = table.validated(_found(table, obj), days)
            instance, run_id = context.step_context.instance, context.run_id
            with open_store(self._url, in_run=True) as store:
                user_rows.replace(
                    each(store), table, rows, days, lambda: require_alive(instance, run_id)
                )
        METER.report(f"wrote {table.contract.name}: {rows.num_rows:,} rows")
        _report(context, table, rows, days)

    def load_input(self, context: dg.InputContext) -> Any:
        """Reads the rows, of the days that the input asks for, as its annotation says."""
        with failures_in_words(), METER.measure():
            upstream = context.upstream_output
            metadata = upstream.definition_metadata if upstream is not None else {}
            days = list(context.asset_partition_keys) if context.has_asset_partitions else None
            table = self._table(context.asset_key, metadata or {}, days)
            with open_store(self._url, in_run=True) as store:
                found = user_rows.read(store, table, days)
            return as_annotated(context.dagster_type.typing_type, found, table.frame)

    def _table(
        self, key: dg.AssetKey, metadata: Mapping[str, Any], days: list[str] | None
    ) -> UserTable:
        name = key.path[-1]
        if name not in self._contracts:
            raise ContractError(
                f"asset {key.to_user_string()}: no contract is named for the table {name}; add it "
                "to the contracts of its IO manager"
            )
        day = metadata.get(DAY_COLUMN)
        if days is not None and not isinstance(day, str):
            raise ContractError(
                f"asset {key.to_user_string()}: it has days; name the column that holds them in "
                f"its metadata, {{'{DAY_COLUMN}': 'day'}}"
            )
        return user_table(name, self._contracts[name], day if days is not None else None)


def _found(table: UserTable, obj: Any) -> pd.DataFrame | pa.Table:
    rows = as_rows(obj)
    if rows is None:
        raise ContractError(
            f"{table.contract.name}: expected a frame (pandas, Arrow, polars or a DuckDB "
            f"relation), got {type(obj).__name__}; nothing was written"
        )
    return rows


def _report(
    context: dg.OutputContext, table: UserTable, rows: pa.Table, days: list[str] | None
) -> None:
    """Puts row counts and columns on the events: of the table, and of each day on its own."""
    columns = [
        dg.TableColumn(
            column.name,
            column.kind,
            column.description or None,
            dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in table.contract.columns
    ]
    context.add_output_metadata({"dagster/column_schema": dg.TableSchema(columns)})
    day = table.contract.partition_column
    if days is None or day is None:
        context.add_output_metadata({"dagster/row_count": rows.num_rows})
        return
    counts = Counter(map(str, rows.column(day).to_pylist()))
    for key in days:
        context.step_context.add_asset_metadata(
            {"dagster/partition_row_count": counts[key]},
            asset_key=context.asset_key,
            partition_key=key,
        )
