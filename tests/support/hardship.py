"""What a machine may refuse a program: permissions and room on the disk, also to root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DROP_FROM_BOUNDING_SET = 24  # PR_CAPBSET_DROP
_OVERRIDES = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
_LIBC = ctypes.CDLL(None, use_errno=True)


def without_privileges() -> None:
    """Make permission bits hold for the program about to start, even when root starts it."""
    if os.geteuid() == 0:
        for capability in _OVERRIDES:
            _LIBC.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


def with_files_up_to(size: int) -> Callable[[], None]:
    """Let every write beyond `size` bytes of a file fail, as it does on a full disk."""

    def limit() -> None:
        # Python ignores the signal that would come with it.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The same for this process, for a while."""
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
