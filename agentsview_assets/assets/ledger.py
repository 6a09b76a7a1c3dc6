"""The ledger: every session that the last look at the archives found.

What belongs here: the asset that looks and makes nothing else. In a run that makes more of the
archives it goes first, so that archives that cannot be read are one failed step (docs/adr/0022).
"""

import dagster as dg

from agentsview_assets.assets.archive import ARCHIVE, KEPT, of_ledger
from agentsview_assets.assets.common import ARCHIVE_KEY, IO_MANAGER_KEY, LEDGER, table_asset, window
from agentsview_assets.assets.looking import source_of, store_of
from agentsview_assets.assets.naming import Names


def ledger_asset(names: Names, partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The ledger; whoever looks at the archives writes it, and says so."""

    @table_asset(names, LEDGER, deps=[ARCHIVE], resources=(ARCHIVE_KEY, IO_MANAGER_KEY))
    def archive_sessions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        days = window(partitions)
        source, _ = source_of(context, days)
        seen = source.observed(store_of(context), days)
        return dg.MaterializeResult(metadata=of_ledger(seen), data_version=dg.DataVersion(KEPT))

    return archive_sessions
