"""The files of an agentsview archive: where they are and when they moved.

What belongs here: paths and `stat`, at no import cost. What does not: reading the database.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from agentsview_assets.archive_urls import ARCHIVE_FILE
from agentsview_assets.errors import ArchiveError, ConfigError
from agentsview_assets.files import expanded, look, trouble


class Signature(NamedTuple):
    """What moves when anyone writes: identity, size and time of the file and of its log."""

    device: int
    inode: int
    size: int
    modified_ns: int
    log_size: int
    log_modified_ns: int


def find_archive(path: Path) -> Path:
    """Resolves a data folder or a `sessions.db` to the archive file.

    Raises:
        ArchiveError: Nothing usable is there.
    """
    try:
        path = expanded(path)
    except ConfigError as error:
        raise ConfigError(f"archive {error} with --archive") from None
    is_folder = look(path, f"archive {path}", ArchiveError) == "folder"
    candidate = path / ARCHIVE_FILE if is_folder else path
    found = look(candidate, f"archive {candidate}", ArchiveError)
    if found == "missing":
        raise ArchiveError(
            f"archive {candidate}: no such file; name a data folder that holds {ARCHIVE_FILE}, or "
            "the file itself, with --archive"
        )
    if found != "file":
        raise ArchiveError(f"archive {candidate}: not a file")
    return candidate


def path_text(path: Path) -> str:
    """A path as text that every store can hold: bytes that are no UTF-8 are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def log_path(path: Path) -> Path:
    """The write-ahead log: beside the file itself, wherever a symbolic link to it lies."""
    return Path(f"{path.resolve()}-wal")


def signature(path: Path) -> Signature:
    """Reads the archive's signature.

    Raises:
        ArchiveError: The file is gone.
    """
    try:
        main = path.stat()
    except OSError as error:
        raise ArchiveError(f"archive {path}: {trouble(error, path)}") from None
    try:
        log = log_path(path).stat()
        log_size, log_time = log.st_size, log.st_mtime_ns
    except OSError:
        log_size, log_time = -1, -1
    return Signature(main.st_dev, main.st_ino, main.st_size, main.st_mtime_ns, log_size, log_time)


def same_file(before: Signature, after: Signature) -> bool:
    """Whether nobody wrote in between; an empty log that came or went holds no writes."""
    unmoved = (before.log_size, before.log_modified_ns) == (after.log_size, after.log_modified_ns)
    empty = max(before.log_size, after.log_size) <= 0
    return before[:4] == after[:4] and (unmoved or empty)


def stamp(path: Path, *, with_titles: bool) -> str:
    """All that has to be equal for the last observation to still hold, as text.

    Raises:
        ArchiveError: The file is gone.
    """
    seen = signature(path)
    log = (seen.log_size, seen.log_modified_ns) if seen.log_size > 0 else (-1, -1)
    return json.dumps([*seen[:4], *log, *_config_stamp(path), with_titles])


def _config_stamp(path: Path) -> tuple[int, int]:
    try:
        config = (path.parent / "config.toml").stat()
    except OSError:
        return (-1, -1)
    return (config.st_size, config.st_mtime_ns)
