"""Archives as Dagster resource of which only the prices are read, to price anew what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.resources.archives.asked import Options
from agentsview_assets.resources.archives.observing_all import Seen
from agentsview_assets.resources.archives.prices import read_all_prices, require_known
from agentsview_assets.resources.archives.resource import ArchiveResource
from agentsview_assets.resources.archives.sources import FileSource
from agentsview_assets.resources.warehouses.placing import Placing, require_no_newer
from agentsview_assets.rules.staleness import PRICES, ExpectedRow

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.rules.windows import DayWindow, Span


class PricesOfArchives(ArchiveResource):
    """Archives of which only the prices are read; all else is as it was last observed."""

    def refresh(
        self,
        store: Store,
        window: DayWindow,
        options: Options | None = None,
        *,
        is_new_placing: bool = False,
    ) -> Seen:
        """Reads the prices now, and writes to the ledger which ones they are."""
        recorded = store.rules()
        require_no_newer(recorded)
        Placing(window.first).require_same(recorded)
        found = read_all_prices(parse_archives(self.archive.splitlines()))
        try:
            require_known(store, found)
            for prices in found:
                self.scratch.replace("model_pricing", prices.archive_id, prices.rows)
                version = self.scratch.version(("model_pricing",), prices.archive_id)
                store.record_expected(
                    prices.archive_id, [ExpectedRow(prices.archive_id, PRICES, "", version)]
                )
        except BaseException:
            self.close()
            raise
        origins = {prices.archive_id: FileSource(prices.file) for prices in found}
        self._seen = Seen(origins, frozenset(origins))
        self._landed.looked |= origins.keys()
        return self._seen

    def _land(
        self, archives: Sequence[str], store: Store, window: DayWindow, span: Span | None
    ) -> None:
        """Nothing but the prices is needed, and they are there."""
