"""Reading small files that others may have put there: regular ones only, up to a stated size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 1 << 20
"""A `config.toml` or `.git/config` is a few kilobytes; what is larger than this is no such file."""


class NotReadableError(OSError):
    """Something else than a regular file of a moderate size."""


def read_small(path: Path, most: int = MOST_BYTES) -> bytes:
    """Reads a file whole; a pipe, a device or a file without end never holds us up.

    Links are followed: people keep such files elsewhere. What is opened is what is looked at, so
    that nobody can put something else in its place in between.

    Raises:
        NotReadableError: It is no regular file, or larger than `most` bytes.
        OSError: It cannot be opened or read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError:
        raise NotReadableError(errno.EINVAL, "its name holds U+0000", str(path)) from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise NotReadableError(errno.EINVAL, "not a regular file", str(path)) from None
        raise
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotReadableError(errno.EINVAL, "not a regular file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise NotReadableError(errno.EINVAL, f"larger than {most:,} bytes", str(path))
    return content
