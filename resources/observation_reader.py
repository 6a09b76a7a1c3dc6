"""What the observation store says of its archives: versions by day, models, when it last looked.

What belongs here: small questions, at no import cost but DuckDB's. What does not: contract rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from agentsview_assets.files import is_there
from agentsview_assets.resources.archive_files import path_text
from agentsview_assets.resources.duckdb_sealing import SEALED
from agentsview_assets.resources.store import Archive, Succession
from agentsview_assets.transforms import staleness
from agentsview_assets.transforms.landing import LANDING_VERSION
from agentsview_assets.transforms.slices import (
    LATEST,
    PARTITION_MODELS,
    PARTITION_REACHES,
    PARTITION_VERSIONS,
)

STORE_VERSION = (LANDING_VERSION, duckdb.__version__)
"""What a store says of who made it; one of another version is made anew."""


class Span(NamedTuple):
    """The first and last day whose rows a run makes: all later ones where it ends with today."""

    first: str
    last: str

    @property
    def is_open(self) -> bool:
        """Whether later days belong to it."""
        return self.last == LATEST

    def beyond(self, days: Iterable[str], last: str) -> list[str]:
        """Of some days those that a run makes although they come after its last partition."""
        return sorted(day for day in days if last < day <= self.last)


def cut(span: Span, counts: Mapping[str, int], most: int) -> Iterator[Span]:
    """Cuts a span into spans of about so many rows; days without rows cost nothing.

    Args:
        span: The days.
        counts: Rows by day.
        most: Rows after which a new span begins.
    """
    first, size = span.first, 0
    for day in sorted(day for day in counts if span.first <= day < span.last):
        size += counts[day]
        if size >= most:
            yield Span(first, day)
            first = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            size = 0
    yield Span(first, span.last)


_TOLD_TOGETHER = dict.fromkeys(
    ("project_observations", "machines"), ("project_observations", "machines")
)
"""Small tables that have one version."""


@dataclass(frozen=True)
class DayWindow:
    """The days that partitions exist for, both inclusive, as `YYYY-MM-DD`.

    Rows of later days are made with the last one; see `span`.
    """

    first: str
    last: str

    def span(self, days: Sequence[str]) -> Span:
        """The days whose rows a run over some contiguous days makes."""
        return Span(days[0], LATEST if days[-1] >= self.last else days[-1])

    def clamp(self, day: str) -> str:
        """The day whose run makes the rows of a day."""
        return min(max(day, self.first), self.last)


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
        return self.connection.execute(sql, {"first": window.first}).fetchall()

    def archives(self) -> list[Archive]:
        """The archives whose observations the store holds."""
        found = self.rows("SELECT archive_id, database_id, user_version, path FROM archive")
        return [Archive(str(a), str(d), int(str(v)), str(p)) for a, d, v, p in found]

    def may_replace(self) -> frozenset[str]:
        """The archives whose rows in a warehouse a run may replace: those held, and those leaving.

        Of all others the store has nothing: what is made from it would lose their rows.
        """
        held = "SELECT archive_id FROM archive UNION SELECT archive_id FROM leaving"
        return frozenset(str(archive_id) for (archive_id,) in self.rows(held))

    def leaving(self) -> dict[str, str]:
        """The archives whose rows are to go from the warehouse, and why."""
        return {str(a): str(why) for a, why in self.rows("SELECT archive_id, reason FROM leaving")}

    def successions(self) -> list[Succession]:
        """The archives that another one was found in the place of."""
        found = self.rows("SELECT archive_id, path, successor FROM succession ORDER BY found_at")
        return [Succession(str(a), str(p), str(s)) for a, p, s in found]

    def archive(self, path: Path) -> dict[str, str] | None:
        """What was noted of an archive when it was last observed, or None."""
        return self.archive_at(path_text(path))

    def archive_at(self, path: str) -> dict[str, str] | None:
        """The same by the text that the archive is known by, which may be a mirror's URL."""
        found = self.rows(
            "SELECT archive_id, signature, user_version FROM archive WHERE path = $path "
            "AND archive_id NOT IN (SELECT archive_id FROM succession)",
            {"path": path},
        )
        if not found:
            return None
        names = ("archive_id", "signature", "user_version")
        return dict(zip(names, map(str, found[0]), strict=True))


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path), read_only=True, config=SEALED)


@contextlib.contextmanager
def open_observations(path: Path) -> Iterator[ObservationReader | None]:
    """Opens a store to ask it; None when there is none, or it is in use or of another version."""
    try:
        connection = _open(path) if is_there(path) else None
    except duckdb.Error:
        connection = None
    if connection is None:
        yield None
        return
    with contextlib.closing(connection):
        reader = ObservationReader(path, connection)
        yield reader if reader.is_current() else None
