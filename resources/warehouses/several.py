"""Several warehouses that are written alike, as one store."""

# ruff: noqa: PLC0415 - data frames are loaded where they are needed

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses.deduplicating import Deduplicated
from agentsview_assets.resources.warehouses.known import LeftOut
from agentsview_assets.resources.warehouses.ledger import Entry, Finding
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.resources.warehouses.row_store import replace_in_all
from agentsview_assets.resources.warehouses.run_records import Answer, Reading
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.resources.warehouses.store import (
    Addition,
    Archive,
    Partition,
    Selection,
    Slices,
    Succession,
)
from agentsview_assets.resources.warehouses.succession import Leaving
from agentsview_assets.rules.disk_evidence import DiskAnswer
from agentsview_assets.rules.reasons import Record
from agentsview_assets.rules.staleness import ExpectedRow, Slice, Versions
from agentsview_assets.schemas import CONTRACTS, HISTORIES, TableContract

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DIFFERENT = ("different", "different")
"""The noted versions of a partition that is not the same in all warehouses: never up to date."""


class _Alike:
    """Several warehouses."""

    def __init__(self, stores: Sequence[SqlStore]) -> None:
        self._stores = stores

    @property
    def stores(self) -> Sequence[SqlStore]:
        """Each of them."""
        return self._stores


class _WrittenAlike(_Alike):
    """What is done, is done to each."""

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        slices: Slices,
        partitions: Sequence[Partition],
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole slices everywhere; see `warehouses.sql_store.replace_in_all`."""
        replace_in_all(self._stores, contract, frames, slices, partitions, additions)

    def record_finding(self, finding: Finding) -> None:
        """Writes to every ledger."""
        for store in self._stores:
            store.record_finding(finding)

    def record_expected(self, archive_id: str, rows: Sequence[ExpectedRow]) -> None:
        """Replaces what is expected of an archive everywhere."""
        for store in self._stores:
            store.record_expected(archive_id, rows)

    def remove_archive(self, archive_id: str) -> None:
        """Removes an archive everywhere."""
        for store in self._stores:
            store.remove_archive(archive_id)

    def pass_on(self, leaving: Leaving) -> None:
        """Passes rows on to an archive's successor everywhere."""
        for store in self._stores:
            store.pass_on(leaving)

    def pass_on_all(self, old: str, new: str) -> None:
        """Passes all rows on to an archive's successor everywhere."""
        for store in self._stores:
            store.pass_on_all(old, new)

    def record_succession(self, found: Succession) -> None:
        """Records a succession everywhere."""
        for store in self._stores:
            store.record_succession(found)

    def deduplicate(self) -> Deduplicated:
        """Settles all warehouses."""
        decided = [store.deduplicate() for store in self._stores]
        return decided[0]

    def record_readings(self, readings: Sequence[Reading]) -> None:
        """Records what came of reading archives everywhere."""
        for store in self._stores:
            store.record_readings(readings)

    def record_answers(self, answers: Sequence[Answer], checked: Sequence[tuple[str, str]]) -> None:
        """Notes what blocking checks found everywhere: all hold the same."""
        for store in self._stores:
            store.record_answers(answers, checked)

    def record_rules(self, rules: Mapping[str, str | None]) -> None:
        """Notes rules everywhere."""
        for store in self._stores:
            store.record_rules(rules)


