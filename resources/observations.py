"""The observation store: what an archive holds, landed once and kept beside the warehouse.

A disposable DuckDB file. An archive is read into it, and only its changed sessions again after
that; every question that needs the whole archive (which duplicate counts, what day a row belongs
to) is settled here. Assets then take days out of it. Deleting the file costs one full read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd
import pyarrow as pa

from agentsview_assets.errors import WarehouseError
from agentsview_assets.files import trouble
from agentsview_assets.resources.duckdb_lock import holder, is_locked, open_file, waited
from agentsview_assets.resources.duckdb_reader import explain, make_folder
from agentsview_assets.resources.observation_reader import (
    STORE_VERSION,
    DayWindow,
    ObservationReader,
    Span,
    cut,
)
from agentsview_assets.resources.own_files import not_ours, require_ours, require_plain_file
from agentsview_assets.resources.rewriting import rewrite_duckdb
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.settings import OBSERVATION_STORE
from agentsview_assets.transforms import landing
from agentsview_assets.transforms.landing import STORE_DDL
from agentsview_assets.transforms.sharing import SHARING_DDL
from agentsview_assets.transforms.slices import SLICES
from agentsview_assets.transforms.succession import SUCCESSION_DDL
from agentsview_assets.warehouse_urls import STATE_SUFFIX

_MARKS = ("landing_version", "engine_version")
MEMORY_LIMIT = "400MB"
CHUNK_ROWS = 120_000
# What the machine does to us; other errors of DuckDB are defects of ours.
_OUTER_ERRORS = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
    duckdb.FatalException,
)


class ObservationStore(ObservationReader):
    """One open observation store; use as a context manager."""

    def __enter__(self) -> Self:
        """Opens the store, or makes it anew where what lies there is one that cannot be used.

        Raises:
            WarehouseError: It is in use, or what lies there is not ours to replace.
        """
        make_folder(self.path)
        require_ours(self.path, "observation store")
        try:
            self._connection = self._connect()
            if not self.is_current():
                self._require_a_store()
                self._connection.close()
                self._connection = self._made_anew()
        except duckdb.Error as error:
            if is_locked(error):
                raise WarehouseError(
                    f"observation store {self.path}: in use by another run{waited()}: "
                    f"{holder(error)}; wait for it to finish"
                ) from None
            if isinstance(error, duckdb.InterruptException):
                raise
            # The store is a cache: one that cannot be read is made again, where only ours can lie.
            if not self._is_in_its_place():
                why = f"it cannot be opened ({str(error).strip().splitlines()[0]})"
                raise not_ours(self.path, "observation store", why) from None
            self._connection = self._made_anew()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = open_file(self.path)
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        # A cache is written more often than it is kept: compressing costs as much as writing.
        connection.execute("PRAGMA force_compression = 'uncompressed'")
        return connection

    def _is_in_its_place(self) -> bool:
        """Whether the file has the name that we gave it, in a folder that we made for a warehouse.

        A damaged store, and one of another version of DuckDB, cannot be asked whose it is.
        """
        return self.path.name == OBSERVATION_STORE and self.path.parent.suffix == STATE_SUFFIX

    def _require_a_store(self) -> None:
        """Before it is removed: does it say that it is one of our stores, of whatever version?

        Raises:
            WarehouseError: Somebody else's tables are in it.
        """
        found = self.rows("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal")
        if found and not {("store", name) for name in _MARKS} <= {*found}:
            raise not_ours(self.path, "observation store", "it holds tables of another program")

    def _made_anew(self) -> duckdb.DuckDBPyConnection:
        try:
            for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
                require_plain_file(path, "observation store")
                path.unlink(missing_ok=True)
            connection = self._connect()
            connection.execute(STORE_DDL + SHARING_DDL + SUCCESSION_DDL)
            connection.execute("INSERT INTO store VALUES (?, ?)", STORE_VERSION)
        except OSError as error:
            raise WarehouseError(
                f"observation store {self.path}: {trouble(error, self.path)}"
            ) from None
        except duckdb.Error as error:
            raise explain(error, self.path, "observation store") from None
        return connection

    def frames(self, table: str, span: Span, window: DayWindow) -> Iterator[pd.DataFrame]:
        """Yields the contract rows of a span of days, a bounded number at a time."""
        contract = CONTRACTS[table]
        for first, last in self._chunks(table, span):
            parameters = {"first": window.first, "from": first, "to": last}
            found: pa.Table = self.connection.sql(SLICES[table], params=parameters).to_arrow_table()
            yield contract.frame(found)

    def _chunks(self, table: str, span: Span) -> Iterator[tuple[str, str]]:
        source = {"sessions": "session", "usage_rows": "usage", "activity_intervals": "interval"}
        counts: dict[str, int] = dict(
            self.connection.execute(
                f"SELECT strftime(day, '%Y-%m-%d'), count(*) FROM {source[table]} "
                "WHERE day IS NOT NULL GROUP BY 1"
            ).fetchall()
        )
        return cut(span, counts, CHUNK_ROWS)

    def frame(self, table: str) -> pd.DataFrame:
        """The contract rows of an unpartitioned observation."""
        columns = ", ".join(CONTRACTS[table].column_names)
        found = self.connection.sql(f"SELECT {columns} FROM {table}")
        return CONTRACTS[table].frame(found.to_arrow_table())

    def replace(self, table: str, archive_id: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Replaces what a table holds of an archive, within a transaction of the caller's."""
        self.connection.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])
        if not rows:
            return
        names = [row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()]
        columns = zip(names, zip(*rows, strict=True), strict=True)
        incoming = pa.table({name: pa.array(list(values)) for name, values in columns})
        self.connection.register("incoming", incoming)
        self.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        self.connection.unregister("incoming")

    def keep_titles(self, read: Sequence[str], *, with_titles: bool) -> None:
        """Notes that titles may be first messages, or leaves no byte of one in the file.

        Args:
            read: The archives that were observed just now, with the titles that are wanted.
            with_titles: Whether titles may be first messages.
        """
        is_titled = bool(self.rows("SELECT 1 FROM titled"))
        if is_titled == with_titles:
            return
        if with_titles:
            self.connection.execute("INSERT INTO titled VALUES (now())")
            return
        with self.transaction():
            self.connection.execute(landing.UNTITLED, [list(read)])
            for table, statement in landing.DAY_FACTS.items():
                self.connection.execute(f"DELETE FROM {table}")
                self.connection.execute(statement)
        self.connection.close()
        try:
            rewrite_duckdb(self.path, "observation store")
        finally:
            self._connection = self._connect()
        self.connection.execute("DELETE FROM titled")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing.

        Raises:
            WarehouseError: The store cannot be written.
        """
        try:
            self.connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                # A full disk ends the transaction by itself; its reason must not be hidden.
                with contextlib.suppress(duckdb.Error):
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except duckdb.Error as error:
            # A damaged file has no class of its own.
            if isinstance(error, _OUTER_ERRORS) or type(error) is duckdb.Error:
                raise explain(error, self.path, "observation store") from error
            raise
