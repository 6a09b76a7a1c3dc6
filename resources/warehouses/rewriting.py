"""Writing a warehouse's file anew, so that no byte of what was replaced is left in it.

A database file keeps the bytes of rows that are gone until something else is written over them. A
server's files are its own: `docs/credentials.md` says what an administrator can do there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import duckdb

from agentsview_assets.errors import WarehouseError, is_disk_full
from agentsview_assets.resources.warehouses.duckdb.reader import explain
from agentsview_assets.resources.warehouses.sqlite.reader import connect as connect_sqlite
from agentsview_assets.resources.warehouses.sqlite.reader import explain as explain_sqlite
from agentsview_assets.warehouse_urls import WarehouseUrl

SUFFIX = ".rewriting"
"""What the folder is called in which a file's successor is made; only its owner can read it."""
_OLD, _NEW = "being_rewritten", "written_anew"


def rewrite(warehouse: WarehouseUrl) -> None:
    """Writes a warehouse's file anew; does nothing for a server.

    Raises:
        WarehouseError: It is in use, or there is no room; the file is as it was.
    """
    if warehouse.kind == "duckdb":
        rewrite_duckdb(warehouse.file)
    elif warehouse.kind == "sqlite":
        _rewrite_sqlite(warehouse.file)


def rewrite_duckdb(path: Path, what: str = "warehouse") -> None:
    """Copies what a DuckDB file holds to a new file, which takes its place at once.

    Readers that have the old file open go on with it. Ended half way, the old file is still there.

    Raises:
        WarehouseError: It is being written elsewhere, or there is no room; the file is as it was.
    """
    place = path.resolve()  # a link stays one
    folder = place.with_name(place.name + SUFFIX)
    fresh = folder / place.name
    try:
        _make(folder)
        with contextlib.closing(duckdb.connect()) as connection:
            connection.execute(f"SET temp_directory = {_literal(folder / 'spilled')}")
            # Holding the old file open for writing keeps every other writer out to the end.
            connection.execute(f"ATTACH {_literal(place)} AS {_OLD}")
            connection.execute(f"CHECKPOINT {_OLD}")
            connection.execute(f"ATTACH {_literal(fresh)} AS {_NEW}")
            connection.execute(f"COPY FROM DATABASE {_OLD} TO {_NEW}")
            connection.execute(f"DETACH {_NEW}")
            shutil.copymode(place, fresh)
            _flush(fresh)
            fresh.replace(place)
    except duckdb.Error as error:
        raise explain(error, path, what) from None
    except OSError as error:
        if is_disk_full(error):
            raise explain(error, path, what) from None
        raise WarehouseError(f"{what} {path}: cannot be written anew: {error.strerror}") from None
    finally:
        _remove(folder)


def _rewrite_sqlite(path: Path) -> None:
    """Has SQLite build the file anew, in a transaction of its own."""
    import sqlite3  # noqa: PLC0415 - of this one kind of warehouse

    with contextlib.closing(connect_sqlite(path, "rw")) as connection:
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise explain_sqlite(error, path) from None


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _make(folder: Path) -> None:
    """Makes the folder anew; one that a kill left behind goes."""
    _remove(folder)
    folder.mkdir(mode=0o700)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
