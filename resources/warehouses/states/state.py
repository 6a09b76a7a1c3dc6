"""What every backend's states have in common: what one is, its name, and how long it may be used.

What belongs here: the protocol and what is alike. What does not: how a backend gets at a state.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from agentsview_assets.errors import AssetsError, TimedOutError
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    META_TABLE,
    PARTITIONS_TABLE,
    Reader,
)

_NAME_LENGTH = 16
_CONTENTS = f"""
SELECT MAX(schema_version), MAX(revision),
       (SELECT CAST(MAX(written_at) AS VARCHAR(40)) FROM {PARTITIONS_TABLE}),
       (SELECT CAST(MAX(observed_at) AS VARCHAR(40)) FROM {ARCHIVES_TABLE}) FROM {META_TABLE}
"""


class MemorableReader(Reader, Protocol):
    """A reader that may share what was worked out of its state."""

    memory: dict[Hashable, Any]


@dataclass(frozen=True)
class State:
    """One whole state of a warehouse.

    Attributes:
        reader: Reads it.
        name: Tells it from every other state, the same in every server of the warehouse.
        taken_at: When it was copied, where it may no longer be the present one; else None.
    """

    reader: Reader
    name: str
    taken_at: datetime | None = None


class Latest:
    """The latest state's name and what was worked out of it, for readers that come one by one."""

    def __init__(self) -> None:
        """Knows none yet."""
        self._known: tuple[Hashable, str, dict[Hashable, Any]] | None = None
        self._lock = threading.Lock()

    def state(self, key: Hashable, reader: MemorableReader) -> State:
        """The state that a reader reads.

        Args:
            key: Tells it from others of this warehouse; cheap to find out.
            reader: Shares what was worked out of it.
        """
        with self._lock:
            known = self._known
        if known is None or known[0] != key:
            known = (key, state_name(reader), {})
            with self._lock:
                self._known = known
        _, name, reader.memory = known
        return State(reader, name)


class States(Protocol):
    """Where a server gets states from; safe to be used by several threads."""

    def reading(self, seconds: float) -> contextlib.AbstractContextManager[State]:
        """Opens the latest whole state for one request.

        Args:
            seconds: How long it may be used.

        Raises:
            TimedOutError: It took longer.
            WarehouseError: The warehouse cannot be read.
        """

    def close(self) -> None:
        """Gives back all that is held."""


def state_name(reader: Reader) -> str:
    """A short name for what a warehouse holds."""
    held = reader.rows(_CONTENTS)[0]
    return hashlib.sha256(repr(tuple(map(str, held))).encode()).hexdigest()[:_NAME_LENGTH]


@contextlib.contextmanager
def limited(seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
    """Interrupts what takes too long.

    Args:
        seconds: How long the block may take.
        interrupt: Has a query that runs in another thread end with an error.

    Raises:
        TimedOutError: The block was interrupted.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        interrupt()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except AssetsError as error:
        if expired.is_set():
            raise TimedOutError(seconds) from error
        raise
    finally:
        timer.cancel()
