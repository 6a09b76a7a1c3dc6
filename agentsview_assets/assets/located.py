"""Where the tables of assets lie: storage, full name and address, as the UI shows them.

What belongs here: what the deployment's warehouses add to every asset. What does not: a table's
meaning, which its contract has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dagster as dg

from agentsview_assets.rules.shown_text import visible
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.warehouse_urls import WarehouseUrl

Asset = dg.AssetsDefinition | dg.SourceAsset | dg.AssetSpec
_MOST_KINDS = 3
"""As many kinds as Dagster shows of an asset."""


def located(assets: Iterable[Asset], warehouses: Sequence[WarehouseUrl]) -> list[Asset]:
    """Assets that say in which warehouse they are; of several, the first one is the address."""
    return [
        asset
        if isinstance(asset, dg.SourceAsset)
        else next(iter(dg.map_asset_specs(lambda spec: _located(spec, warehouses), [asset])))
        for asset in assets
    ]


def _located(spec: dg.AssetSpec, warehouses: Sequence[WarehouseUrl]) -> dg.AssetSpec:
    name = spec.key.path[-1]
    if name not in CONTRACTS:
        return spec
    first = warehouses[0]
    storages = list(dict.fromkeys(warehouse.kind for warehouse in warehouses))
    kinds = [*storages, *sorted(spec.kinds)][:_MOST_KINDS]
    return spec.replace_attributes(kinds=set(kinds)).merge_attributes(
        metadata={
            "dagster/table_name": f"{first.place}.{name}",
            "dagster/storage_kind": first.kind,
            "dagster/uri": visible(first.shown),
            # IO managers of others look in `public` otherwise.
            **({"schema": schema} if (schema := _schema(first)) else {}),
        }
    )


def _schema(warehouse: WarehouseUrl) -> str:
    """The schema that holds the tables; '' where there is no such thing."""
    return "main" if warehouse.kind == "duckdb" else warehouse.schema
