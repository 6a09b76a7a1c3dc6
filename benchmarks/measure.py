"""Time and peak memory of one process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Kilobytes, but bytes on macOS.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes:
        seconds: Wall-clock time.
        processor_seconds: Processor time, of all threads; it minds other load on the machine less.
        peak_bytes: Largest resident size of it or of a process it waited for.
        output: What it printed.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str], folder: str = ".") -> Run:
    """Run a command to its end and measure it.

    Raises:
        SystemExit: If it fails; with what it said.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        # wait4 took the status, which Popen would otherwise look for in vain.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-3000:]
            message = f"{' '.join(command)} failed ({process.returncode}):\n{said}"
            raise SystemExit(message)
        output.seek(0)
        processor_seconds = usage.ru_utime + usage.ru_stime
        return Run(seconds, processor_seconds, usage.ru_maxrss * _RSS_UNIT, output.read().decode())


def middle(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    return float(median(values))
