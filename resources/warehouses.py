"""Opening the write side of warehouses: one, or several that hold the same.

What belongs here: choosing and combining backends. What does not: how any of them works.
"""

# ruff: noqa: PLC0415 - of the backends only what is used is imported, of Dagster nothing to look

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import look
from agentsview_assets.resources.known import LeftOut
from agentsview_assets.resources.ledger import Entry, Finding
from agentsview_assets.resources.own_files import make_folder
from agentsview_assets.resources.run_notes import Answer, Reading
from agentsview_assets.resources.settling import Settled
from agentsview_assets.resources.sql_store import SqlStore, replace_in_all
from agentsview_assets.resources.store import (
    Addition,
    Archive,
    Partition,
    Selection,
    Slices,
    Store,
    Succession,
)
from agentsview_assets.resources.succession import Leaving
from agentsview_assets.resources.warehouse import Reader
from agentsview_assets.schemas import CONTRACTS, HISTORIES, TableContract
from agentsview_assets.transforms.reasons import Record
from agentsview_assets.transforms.staleness import ExpectedRow, Slice, Versions
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouses

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_DAGSTERS = {"custom_user_agent": "dagster"}
"""How the resource connects; connections of one process to a file have to agree."""
DIFFERENT = ("different", "different")
"""The noted versions of a partition that is not the same in all warehouses: never up to date."""


