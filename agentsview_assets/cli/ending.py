"""How the program ends when it is told to: one line, an exit code of its own, nothing lost.

What belongs here: signals and the last moments of a process. What does not: what a command does;
whatever it is, a run that ends in the middle leaves whole days and goes on with the next one.

The first signal is answered with the line, and the work is unwound: transactions are taken back,
temporary files go, Dagster learns that its run was cancelled. Libraries turn the interruption into
all kinds of errors on the way, so that from then on nobody else may write on the terminal. A second
signal, or work that does not end within the grace, ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from agentsview_assets.interrupted import LINE

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The exit code is 128 and the signal's number, as shells have it: 130, 143, 129."""
GRACE_SECONDS = 5.0
"""Less than the ten seconds that `docker stop` leaves."""
_STDERR = 2


class Interrupted(KeyboardInterrupt):
    """Unwinds the work; Dagster knows its parent and notes the run as cancelled."""


class _Watch:
    """What this process knows of the signals sent to it.

    The line is written by whoever comes first: the handler, which runs in the main thread, or a
    thread of our own, as the main thread may be deep in a database's code.
    """

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.RLock()
        self._is_raised = False
        self._reading, writing = os.pipe()
        for end in (self._reading, writing):
            os.set_blocking(end, False)
        # Dagster puts a file in the place of standard error while a step runs.
        self._terminal = os.dup(_STDERR)
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in SIGNALS:
            # `nohup` wants it ignored. A shell's background jobs ignore SIGINT, but Dagster, which
            # sets both handlers from that one, would have them ignore SIGTERM as well.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._stand_by, daemon=True).start()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._note(number)
        if not self._is_raised:
            self._is_raised = True
            raise Interrupted

    def _stand_by(self) -> None:
        """Dagster has handlers of its own, which tell nobody; the pipe tells of every signal."""
        while not self.look():
            select.select([self._reading], [], [])
        select.select([self._reading], [], [], GRACE_SECONDS)
        os._exit(128 + self.number)

    def look(self) -> int:
        """The signal that came first, 0 if none did."""
        with self._lock, contextlib.suppress(BlockingIOError):
            for number in os.read(self._reading, 1) if not self.number else b"":
                if number in SIGNALS:
                    self._note(number)
        return self.number

    def _note(self, number: int) -> None:
        with self._lock:
            if self.number:
                return
            self.number = number
            line = f"\r\033[K{LINE}\n" if os.isatty(self._terminal) else f"{LINE}\n"
            with contextlib.suppress(OSError):  # nobody reads it
                os.write(self._terminal, line.encode())
            os.dup2(self._nowhere, _STDERR)
            sys.stderr = os.fdopen(os.dup(self._nowhere), "w")

    def leave(self, code: int) -> NoReturn:
        """Ends the process; a signal that comes now is too late, or sets the code."""
        self._is_raised = True
        with self._lock:
            if not self.look():
                code = _flushed() or code
            os._exit(128 + self.number if self.number else code)


_watch: _Watch | None = None


def watch() -> None:
    """Answers signals from here on; to be called once, as early as possible."""
    global _watch  # noqa: PLW0603 - a process has one set of signals
    _open_standard_files()
    _watch = _Watch()


def was_interrupted() -> bool:
    """Whether the process was told to end; whatever failed since then failed for that reason."""
    return _watch is not None and _watch.look() != 0


def leave(code: int) -> NoReturn:
    """Ends the process, with the code of a signal if one came.

    At once: an interpreter that shuts down runs code of many libraries, in which a signal would
    end with a traceback, and waits for their threads.
    """
    if _watch is None:
        sys.exit(code)
    _watch.leave(code)


def _flushed() -> int:
    """Writes out what is left to write; 1 where output is lost, progress being none."""
    lost = []
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            lost.append(stream)
    return int(sys.stdout in lost)


def _open_standard_files() -> None:
    """Whoever closes standard output or error must not have a database opened in its place."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)
    os.close(opened)
