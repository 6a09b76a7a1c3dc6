"""The part of a store that each backend does its own way.

What belongs here: what a backend has to bring. What does not: how, and what is made of it
(`row_store`, `sql_store`).
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from agentsview_assets.resources.warehouses import reader as warehouse
from agentsview_assets.resources.warehouses.reader import PENDING_TABLE
from agentsview_assets.resources.warehouses.records import Records
from agentsview_assets.resources.warehouses.store import Selection
from agentsview_assets.resources.warehouses.table_ddl import comment_statements
from agentsview_assets.schemas import TableContract
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl

if TYPE_CHECKING:
    import pyarrow as pa


class Backend(Records):
    """What a backend does its own way: statements, transactions, rows in bulk."""

    kind: ClassVar[Kind]
    types: ClassVar[dict[str, str]]
    now: ClassVar[str] = "now()"
    """SQL of the present moment."""

    address: WarehouseUrl
    shown: str
    """How messages name the warehouse."""

    def reading(self) -> contextlib.AbstractContextManager[warehouse.Reader]:
        """Opens what has been committed as a report sees it; see `warehouses.store.Store`."""
        return warehouse.reader_of(self.address)

    @abc.abstractmethod
    def transaction(self, *locks: str) -> contextlib.AbstractContextManager[None]:
        """Everything in the block is written, or nothing of it; errors are told in words.

        Args:
            locks: What no other writer may write meanwhile; nothing for all that is not named.
        """

    def take_pending(self, taken: str) -> None:
        """Moves what is pending to a temporary table, in the transaction.

        Args:
            taken: Name of the table that it makes, with the columns kind and name.
        """
        self.execute(
            f"CREATE TEMP TABLE {taken} AS SELECT DISTINCT kind, name FROM {PENDING_TABLE}"
        )
        self.execute(f"DELETE FROM {PENDING_TABLE}")

    @abc.abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement, with `?` placeholders, in the transaction."""

    @abc.abstractmethod
    def look(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Fetches all rows of a query inside the transaction, on what it has written so far."""

    @abc.abstractmethod
    def insert_table(self, contract: TableContract, rows: pa.Table) -> None:
        """Adds rows to a table, in bulk, in the transaction.

        Args:
            contract: The table.
            rows: Its columns, days as dates.
        """

    @abc.abstractmethod
    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, days as text; see `warehouses.store.Store.read`."""

    @abc.abstractmethod
    def create_statements(self, contract: TableContract) -> list[str]:
        """The DDL of a table: columns, nullability, keys and indexes."""

    def as_stored(self, name: str) -> str:
        """The name of a session or row as the backend's tables have it."""
        return name

    def meaning_statements(self, contract: TableContract) -> list[str]:
        """SQL that says in the warehouse what a table and its columns mean."""
        return comment_statements(contract)
