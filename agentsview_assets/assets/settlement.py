"""Settlement: which of several rows with one key counts, over all time.

What belongs here: the asset that decides, and the tables that it keeps. What does not: how a
verdict is come to (`rules.duplicates`) and its steps (`warehouses.deduplicating`).
"""

import dagster as dg

from agentsview_assets.assets.common import IO_MANAGER_KEY, OWNERS, table_asset, table_metadata
from agentsview_assets.assets.looking import store_of
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS

_KEPT = {"archive_sessions": ["archive"], "session_copies": ["archive_sessions"]}
"""Tables that are kept beside, with what they follow from."""


def settlement_assets() -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Duplicates, and what they are decided with."""
    return [_duplicates(), *(_spec(name, deps) for name, deps in _KEPT.items())]


def _duplicates() -> dg.AssetsDefinition:
    # A leaf: reports decide for themselves what is pending (see `assets.reports`).
    @table_asset(
        "duplicates", deps=["usage_rows", "session_copies"], required_resource_keys={IO_MANAGER_KEY}
    )
    def duplicates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with METER.measure():
            found = store_of(context).deduplicate()
        METER.report(f"wrote duplicates: {found.duplicates:,} rows")
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
