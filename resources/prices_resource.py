"""Archives as Dagster resource of which only the prices are read, to price anew what is there."""

from __future__ import annotations

from pathlib import Path

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.resources.archive_resource import ArchiveResource
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.observing import Observed, Progress
from agentsview_assets.resources.price_observation import read_all_prices, require_known


class PricesOfArchives(ArchiveResource):
    """Archives of which only the prices are read; all else is as it was last observed."""

    def refresh(self, progress: Progress | None = None, *, force: bool = False) -> Observed:
        """Reads the prices now."""
        prices = read_all_prices(parse_archives(self.archive.splitlines()))
        if self._store is None:
            self._store = self._stack.enter_context(ObservationStore(Path(self.store_path)))
        try:
            require_known(self._store, prices)
            for found in prices:
                with self._store.transaction():
                    self._store.replace("model_pricing", found.archive_id, found.rows)
        except BaseException:
            self.close()
            raise
        return Observed(", ".join(found.archive_id for found in prices), 0, is_unchanged=False)
