"""Settlement: which of several rows with one key counts, over all time.

What belongs here: the asset that decides, and the tables that it keeps. What does not: how a
verdict is come to (`rules.duplicates`) and its steps (`warehouses.deduplicating`).
"""

import dagster as dg

from agentsview_assets.assets.common import (
    IO_MANAGER_KEY,
    OWNERS,
    POOL,
    table_metadata,
)
from agentsview_assets.assets.looking import store_of
from agentsview_assets.resources.failures import failures_in_words
from agentsview_assets.resources.fixed import NOTHING_TO_CONFIGURE
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.versions import rules
from agentsview_assets.schemas import CONTRACTS

_KEPT = {"archive_sessions": ["archive"], "session_copies": ["archive_sessions"]}
"""Tables that are kept beside, with what they follow from."""


def settlement_assets() -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Duplicates, and what they are decided with."""
    return [_duplicates(), *(_spec(name, deps) for name, deps in _KEPT.items())]


def _duplicates() -> dg.AssetsDefinition:
    contract = CONTRACTS["duplicates"]

    @dg.asset(
        name=contract.name,
        group_name=contract.group,
        description=contract.description,
        deps=["usage_rows", "session_copies"],
        io_manager_key=IO_MANAGER_KEY,
        required_resource_keys={IO_MANAGER_KEY},
        kinds={"python"},
        owners=OWNERS,
        code_version=rules().digests[contract.name],
        pool=POOL,
        metadata=table_metadata(contract),
        config_schema=NOTHING_TO_CONFIGURE,
    )
    def duplicates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with failures_in_words(), METER.measure():
            found = store_of(context).deduplicate()
        METER.report(f"wrote {contract.name}: {found.duplicates:,} rows")
        numbers = {"dagster/row_count": found.copies}
        context.log_event(dg.AssetMaterialization("session_copies", metadata=numbers))
        return dg.MaterializeResult(
            metadata={"dagster/row_count": found.duplicates, "keys_decided": found.keys}
        )

    return duplicates


def _spec(name: str, deps: list[str]) -> dg.AssetSpec:
    contract = CONTRACTS[name]
    return dg.AssetSpec(
        name,
        deps=deps,
        group_name=contract.group,
        description=contract.description,
        owners=OWNERS,
        kinds={"python"},
        metadata=table_metadata(contract),
    )
