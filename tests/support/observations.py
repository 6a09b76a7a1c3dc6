"""Observation stores in tests: what one says of an archive, as plain values."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from resources.observation_reader import DayWindow
from resources.observations import ObservationStore
from resources.observing import observe
from schemas import CONTRACTS
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = REPOSITORY / "agentsview_assets/data/sample/sessions.db"
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
    days = [window.first, window.last]
    tables = {name: _rows(name, list(store.frames(name, days, window))) for name in DAILY}
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


def content_of_days(tables: Mapping[str, list[Row]]) -> dict[str, set[str]]:
    """What reports of each day read: its rows, its sessions' usage, spans that run into it."""
    found: dict[str, set[str]] = {}
    for name in DAILY:
        for row in tables[name]:
            days = {row["partition_date"], row.get("session_date") or row["partition_date"]}
            if name == "activity_intervals" and row["epoch_seconds"] % 86_400 >= 86_100:
                days.add(_day(row["epoch_seconds"] // 86_400 + 1))
            for day in days:
                found.setdefault(day, set()).add(repr((name, row)))
    return found


def _day(number: int) -> str:
    import datetime as dt  # noqa: PLC0415

    return (dt.date(1970, 1, 1) + dt.timedelta(days=number)).isoformat()


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
