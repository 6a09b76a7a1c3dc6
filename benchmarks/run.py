"""Measure our commands beside the original's, on one archive, in one go.

    python -m benchmarks.make_archive --size large --out build/large
    python -m benchmarks.run --archive build/large --runs 3

Prints Markdown for docs/benchmarks.md. The archive is copied first and never changed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Run, measure, middle
from tests.support import oracle
from tests.support.command import OurCommand
from tests.support.documents import assert_same_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.oracle import Oracle

_REPORT = ("usage", "daily", "--json", "--all", "--offline", "--no-sync", "--timezone", "UTC")
_MEBIBYTE = 1 << 20
# A session that lies within one day: the usual thing to have changed since the last run.
_ONE_DAY_SESSIONS = """
    SELECT id FROM sessions
    WHERE deleted_at IS NULL AND substr(started_at, 1, 10) = substr(ended_at, 1, 10)
      AND EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id AND token_usage LIKE '{%')
    ORDER BY id LIMIT 1 OFFSET ?
"""


@dataclass
class Figures:
    """All measurements of one archive; lists have one entry a run."""

    full: list[Run] = field(default_factory=list)
    original: list[Run] = field(default_factory=list)
    changed: list[Run] = field(default_factory=list)
    nothing: list[Run] = field(default_factory=list)
    our_report: list[Run] = field(default_factory=list)
    their_report: list[Run] = field(default_factory=list)


class Bench:
    """One archive's copy, our command over it and the original program."""

    def __init__(self, archive: Path, work: Path, since: str) -> None:
        """Copy the archive into `work`."""
        self.archive = work / "archive"
        shutil.copytree(archive, self.archive)
        self._theirs: Oracle = oracle.install(work / "scratch")
        self._ours = OurCommand.beside(self.archive, AGENTSVIEW_ASSETS_START_DATE=since)

    def their_report(self) -> Run:
        """Run the original's report."""
        command = (str(self._theirs.program), *_REPORT)
        return measure(command, self._theirs.environment(self.archive))

    def our_report(self) -> Run:
        """Run our report."""
        return self._run(*_REPORT)

    def full(self) -> Run:
        """Materialise everything into a new warehouse."""
        shutil.rmtree(self._ours.home, ignore_errors=True)
        return self.materialize()

    def materialize(self) -> Run:
        """Materialise what changed."""
        return self._run("materialize", "--json")

    def change_one_session(self, number: int) -> None:
        """Add a token to one message, as a sync of a grown transcript would."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with closing(sqlite3.connect(self.archive / "sessions.db")) as database, database:
            (session,) = database.execute(_ONE_DAY_SESSIONS, (number * 13 + 5,)).fetchone()
            database.execute(
                "UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens',"
                " COALESCE(json_extract(token_usage, '$.output_tokens'), 0) + 1) WHERE id = ("
                " SELECT MAX(id) FROM messages WHERE session_id = ? AND token_usage LIKE '{%')",
                (session,),
            )
            database.execute(
                "UPDATE sessions SET local_modified_at = ? WHERE id = ?", (now, session)
            )

    def _run(self, *arguments: str) -> Run:
        command = (sys.executable, "-m", "agentsview_assets", *arguments)
        environment = self._ours.environment()
        return measure(command, environment, str(self._ours.home))


def take_figures(bench: Bench, runs: int) -> Figures:
    """Take all measurements, ours and the original's by turns."""
    figures = Figures()
    bench.their_report()  # brings the archive into the page cache for both
    for number in range(runs):
        figures.full.append(bench.full())
        figures.original.append(bench.their_report())
        figures.nothing.append(bench.materialize())
        for _ in range(3):
            figures.our_report.append(bench.our_report())
            figures.their_report.append(bench.their_report())
        bench.change_one_session(number)
        figures.changed.append(bench.materialize())
        assert_same_document(bench.our_report().output, bench.their_report().output, "reports")
        sys.stderr.write(f"run {number + 1} of {runs} done\n")
    return figures


