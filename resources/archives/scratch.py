"""Where an archive's rows land while they are observed: a DuckDB in memory, gone with the run.

What belongs here: its tables, and taking contract rows out of them. What does not: reading
archives, and deciding what is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa

from agentsview_assets.errors import WarehouseError, is_disk_full
from agentsview_assets.resources.archives.private_copy import private_folder
from agentsview_assets.resources.warehouses.duckdb.sealing import connect_in_memory
from agentsview_assets.rules.landing_tables import SCRATCH_DDL
from agentsview_assets.rules.slices import SLICES
from agentsview_assets.rules.windows import DayWindow, Span, cut
from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    from types import TracebackType

    import pandas as pd

CHUNK_ROWS = 120_000
_ROWS_OF = {"sessions": "session", "usage_rows": "usage", "activity_intervals": "interval"}


class Scratch:
    """The landed rows of a run's archives; use as a context manager.

    Rows for which there is no memory go to a private folder for as long as it is open.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        try:
            folder = self._stack.enter_context(private_folder())
        except OSError as error:
            raise WarehouseError(
                f"no folder can be made for what is read: {error.filename or ''} "
                f"{error.strerror}; TMPDIR names another one"
            ) from None
        self._connection = connect_in_memory(folder)
        self._connection.execute(SCRATCH_DDL)
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
        self._stack.close()

    @property
    def db(self) -> duckdb.DuckDBPyConnection:
        """The open connection.

        Raises:
            RuntimeError: It is not open.
        """
        if self._connection is None:
            message = "nothing is open to land rows in"
            raise RuntimeError(message)
        return self._connection

    def rows(self, sql: str, parameters: object = None) -> list[tuple[Any, ...]]:
        """Runs a query and fetches all its rows."""
        return self.db.execute(sql, parameters or []).fetchall()

    def count(self, relation: str) -> int:
        """The number of rows of a relation."""
        return int(self.rows(f"SELECT count(*) FROM {relation}")[0][0])

    def replace(self, table: str, archive_id: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Replaces what a table holds of an archive."""
        self.db.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])
        if not rows:
            return
        names = [row[0] for row in self.rows(f"DESCRIBE {table}")]
        columns = zip(names, zip(*rows, strict=True), strict=True)
        incoming = pa.table({name: pa.array(list(values)) for name, values in columns})
        self.db.register("incoming", incoming)
        self.db.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        self.db.unregister("incoming")

    def version(self, tables: Sequence[str], archive_id: str) -> str:
        """One version of what some small tables hold of an archive."""
        found = [
            value
            for name in tables
            for value in self.rows(
                f"SELECT count(*), sum(hash({name})::HUGEINT) FROM {name} WHERE archive_id = ?",
                [archive_id],
            )[0]
        ]
        return ":".join(map(str, found))

    def frames(
        self, table: str, archives: Sequence[str], span: Span, window: DayWindow
    ) -> Iterator[pd.DataFrame]:
        """Yields the contract rows of a span of days, a bounded number at a time.

        Raises:
            WarehouseError: There is no room for them.
        """
        contract = CONTRACTS[table]
        for first, last in self._chunks(table, archives, span):
            bounds = {"first": window.first, "from": first, "to": last}
            with self.errors():
                found: pa.Table = self.db.sql(
                    SLICES[table], params={**bounds, "archives": list(archives)}
                ).to_arrow_table()
            yield contract.frame(found)

    def _chunks(self, table: str, archives: Sequence[str], span: Span) -> Iterator[Span]:
        counts: dict[str, int] = dict(
            self.rows(
                f"SELECT strftime(day, '%Y-%m-%d'), count(*) FROM {_ROWS_OF[table]} "
                "WHERE day IS NOT NULL AND list_contains(?, archive_id) GROUP BY 1",
                [list(archives)],
            )
        )
        return cut(span, counts, CHUNK_ROWS)

    def frame(self, table: str, archives: Sequence[str]) -> pd.DataFrame:
        """The contract rows of an unpartitioned observation."""
        columns = ", ".join(CONTRACTS[table].column_names)
        found = self.db.sql(
            f"SELECT {columns} FROM {table} WHERE list_contains($archives, archive_id)",
            params={"archives": list(archives)},
        )
        return CONTRACTS[table].frame(found.to_arrow_table())

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Tells in words what the machine does to us; other errors are defects of ours."""
        try:
            yield
        except duckdb.Error as error:
            if isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException):
                why = "no space is left" if is_disk_full(error) else str(error).splitlines()[0]
                raise WarehouseError(
                    f"what is read cannot be kept: {why}; TMPDIR names another folder for it"
                ) from error
            raise
