"""Reading a PostgreSQL warehouse: one read-only snapshot, errors told in words.

A role that may use the schema and select from its tables is enough for every report:

    GRANT USAGE ON SCHEMA agentsview_assets TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA agentsview_assets TO reader;
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

import psycopg2
import psycopg2.extensions
from psycopg2 import errorcodes

from agentsview_assets.errors import DISK_FULL, WarehouseError
from agentsview_assets.resources.warehouses.postgres.connection import (
    ServerSilentError,
    connect_watched,
)
from agentsview_assets.resources.warehouses.reader import (
    Memory,
    exact_total,
    found_version,
    require_current,
)
from agentsview_assets.rules.text import NUL_SYMBOL
from agentsview_assets.settings import APP
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl, without_credentials

Connection: TypeAlias = psycopg2.extensions.connection

_FLOATS = 1022  # the type of an array of doubles
_TEXT_OR_MARK = re.compile(r"'(?:[^']|'')*'|\?")
_FAILED = re.compile(r"^connection to server .*? failed: (?:FATAL: +)?", re.DOTALL)
_SCHEMA_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s"


class PostgresReader(Memory):
    """A read transaction on a PostgreSQL warehouse."""

    kind: ClassVar[Kind] = "postgresql"

    def __init__(self, connection: Connection, warehouse: WarehouseUrl) -> None:
        super().__init__()
        self._connection = connection
        self._warehouse = warehouse

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs SQL with `?` placeholders and fetches all rows."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(placeholders(sql), values(params))
                found = cursor.fetchall()
                sums = {n for n, c in enumerate(cursor.description or ()) if c.type_code == _FLOATS}
        except (psycopg2.Error, ValueError) as error:
            raise explain(error, self._warehouse) from None
        if not sums:
            return found
        return [
            tuple(exact_total(v) if n in sums else v for n, v in enumerate(row)) for row in found
        ]

    def binary_order(self, expression: str) -> str:
        """Every text column has the collation "C", which compares bytes."""
        return expression

    def exact_sum(self, expression: str) -> str:
        """An array, summed when it is fetched; see `warehouses.reader.Reader`."""
        return f"array_agg({expression}) FILTER (WHERE {expression} IS NOT NULL)"

    def whole_sum(self, expression: str) -> str:
        """Sums of BIGINT are NUMERIC; see `warehouses.reader.Reader`."""
        return f"COALESCE(SUM({expression}), 0)"

    def has_table(self, name: str) -> bool:
        """Whether the warehouse holds the table."""
        return bool(
            self.rows(
                "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = ?",
                (self._warehouse.schema, name),
            )
        )

    def size(self) -> int:
        """Bytes of the schema's tables with their indexes."""
        found = self.rows(
            "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relkind = 'r'",
            (self._warehouse.schema,),
        )
        return int(found[0][0])


@contextlib.contextmanager
def open_warehouse(warehouse: WarehouseUrl) -> Iterator[PostgresReader]:
    """Opens a read snapshot; see `warehouses.reader.open_reader`."""
    with contextlib.closing(connect(warehouse)) as connection:
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            version = check_version(connection, warehouse)
            prepare(connection, warehouse)
        except psycopg2.Error as error:
            raise explain(error, warehouse) from None
        require_current(version, warehouse.shown)
        yield PostgresReader(connection, warehouse)


def connect(warehouse: WarehouseUrl) -> Connection:
    """Connects to the server.

    Raises:
        WarehouseError: It cannot be reached, refuses us, or keeps texts in another encoding.
    """
    parameters = {
        # What another one says that it waits for.
        "application_name": f"{APP} on {platform.node()[:30]} ({os.getpid()})",
        "client_encoding": "UTF8",
        **warehouse.connection_parameters(),
    }
    try:
        connection = connect_watched(**parameters)
    except psycopg2.Error as error:
        raise _refusal(error, warehouse) from None
    encoding = connection.get_parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise WarehouseError(
            f"warehouse {warehouse.shown}: the database keeps texts as {encoding}; make one with "
            "ENCODING 'UTF8'"
        )
    return connection


