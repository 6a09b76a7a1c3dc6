"""What the stores of all backends have in common: replacing partitions, and the notes of them.

What belongs here: portable SQL over a backend's own `execute` and `ask`. What does not: how a
backend connects, moves rows in bulk or spells its types.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa

from agentsview_assets.resources import warehouse
from agentsview_assets.resources.keeping import (
    Guard,
    contents_of,
    holds,
    require_kept,
    strangers,
    write_archives,
    write_successions,
)
from agentsview_assets.resources.migrations import statements_from
from agentsview_assets.resources.run_notes import RunNotes, due
from agentsview_assets.resources.store import (
    NOWHERE,
    Addition,
    Archive,
    Contents,
    Origin,
    Partition,
    Selection,
    Succession,
)
from agentsview_assets.resources.table_ddl import bookkeeping, comment_statements
from agentsview_assets.resources.warehouse import (
    ARCHIVES_TABLE,
    META_TABLE,
    PARTITIONS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.schemas import CONTRACTS, TableContract
from agentsview_assets.transforms import secrets
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

_EARLIEST = "0001-01-01"


class SqlStore(RunNotes, abc.ABC):
    """The write side of one backend; see `resources.store.Store`."""

    kind: ClassVar[Kind]
    types: ClassVar[dict[str, str]]
    now: ClassVar[str] = "now()"
    """SQL of the present moment."""

    address: WarehouseUrl
    shown: str
    """How messages name the warehouse."""

    def reading(self) -> contextlib.AbstractContextManager[warehouse.Reader]:
        """Opens what has been committed as a report sees it; see `resources.store.Store`."""
        return warehouse.reader_of(self.address)

    @abc.abstractmethod
    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Everything in the block is written, or nothing of it; errors are told in words."""

    @abc.abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement, with `?` placeholders, in the transaction."""

    @abc.abstractmethod
    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query on what has been committed; from any thread."""

    @abc.abstractmethod
    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query inside the transaction, on what it has written so far."""

    @abc.abstractmethod
    def insert(self, contract: TableContract, frame: pd.DataFrame) -> None:
        """Adds validated rows to a table, in bulk, in the transaction."""

    @abc.abstractmethod
    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, days as text; see `resources.store.Store.read`."""

    @abc.abstractmethod
    def create_statements(self, contract: TableContract) -> list[str]:
        """The DDL of a table: columns, nullability, keys and indexes."""

    def meaning_statements(self, contract: TableContract) -> list[str]:
        """SQL that says in the warehouse what a table and its columns mean."""
        return comment_statements(contract)

    def create(self) -> None:
        """Makes every table, so that readers never meet half a warehouse; in the transaction."""
        for statement in bookkeeping(self.types):
            self.execute(statement)
        self.execute(f"INSERT INTO {META_TABLE} VALUES ({warehouse.SCHEMA_VERSION})")
        # What lands from now on is clean; a warehouse of an earlier version has to be looked at.
        self._keep_rule("credentials", secrets.RULES)
        self._keep_rule("titles", "labels")
        for contract in CONTRACTS.values():
            for statement in self.create_statements(contract):
                self.execute(statement)
        self._say_meanings()

    def _say_meanings(self) -> None:
        for contract in CONTRACTS.values():
            for statement in self.meaning_statements(contract):
                self.execute(statement)

    def upgrade(self, version: int | None) -> None:
        """Makes what there is a warehouse of this version; in the transaction.

        Args:
            version: Schema version of what there is; None for nothing.
        """
        if version is None:
            self.create()
        elif version < warehouse.SCHEMA_VERSION:
            for statement in statements_from(version, self.kind, self.shown):
                self.execute(statement)
            self._say_meanings()

    def replace(  # noqa: PLR0913 - what is written, and what goes with it
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        days: Sequence[str] | None,
        partitions: Sequence[Partition],
        *,
        owns_earlier: bool = False,
        origin: Origin = NOWHERE,
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole partitions; see `resources.store.Store.replace`."""
        replace_in_all(
            [self],
            contract,
            frames,
            days,
            partitions,
            owns_earlier=owns_earlier,
            origin=origin,
            additions=additions,
        )

    def clear(
        self,
        contract: TableContract,
        days: Sequence[str] | None,
        *,
        owns_earlier: bool,
        guard: Guard | None = None,
    ) -> None:
        """Deletes the rows of the days, in the transaction; see `resources.store.Store.replace`."""
        scope, span = "1 = 1", list[object]()
        if days is not None:
            span = [_EARLIEST if owns_earlier else days[0], days[-1]]
            scope = f"{contract.partition_column} BETWEEN ? AND ?"
        if guard is not None:
            guard.before(self, scope, span)
        self.execute(f"DELETE FROM {contract.name} WHERE {scope}", span)
        if days is not None:
            self.execute(
                f"DELETE FROM {PARTITIONS_TABLE} WHERE asset = ? "
                "AND partition_date BETWEEN ? AND ?",
                [contract.name, *span],
            )

    def note(self, asset: str, partitions: Sequence[Partition]) -> None:
        """Notes partitions as written, in the transaction."""
        noted = list(partitions)
        if not noted:
            return
        first, last = (end(p.partition_date for p in noted) for end in (min, max))
        self.execute(
            f"DELETE FROM {PARTITIONS_TABLE} WHERE asset = ? AND partition_date BETWEEN ? AND ?",
            [asset, first, last],
        )
        self.execute_values(
            f"INSERT INTO {PARTITIONS_TABLE} (asset, partition_date, row_count, input_version, "
            "rates_version, run_id, written_at)",
            [(asset, *partition) for partition in noted],
        )
        due(self, asset, noted[0].run_id)

    def execute_values(self, insert: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs an INSERT of a few rows whose last column is the present moment."""
        marks = f"({', '.join('?' * len(rows[0]))}, {self.now})"
        # A statement a row costs a round trip a row; one for all of them has too many parameters.
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            values = ", ".join([marks] * len(part))
            self.execute(f"{insert} VALUES {values}", [value for row in part for value in row])

    def note_archives(
        self, archives: Sequence[Archive], successions: Sequence[Succession] = ()
    ) -> None:
        """Notes archives; see `resources.store.Store.note_archives`."""
        if archives or successions:
            with self.transaction():
                write_archives(self, archives)
                write_successions(self, successions)

    def remove_notes(self, archive_ids: Sequence[str]) -> None:
        """Removes notes of archives; see `resources.store.Store.remove_notes`."""
        if archive_ids:
            with self.transaction():
                for archive_id in archive_ids:
                    self.execute(f"DELETE FROM {ARCHIVES_TABLE} WHERE archive_id = ?", [archive_id])

    def require_kept(self, may_replace: Collection[str]) -> None:
        """Refuses rows of other archives; see `resources.store.Store.require_kept`."""
        require_kept(self, may_replace)

    def strangers(self, may_replace: Collection[str]) -> list[tuple[str, str]]:
        """The other archives; see `resources.store.Store.strangers`."""
        return strangers(self, may_replace)

    def contents_of(self, archive_id: str) -> list[Contents]:
        """What is there of an archive; see `resources.store.Store.contents_of`."""
        return [contents_of(self, archive_id)]

    def holds(self, archive_id: str, *, beside_prices: bool = False) -> bool:
        """Whether there are rows of an archive; see `resources.store.Store.holds`."""
        return holds(self, archive_id, beside_prices=beside_prices)

    def rules(self) -> dict[str, str]:
        """By which rules the rows were made; see `resources.store.Store.rules`."""
        return dict(self.ask(f"SELECT name, value FROM {RULES_TABLE}"))

    def note_rules(self, rules: Mapping[str, str | None]) -> None:
        """Notes rules, or forgets those that are None; see `resources.store.Store`."""
        known = self.rules()
        changed = {name: value for name, value in rules.items() if known.get(name) != value}
        if not changed:
            return
        with self.transaction():
            for name, value in changed.items():
                self._keep_rule(name, value)

    def _keep_rule(self, name: str, value: str | None) -> None:
        self.execute(f"DELETE FROM {RULES_TABLE} WHERE name = ?", [name])
        if value is not None:
            self.execute(f"INSERT INTO {RULES_TABLE} VALUES (?, ?)", [name, value])

    def row_counts(self, asset: str) -> dict[str, int]:
        """The rows noted of every partition; see `resources.store.Store.row_counts`."""
        sql = f"SELECT partition_date, row_count FROM {PARTITIONS_TABLE} WHERE asset = ?"
        return dict(self.ask(sql, [asset]))

    def partitions(self, asset: str) -> dict[str, tuple[str, str]]:
        """The input and rates version of every partition written, by day ('' for no day)."""
        rows = self.ask(
            f"SELECT partition_date, input_version, rates_version FROM {PARTITIONS_TABLE} "
            "WHERE asset = ?",
            [asset],
        )
        return {day: (input_version, rates) for day, input_version, rates in rows}


_ROWS_AT_ONCE = 100


def replace_in_all(  # noqa: PLR0913 - what `Store.replace` takes, and the stores
    stores: Sequence[SqlStore],
    contract: TableContract,
    frames: Iterable[pd.DataFrame],
    days: Sequence[str] | None,
    partitions: Sequence[Partition],
    *,
    owns_earlier: bool = False,
    origin: Origin = NOWHERE,
    additions: Sequence[Addition] = (),
) -> None:
    """Replaces whole partitions in every store, each in a transaction of its own.

    All transactions stay open until all rows are in all stores, so that what fails while writing
    leaves every store as it was. A store that fails to commit keeps its old partitions while others
    may have the new ones; what each has noted tells, and the next run writes them again.
    """
    guard = Guard(contract, origin)
    with contextlib.ExitStack() as transactions:
        for store in stores:
            transactions.enter_context(store.transaction())
            store.clear(contract, days, owns_earlier=owns_earlier, guard=guard)
        for frame in frames:
            guard.passed(frame)
            for store in stores:
                if not frame.empty:
                    store.insert(contract, frame)
        guard.after()
        for store in stores:
            for history, rows in additions:
                store.insert(history, rows)
            store.note(contract.name, partitions)
            write_archives(store, origin.archives)
            write_successions(store, origin.successions)


def selection_sql(
    contract: TableContract, selection: Selection
) -> tuple[list[str], str, list[object]]:
    """The names, the SQL and the parameters of what is to be read of a table."""
    names = list(selection.columns or contract.column_names)
    names = [name for name in contract.column_names if name in names]
    columns, group = ", ".join(names), ""
    if selection.count_by:
        group = f" GROUP BY {', '.join(selection.count_by)}"
        names = [*selection.count_by, "row_count"]
        columns = f"{', '.join(selection.count_by)}, count(*) AS row_count"
    where, parameters = "", list[object]()
    if selection.days is not None:
        where = f" WHERE {selection.day_column} BETWEEN ? AND ?"
        parameters = [selection.days[0], selection.days[-1]]
    return names, f"SELECT {columns} FROM {contract.name}{where}{group}", parameters
