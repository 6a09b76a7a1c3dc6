"""Observing archives in tests: what a warehouse knows of them, as plain values."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from agentsview_assets.resources.archives.asked import Needed, Options
from agentsview_assets.resources.archives.observing import Observed, observe
from agentsview_assets.resources.archives.scratch import Scratch
from agentsview_assets.resources.archives.sources import FileSource
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.store import Selection, Slices, Store
from agentsview_assets.rules.staleness import by_day, observed_slices
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.schemas import CONTRACTS
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = REPOSITORY / "agentsview_assets/data/sample/sessions.db"
SAMPLE_ID = "f274628c-a463-4a98-a89e-b7e7ffa74cba"
WINDOW = DayWindow("2026-06-25", "2026-11-20")
DAILY = ("sessions", "usage_rows", "activity_intervals")
WHOLE = ("project_observations", "model_pricing")
Row = dict[str, Any]

_CONTENT_TABLES = ("messages", "usage_events", "cursor_usage_events", "sessions")


def copy_sample(folder: Path, *, is_empty: bool = False) -> Path:
    """Make a data folder with a copy of the sample archive, or with an archive of no sessions."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sessions.db"
    shutil.copyfile(SAMPLE, path)
    if is_empty:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for table in (*_CONTENT_TABLES, "project_identity_observations"):
                database.execute(f"DELETE FROM {table}")
    return path


class Observation(NamedTuple):
    """All that is known of a window.

    Attributes:
        tables: Rows of each table, sorted, instants as microseconds since 1970.
        versions: Version of each day.
        models: Archive and model pairs of each day.
        table_versions: Version of each whole table.
    """

    tables: Mapping[str, list[Row]]
    versions: Mapping[str, str]
    models: Mapping[str, list[tuple[str, str]]]
    table_versions: Mapping[str, str]


class Watch:
    """A warehouse, and the archives that are observed into it; use as a context manager.

    Attributes:
        store: The open warehouse.
    """

    def __init__(self, place: Path, window: DayWindow = WINDOW) -> None:
        self._place = place
        self._window = window
        self._stack = contextlib.ExitStack()
        self._scratch: Scratch | None = None
        self.store: Store

    def __enter__(self) -> Watch:
        self.store = self._stack.enter_context(open_store(f"duckdb:///{self._place}"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def observe(self, path: Path, **options: Any) -> Observed:
        """Look at an archive, as a run does that has nothing in memory yet."""
        with Scratch() as scratch:
            found = observe(
                FileSource(path), self.store, lambda: scratch, Options(**options), self._window
            )
        self.store.deduplicate()
        return found

    def said_of(self, path: Path) -> Observation:
        """Everything that one look at an archive finds."""
        with Scratch() as scratch:
            found = self._land(FileSource(path), scratch, self._window, Options())
            return self._said((found.archive_id,), scratch, self._window)

    def said(self, window: DayWindow | None = None, *, with_titles: bool = True) -> Observation:
        """Everything that the ledger and the archives say of a window, made and read back."""
        window, options = window or self._window, Options(with_titles)
        gone = {found.archive_id for found in self.store.successions()}
        archives = [a for a in self.store.archives() if a.archive_id not in gone]
        with Scratch() as scratch:
            for archive in archives:
                self._land(FileSource(Path(archive.path)), scratch, window, options)
            return self._said(tuple(a.archive_id for a in archives), scratch, window)

    def _land(
        self, source: FileSource, scratch: Scratch, window: DayWindow, options: Options
    ) -> Observed:
        needed = Needed(window.span([window.first, window.last]), window)
        return observe(
            source, self.store, lambda: scratch, options, window, needed=needed, must_open=True
        )

    def _said(self, names: tuple[str, ...], scratch: Scratch, window: DayWindow) -> Observation:
        span = window.span([window.first, window.last])
        tables = {n: _rows(n, list(scratch.frames(n, names, span, window))) for n in DAILY}
        tables |= {n: _rows(n, [scratch.frame(n, names)]) for n in WHOLE}
        versions = {
            name: "/".join(scratch.version((name,), archive) for archive in names) for name in WHOLE
        }
        contract = CONTRACTS["usage_rows"]
        frames = list(scratch.frames("usage_rows", names, span, window))
        self.store.replace(contract, frames, Slices(names), [])
        self.store.deduplicate()
        tables["duplicates"] = _rows_of(
            "duplicates", self.store.read(CONTRACTS["duplicates"], Selection(archives=names))
        )
        rows = self.store.expected(names)
        models: dict[str, list[tuple[str, str]]] = {}
        for row in rows:
            if row.part == "daily":
                day = models.setdefault(window.place(row.day), [])
                day += [(row.archive_id, model) for model in row.models]
        return Observation(
            tables,
            by_day(observed_slices(rows, window)),
            {day: sorted(set(found)) for day, found in models.items()},
            versions,
        )


def fresh(path: Path, scratch: Path, window: DayWindow = WINDOW) -> Observation:
    """Observe an archive into a warehouse made for the purpose."""
    place = scratch / f"fresh-{os.urandom(6).hex()}.duckdb"
    with Watch(place, window) as watch:
        found = watch.said_of(path)
    place.unlink()
    return found


def content_of_days(
    tables: Mapping[str, list[Row]], window: DayWindow = WINDOW
) -> dict[str, set[str]]:
    """What reports of each day read: its rows, its sessions' usage, spans that run into it."""
    found: dict[str, set[str]] = {}
    for name in DAILY:
        for row in tables[name]:
            place = row["partition_date"]
            found.setdefault(place, set()).add(repr((name, row)))
            others = {row.get("session_date"), _day_run_into(name, row)} - {place, None}
            for day in others:
                if window.first <= day:
                    elsewhere = {k: v for k, v in row.items() if k != "partition_date"}
                    found.setdefault(day, set()).add(repr((name, elsewhere)))
    return found


def _day_run_into(name: str, row: Row) -> str | None:
    """The day after, for a span that begins in the last five minutes of a day."""
    if name != "activity_intervals" or row["epoch_seconds"] % 86_400 < 86_100:
        return None
    return (dt.date(1970, 1, 1) + dt.timedelta(row["epoch_seconds"] // 86_400 + 1)).isoformat()


def _rows(name: str, frames: list[Any]) -> list[Row]:
    contract = CONTRACTS[name]
    rows: list[Row] = []
    for frame in frames:
        valid = contract.validate(frame)
        table = pa.Table.from_pandas(valid, schema=contract.arrow_schema, preserve_index=False)
        for field in contract.arrow_schema:
            if pa.types.is_timestamp(field.type):
                index = table.schema.get_field_index(field.name)
                table = table.set_column(index, field.name, table.column(index).cast(pa.int64()))
        rows += table.to_pylist()
    return _sorted(name, rows)


def _rows_of(name: str, table: pa.Table) -> list[Row]:
    return _sorted(name, table.to_pylist())


def _sorted(name: str, rows: list[Row]) -> list[Row]:
    contract = CONTRACTS[name]
    return sorted(rows, key=lambda row: [str(row[key]) for key in contract.key])


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and modification time of every file in a folder."""
    return {
        entry.name: (hashlib.sha256(entry.read_bytes()).hexdigest(), entry.stat().st_mtime_ns)
        for entry in sorted(folder.iterdir())
        if entry.is_file()
    }
