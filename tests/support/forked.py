"""Processes of their own without an interpreter's start: forked from one that has our imports.

Importing Dagster and pandas takes a process two seconds. What is about a kill, a permission or two
runs at once needs a process, and no import of its own; what is about the start itself is run with
`tests.support.command`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import selectors
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path


_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.support.forked_imports"])
_BLOCK = 65_536
_MODULE = "agentsview_assets"
PATIENCE_SECONDS = 300


class Started:
    """A process under way.

    Attributes:
        stderr: What it writes there, as lines of text.
    """

    def __init__(self, process: Any, stdout: Connection, stderr: Connection) -> None:
        self._process = process
        self._stdout = stdout
        # A descriptor of its own: the connection closes the one that it has.
        self.stderr = os.fdopen(os.dup(stderr.fileno()), encoding="utf-8", errors="surrogateescape")
        self._stderr = stderr

    @property
    def returncode(self) -> int | None:
        """Its exit code, the negative number of a signal that ended it, None until then."""
        return cast("int | None", self._process.exitcode)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Waits for its end and returns the exit code.

        Raises:
            subprocess.TimeoutExpired: It goes on for longer.
        """
        self._process.join(seconds)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(_MODULE, seconds)
        return self.returncode

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def communicate(self) -> tuple[str, str]:
        """Waits for its end and returns what it wrote to stdout and stderr since it was asked."""
        told: dict[Any, list[bytes]] = {self._stdout: [], self._stderr: []}
        deadline = time.monotonic() + PATIENCE_SECONDS
        with selectors.DefaultSelector() as selector:
            for end in told:
                selector.register(end.fileno(), selectors.EVENT_READ, end)
            while selector.get_map():
                for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                    block = os.read(key.fd, _BLOCK)
                    told[key.data].append(block)
                    if not block:
                        selector.unregister(key.fd)
                if time.monotonic() >= deadline:
                    raise subprocess.TimeoutExpired(_MODULE, PATIENCE_SECONDS)
        self.wait()
        out, err = (b"".join(blocks).decode("utf-8", "surrogateescape") for blocks in told.values())
        return out, err

    def close(self) -> None:
        """Waits for its end and lets go of it."""
        self.wait()
        self.stderr.close()
        self._stdout.close()
        self._stderr.close()
        self._process.close()


@contextmanager
def started(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    script: str | None = None,
    cwd: Path | None = None,
    hardship: Callable[[], None] | None = None,
) -> Iterator[Started]:
    """Our program, or a script in its place, in a process of its own.

    Args:
        arguments: What follows the program's name.
        env: Its whole environment.
        script: Python that is run instead of the program.
        cwd: Its folder; the one of the tests if not given.
        hardship: What the machine is to refuse it; called in the process, so that it has to be a
            function of a module or a `functools.partial` of one.
    """
    reading_out, writing_out = _FORKSERVER.Pipe(duplex=False)
    reading_err, writing_err = _FORKSERVER.Pipe(duplex=False)
    process = _FORKSERVER.Process(
        target=_become,
        args=(writing_out, writing_err, [*arguments], dict(env), script, cwd, hardship),
    )
    process.start()
    writing_out.close()
    writing_err.close()
    running = Started(process, reading_out, reading_err)
    try:
        yield running
    except BaseException:
        running.kill()
        raise
    finally:
        running.close()


def run(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    script: str | None = None,
    cwd: Path | None = None,
    hardship: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs our program, or a script, to its end; see `started`."""
    with started(arguments, env, script=script, cwd=cwd, hardship=hardship) as process:
        out, err = process.communicate()
        return subprocess.CompletedProcess([*arguments], process.wait(), out, err)


def _become(
    out: Connection,
    err: Connection,
    arguments: list[str],
    env: dict[str, str],
    script: str | None,
    cwd: Path | None,
    hardship: Callable[[], None] | None,
) -> None:
    """Takes on all that a started program has of its own; runs in the new process."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for number, end in enumerate((nowhere, out.fileno(), err.fileno())):
        os.dup2(end, number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    if cwd is not None:
        os.chdir(cwd)
    if hardship is not None:
        hardship()
    sys.argv = [_MODULE, *arguments]
    if script is None:
        runpy.run_module(_MODULE, run_name="__main__", alter_sys=True)
    else:
        exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's
        sys.stdout.flush()
