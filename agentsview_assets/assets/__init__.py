"""The asset graph, group by group, in the order of its lineage."""

from __future__ import annotations

import dagster as dg

from agentsview_assets.assets.archive import archive_asset
from agentsview_assets.assets.histories import history_specs
from agentsview_assets.assets.identities import identity_assets
from agentsview_assets.assets.ledger import ledger_asset
from agentsview_assets.assets.naming import Names
from agentsview_assets.assets.observations import observation_assets
from agentsview_assets.assets.pricing import pricing_assets
from agentsview_assets.assets.reports import report_assets
from agentsview_assets.assets.settlement import settlement_assets


def all_assets(
    partitions: dg.DailyPartitionsDefinition, names: Names
) -> list[dg.AssetsDefinition | dg.SourceAsset | dg.AssetSpec]:
    """Every asset of the graph over the given days, by the names of an instance."""
    return [
        archive_asset(names, partitions),
        ledger_asset(names, partitions),
        *observation_assets(names, partitions),
        *settlement_assets(names),
        *identity_assets(names),
        *pricing_assets(names),
        *report_assets(names, partitions),
        *history_specs(names),
    ]
