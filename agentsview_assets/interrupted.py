"""What is said when the program is told to end, and how it ends before it has begun.

Imports nothing that takes time: whatever is loaded before these few lines ends with a traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys

LINE = "interrupted: what was made stays; run it again to go on"
_NUMBERS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


def end_at_once() -> None:
    """Answers signals while the program is loaded: nothing is begun that has to be unwound."""
    for number in _NUMBERS:
        if number != _signal.SIGHUP or _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _end)


def _end(number: int, _frame: object) -> None:
    try:
        if sys.stderr is not None:
            os.write(sys.stderr.fileno(), f"{LINE}\n".encode())
    finally:  # whether or not anybody reads it
        os._exit(128 + number)