def prepare(connection: Connection, warehouse: WarehouseUrl) -> None:
    """Settles, for the transaction that begins here, what names and times mean."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL search_path TO \"{warehouse.schema}\"; SET LOCAL timezone TO 'UTC'; "
            # Compiling a report's query takes longer than running it.
            "SET LOCAL jit TO off; SET LOCAL extra_float_digits TO 1"
        )


def check_version(connection: Connection, warehouse: WarehouseUrl) -> int | None:
    """The schema version of a warehouse, None where its schema is missing or empty.

    Raises:
        WarehouseError: It was written by a newer version of this program, or is not ours.
    """

    def ask(sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    tables = {name for (name,) in ask(_SCHEMA_TABLES, (warehouse.schema,))}
    if tables and not ask("SELECT has_schema_privilege(%s, 'USAGE')", (warehouse.schema,))[0][0]:
        raise WarehouseError(
            f"warehouse {warehouse.shown}: permission denied for schema {warehouse.schema}; have "
            "its owner grant the right to use it, or connect as another user"
        )
    prepare(connection, warehouse)
    what = f"the schema {warehouse.schema} holds tables"
    return found_version(tables, ask, warehouse.shown, what)


@functools.lru_cache(maxsize=256)
def placeholders(sql: str) -> str:
    """SQL in psycopg2's spelling: `%s` for `?` outside of texts, `%%` for `%`."""
    return _TEXT_OR_MARK.sub(
        lambda found: "%s" if found[0] == "?" else found[0], sql.replace("%", "%%")
    )


def values(parameters: Sequence[object]) -> tuple[object, ...]:
    """Parameters as the server can take them."""
    return tuple(
        value.replace("\0", NUL_SYMBOL) if isinstance(value, str) else value for value in parameters
    )


_REASONS = {
    errorcodes.INSUFFICIENT_PRIVILEGE: "{text}; have its owner grant the right, or connect as "
    "another user",
    errorcodes.UNDEFINED_TABLE: "{text}; run `agentsview-assets materialize` first",
    errorcodes.UNDEFINED_COLUMN: "{text}; run `agentsview-assets materialize` first",
    errorcodes.READ_ONLY_SQL_TRANSACTION: "cannot be written: the server or the role is read-only; "
    "connect to the primary server as a user that may write",
    errorcodes.LOCK_NOT_AVAILABLE: "another process writes it; try again when it has finished",
    errorcodes.DISK_FULL: DISK_FULL,
}
_CONNECTING = (
    ("password", "{text}; give the password in PGPASSWORD or ~/.pgpass"),
    ("role", "{text}; name another user or have the role made"),
    ("database", "{text}; make it with createdb, or name another one"),
    ("", "cannot be reached: {text}; is the server running, and is this its address?"),
)


def explain(error: Exception, warehouse: WarehouseUrl) -> WarehouseError:
    """The user's words for why a PostgreSQL warehouse cannot be opened, read or written."""
    text = _said(error, warehouse)
    code = getattr(error, "pgcode", None)
    if isinstance(error, ServerSilentError):
        reason = "{text}. What was being written is taken back; see that it runs and try again"
    elif code in _REASONS:
        reason = _REASONS[code]
    elif code is None and isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        reason = "the connection was lost, and what was being written is taken back: {text}"
    else:
        reason = "{text}"
    return WarehouseError(f"warehouse {warehouse.shown}: {reason.format(text=text)}")


def _refusal(error: Exception, warehouse: WarehouseUrl) -> WarehouseError:
    """The user's words for why a server cannot be connected to."""
    text = _said(error, warehouse)
    reason = next(words for about, words in _CONNECTING if about in text)
    return WarehouseError(f"warehouse {warehouse.shown}: {reason.format(text=text)}")


def _said(error: Exception, warehouse: WarehouseUrl) -> str:
    """What the server said, on one line and without a password."""
    text = _FAILED.sub("", str(error).strip())
    text = " ".join(text.splitlines()[0].split()) if text else type(error).__name__
    password = warehouse.connection_parameters().get("password")
    text = without_credentials(text)
    return text.replace(password, "***") if password else text
