"""What all assets share: keyword arguments from contracts, and the days of a step."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import dagster as dg

from agentsview_assets.assets.naming import Names
from agentsview_assets.assets.shown import show_lineage
from agentsview_assets.queues import ANY_WORKER, QUEUE_TAG
from agentsview_assets.resources.archives.asked import Options
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.shown_text import unlinked_lines
from agentsview_assets.rules.versions import rules
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.schemas import CONTRACTS, Column, TableContract

# Single-run backfills are what ranges of days need; the warning about their status is known.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

OWNERS = ["team:agentsview-assets"]
Reads = Mapping[str, Mapping[str, Any]]
IO_MANAGER_KEY = "warehouse"
ARCHIVE_KEY = "archive_source"
LEDGER = "archive_sessions"
"""The table of every session that was seen: whoever looks at the archives writes it."""
POOL = "warehouse"
"""Pool of everything that writes: an instance may let one run at a time have it."""
ARCHIVES_TAG = "agentsview_assets/archives"
"""Tag of a run that names the archives whose slices it makes; without it, a run makes all."""
VERIFY_TAG = "agentsview_assets/verify"
"""Tag of a run that compares all contents of the archives: `true`, as the daily schedule has it."""
COMMAND_TAG = "agentsview_assets/command"
"""Tag of a run that a command of ours makes in its own process: it has no place of its own."""
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
"""Tags of a run over a range of days: the first and the last of them."""
DOCS = "docs"
"""Folder of the documentation, as the links in the UI name it."""


def table_asset(  # noqa: PLR0913 - what Dagster is told of an asset
    names: Names,
    name: str,
    partitions: dg.DailyPartitionsDefinition | None = None,
    *,
    deps: Iterable[str | dg.AssetDep] = (),
    reads: Reads = MappingProxyType({}),
    resources: Iterable[str] = (IO_MANAGER_KEY,),
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorates the function that makes a contracted table.

    Args:
        names: What the instance calls its parts.
        name: Table and asset; its contract gives group, description and column schema.
        partitions: The days, for a day-partitioned table.
        deps: Tables that it follows from and does not read as an input.
        reads: What is read of an input, by its name, as the IO manager takes it. The inputs are
            the parameters of the function, each the name of a table.
        resources: What it works with.
    """

    def made(compute: Callable[..., Any]) -> dg.AssetsDefinition:
        @functools.wraps(compute)
        def shown(*args: Any, **inputs: Any) -> Any:
            context = dg.AssetExecutionContext.get()
            with in_words(context):
                output = compute(*args, **inputs)
            show_lineage(context, names, name)
            return output

        contract = CONTRACTS[name]
        _, *inputs = inspect.signature(compute).parameters
        decorator = dg.asset(
            key=names.key(name),
            ins={i: dg.AssetIn(key=names.key(i), metadata=reads.get(i)) for i in inputs},
            deps=[names.key(dep) if isinstance(dep, str) else dep for dep in deps],
            group_name=names.of(contract.group),
            description=contract.description,
            partitions_def=partitions,
            backfill_policy=backfill_policy(partitions),
            required_resource_keys={*map(names.of, resources)},
            io_manager_key=names.of(IO_MANAGER_KEY),
            kinds={"python"},
            owners=OWNERS,
            code_version=rules().digests[name],
            pool=names.of(POOL),
            metadata=table_metadata(contract),
            config_schema=NOTHING_TO_CONFIGURE,
        )
        return decorator(shown)

    return made


def backfill_policy(partitions: dg.DailyPartitionsDefinition | None) -> dg.BackfillPolicy | None:
    """How a backfill is cut into runs: a range of days is one; without days there is one anyway."""
    return dg.BackfillPolicy.single_run() if partitions else None


@contextlib.contextmanager
def in_words(context: dg.AssetExecutionContext) -> Iterator[None]:
    """What a step does is told in its run's log, and why it fails in the user's words.

    Raises:
        dg.Failure: The block raised what the user can mend.
    """
    with (
        failures_in_words((context.instance, context.run.run_id)),
        METER.telling(lambda told: context.log.info(unlinked_lines(told))),
    ):
        yield


def table_spec(
    names: Names,
    name: str,
    deps: Iterable[str],
    partitions: dg.DailyPartitionsDefinition | None = None,
) -> dg.AssetSpec:
    """A table as the graph shows it; whether anything makes it is said elsewhere."""
    contract = CONTRACTS[name]
    return dg.AssetSpec(
        names.key(name),
        deps=[*map(names.key, deps)],
        group_name=names.of(contract.group),
        description=contract.description,
        owners=OWNERS,
        kinds={"python"},
        metadata=table_metadata(contract),
        partitions_def=partitions,
    )


def table_metadata(contract: TableContract) -> dict[str, Any]:
    """What the UI shows of a table whether or not it was ever made."""
    return {
        "dagster/column_schema": column_schema(contract),
        "dagster/table_name": contract.name,
        "key": ", ".join(contract.key),
        # By this, IO managers of others find the rows of a day.
        **({"partition_expr": contract.partition_column} if contract.partition_column else {}),
        "docs": dg.MetadataValue.path(f"{DOCS}/tables.md#{contract.name}"),
    }


def column_schema(contract: TableContract) -> dg.TableSchema:
    """A contract's columns as the Dagster UI shows them: type, meaning, unit and rules."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.kind,
            description=_described(column),
            constraints=dg.TableColumnConstraints(
                nullable=column.nullable, unique=contract.key == (column.name,)
            ),
        )
        for column in contract.columns
    ]
    return dg.TableSchema(columns=columns)


def _described(column: Column) -> str:
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def days_of(context: dg.AssetExecutionContext) -> list[str]:
    """The days of this step; a range run has many."""
    return list(context.partition_keys)


def named_archives(context: dg.AssetExecutionContext) -> tuple[str, ...] | None:
    """The archives that a run is about; None for all."""
    named = context.run.tags.get(ARCHIVES_TAG)
    return None if named is None else tuple(name for name in named.split(",") if name)


def how_to_look(tags: Mapping[str, str]) -> Options:
    """How a run looks at the archives, by its tags: how closely, and at those of which queue."""
    return Options(
        is_verified=tags.get(VERIFY_TAG) == "true", queue=tags.get(QUEUE_TAG, ANY_WORKER)
    )


def archives_tag(archives: Iterable[str]) -> dict[str, str]:
    """The tag of a run that is about some archives."""
    return {ARCHIVES_TAG: ",".join(sorted(archives))}


def window(partitions: dg.DailyPartitionsDefinition) -> DayWindow:
    """The window's first and last day at this moment."""
    first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    return DayWindow(str(first), str(last))
