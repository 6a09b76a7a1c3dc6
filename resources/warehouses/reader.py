"""Warehouses as their users see them: one read snapshot, portable SQL, clear errors.

What belongs here: choosing a backend by URL and the reading interface that documents use. What
does not: writing, Dagster, data frames; a report must start in a fraction of a second.
"""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from agentsview_assets.errors import OutdatedError, WarehouseError
from agentsview_assets.files import look
from agentsview_assets.warehouse_urls import Kind, WarehouseUrl, parse_warehouses

SCHEMA_VERSION = 7
"""Raised with every change of table shapes; a warehouse of a later version is refused."""

PARTITIONS_TABLE = "warehouse_partitions"
META_TABLE = "warehouse_meta"
ARCHIVES_TABLE = "warehouse_archives"
EXPECTED_TABLE = "warehouse_expected"
READINGS_TABLE = "warehouse_readings"
CHECKS_TABLE = "warehouse_checks"
SUCCESSIONS_TABLE = "warehouse_successions"
RULES_TABLE = "warehouse_rules"
PENDING_TABLE = "warehouse_pending"
LEFT_OUT_TABLE = "warehouse_left_out"


_READERS: dict[Kind, str] = {
    "duckdb": "agentsview_assets.resources.warehouses.duckdb.reader",
    "sqlite": "agentsview_assets.resources.warehouses.sqlite.reader",
    "postgresql": "agentsview_assets.resources.warehouses.postgres.reader",
}


Remembered = TypeVar("Remembered")


class Memory:
    """What was worked out of a state already.

    Attributes:
        memory: Question -> answer; several readers of one state may share it.
    """

    def __init__(self) -> None:
        self.memory: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Remembered]) -> Remembered:
        """What an earlier caller worked out of this state, or else this one.

        Args:
            key: The question; its answer must never be changed.
            make: Works it out.
        """
        if key not in self.memory:
            self.memory[key] = make()
        found: Remembered = self.memory[key]
        return found


class Reader(Protocol):
    """One consistent state of a warehouse."""

    kind: ClassVar[Kind]

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs portable SQL with `?` placeholders and fetches all rows."""

    def binary_order(self, expression: str) -> str:
        """SQL that orders a text expression by its UTF-8 bytes."""

    def exact_sum(self, expression: str) -> str:
        """SQL of an aggregate that `float()` reads as the sum of doubles, rounded once.

        An ordinary sum of doubles depends in its last digits on the order in which an engine meets
        the rows; this one is the same everywhere. NULL counts nothing; no rows sum to 0.
        """

    def whole_sum(self, expression: str) -> str:
        """SQL of an aggregate that `int()` reads as the sum of whole numbers, however great."""

    def once(self, key: Hashable, make: Callable[[], Remembered]) -> Remembered:
        """What is worked out once of a state, however often it is asked for; see `Memory`."""

    def has_table(self, name: str) -> bool:
        """Whether the warehouse holds the table."""

    def size(self) -> int:
        """Bytes that the warehouse takes on disk."""


@contextlib.contextmanager
def open_reader(url: str) -> Iterator[Reader]:
    """Opens one read snapshot of a warehouse; of the first, where several are named.

    Raises:
        WarehouseError: The warehouse is missing, in use, damaged or of another version.
        ConfigError: The URL is of an unknown kind.
    """
    with reader_of(parse_warehouses(url)[0]) as reader:
        yield reader


def reader_of(warehouse: WarehouseUrl) -> contextlib.AbstractContextManager[Reader]:
    """Opens one read snapshot of a single warehouse; see `open_reader`."""
    # Only what is used is imported: a report has to start fast.
    module = importlib.import_module(_READERS[warehouse.kind])
    opened: contextlib.AbstractContextManager[Reader] = module.open_warehouse(warehouse)
    return opened


def size(warehouse: WarehouseUrl) -> int:
    """Bytes that a warehouse takes on disk."""
    if warehouse.path is not None:
        return warehouse.path.stat().st_size
    with reader_of(warehouse) as reader:
        return reader.size()


def exact_total(values: Sequence[float] | None) -> float:
    """The sum of doubles, rounded once; what has no such sum is added up as it comes."""
    if not values:
        return 0.0
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # beyond the greatest double, or opposite infinities
        return sum(values)


def found_version(
    tables: Collection[str],
    ask: Callable[[str], list[tuple[Any, ...]]],
    shown: str,
    what: str,
) -> int | None:
    """The schema version of a warehouse; None where there is nothing yet.

    Args:
        tables: Names of the tables that are there.
        ask: Runs a query.
        shown: How messages name the warehouse.
        what: What it is a database of, such as `a DuckDB database`.

    Raises:
        OutdatedError: It was written by a newer version of this program.
        WarehouseError: It is not ours.
    """
    if META_TABLE not in tables:
        if tables:
            raise WarehouseError(f"warehouse {shown}: {what} of another program; name a new one")
        return None
    version = int(ask(f"SELECT max(schema_version) FROM {META_TABLE}")[0][0] or 0)
    if version > SCHEMA_VERSION:
        raise OutdatedError(
            f"warehouse {shown}: written by a newer version of agentsview-assets (schema "
            f"{version}, this one knows {SCHEMA_VERSION}); upgrade agentsview-assets"
        )
    return version


def require_there(path: Path) -> None:
    """Refuses to read a file that nothing has written yet.

    Raises:
        WarehouseError: There is none.
    """
    if look(path, f"warehouse {path}", WarehouseError) == "missing":
        raise WarehouseError(
            f"warehouse {path}: no such file; run `agentsview-assets materialize` first, or name "
            "another one with --warehouse"
        )


def require_current(version: int | None, shown: str) -> None:
    """Refuses to read what has not been written yet, or not by this version.

    Raises:
        WarehouseError: The tables are missing or have the shapes of an earlier version.
    """
    if version is None:
        raise WarehouseError(
            f"warehouse {shown}: holds no tables yet; run `agentsview-assets materialize` first"
        )
    if version < SCHEMA_VERSION:
        raise WarehouseError(
            f"warehouse {shown}: written by an earlier version of agentsview-assets (schema "
            f"{version}, this one reads {SCHEMA_VERSION}); run `agentsview-assets materialize`, "
            "which upgrades it"
        )
