"""What the stores of all backends have in common: replacing slices, and the records of them.

What belongs here: portable SQL over a backend's own `execute` and `ask`. What does not: how a
backend connects, moves rows in bulk or spells its types.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses import deduplicating, moved_rows, sharing
from agentsview_assets.resources.warehouses import reader as warehouse
from agentsview_assets.resources.warehouses.backend import Backend
from agentsview_assets.resources.warehouses.migrations.steps import statements_from
from agentsview_assets.resources.warehouses.reader import (
    META_TABLE,
    PARTITIONS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.resources.warehouses.run_records import due
from agentsview_assets.resources.warehouses.store import (
    Addition,
    Partition,
    Selection,
    Slices,
)
from agentsview_assets.resources.warehouses.table_ddl import bookkeeping
from agentsview_assets.rules.versions import rules
from agentsview_assets.rules.windows import EARLIEST
from agentsview_assets.schemas import STORED, TableContract

if TYPE_CHECKING:
    import pandas as pd


_FIRST_WITH_LEDGER = 4
_ROWS_AT_ONCE = 100


class RowStore(Backend):
    """The rows of one backend: its tables, and replacing slices of them."""

    def insert(self, contract: TableContract, frame: pd.DataFrame) -> None:
        """Adds validated rows to a table, in bulk, in the transaction."""
        if frame.empty:
            return
        rows = contract.arrow(frame)
        if contract.shared_by is None:
            self.insert_table(contract, rows)
        else:
            sharing.insert(self, contract, rows)

    def create(self) -> None:
        """Makes every table, so that readers never meet half a warehouse; in the transaction."""
        for statement in bookkeeping(self.types):
            self.execute(statement)
        self.execute(f"INSERT INTO {META_TABLE} VALUES ({warehouse.SCHEMA_VERSION}, 0)")
        # What lands from now on is clean; a warehouse of an earlier version has to be looked at.
        self.keep_rule("credentials", rules().digests["credentials"])
        self.keep_rule("titles", "labels")
        self.keep_rule(deduplicating.DECIDED_BY, deduplicating.decided_by())
        for contract in STORED.values():
            for statement in self.create_statements(contract):
                self.execute(statement)
        self._say_meanings()

    def _say_meanings(self) -> None:
        for contract in STORED.values():
            for statement in self.meaning_statements(contract):
                self.execute(statement)

    @staticmethod
    def is_current(version: int | None) -> bool:
        """Whether what there is has the shapes of this version."""
        return version == warehouse.SCHEMA_VERSION

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
            if version < _FIRST_WITH_LEDGER:
                # What was decided before holds until the archives are read again.
                self.keep_rule(deduplicating.DECIDED_BY, deduplicating.decided_by())
            self._say_meanings()

    def raise_revision(self) -> None:
        """Raises the number that tells one state of the warehouse from the next."""
        self.execute(f"UPDATE {META_TABLE} SET revision = revision + 1")

    def keep_rule(self, name: str, value: str | None) -> None:
        """Records a rule, or forgets it, in the transaction."""
        self.execute(f"DELETE FROM {RULES_TABLE} WHERE name = ?", [name])
        if value is not None:
            self.execute(f"INSERT INTO {RULES_TABLE} VALUES (?, ?)", [name, value])

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        slices: Slices,
        partitions: Sequence[Partition],
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole slices; see `warehouses.store.Store.replace`."""
        replace_in_all([self], contract, frames, slices, partitions, additions)

    @contextlib.contextmanager
    def replacing(self, contract: TableContract, slices: Slices) -> Iterator[None]:
        """Deletes the rows of some slices, whose new ones the block inserts; in a transaction."""
        marks = ", ".join("?" * len(slices.archives)) or "NULL"
        where, values = f"archive_id IN ({marks})", list[object](slices.archives)
        records, of_records = f"asset = ? AND {where}", [contract.name, *values]
        if slices.days is not None:
            span = [EARLIEST if slices.owns_earlier else slices.days[0], slices.days[-1]]
            where, values = (
                f"{where} AND {contract.partition_column} BETWEEN ? AND ?",
                values + span,
            )
            records, of_records = f"{records} AND partition_date BETWEEN ? AND ?", of_records + span
        is_usage = contract.name == "usage_rows"
        with deduplicating.touching(self, where, values) if is_usage else contextlib.nullcontext():
            self.execute(f"DELETE FROM {contract.owners} WHERE {where}", values)
            yield
        sharing.sweep(self, contract)
        moved_rows.take_out(self, contract, slices)
        self.execute(f"DELETE FROM {PARTITIONS_TABLE} WHERE {records}", of_records)

    def record(self, asset: str, partitions: Sequence[Partition]) -> None:
        """Records slices as written, in the transaction."""
        recorded = list(partitions)
        if not recorded:
            return
        self.execute_values(
            f"INSERT INTO {PARTITIONS_TABLE} (asset, archive_id, partition_date, row_count, "
            "input_version, rates_version, run_id, rules_version, written_at)",
            [(asset, *partition) for partition in recorded],
        )
        for table in (asset, *(["duplicates"] if asset == "usage_rows" else [])):
            due(self, table, recorded[0].run_id)

    def execute_values(self, insert: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs an INSERT of a few rows whose last column is the present moment."""
        marks = f"({', '.join('?' * len(rows[0]))}, {self.now})"
        # A statement a row costs a round trip a row; one for all of them has too many parameters.
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            values = ", ".join([marks] * len(part))
            self.execute(f"{insert} VALUES {values}", [value for row in part for value in row])


def locks_of(contract: TableContract, archives: Sequence[str]) -> list[str]:
    """What is locked while rows of some archives are replaced in a table."""
    if contract.shared_by is not None:
        return [contract.name]
    return [f"{contract.name} {archive_id}" for archive_id in archives]


def replace_in_all(  # noqa: PLR0913 - what `Store.replace` takes, and the stores
    stores: Sequence[RowStore],
    contract: TableContract,
    frames: Iterable[pd.DataFrame],
    slices: Slices,
    partitions: Sequence[Partition],
    additions: Sequence[Addition] = (),
) -> None:
    """Replaces whole slices in every store, each in a transaction of its own.

    All transactions stay open until all rows are in all stores, so that what fails while writing
    leaves every store as it was. A store that fails to commit keeps its old slices while others
    may have the new ones; what each has recorded tells, and the next run writes them again.
    """
    locks = locks_of(contract, slices.archives)
    with contextlib.ExitStack() as transactions:
        for store in stores:
            transactions.enter_context(store.transaction(*locks))
        with contextlib.ExitStack() as replacing:
            for store in stores:
                replacing.enter_context(store.replacing(contract, slices))
            for frame in frames:
                for store in stores:
                    store.insert(contract, frame)
        for store in stores:
            for addition in additions:
                store.insert(addition.contract, addition.frame)
            store.record(contract.name, partitions)


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
    where, parameters = selection_where(selection)
    return names, f"SELECT {columns} FROM {contract.relation}{where}{group}", parameters


def selection_where(selection: Selection) -> tuple[str, list[object]]:
    """The WHERE clause of a selection, and its parameters."""
    tests, parameters = [], list[object]()
    if selection.days is not None:
        tests.append(f"{selection.day_column} BETWEEN ? AND ?")
        parameters += [selection.days[0], selection.days[-1]]
    if selection.archives is not None:
        marks = ", ".join("?" * len(selection.archives)) or "NULL"
        tests.append(f"archive_id IN ({marks})")
        parameters += selection.archives
    return f" WHERE {' AND '.join(tests)}" if tests else "", parameters
