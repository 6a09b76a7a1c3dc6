"""Settlement: which of several rows with one key counts, over all time.

What belongs here: the asset that decides, and the tables that it keeps. What does not: how a
verdict is come to (`rules.duplicates`) and its steps (`warehouses.deduplicating`).
"""

import dagster as dg

from agentsview_assets.assets.common import LEDGER, table_asset, table_spec
from agentsview_assets.assets.looking import store_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.work import METER


def settlement_assets(names: Names) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Duplicates, and the table that is kept beside them."""
    return [_duplicates(names), table_spec(names, "session_copies", [LEDGER])]


def _duplicates(names: Names) -> dg.AssetsDefinition:
    # A leaf: reports decide for themselves what is pending (see `assets.reports`).
    @table_asset(names, "duplicates", deps=["usage_rows", "session_copies"])
    def duplicates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with METER.measure():
            found = store_of(context).deduplicate()
        METER.report(f"wrote duplicates: {found.duplicates:,} rows")
        numbers = {"dagster/row_count": found.copies}
        context.log_event(dg.AssetMaterialization(names.key("session_copies"), metadata=numbers))
        return dg.MaterializeResult(
            metadata={"dagster/row_count": found.duplicates, "keys_decided": found.keys}
        )

    return duplicates
