"""How an archive is opened so that nothing of ours is left beside it, whoever owns it.

SQLite makes a write-ahead log (`-wal`) and its index (`-shm`) beside a database in WAL mode as soon
as it is read, and an index that belongs to another user stops the owner's agentsview. So:

| log                | index | how it is opened                                                    |
| ------------------ | ----- | ------------------------------------------------------------------- |
| absent, or empty   | none  | as immutable; the caller compares signatures before and after       |
| present            | there | with the index as it is, which is only ever read                    |
| with content       | none  | nobody has it open: a private copy of file and log                  |

Without a log (rollback journal) SQLite makes nothing, and locks are heeded as ever.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.files import log_path, signature
from agentsview_assets.resources.archives.private_copy import copy_file, private_folder

BUSY_TIMEOUT_MS = 5000
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.05
_VERSION_BYTES = slice(18, 20)  # file format versions for writing and for reading
_WAL_VERSION = 2
# The bytes that SQLite's readers lock: `SHARED_FIRST` and `SHARED_SIZE` of its sources.
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510
_LOCK_COMMAND = getattr(fcntl, "F_OFD_SETLK", None)


class Opening(NamedTuple):
    """How SQLite is to open an archive.

    Attributes:
        uri: Its address for SQLite.
        is_immutable: Whether a writer would go unnoticed, so that signatures have to be compared.
    """

    uri: str
    is_immutable: bool


@contextlib.contextmanager
def opening(path: Path, header: bytes) -> Iterator[Opening]:
    """Finds out how to open an archive; what it takes is held until the block ends.

    Args:
        path: The archive.
        header: Its first hundred bytes.

    Raises:
        ArchiveError: It is locked, or a copy that would be needed cannot be made.
    """
    place = path.resolve()
    if _WAL_VERSION not in header[_VERSION_BYTES]:
        yield Opening(_uri(place), is_immutable=False)
        return
    # While a reader is there, no writer that ends takes the log and its index away: what is seen
    # to be there stays, and is not made anew by SQLite, under our name.
    with _reader_lock(place):
        if _is_there(log_path(path)) and _is_there(_index(place)):
            yield Opening(_uri(place, "readonly_shm=1"), is_immutable=False)
            return
        if not _size(log_path(path)) and not _journal(place).exists():
            yield Opening(_uri(place, "immutable=1"), is_immutable=True)
            return
        with private_copy(path) as copy:
            yield Opening(_uri(copy), is_immutable=False)


@contextlib.contextmanager
def private_copy(path: Path) -> Iterator[Path]:
    """A copy of an archive with its log, all of one moment.

    Raises:
        ArchiveError: It cannot be made, or somebody writes without pause.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(private_folder())
            copy = folder / path.name
            for _ in range(_ATTEMPTS):
                before = signature(path)
                _copy(path.resolve(), copy)
                if signature(path) == before:
                    break
            else:
                raise ArchiveError(
                    f"archive {path}: it is being written to without pause; try again later"
                )
        except OSError as error:
            raise ArchiveError(
                f"archive {path}: its last changes are in {log_path(path).name}, which nobody has "
                f"open now, so that a private copy has to be read, which cannot be made in "
                f"the temporary folder: {error.filename or ''} {error.strerror}. Open it once "
                "with agentsview, or name a roomier folder with TMPDIR"
            ) from None
        yield copy


def _copy(place: Path, copy: Path) -> None:
    for suffix in ("", "-wal", "-journal"):
        target = Path(f"{copy}{suffix}")
        target.unlink(missing_ok=True)
        with contextlib.ExitStack() as optional:
            if suffix:
                optional.enter_context(contextlib.suppress(FileNotFoundError))
            copy_file(Path(f"{place}{suffix}"), target)


@contextlib.contextmanager
def _reader_lock(place: Path) -> Iterator[None]:
    """Holds what SQLite's readers hold, apart from any lock that SQLite has in this process.

    Raises:
        ArchiveError: Another program has it for itself alone.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if _LOCK_COMMAND is not None:
            _wait_for(descriptor, place)
        yield
    finally:
        # Only now: closing any descriptor of a file gives up what SQLite has locked of it.
        os.close(descriptor)


def _wait_for(descriptor: int, place: Path) -> None:
    lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, _SHARED_FIRST, _SHARED_SIZE, 0)
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            fcntl.fcntl(descriptor, _LOCK_COMMAND, lock)  # type: ignore[arg-type]
        except (BlockingIOError, PermissionError):
            if time.monotonic() > until:
                raise locked(place) from None
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return  # a file system without locks; SQLite says what it thinks of it
        else:
            return


def locked(path: Path) -> ArchiveError:
    """The user's words for an archive that another program keeps for itself."""
    return ArchiveError(
        f"archive {path}: locked by another program for more than {BUSY_TIMEOUT_MS // 1000} s; "
        "try again when it has finished"
    )


def archive_error(path: Path, error: Exception) -> ArchiveError:
    """The user's words for what SQLite says of an archive."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return locked(path)
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return ArchiveError(
            f"archive {path}: the database is damaged ({text}); restore it from a copy or rebuild "
            "it with `agentsview sync --full`"
        )
    if "unable to open" in text or "readonly" in text:
        return ArchiveError(
            f"archive {path}: cannot be opened ({text}); its folder must be writable for its "
            "owner while another program has it open"
        )
    return ArchiveError(f"archive {path}: {text}")


def _uri(place: Path, option: str = "") -> str:
    return f"file:{quote(os.fsencode(place))}?mode=ro{f'&{option}' if option else ''}"


def _index(place: Path) -> Path:
    return Path(f"{place}-shm")


def _journal(place: Path) -> Path:
    return Path(f"{place}-journal")


def _is_there(path: Path) -> bool:
    """Whether it is a file that we may read."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and os.access(path, os.R_OK)
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
