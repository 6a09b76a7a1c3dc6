"""What all assets share: keyword arguments from contracts, and the days of a step."""

from __future__ import annotations

from typing import Any

import dagster as dg

from resources.observation_reader import DayWindow
from schemas import CONTRACTS, TableContract

OWNERS = ["team:agentsview-assets"]
IO_MANAGER_KEY = "warehouse"
ARCHIVE_KEY = "archive_source"
CODE_VERSION = "1"


def asset_arguments(
    name: str, partitions: dg.DailyPartitionsDefinition | None = None
) -> dict[str, Any]:
    """The `@dg.asset` arguments that a table's contract determines."""
    contract = CONTRACTS[name]
    return {
        "name": name,
        "group_name": contract.group,
        "description": contract.description,
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run() if partitions else None,
        "io_manager_key": IO_MANAGER_KEY,
        "kinds": {"python", "duckdb"},
        "owners": OWNERS,
        "code_version": CODE_VERSION,
        "metadata": {
            "dagster/column_schema": column_schema(contract),
            "dagster/table_name": name,
            "key": ", ".join(contract.key),
        },
    }


def column_schema(contract: TableContract) -> dg.TableSchema:
    """A contract's columns as the Dagster UI shows them: type, meaning, unit and rules."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.kind,
            description=f"{column.description} [{column.unit}]" if column.unit else column.description,
            constraints=dg.TableColumnConstraints(
                nullable=column.nullable, unique=contract.key == (column.name,)
            ),
        )
        for column in contract.columns
    ]
    return dg.TableSchema(columns=columns)


def days_of(context: dg.AssetExecutionContext) -> list[str]:
    """The days of this step; a range run has many."""
    return list(context.partition_keys)


def window(partitions: dg.DailyPartitionsDefinition) -> DayWindow:
    """The window's first and last day at this moment."""
    first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    return DayWindow(str(first), str(last))
