"""Observation stores in tests: what one says of an archive, as plain values."""

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

from agentsview_assets.resources.observation_reader import DayWindow
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.observing import observe
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
    """All that a store says of a window.

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


def said_by(store: ObservationStore, window: DayWindow = WINDOW) -> Observation:
    """Read everything out of an open store."""
    span = window.span([window.first, window.last])
    tables = {name: _rows(name, list(store.frames(name, span, window))) for name in DAILY}
    tables |= {name: _rows(name, [store.frame(name)]) for name in WHOLE}
    return Observation(
        tables,
        store.versions(window),
        store.models(window),
        {name: store.table_version(name) for name in WHOLE},
    )


def fresh(path: Path, scratch: Path, window: DayWindow = WINDOW, **options: bool) -> Observation:
    """Observe an archive into a store made for the purpose."""
    place = scratch / f"fresh-{os.urandom(6).hex()}.duckdb"
    with ObservationStore(place) as store:
        observe(path, store, **options)
        found = said_by(store, window)
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
    return sorted(rows, key=lambda row: [str(row[key]) for key in contract.key])


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and modification time of every file in a folder."""
    return {
        entry.name: (hashlib.sha256(entry.read_bytes()).hexdigest(), entry.stat().st_mtime_ns)
        for entry in sorted(folder.iterdir())
        if entry.is_file()
    }
