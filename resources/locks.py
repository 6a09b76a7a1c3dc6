"""Lock files: taken with a word about what is waited for, and not waited for without end.

What belongs here: locks on files that are there for nothing else. What does not: the locks that
databases have of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from agentsview_assets.errors import WarehouseError
from agentsview_assets.rules.shown_text import visible

PATIENCE_SECONDS = 30.0
"""How long another process is waited for; what it does under the lock takes seconds."""
_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds a lock file, which is made where it is missing.

    Raises:
        WarehouseError: Another process keeps it, or it is not ours to lock.
        OSError: It cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WarehouseError(f"lock {path}: is no file; remove it")
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    until, is_told = time.monotonic() + PATIENCE_SECONDS, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not is_told:
                sys.stderr.write(f"  waiting for another process that holds {visible(str(path))}\n")
                is_told = True
            if time.monotonic() > until:
                raise WarehouseError(
                    f"lock {path}: another process has held it for more than "
                    f"{PATIENCE_SECONDS:g} s; end that process (`fuser {path}` names it), or "
                    "remove the file if nothing of yours is running"
                ) from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