class _ReadFromTheFirst(_Alike):
    """What all hold alike is asked of the first."""

    @property
    def _first(self) -> SqlStore:
        return self._stores[0]

    def left_out(self, archives: Collection[str] | None = None) -> list[LeftOut]:
        """The rows of archives that cannot be read."""
        return self._first.left_out(archives)

    def read_archives(self) -> dict[str, str]:
        """What the first warehouse has recorded."""
        return self._first.read_archives()

    def successions(self) -> list[Succession]:
        """What the first warehouse has recorded."""
        return self._first.successions()

    def shared_sessions(self, new: str, old: str) -> list[str]:
        """The sessions of an archive that its successor holds too."""
        return self._first.shared_sessions(new, old)

    def said_by_disk(self, archive_id: str) -> list[DiskAnswer]:
        """What the first warehouse has recorded."""
        return self._first.said_by_disk(archive_id)

    def price_rows(self, archives: Collection[str]) -> list[tuple[object, ...]]:
        """What the first warehouse holds."""
        return self._first.price_rows(archives)

    def expected(self, archives: Collection[str] | None = None) -> list[ExpectedRow]:
        """What is expected of archives, as the first warehouse has it."""
        return self._first.expected(archives)

    def reading(self) -> contextlib.AbstractContextManager[Reader]:
        """What the first warehouse holds."""
        return self._first.reading()

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows of the first warehouse."""
        return self._first.read(contract, selection)

    def records(self, asset: str) -> Mapping[Slice, Record]:
        """What the first warehouse has recorded."""
        return self._first.records(asset)

    def expected_since(self) -> Mapping[Slice, str]:
        """What the first warehouse has recorded."""
        return self._first.expected_since()

    def row_counts(self, asset: str, archives: Collection[str] | None = None) -> dict[str, int]:
        """The rows recorded of every day in the first warehouse."""
        return self._first.row_counts(asset, archives)


class SeveralStores(_WrittenAlike, _ReadFromTheFirst):
    """Several warehouses as one: written alike, read from the first."""

    def __init__(self, stores: Sequence[SqlStore]) -> None:
        super().__init__(stores)
        for name in HISTORIES:
            self._complete(CONTRACTS[name])

    def _complete(self, history: TableContract) -> None:
        """Gives every warehouse all of a history: it only grows, and is made from nothing else.

        A partition that one of them lacks is made again; what happened is not.
        """
        counts = "count(*), count(DISTINCT run_id), min(run_id), max(run_id)"
        said = {
            tuple(store.ask(f"SELECT {counts} FROM {history.name}")[0]) for store in self._stores
        }
        if len(said) == 1:
            return
        import pandas as pd

        found = pd.concat(
            [history.frame(store.read(history, Selection())) for store in self._stores],
            ignore_index=True,
        )
        if "valid_to" in found.columns:
            # A rate that ended is still in force for a warehouse that missed the end of it.
            found = found.sort_values("valid_to", na_position="last", kind="stable")
        whole = found.drop_duplicates(list(history.key), ignore_index=True)
        for store in self._stores:
            with store.transaction():
                store.execute(f"DELETE FROM {history.name}")
                store.insert(history, whole)

    def ledger(self, archive_id: str) -> list[Entry]:
        """The ledger of an archive; where the warehouses differ, it is as if there were none."""
        found = [store.ledger(archive_id) for store in self._stores]
        is_same = all(set(entries) == set(found[0]) for entries in found[1:])
        return found[0] if is_same else []

    def archives(self) -> list[Archive]:
        """The archives that all warehouses know alike; others are as if they were new."""
        found = [store.archives() for store in self._stores]
        return [known for known in found[0] if all(known in others for others in found[1:])]

    def is_deduplicated(self) -> bool:
        """Whether nothing is pending in any of them."""
        return all(store.is_deduplicated() for store in self._stores)

    def rules(self) -> dict[str, str]:
        """The rules of all warehouses; where they differ, it is as if there were none."""
        found = [store.rules() for store in self._stores]
        return {name: v for name, v in found[0].items() if all(r.get(name) == v for r in found)} | {
            name: reason for rules in found for name, reason in rules.items() if name == "rewrite"
        }

    def outdated(self) -> dict[str, set[Slice]]:
        """The slices that other rules made, in any of the warehouses."""
        found: dict[str, set[Slice]] = {}
        for store in self._stores:
            for table, slices in store.outdated().items():
                found.setdefault(table, set()).update(slices)
        return found

    def partitions(self, asset: str) -> Mapping[Slice, Versions]:
        """The versions of every slice of a table; see `all_partitions`."""
        return self.all_partitions().get(asset, {})

    def all_partitions(self) -> dict[str, dict[Slice, Versions]]:
        """The versions of every slice; where warehouses differ, what is never up to date."""
        recorded = [store.all_partitions() for store in self._stores]
        found: dict[str, dict[Slice, Versions]] = {}
        for asset in {asset for by_asset in recorded for asset in by_asset}:
            by_store = [by_asset.get(asset, {}) for by_asset in recorded]
            for place in {place for slices in by_store for place in slices}:
                versions = {slices.get(place, ("", "")) for slices in by_store}
                agreed = versions.pop() if len(versions) == 1 else DIFFERENT
                found.setdefault(asset, {})[place] = agreed
        return found