class SeveralStores:
    """Several warehouses as one: written alike, read from the first."""

    def __init__(self, stores: Sequence[SqlStore]) -> None:
        self._stores = stores
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

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        slices: Slices,
        partitions: Sequence[Partition],
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole slices everywhere; see `resources.sql_store.replace_in_all`."""
        replace_in_all(self._stores, contract, frames, slices, partitions, additions)

    def record_finding(self, finding: Finding) -> None:
        """Writes to every ledger."""
        for store in self._stores:
            store.record_finding(finding)

    def record_expected(self, archive_id: str, rows: Sequence[ExpectedRow]) -> None:
        """Replaces what is expected of an archive everywhere."""
        for store in self._stores:
            store.record_expected(archive_id, rows)

    def ledger(self, archive_id: str) -> list[Entry]:
        """The ledger of an archive; where the warehouses differ, it is as if there were none."""
        found = [store.ledger(archive_id) for store in self._stores]
        is_same = all(set(entries) == set(found[0]) for entries in found[1:])
        return found[0] if is_same else []

    def left_out(self, archives: Collection[str] | None = None) -> list[LeftOut]:
        """The rows of archives that cannot be read."""
        return self._first.left_out(archives)

    def archives(self) -> list[Archive]:
        """The archives that all warehouses know alike; others are as if they were new."""
        found = [store.archives() for store in self._stores]
        return [known for known in found[0] if all(known in others for others in found[1:])]

    def successions(self) -> list[Succession]:
        """What the first warehouse has recorded."""
        return self._first.successions()

    def remove_archive(self, archive_id: str) -> None:
        """Removes an archive everywhere."""
        for store in self._stores:
            store.remove_archive(archive_id)

    def shared_sessions(self, new: str, old: str) -> list[str]:
        """The sessions of an archive that its successor holds too."""
        return self._first.shared_sessions(new, old)

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

    def settle(self) -> Settled:
        """Settles all warehouses."""
        settled = [store.settle() for store in self._stores]
        return settled[0]

    def is_settled(self) -> bool:
        """Whether nothing is pending in any of them."""
        return all(store.is_settled() for store in self._stores)

    def expected(self, archives: Collection[str] | None = None) -> list[ExpectedRow]:
        """What is expected of archives, as the first warehouse has it."""
        return self._first.expected(archives)

    def record_readings(self, readings: Sequence[Reading]) -> None:
        """Records what came of reading archives everywhere."""
        for store in self._stores:
            store.record_readings(readings)

    def note_answers(self, answers: Sequence[Answer], settled: Sequence[tuple[str, str]]) -> None:
        """Notes what blocking checks found everywhere: all hold the same."""
        for store in self._stores:
            store.note_answers(answers, settled)

    def rules(self) -> dict[str, str]:
        """The rules of all warehouses; where they differ, it is as if there were none."""
        found = [store.rules() for store in self._stores]
        return {name: v for name, v in found[0].items() if all(r.get(name) == v for r in found)} | {
            name: reason for rules in found for name, reason in rules.items() if name == "rewrite"
        }

    def note_rules(self, rules: Mapping[str, str | None]) -> None:
        """Notes rules everywhere."""
        for store in self._stores:
            store.note_rules(rules)

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

    def outdated(self) -> dict[str, set[Slice]]:
        """The slices that other rules made, in any of the warehouses."""
        found: dict[str, set[Slice]] = {}
        for store in self._stores:
            for table, slices in store.outdated().items():
                found.setdefault(table, set()).update(slices)
        return found

    def row_counts(self, asset: str, archives: Collection[str] | None = None) -> dict[str, int]:
        """The rows recorded of every day in the first warehouse."""
        return self._first.row_counts(asset, archives)

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

    @property
    def stores(self) -> Sequence[SqlStore]:
        """Each of them."""
        return self._stores

    @property
    def _first(self) -> SqlStore:
        return self._stores[0]


@contextlib.contextmanager
def open_store(url: str, *, in_run: bool = False) -> Iterator[Store]:
    """Opens the write side of the warehouses that a text names.

    Args:
        url: One warehouse, or several.
        in_run: Whether a run of Dagster writes, with the connection of Dagster's own resource.

    Raises:
        WarehouseError: One cannot be opened or written; told at once, without waiting for a lock.
    """
    with contextlib.ExitStack() as opened:
        stores = [
            opened.enter_context(_open(warehouse, in_run=in_run))
            for warehouse in parse_warehouses(url)
        ]
        yield stores[0] if len(stores) == 1 else SeveralStores(stores)


@contextlib.contextmanager
def open_existing(url: str) -> Iterator[Store | None]:
    """Opens the write side of those warehouses of a text that are there; None when none is.

    Raises:
        WarehouseError: One cannot be opened or written.
    """
    there = [warehouse for warehouse in parse_warehouses(url) if _is_there(warehouse)]
    if not there:
        yield None
        return
    with open_store(" ".join(warehouse.shown for warehouse in there)) as store:
        yield store


def each(store: Store) -> Sequence[SqlStore]:
    """The single warehouses behind a store."""
    return store.stores if isinstance(store, SeveralStores) else (cast("SqlStore", store),)


def check_stores(url: str) -> bool:
    """Tells of a warehouse that cannot be written, before any work; makes none that is missing.

    Returns:
        Whether all of them are there.

    Raises:
        WarehouseError: One cannot be opened or written.
    """
    found = [_check(warehouse) for warehouse in parse_warehouses(url)]
    return all(found)


def _check(warehouse: WarehouseUrl) -> bool:
    there = _is_there(warehouse)
    if there:
        with _open(warehouse):
            pass  # upgrades one of an earlier version
    return there


def _is_there(warehouse: WarehouseUrl) -> bool:
    if warehouse.path is None:
        from agentsview_assets.resources.postgres_store import check_postgres

        return check_postgres(warehouse)
    return look(warehouse.path, f"warehouse {warehouse.path}", WarehouseError) != "missing"


def _open(
    warehouse: WarehouseUrl, *, in_run: bool = False
) -> contextlib.AbstractContextManager[SqlStore]:
    if warehouse.kind == "postgresql":
        from agentsview_assets.resources.postgres_store import open_postgres_store

        return open_postgres_store(warehouse)
    make_folder(warehouse.file)
    if warehouse.kind == "sqlite":
        from agentsview_assets.resources.sqlite_store import open_sqlite_store

        return open_sqlite_store(warehouse)
    return _open_duckdb(warehouse, in_run=in_run)


@contextlib.contextmanager
def _open_duckdb(warehouse: WarehouseUrl, *, in_run: bool) -> Iterator[SqlStore]:
    from agentsview_assets.resources.duckdb_reader import connect
    from agentsview_assets.resources.duckdb_store import DuckDBStore

    with contextlib.ExitStack() as stack:
        connection = connect(warehouse.file, read_only=False, config=_DAGSTERS)
        stack.callback(connection.close)
        if in_run:
            # dagster-duckdb waits 102 s for a lock and reports it as it comes. Ours waits first, in
            # words, and stays until the other one is there, so that nobody takes the file in
            # between.
            first, connection = connection, stack.enter_context(_dagsters(warehouse))
            first.close()
        yield DuckDBStore(connection, warehouse)


@contextlib.contextmanager
def _dagsters(warehouse: WarehouseUrl) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of Dagster's resource, which takes two seconds to import."""
    from dagster_duckdb import DuckDBResource

    from agentsview_assets.resources.duckdb_sealing import SEALED

    resource = DuckDBResource(database=str(warehouse.file), connection_config=SEALED)
    with resource.get_connection() as connection, contextlib.closing(connection):
        yield connection  # the resource closes it only on success
