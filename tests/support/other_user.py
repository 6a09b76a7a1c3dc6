"""Running something as another user of this machine, in a process of its own."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER_USER = 54321
"""An id that owns nothing."""


def as_user(user: int, act: Callable[[], str]) -> str:
    """What a function returns when another user calls it; the words of an error where it raises.

    Only root can become somebody else: where the tests are another user's, they stay that one.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.close(reading)
            _become(user)
            said = act()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            said = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        os.write(writing, said.encode("utf-8", "backslashreplace")[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    os.waitpid(child, 0)
    return said


def _become(user: int) -> None:
    if os.geteuid() == 0 and user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
