"""Reading a PostgreSQL schema that agentsview pushed archives to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg2
import pyarrow as pa

from agentsview_assets.errors import ArchiveError, WarehouseError
from agentsview_assets.resources.archives.mirrors.reader import MirrorReader
from agentsview_assets.resources.archives.mirrors.sql import POSTGRESQL
from agentsview_assets.resources.warehouses.postgres.reader import connect
from agentsview_assets.warehouse_urls import WarehouseUrl, without_credentials

# Tables alone, and of them what is stored in PostgreSQL's own types: a view, a foreign table, a
# computed column or a type of the schema's own may run whatever their maker wants them to.
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND t.typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'pg_catalog')
    AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid)
ORDER BY c.relname, a.attnum
"""
_STAMP = """
SELECT (SELECT COUNT(*) FROM {sessions}), (SELECT MAX(updated_at)::text FROM {sessions}),
    (SELECT COUNT(*) FROM {cursor_usage_events}),
    (SELECT md5(string_agg(CAST(ROW({prices}) AS text), ',' ORDER BY model_pattern COLLATE "C"))
        FROM {model_pricing} p),
    (SELECT COUNT(*)::text || MAX(observed_at)::text FROM {observations})
"""
_OBSERVATIONS = ("source_project_identity_observations", "project_identity_observations")


class PostgresMirrorReader(MirrorReader):
    """A read-only session on the server; each transaction sees one state of the schema."""

    dialect = POSTGRESQL

    def __init__(self, mirror: WarehouseUrl) -> None:
        super().__init__(mirror.shown)
        self._mirror = mirror
        self._connection: Any = None

    def open(self) -> None:
        """Connects."""
        try:
            self._connection = connect(self._mirror)
        except WarehouseError as error:
            raise ArchiveError(str(error).replace("warehouse", "archive", 1)) from None
        try:
            self._connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with self.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [self._schema])
                found = cursor.fetchall()
        except psycopg2.Error as error:
            raise self._explain(error) from None
        if not found:
            self.close()
            raise ArchiveError(f"archive {self.shown}: the database has no schema {self._schema}")

    @property
    def _schema(self) -> str:
        return self._mirror.schema

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def tables(self) -> dict[str, Mapping[str, str]]:
        """The columns of every table with their declared types."""
        found: dict[str, dict[str, str]] = {}
        with self.transaction():
            for table, column, declared in self._rows(_COLUMNS, (self._schema,)):
                found.setdefault(table, {})[column] = declared
        return dict(found)

    def relation(self, name: str) -> str:
        """The table with its schema, which is not searched for anything else."""
        return f'"{self._schema}".{name}'

    def stamp(self) -> str:
        """What moves with every push that changes anything."""
        tables = self.tables()
        names = [name for name in _OBSERVATIONS if name in tables]
        named = {
            name: self.relation(name)
            for name in ("sessions", "cursor_usage_events", "model_pricing")
        }
        prices = ", ".join(f'p."{name}"' for name in tables["model_pricing"])
        sql = _STAMP.format(
            observations=self.relation(names[0] if names else "sessions"),
            prices=prices,
            **named,
        )
        with self.transaction():
            found = self._rows(sql)
        return json.dumps(found[0])

    def fetch(self, sql: str, schema: pa.Schema) -> pa.Table:
        """Runs a query."""
        rows = self._rows(sql)
        columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrays = [
            pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)
        ]
        return pa.table(arrays, schema=schema)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One snapshot over several reads."""
        try:
            with self._connection.cursor() as cursor:
                # What a row-level policy would run is refused rather than run.
                cursor.execute(
                    "SET LOCAL search_path TO pg_catalog; SET LOCAL row_security TO off; "
                    "SET LOCAL TimeZone TO 'UTC'"
                )
            yield
        except psycopg2.Error as error:
            raise self._explain(error) from None
        finally:
            with contextlib.suppress(psycopg2.Error):
                self._connection.rollback()

    def _rows(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                found: list[tuple[Any, ...]] = cursor.fetchall()
        except psycopg2.Error as error:
            raise self._explain(error) from None
        return found

    def _explain(self, error: psycopg2.Error) -> ArchiveError:
        reason = without_credentials(str(error).strip().split("\n", maxsplit=1)[0])
        return ArchiveError(f"archive {self.shown}: {reason or 'the connection is lost'}")
