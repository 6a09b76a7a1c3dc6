"""What the observation store says of its archives: versions by day, models, when it last looked.

What belongs here: small questions, at no import cost but DuckDB's. What does not: contract rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from agentsview_assets.files import is_there
from agentsview_assets.transforms import staleness
from agentsview_assets.transforms.landing import LANDING_VERSION
from agentsview_assets.transforms.slices import (
    PARTITION_MODELS,
    PARTITION_REACHES,
    PARTITION_VERSIONS,
)
from resources.archive_files import path_text
from resources.store import Archive

STORE_VERSION = (LANDING_VERSION, duckdb.__version__)
"""What a store says of who made it; one of another version is made anew."""

_TOLD_TOGETHER = dict.fromkeys(
    ("project_observations", "machines"), ("project_observations", "machines")
)
"""Small tables that have one version."""


@dataclass(frozen=True)
class DayWindow:
    """The days that partitions exist for, both inclusive, as `YYYY-MM-DD`."""

    first: str
    last: str


class ObservationReader:
    """The questions that an open observation store answers about itself."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self.path = path
        self._connection = connection

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection.

        Raises:
            RuntimeError: The store is not open.
        """
        if self._connection is None:
            message = "the observation store is not open"
            raise RuntimeError(message)
        return self._connection

    def is_current(self) -> bool:
        """Whether this version of the program, with this engine, made the store."""
        try:
            return self.rows("SELECT landing_version, engine_version FROM store") == [STORE_VERSION]
        except duckdb.Error:
            return False

    def rows(self, sql: str, parameters: dict[str, str] | None = None) -> list[tuple[object, ...]]:
        """Runs a query and fetches all its rows."""
        return self.connection.execute(sql, parameters or {}).fetchall()

    def table_version(self, table: str) -> str:
        """The data version of an unpartitioned observation."""
        found = [
            value
            for name in _TOLD_TOGETHER.get(table, (table,))
            for value in self.rows(f"SELECT count(*), sum(hash({name})::HUGEINT) FROM {name}")[0]
        ]
        return ":".join(map(str, found))

    def versions(self, window: DayWindow) -> dict[str, str]:
        """The data version of every partition that holds something, by day."""
        return {row[0]: row[1] for row in self._windowed(PARTITION_VERSIONS, window)}

    def models(self, window: DayWindow) -> dict[str, list[tuple[str, str]]]:
        """The (archive, model) pairs whose prices each partition's reports need."""
        found: dict[str, list[tuple[str, str]]] = {}
        for day, archive_id, model in self._windowed(PARTITION_MODELS, window):
            found.setdefault(day, []).append((archive_id, model))
        return found

    def reaches(self, window: DayWindow) -> dict[str, set[str]]:
        """The other partitions that each partition's reports read, where there are any."""
        found: dict[str, set[str]] = {}
        for day, other in self._windowed(PARTITION_REACHES, window):
            found.setdefault(day, set()).add(other)
        return found

    def expected(self, window: DayWindow) -> staleness.Expected:
        """The versions that a warehouse of all this has noted."""
        return staleness.expected_versions(
            self.versions(window),
            self.models(window),
            self.rows("SELECT * FROM model_pricing"),
            self.table_version("project_observations"),
            self.table_version("model_pricing"),
        )

    def _windowed(self, sql: str, window: DayWindow) -> list[tuple[str, ...]]:
        return self.connection.execute(sql, {"first": window.first, "last": window.last}).fetchall()

    def archives(self) -> list[Archive]:
        """The archives whose observations the store holds."""
        found = self.rows("SELECT archive_id, database_id, user_version, path FROM archive")
        return [Archive(str(a), str(d), int(str(v)), str(p)) for a, d, v, p in found]

    def archive(self, path: Path) -> dict[str, str] | None:
        """What was noted of an archive when it was last observed, or None."""
        return self.archive_at(path_text(path))

    def archive_at(self, path: str) -> dict[str, str] | None:
        """The same by the text that the archive is known by, which may be a mirror's URL."""
        found = self.rows(
            "SELECT archive_id, signature, user_version FROM archive WHERE path = $path",
            {"path": path},
        )
        if not found:
            return None
        names = ("archive_id", "signature", "user_version")
        return dict(zip(names, map(str, found[0]), strict=True))


@contextlib.contextmanager
def open_observations(path: Path) -> Iterator[ObservationReader | None]:
    """Opens a store to ask it; None when there is none, or it is in use or of another version."""
    try:
        connection = duckdb.connect(str(path), read_only=True) if is_there(path) else None
    except duckdb.Error:
        connection = None
    if connection is None:
        yield None
        return
    with contextlib.closing(connection):
        reader = ObservationReader(path, connection)
        yield reader if reader.is_current() else None
