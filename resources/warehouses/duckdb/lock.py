"""Opening DuckDB files that another process may have open: it is waited for, some seconds.

A process that writes a DuckDB file keeps out all others, and one that reads it keeps out writers.
A report takes a moment, so that a run waits for it; a run holds the file to its end, so that runs
queue up behind each other, and reports behind them.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import duckdb

from agentsview_assets.resources.warehouses.duckdb.sealing import SEALED
from agentsview_assets.resources.warehouses.patience import patiently
from agentsview_assets.settings import lock_patience

_HOLDER = re.compile(r"lock is held in (\S+) \(PID (\d+)\)")
_WHOLE_BYTES = 3 * 4096
"""The headers that DuckDB begins a file with; before them, nothing is in it."""


def open_file(
    path: Path, *, read_only: bool = False, config: dict[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Opens a file, sealed, as soon as nobody else's lock is in the way.

    Args:
        path: The file.
        read_only: Whether it is not to be written.
        config: Settings on top of those of a sealed file.

    Raises:
        duckdb.Error: It cannot be opened, or not in time.
    """
    is_new, held = not os.path.lexists(path), list[duckdb.IOException]()

    def attempt() -> duckdb.DuckDBPyConnection | None:
        try:
            return duckdb.connect(
                str(path), read_only=read_only, config={**SEALED, **(config or {})}
            )
        except duckdb.IOException as error:
            if not is_locked(error):
                if is_new:
                    _remove_unfinished(path)
                raise
            held[:] = [error]
            return None

    def for_whom() -> str:
        return f"{holder(held[0])} to close {path}"

    connection = patiently(attempt, for_whom, is_writing=not read_only)
    if connection is None:
        raise held[0]
    return connection


def _remove_unfinished(path: Path) -> None:
    """Removes what found no room of a new file: the next run could not tell whose it is."""
    with contextlib.suppress(OSError):
        if path.stat().st_size < _WHOLE_BYTES:
            path.unlink()


def is_locked(error: Exception) -> bool:
    """Whether another process has the file open."""
    return "could not set lock" in str(error).lower()


def holder(error: Exception) -> str:
    """Who has the file open, as far as the system tells."""
    found = _HOLDER.search(str(error))
    return f"{Path(found[1]).name} (process {found[2]})" if found else "another process"


def waited(*, is_writing: bool) -> str:
    """How long it was waited for, as part of a message."""
    seconds = lock_patience(os.environ, is_writing=is_writing)
    return f", also after {seconds:g} s" if seconds else ""
