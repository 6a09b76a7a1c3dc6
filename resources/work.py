"""Measuring work apart from history: time spent reading, computing, validating and writing.

What belongs here: the meter of this process and whoever listens to it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

Item = TypeVar("Item")


class WorkMeter:
    """Adds up the wall time of work; nested measurements count once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.listener: Callable[[str], None] | None = None
        self._depth = 0

    def report(self, what: str) -> None:
        """Reports to the listener, if there is one, what was just done."""
        if self.listener is not None:
            self.listener(what)

    @contextlib.contextmanager
    def telling(self, listener: Callable[[str], None]) -> Iterator[None]:
        """Reports to a listener during the block, unless there is one already."""
        before = self.listener
        self.listener = before or listener
        try:
            yield
        finally:
            self.listener = before

    @contextlib.contextmanager
    def measure(self) -> Iterator[None]:
        """Counts the time of the block."""
        started = time.perf_counter()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds += time.perf_counter() - started


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yields the items, making each one while its predecessor is being used."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        pending = worker.submit(next, items, _END)
        while (item := pending.result()) is not _END:
            pending = worker.submit(next, items, _END)
            yield cast("Item", item)


_END = object()

METER = WorkMeter()
"""The meter of this process; one run at a time executes in a process."""
