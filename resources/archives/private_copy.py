"""Private copies of files that others write: made, locked and removed, also after a kill.

A copy lies in a folder of its own in the temporary folder, which only this user may enter. A lock
is held for as long as it is used, so that the next run tells those that a kill left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "agentsview-assets-copy-"
_LOCK = ".agentsview-assets-copy.lock"
_CLONE = 0x40049409  # FICLONE of Linux: shares the blocks where the file system can
_CHUNK = 1 << 20


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for copies, gone when the block ends; what kills left of earlier ones goes, too.

    Raises:
        OSError: It cannot be made.
    """
    remove_left_copies()
    folder, lock = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left_copies() -> None:
    """Removes the folders of this user whose process is gone; nobody else's are touched."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with contextlib.suppress(OSError):
                    _remove_if_left(Path(entry.path))


def copy_file(source: Path, target: Path) -> None:
    """Copies a regular file; a link, a pipe or a device in its place is refused.

    Raises:
        OSError: It cannot be read, is no file, or does not fit.
    """
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            raise OSError(0, "not a regular file", str(source))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(target, flags, 0o600), "wb") as copy:  # noqa: PTH123 - likewise
            try:
                fcntl.ioctl(copy.fileno(), _CLONE, reading)
            except OSError:
                shutil.copyfileobj(file, copy, _CHUNK)


def _make() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 0700
        # Another process may take it for left behind before it is locked.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            return folder, _locked(folder, os.O_CREAT | os.O_EXCL)


def _locked(folder: Path, flags: int) -> int:
    """The locked lock file of a folder.

    Raises:
        BlockingIOError: Its process is alive.
        OSError: There is none, or it is not for us to open.
    """
    opened = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(opened).st_nlink == 0:
            raise FileNotFoundError(0, "removed meanwhile", str(folder))  # noqa: TRY301
    except BaseException:
        os.close(opened)
        raise
    return opened


def _remove_if_left(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    try:
        lock = _locked(folder, 0)
    except FileNotFoundError:
        folder.rmdir()  # killed before anything was in it; not empty, it is somebody else's affair
        return
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
