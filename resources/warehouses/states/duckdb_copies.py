"""States of a DuckDB file, each read from a copy: an open file would keep every run out.

A copy is taken between runs, without any lock: nobody writes before it and after it, and the file
has not moved meanwhile. While a run holds the file, the last copy answers. Its file has no name any
more once it is open, so that nothing of it is left over however the server ends; its folder takes
what has no room in memory, and goes with the copy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Hashable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.duckdb.reader import (
    DuckDBReader,
    check_version,
    connect,
    require_file,
)
from agentsview_assets.resources.warehouses.reader import require_current, require_there
from agentsview_assets.resources.warehouses.states.state import State, limited, state_name
from agentsview_assets.warehouse_urls import WarehouseUrl

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1
_SETTLED_SECONDS = 0.02
"""Clocks of file systems tick slower than this: a later write shows as a later time."""
_MEMORY = "200MB"
Stamp = tuple[tuple[int, int, int], ...]


class _Copy:
    """A copy that is open, for as long as somebody reads it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        stamp: Stamp,
        folder: tempfile.TemporaryDirectory[str],
    ) -> None:
        self.connection = connection
        self._folder = folder
        self.stamp = stamp
        self.taken_at = datetime.now(UTC)
        self.name = state_name(DuckDBReader(connection, path))
        self.memory: dict[Hashable, Any] = {}
        self.readers = 0
        self.is_latest = True

    def close_if_done(self) -> None:
        """Closes it when it is neither the latest nor read."""
        if not self.is_latest and not self.readers:
            self.connection.close()
            self._folder.cleanup()


class DuckDBCopies:
    """Copies of a DuckDB warehouse; see `states.state.States`."""

    def __init__(self, warehouse: WarehouseUrl) -> None:
        """Names the warehouse."""
        self._path = warehouse.file
        self._copy: _Copy | None = None
        self._taking = threading.Lock()
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def reading(self, seconds: float) -> Iterator[State]:
        """Opens the latest copy, after taking one where the file has moved."""
        self._renew()
        copy, is_present = self._borrowed()
        try:
            with contextlib.closing(copy.connection.cursor()) as cursor:
                # The settings of a connection do not come with its cursors.
                cursor.execute("SET TimeZone = 'UTC'")
                with limited(seconds, cursor.interrupt):
                    reader = DuckDBReader(cursor, self._path)
                    reader.memory = copy.memory
                    yield State(reader, copy.name, None if is_present else copy.taken_at)
        finally:
            with self._counting:
                copy.readers -= 1
                copy.close_if_done()

    def close(self) -> None:
        """Closes the latest copy once nobody reads it."""
        self._replace(None)

    def _borrowed(self) -> tuple[_Copy, bool]:
        with self._counting:
            copy = self._copy
            if copy is None:
                raise WarehouseError(f"warehouse {self._path}: this server is ending")
            copy.readers += 1
        return copy, copy.stamp == _stamp(self._path)

    def _renew(self) -> None:
        """Takes a copy where the file has moved; whoever has one to read does not wait for it.

        Raises:
            WarehouseError: There is none yet, and none can be taken.
        """
        if not self._taking.acquire(blocking=self._copy is None):
            return
        try:
            stamp = _stamp(self._path)
            if self._copy is not None and (not stamp or self._copy.stamp == stamp):
                return
            try:
                taken = _take(self._path, attempts=_ATTEMPTS if self._copy is None else 1)
            except WarehouseError:
                if self._copy is None:
                    raise
                return  # what is there now cannot be read: the last state answers, and says so
            if taken is not None:
                self._replace(taken)
            elif self._copy is None:
                raise WarehouseError(
                    f"warehouse {self._path}: is being written, and this server has no earlier "
                    "state of it yet; try again when the run has ended"
                )
        finally:
            self._taking.release()

    def _replace(self, copy: _Copy | None) -> None:
        with self._counting:
            before, self._copy = self._copy, copy
            if before is not None:
                before.is_latest = False
                before.close_if_done()


def _take(path: Path, attempts: int) -> _Copy | None:
    """A copy of a file that nobody wrote to meanwhile; None where somebody did.

    Raises:
        WarehouseError: The file is missing, damaged, or of another version.
    """
    require_there(path)
    require_file(path)
    for attempt in range(attempts):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        with contextlib.ExitStack() as taken:
            folder = tempfile.TemporaryDirectory(prefix="agentsview-assets-serve-")
            taken.callback(folder.cleanup)
            place = Path(folder.name) / path.name
            stamp = _copied(path, place)
            if stamp is not None:
                copy = _opened(place, path, stamp, folder)
                taken.pop_all()
                return copy
    return None


def _copied(path: Path, place: Path) -> Stamp | None:
    """Copies the file and its log, and returns the stamp of what was copied; None if it moved."""
    try:
        stamp = _stamp(path)
        if _is_fresh(stamp):
            time.sleep(_SETTLED_SECONDS)
        if _is_held(path):
            return None
        _copy_file(path, place)
        log = _log_of(path)
        if log.exists():
            _copy_file(log, _log_of(place))
        return None if _is_held(path) or _stamp(path) != stamp else stamp
    except FileNotFoundError:
        return None  # replaced or checkpointed under our eyes
    except OSError as error:
        raise WarehouseError(f"warehouse {path}: cannot be copied: {error.strerror}") from None


def _opened(
    place: Path, path: Path, stamp: Stamp, folder: tempfile.TemporaryDirectory[str]
) -> _Copy:
    config = {"memory_limit": _MEMORY, "temp_directory": folder.name}
    try:
        connection = connect(place, read_only=True, config=config)
    except WarehouseError as error:
        raise WarehouseError(str(error).replace(str(place), str(path))) from None
    try:
        require_current(check_version(connection, path), str(path))
        for part in (place, _log_of(place)):
            part.unlink(missing_ok=True)
        return _Copy(connection, path, stamp, folder)
    except BaseException:
        connection.close()
        raise


def _copy_file(source: Path, place: Path) -> None:
    """Copies bytes into a file that only its owner can read."""
    os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    shutil.copyfile(source, place)


def _stamp(path: Path) -> Stamp:
    """What tells one content of a file, and of its log, from the next; empty if it is missing."""
    found = []
    for part in (path, _log_of(path)):
        with contextlib.suppress(OSError):
            status = part.stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _is_fresh(stamp: Stamp) -> bool:
    """Whether a write that follows at once could leave the stamp as it is."""
    return any(time.time() - moment / 1e9 < _SETTLED_SECONDS for _, _, moment in stamp)


def _is_held(path: Path) -> bool:
    """Whether another process has the file open for writing."""
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.lockf(file, fcntl.LOCK_UN)
    return False


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
