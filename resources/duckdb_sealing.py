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

FOREIGN = "theirs"
"""The name by which a foreign database is attached; its tables are `theirs.main.NAME`."""
_MEMORY_LIMIT = "1GB"
_THREADS = 4


def attach_foreign(copy: Path) -> duckdb.DuckDBPyConnection:
    """Opens a private copy of a foreign file beside an empty database of our own.

    Names without a place then mean DuckDB's own functions and types, never the file's.

    Raises:
        duckdb.Error: It is no DuckDB database.
    """
    extensions = {name: value for name, value in SEALED.items() if name.endswith("extensions")}
    connection = duckdb.connect(config=extensions)
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


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
