"""Archives as Dagster resource of which only the prices are read, to price anew what is there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from agentsview_assets.archive_urls import parse_archives
from resources.archive_resource import ArchiveResource
from resources.observations import ObservationStore
from resources.observing import Observed, Progress
from resources.price_observation import Prices, read_all_prices, require_known
from schemas import CONTRACTS


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
                _keep(self._store, found)
        except BaseException:
            self.close()
            raise
        return Observed(", ".join(found.archive_id for found in prices), 0, is_unchanged=False)


def _keep(store: ObservationStore, prices: Prices) -> None:
    """Replaces the prices that the store holds of an archive, as observing it all would."""
    names = CONTRACTS["model_pricing"].column_names
    columns = dict(zip(names, zip(*prices.rows, strict=True), strict=True))
    table = pa.table({name: pa.array(list(values)) for name, values in columns.items()})
    database = store.connection
    with store.transaction():
        database.execute("DELETE FROM model_pricing WHERE archive_id = ?", [prices.archive_id])
        database.register("incoming", table)
        database.execute("INSERT INTO model_pricing BY NAME SELECT * FROM incoming")
        database.unregister("incoming")
