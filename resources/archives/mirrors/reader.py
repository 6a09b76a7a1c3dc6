"""Reading a mirror that agentsview pushed an archive to, with the interface of `ArchiveReader`."""

from __future__ import annotations

import abc
import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.mirrors.sql import (
    DUCKDB,
    TABLE_NAMES,
    Dialect,
    column_sql,
)
from agentsview_assets.resources.archives.odd_values import (
    HeldRow,
    arrow_schema,
    without_odd_numbers,
)
from agentsview_assets.resources.archives.reader import Identity
from agentsview_assets.resources.archives.schema import SOURCE_TABLES, SourceTable
from agentsview_assets.resources.warehouses.duckdb.sealing import FOREIGN, attach_foreign

# Views, and columns that are computed when they are read, are whatever their maker wants.
_BASE_COLUMNS = f"""
SELECT table_name, column_name, data_type
FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
WHERE database_name = '{FOREIGN}' AND schema_name = 'main' AND NOT is_generated
"""
_NEEDED = ("sessions", "messages", "usage_events", "model_pricing")


def mirror_id(shown: str) -> str:
    """What the rows of a mirror are marked with; it may hold several archives."""
    return "mirror-" + hashlib.sha256(shown.encode()).hexdigest()[:32]


class MirrorReader(abc.ABC):
    """One read-only connection to a mirror; use as a context manager.

    Attributes:
        user_version: Data version of its newest session, as the archive's own is.
        is_immutable: Whether nobody can write what is being read.
        held: Rows that could not be read and were left out.
    """

    dialect: Dialect
    is_immutable = False

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.user_version = 0
        self.held: list[HeldRow] = []
        self._columns: dict[str, Mapping[str, str]] = {}
        self._names: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.open()
        try:
            self._probe()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abc.abstractmethod
    def open(self) -> None:
        """Connects.

        Raises:
            ArchiveError: It cannot be opened.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the connection."""

    @abc.abstractmethod
    def tables(self) -> dict[str, Mapping[str, str]]:
        """The stored columns of every table, of no view, with their declared types."""

    @abc.abstractmethod
    def relation(self, name: str) -> str:
        """SQL of a table with its place, so that the name can mean nothing else."""

    @abc.abstractmethod
    def fetch(self, sql: str, schema: pa.Schema) -> pa.Table:
        """Runs a query whose columns are of these types.

        Raises:
            ArchiveError: It cannot be read.
        """

    @contextlib.contextmanager
    @abc.abstractmethod
    def transaction(self) -> Iterator[None]:
        """One snapshot over several reads."""

    def _probe(self) -> None:
        found = self.tables()
        for table in SOURCE_TABLES:
            names = [n for n in TABLE_NAMES.get(table.name, (table.name,)) if n in found]
            if names:
                self._names[table.name] = names[0]
                self._columns[table.name] = found[names[0]]
            elif table.name in _NEEDED:
                raise ArchiveError(
                    f"archive {self.shown}: table {table.name} is missing; it is no mirror that "
                    "agentsview pushed to, or another schema's"
                )
        schema = pa.schema([pa.field("version", pa.int64())])
        version = "CAST(COALESCE(MAX(data_version), 0) AS BIGINT) AS version"
        sql = f"SELECT {version} FROM {self.relation('sessions')}"
        with self.transaction():
            self.user_version = self.fetch(sql, schema).column(0)[0].as_py()

    def has(self, table: SourceTable) -> bool:
        """Whether the mirror has the table."""
        return table.name in self._names

    def identity(self) -> Identity:
        """What the mirror's rows are marked with; it stands in for a database id, too."""
        found = mirror_id(self.shown)
        return Identity(found, found)

    def among(self, sessions: Sequence[str]) -> str:
        """The condition that a row is of one of these sessions."""
        return f"session_id IN ({', '.join(map(self.dialect.literal, sessions))})"

    def between(self, first: str, last: str) -> str:
        """The condition that a row is of a session in this range of ids, compared as bytes."""
        column, literal = self.dialect.binary("session_id"), self.dialect.literal
        return f"{column} >= {literal(first)} AND {column} <= {literal(last)}"

    def read(self, table: SourceTable, where: str = "", order: str = "") -> pa.Table:
        """Reads the declared columns of a table; see `ArchiveReader.read`."""
        schema = arrow_schema(table)
        if not self.has(table):
            return schema.empty_table()
        present = self._columns[table.name]
        try:
            columns = ", ".join(
                f"{column_sql(self.dialect, table, c, present, self.relation)} AS {c.name}"
                for c in table.columns
            )
        except ArchiveError as error:
            raise ArchiveError(
                f"archive {self.shown}: {error}; push it again with a newer agentsview"
            ) from None
        condition = f" WHERE {where}" if where else ""
        # Inside, names mean the mirror's columns; in the order they mean what was read.
        sql = f"SELECT {columns} FROM {self.relation(self._names[table.name])}{condition}"
        ordering = f" ORDER BY {order}" if order else ""
        found = self.fetch(f"SELECT * FROM ({sql}) AS found{ordering}", schema)
        kept = without_odd_numbers(table, found)
        self.held += kept.held
        return kept.rows


class DuckDBMirrorReader(MirrorReader):
    """A private copy of a DuckDB mirror: its owner's pushes are never held up."""

    dialect = DUCKDB
    is_immutable = True

    def __init__(self, shown: str, copy: Path) -> None:
        super().__init__(shown)
        self._copy = copy
        self._connection: duckdb.DuckDBPyConnection | None = None

    def open(self) -> None:
        """Opens the copy."""
        try:
            self._connection = attach_foreign(self._copy)
        except duckdb.Error as error:
            raise self._explain(error) from None

    def close(self) -> None:
        """Closes the copy."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def tables(self) -> dict[str, Mapping[str, str]]:
        """The columns of every table with their declared types."""
        found: dict[str, dict[str, str]] = {}
        for row in self._run(_BASE_COLUMNS).to_pylist():
            found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
        return dict(found)

    def relation(self, name: str) -> str:
        """The mirror's table; without its place, the name would mean a table of ours."""
        return f"{FOREIGN}.main.{name}"

    def fetch(self, sql: str, schema: pa.Schema) -> pa.Table:
        """Runs a query."""
        return self._run(sql).cast(schema)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody writes a private copy."""
        yield

    def _run(self, sql: str) -> pa.Table:
        if self._connection is None:
            message = "the mirror is not open"
            raise RuntimeError(message)
        try:
            return self._connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise self._explain(error) from None

    def _explain(self, error: duckdb.Error) -> ArchiveError:
        return ArchiveError(f"archive {self.shown}: {str(error).splitlines()[0]}")
