"""Waiting for whoever has a warehouse: told once, in words, and not for ever.

What belongs here: the waiting, which every backend does alike. What does not: what is tried, and
how one that is held is told from one that is broken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from agentsview_assets.resources.work import METER
from agentsview_assets.settings import lock_patience

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
Got = TypeVar("Got")


def patiently(
    attempt: Callable[[], Got | None], for_whom: Callable[[], str], *, is_writing: bool
) -> Got | None:
    """Tries until it succeeds, now and then, so that a signal is heard in between.

    Args:
        attempt: Returns what it got; None while others have it.
        for_whom: Who has it and what they do, as the end of a sentence; asked after an attempt.
        is_writing: Whether it is to be written, which is waited for longer.

    Returns:
        What was got; None where patience ended before.
    """
    seconds, pause = lock_patience(os.environ, is_writing=is_writing), _FIRST_PAUSE
    got = attempt()
    if got is not None or not seconds:
        return got
    METER.report(f"waiting up to {seconds:g} s for {for_whom()}")
    deadline = time.monotonic() + seconds
    while got is None and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        got = attempt()
    return got
