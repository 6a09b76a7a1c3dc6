"""Measure the `serve` command beside agentsview's own server, over the same archive.

    python -m benchmarks.http --archive .cache/bench/xl

Prints Markdown for docs/benchmarks.md. Both servers run at once on this machine and are asked one
after the other; agentsview's writes to its archive, so that it gets a copy.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import oracle
from tests.support.command import OurCommand
from tests.support.served_oracle import ServedOracle
from tests.support.served_web import ServedWeb

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, WARM_ROUNDS = 3, 20
CLIENTS, SECONDS = 50, 10
PREPARING_SECONDS = 3
"""A server makes its first page by itself, before anybody asks."""
_START = {"AGENTSVIEW_ASSETS_START_DATE": "2024-01-01"}


def targets(last_day: str) -> list[str]:
    """The requests that are measured; the last ten of them are those of many clients."""
    month = f"{last_day[:7]}-01"
    usage = "/api/v1/usage"
    return [
        f"{usage}/summary?no_default_range=true",
        f"{usage}/summary?from={month}&to={last_day}",
        f"{usage}/summary?from={month}&to={last_day}&timezone=America/New_York",
        f"{usage}/summary?from={month}&to={last_day}&agent=claude&include_one_shot=false",
        f"{usage}/top-sessions?from={month}&to={last_day}",
        f"{usage}/comparison?from={month}&to={last_day}&current_cost=10",
        (
            f"{usage}/pairwise-comparison?from={month}&to={last_day}&left_dimension=model"
            "&left_value=claude-opus-4-6&right_dimension=model&right_value=gpt-5.2-codex"
        ),
        f"/api/v1/activity/report?preset=day&date={last_day}",
        f"/api/v1/activity/report?preset=week&date={last_day}",
        "/api/ping",
    ]


def overviews(last_day: str) -> list[str]:
    """The first page for eight spans of thirty days, the latest first."""
    last = dt.date.fromisoformat(last_day)
    ends = [last - dt.timedelta(days=30 * number) for number in range(8)]
    return [f"/?from={end - dt.timedelta(days=29)}&to={end}" for end in ends]


def timed(ask: Callable[[str], object], target: str) -> float:
    """Seconds that one request takes."""
    begun = time.perf_counter()
    ask(target)
    return time.perf_counter() - begun


def many_clients(ask: Callable[[str], object], asked: list[str]) -> float:
    """Seconds under which 95 of 100 requests stay, with one a second from each of many clients."""
    found: list[float] = []
    lock = threading.Lock()

    def client(number: int) -> None:
        time.sleep(number / CLIENTS)
        for turn in range(SECONDS):
            seconds = timed(ask, asked[(number + turn) % len(asked)])
            with lock:
                found.append(seconds)
            time.sleep(max(0.0, 1.0 - seconds))

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    return percentile(found)


def percentile(values: list[float]) -> float:
    """What 95 of 100 values stay under."""
    return sorted(values)[int(len(values) * 0.95)]


def memory_mib(process_id: int) -> float:
    """Memory that a process has taken at most."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measure(archive: Path, folder: Path, last_day: str) -> str:
    """Measures and returns Markdown."""
    copy = folder / "archive"
    shutil.copytree(archive, copy)
    ours = OurCommand(copy, folder / "home", f"duckdb:///{folder / 'w.duckdb'}", _START)
    with ServedOracle(oracle.install(folder / "scratch"), copy) as theirs:
        done = ours.run("materialize")
        if done.returncode:
            raise SystemExit(done.stderr)
        begun = time.perf_counter()
        with ServedWeb(ours.environment()) as web:
            web.ask("/api/v1/version")
            start = time.perf_counter() - begun
            time.sleep(PREPARING_SECONDS)
            pages = overviews(last_day)
            cold, *new = [timed(web.ask, page) for page in pages]
            page_again = [timed(web.ask, page) for page in pages]
            lines = [_line(theirs.ask, web.ask, target) for target in targets(last_day)]
            alone = percentile(
                [timed(web.ask, t) for t in targets(last_day) for _ in range(WARM_ROUNDS)]
            )
            together = many_clients(web.ask, targets(last_day))
            memory = memory_mib(web.process.pid)
    return "\n".join(
        [
            "| request | agentsview | first | again | first / agentsview | again / agentsview |",
            "|---|--:|--:|--:|--:|--:|",
            *lines,
            "",
            (
                f"Start to first answer {start:.2f} s. Overview page of 30 days: the first of a "
                f"server {cold * 1e3:.0f} ms, of days not asked for before "
                f"{statistics.median(new) * 1e3:.0f} ms, again "
                f"{statistics.median(page_again) * 1e3:.0f} ms. 95 of 100 requests under "
                f"{alone * 1e3:.1f} ms from one client, {together * 1e3:.1f} ms from {CLIENTS}. "
                f"Memory {memory:.0f} MiB."
            ),
        ]
    )


def _line(theirs: Callable[[str], object], ours: Callable[[str], object], target: str) -> str:
    first = timed(ours, target)
    others, again = [], []
    for _ in range(ROUNDS):
        others.append(timed(theirs, target))
        again.append(statistics.median(timed(ours, target) for _ in range(WARM_ROUNDS)))
    other, warm = statistics.median(others), statistics.median(again)
    cells = [
        f"`{target}`",
        f"{other * 1e3:.0f} ms",
        f"{first * 1e3:.0f} ms",
        f"{warm * 1e3:.1f} ms",
        f"{first / other:.2f}",
        f"{warm / other:.4f}",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str] | None = None) -> int:
    """Measures as the arguments say and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.http",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--last-day", required=True, help="YYYY-MM-DD, a busy day of the archive")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        sys.stdout.write(measure(options.archive, Path(name).resolve(), options.last_day) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
