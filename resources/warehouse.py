"""Warehouses as their users see them: one read snapshot, portable SQL, clear errors.

What belongs here: choosing a backend by URL and the reading interface that documents use. What
does not: writing, Dagster, data frames; a report must start in a fraction of a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

SCHEMA_VERSION = 1
"""Raised with every change of table shapes; a warehouse of a later version is refused."""

PARTITIONS_TABLE = "warehouse_partitions"
META_TABLE = "warehouse_meta"
ARCHIVES_TABLE = "warehouse_archives"


class Reader(Protocol):
    """One consistent state of a warehouse."""

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs portable SQL with `?` placeholders and fetches all rows."""

    def binary_order(self, expression: str) -> str:
        """SQL that orders a text expression by its UTF-8 bytes."""

    def has_table(self, name: str) -> bool:
        """Whether the warehouse holds the table."""


@contextlib.contextmanager
def open_reader(url: str) -> Iterator[Reader]:
    """Opens one read snapshot of a warehouse.

    Raises:
        WarehouseError: The warehouse is missing, in use, damaged or of a newer version.
        ConfigError: The URL is of an unknown kind.
    """
    from resources.duckdb_reader import open_duckdb_reader  # noqa: PLC0415 - only what is used

    with open_duckdb_reader(url) as reader:
        yield reader
