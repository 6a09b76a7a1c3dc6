"""Opening DuckDB files that somebody else may have made: nothing in them reaches outside.

A view may read any file of the user's, a macro may stand in for a function of DuckDB's, and a
statement may fetch an extension. None of it is ever wanted here, of no file.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
}
"""How every DuckDB file is opened, by whichever part of the program."""
_EXTENSIONS = {name: value for name, value in SEALED.items() if name.endswith("extensions")}

FOREIGN = "theirs"
"""The name by which a foreign database is attached; its tables are `theirs.main.NAME`."""
_MEMORY_LIMIT = "1GB"
_OWN_MEMORY_LIMIT = "400MB"
_THREADS = 4


def attach_foreign(copy: Path) -> duckdb.DuckDBPyConnection:
    """Opens a private copy of a foreign file beside an empty database of our own.

    Names without a place then mean DuckDB's own functions and types, never the file's.

    Raises:
        duckdb.Error: It is no DuckDB database.
    """
    connection = duckdb.connect(config=_EXTENSIONS)
    try:
        folder = _literal(copy.parent)
        connection.execute(f"SET temp_directory = {folder}")
        connection.execute(f"SET allowed_directories = [{folder}]")
        connection.execute("SET enable_external_access = false")
        connection.execute(f"ATTACH {_literal(copy)} AS {FOREIGN} (READ_ONLY)")
        for setting in (
            *("python_enable_replacements = false", "TimeZone = 'UTC'"),
            *(f"memory_limit = '{_MEMORY_LIMIT}'", f"threads = {_THREADS}"),
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_in_memory(folder: Path) -> duckdb.DuckDBPyConnection:
    """Opens an empty database in memory, of which a private folder takes what has no room there."""
    connection = duckdb.connect(config=_EXTENSIONS)
    for setting in (
        *(f"temp_directory = {_literal(folder)}", f"allowed_directories = [{_literal(folder)}]"),
        *("enable_external_access = false", f"memory_limit = '{_OWN_MEMORY_LIMIT}'"),
        *("TimeZone = 'UTC'", "preserve_insertion_order = false"),
    ):
        connection.execute(f"SET {setting}")
    return connection


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