def table(figures: Figures) -> str:
    """Return the figures as a Markdown table of medians and ratios."""
    theirs = middle([run.seconds for run in figures.original])
    full = middle([run.seconds for run in figures.full])
    work, history = (_reported(figures.full, key) for key in ("work_seconds", "history_seconds"))
    busy = middle([run.processor_seconds for run in figures.full])
    their_busy = middle([run.processor_seconds for run in figures.original])
    report = middle([run.seconds for run in figures.our_report])
    their_report = middle([run.seconds for run in figures.their_report])
    changed = middle([run.seconds for run in figures.changed])
    changed_work = _reported(figures.changed, "work_seconds")
    nothing = middle([run.seconds for run in figures.nothing])
    rows = [
        ("original: one `usage daily --json --all`", f"{theirs:.2f} s", "1", ""),
        ("full `materialize`: work", f"{work:.2f} s", _times(work, theirs), "at most 1.0x"),
        ("full `materialize`: history", f"{history:.2f} s", _times(history, theirs), ""),
        ("full `materialize`: command", f"{full:.2f} s", _times(full, theirs), "at most 5x"),
        ("full `materialize`: processor", f"{busy:.2f} s", _times(busy, their_busy), ""),
        ("original: processor", f"{their_busy:.2f} s", "1", ""),
        ("full `materialize`: peak memory", _size(figures.full), "", "at most 2048 MiB"),
        ("original: peak memory", _size(figures.original), "", ""),
        ("our `usage daily --json --all`", f"{report:.3f} s", _part(report, their_report), "1/20"),
        ("one session of one day: command", f"{changed:.2f} s", _part(changed, full), "1/10"),
        ("one session of one day: work", f"{changed_work:.2f} s", _part(changed_work, work), ""),
        ("nothing changed: command", f"{nothing:.2f} s", _part(nothing, full), ""),
    ]
    head = "| what | median | ratio | goal |\n|---|---:|---:|---:|"
    return "\n".join([head, *(f"| {' | '.join(row)} |" for row in rows)])


def _reported(runs: Sequence[Run], key: str) -> float:
    return middle([float(json.loads(run.output)[key]) for run in runs])


def _times(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}x"


def _part(part: float, whole: float) -> str:
    return f"1/{whole / part:.1f}" if part else "0"


def _size(runs: Sequence[Run]) -> str:
    return f"{max(run.peak_bytes for run in runs) / _MEBIBYTE:.0f} MiB"


def _about(archive: Path, figures: Figures, runs: int) -> str:
    with closing(sqlite3.connect(f"file:{archive / 'sessions.db'}?mode=ro", uri=True)) as database:
        sessions, messages = database.execute(
            "SELECT (SELECT COUNT(*) FROM sessions),"
            " (SELECT COUNT(*) FROM messages WHERE token_usage <> '')"
        ).fetchone()
    summary = json.loads(figures.full[-1].output)
    return (
        f"{sessions} sessions, {messages} priced messages, "
        f"{(archive / 'sessions.db').stat().st_size / _MEBIBYTE:.0f} MiB; "
        f"{summary['partitions']} partitions, {summary['rows']} rows; "
        f"medians of {runs} runs; {os.cpu_count()} processors, {platform.machine()}, "
        f"Python {platform.python_version()}, agentsview {oracle.VERSION}."
    )


def _first_day(archive: Path) -> str:
    with closing(sqlite3.connect(f"file:{archive / 'sessions.db'}?mode=ro", uri=True)) as database:
        found = database.execute(
            "SELECT substr(MIN(started_at), 1, 10) FROM sessions WHERE started_at <> ''"
        ).fetchone()[0]
    return str(found)


def main(arguments: list[str] | None = None) -> int:
    """Measure as the arguments say and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--archive", type=Path, required=True, help="data folder to measure on")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path, help="folder for the copy; temporary by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.work) as work:
        bench = Bench(options.archive, Path(work).resolve(), _first_day(options.archive))
        figures = take_figures(bench, options.runs)
        about = _about(bench.archive, figures, options.runs)
    sys.stdout.write(f"{about}\n\n{table(figures)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
