"""What a warehouse has recorded of archives and slices, as its stores read it.

What belongs here: questions, over a store's own `ask`. What does not: writing.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from agentsview_assets.resources.warehouses.expected import expected_rows, of_archives
from agentsview_assets.resources.warehouses.known import (
    LeftOut,
    known_archives,
    left_out,
    outdated,
    successions,
)
from agentsview_assets.resources.warehouses.reader import (
    EXPECTED_TABLE,
    PARTITIONS_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.rules.disk_evidence import CHECKOUT, PATH, DiskAnswer
from agentsview_assets.rules.rates import PRICE_ROWS
from agentsview_assets.rules.reasons import Record
from agentsview_assets.rules.staleness import DAILY, ExpectedRow, Slice, Versions

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.resources.warehouses.store import Archive, Succession


class Records(abc.ABC):
    """The records of a warehouse; a part of every store."""

    @abc.abstractmethod
    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query on what has been committed; from any thread."""

    def left_out(self, archives: Collection[str] | None = None) -> list[LeftOut]:
        """The rows of archives that cannot be read."""
        return left_out(self.ask, archives)

    def archives(self) -> list[Archive]:
        """The archives whose observations the warehouse holds."""
        return known_archives(self.ask)

    def read_archives(self) -> dict[str, str]:
        """The identity of each archive that could be read the last time, by its name."""
        sql = f"SELECT archive, archive_id FROM {READINGS_TABLE} WHERE reason = ''"
        return dict(self.ask(sql))

    def successions(self) -> list[Succession]:
        """Which archive was found in the place of which; see `warehouses.store.Store`."""
        return successions(self.ask)

    def said_by_disk(self, archive_id: str) -> list[DiskAnswer]:
        """What the disk said of an archive's paths; see `warehouses.store.Store.said_by_disk`."""
        found = self.ask(
            "SELECT evidence, root_path, worktree_root_path, git_remote FROM project_observations "
            "WHERE archive_id = ? AND evidence IN (?, ?)",
            [archive_id, PATH, CHECKOUT],
        )
        return [DiskAnswer(*row) for row in found]

    def price_rows(self, archives: Collection[str]) -> list[tuple[object, ...]]:
        """The price rows of archives; see `warehouses.store.Store.price_rows`."""
        where, parameters = of_archives(archives)
        return self.ask(f"{PRICE_ROWS}{where}", parameters)

    def expected(self, archives: Collection[str] | None = None) -> list[ExpectedRow]:
        """What is expected of archives; see `warehouses.store.Store.expected`."""
        return expected_rows(self.ask, archives)

    def rules(self) -> dict[str, str]:
        """By which rules the rows were made; see `warehouses.store.Store.rules`."""
        return dict(self.ask(f"SELECT name, value FROM {RULES_TABLE}"))

    def row_counts(self, asset: str, archives: Collection[str] | None = None) -> dict[str, int]:
        """The rows recorded of every day; see `warehouses.store.Store.row_counts`."""
        sql = (
            f"SELECT partition_date, archive_id, row_count FROM {PARTITIONS_TABLE} WHERE asset = ?"
        )
        found: dict[str, int] = {}
        for day, archive_id, count in self.ask(sql, [asset]):
            if archives is None or archive_id in archives:
                found[day] = found.get(day, 0) + int(count)
        return found

    def records(self, asset: str) -> dict[Slice, Record]:
        """What is recorded of every slice of a table; see `warehouses.store.Store.records`."""
        found = self.ask(
            "SELECT archive_id, partition_date, input_version, rates_version, rules_version, "
            f"CAST(written_at AS VARCHAR(19)) FROM {PARTITIONS_TABLE} WHERE asset = ?",
            [asset],
        )
        return {(archive, day): Record(*versions) for archive, day, *versions in found}

    def expected_since(self) -> dict[Slice, str]:
        """Since when days hold what they do; see `warehouses.store.Store.expected_since`."""
        found = self.ask(
            "SELECT archive_id, partition_date, CAST(expected_at AS VARCHAR(19)) "
            f"FROM {EXPECTED_TABLE} WHERE part = '{DAILY}'"
        )
        return {(archive, day): when for archive, day, when in found}

    def outdated(self) -> dict[str, set[Slice]]:
        """The slices that other rules made; see `warehouses.store.Store.outdated`."""
        return outdated(self.ask)

    def partitions(self, asset: str) -> dict[Slice, Versions]:
        """The versions of every slice written of a table."""
        return {place: (r.content, r.rates) for place, r in self.records(asset).items()}

    def all_partitions(self) -> dict[str, dict[Slice, Versions]]:
        """The versions of every slice written, by table."""
        found: dict[str, dict[Slice, Versions]] = {}
        for asset, archive_id, day, version, rates in self.ask(
            "SELECT asset, archive_id, partition_date, input_version, rates_version "
            f"FROM {PARTITIONS_TABLE}"
        ):
            found.setdefault(asset, {})[archive_id, day] = (version, rates)
        return found


class ReadRecords(Records):
    """The records of a warehouse that is only read."""

    def __init__(self, reader: Reader) -> None:
        """Takes the open snapshot."""
        self._reader = reader

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query; see `Records.ask`."""
        return self._reader.rows(sql, parameters)
