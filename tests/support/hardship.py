"""What a machine may refuse a program: permissions and room on the disk, also to root."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DROP_FROM_BOUNDING_SET = 24  # PR_CAPBSET_DROP
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVERRIDES = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
_LIBC = ctypes.CDLL(None, use_errno=True)


def without_privileges() -> None:
    """Make permission bits hold for this process and all that it starts, even when root runs it."""
    if os.geteuid() != 0:
        return
    for capability in _OVERRIDES:
        _LIBC.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)  # which a program starts with
    header, sets = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _must(_LIBC.capget(header, sets))
    lost = sum(1 << capability for capability in _OVERRIDES)
    for place in range(3):  # effective, permitted, inheritable, of the first 32 capabilities
        sets[place] &= ~lost
    _must(_LIBC.capset(header, sets))


def _must(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def with_files_up_to(size: int) -> Callable[[], None]:
    """Let every write beyond `size` bytes of a file fail, as it does on a full disk."""
    # Python ignores the signal that would come with it.
    return functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The same for this process, for a while."""
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
