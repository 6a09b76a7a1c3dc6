"""Measure many archives over two Celery workers, a daemon, a web server and PostgreSQL.

    python -m benchmarks.workers --archives 16 64 256

Prints Markdown for docs/benchmarks.md. Everything is made in a temporary folder and ends with it.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.schemas import CONTRACTS
from tests.live.conftest import REPOSITORY, Live
from tests.live.teams import Databases, daemon, worker
from tests.support import oracle
from tests.support.postgres import running_server
from tests.support.transcripts import Settings, write_corpus
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.postgres import Database, Server

SESSIONS, DAYS = 40, 30
_PATIENCE_SECONDS = 3 * 3600.0
_WORKERS = ("one@here", "two@here")
_TICK = """query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor {
    sensorState { ticks(limit: 1, statuses: [SKIPPED]) { timestamp endTimestamp } } } }
}"""
# What tells the rows of one archive from those of another; the rest may be alike.
_IDENTITIES = {
    "sessions": ("id", "parent_session_id", "source_session_id"),
    "messages": ("session_id", "claude_message_id", "claude_request_id", "source_uuid"),
    "usage_events": ("session_id", "dedup_key"),
    "tool_calls": ("session_id", "subagent_session_id"),
    "tool_result_events": ("session_id", "subagent_session_id"),
}


@dataclass(frozen=True)
class Phase:
    """What a deployment took for something.

    Attributes:
        seconds: From the change until the reconciler says that all is up to date.
        runs: Runs that were made for it.
        busy_seconds: From start to end of each of them, added up.
    """

    seconds: float
    runs: int
    busy_seconds: float


@dataclass(frozen=True)
class Figures:
    """All that was measured with some archives.

    Attributes:
        archives: How many.
        load: Looking at all of them for the first time, and making everything.
        daily: A turn in each of them.
        tick_seconds: An evaluation that finds everything up to date.
        rows: Rows of the warehouse.
        warehouse_bytes: Size of its database.
        history_bytes: Size of Dagster's database.
    """

    archives: int
    load: Phase
    daily: Phase
    tick_seconds: float
    rows: int
    warehouse_bytes: int
    history_bytes: int


def make_archives(folder: Path, count: int) -> list[Path]:
    """Makes archives that are alike but have no session in common."""
    seedling = folder / "seedling"
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        corpus = Path(name).resolve()
        write_corpus(corpus, Settings(sessions=SESSIONS, days=DAYS, seed=7, mean_turns=16.0))
        oracle.install(corpus / "scratch").sync(seedling, corpus)
    found = []
    for number in range(count):
        archive = folder / f"archive-{number:04}"
        archive.mkdir()
        shutil.copy(seedling / "sessions.db", archive / "sessions.db")
        _rename(archive / "sessions.db", archive.name)
        found.append(archive)
    return found


def _rename(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for table, columns in _IDENTITIES.items():
            for column in columns:
                database.execute(
                    f"UPDATE {table} SET {column} = {column} || ? WHERE {column} <> ''",
                    [f"-{name}"],
                )
        database.execute("UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", [name])


@contextlib.contextmanager
def deployment(folder: Path, environ: dict[str, str]) -> Iterator[Live]:
    """Starts two workers, a web server and a daemon, and turns the reconciler on."""
    with contextlib.ExitStack() as started:
        for name in _WORKERS:
            started.enter_context(worker(name, folder, environ))
        yield started.enter_context(daemon(folder, environ))


def measure(server: Server, count: int) -> Figures:
    """Loads archives, adds a turn to each, and takes the time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name).resolve()
        archives = make_archives(folder, count)
        last, databases = _last_day(archives[0]), Databases.on(server)
        environ = {
            **databases.environ([folder / "archive-*"]),
            "AGENTSVIEW_ASSETS_START_DATE": (last - dt.timedelta(DAYS)).isoformat(),
        }
        with deployment(folder, environ) as live:
            load = _phase(live, databases.storage)
            for archive in archives:
                add_turn(archive, f"{last}T22:00:00Z", "late")
            daily = _phase(live, databases.storage)
            tick = _tick(live)
        return Figures(
            count,
            load,
            daily,
            tick,
            _rows(databases.warehouse.url()),
            *(_bytes(database) for database in (databases.warehouse, databases.storage)),
        )


def _phase(live: Live, history: Database) -> Phase:
    begun = time.monotonic()
    runs = live.until_quiet(patience_seconds=_PATIENCE_SECONDS)
    seconds = time.monotonic() - begun
    failed = [run for run in runs if run.status != "SUCCESS"]
    if failed:
        raise SystemExit(f"runs failed: {failed}")
    mine = ", ".join(f"'{run.run_id}'" for run in runs)
    [(busy,)] = history.run(f"SELECT SUM(end_time - start_time) FROM runs WHERE run_id IN ({mine})")
    return Phase(seconds, len(runs), float(busy))


def _last_day(archive: Path) -> dt.date:
    with closing(sqlite3.connect(archive / "sessions.db")) as database:
        (day,) = database.execute("SELECT substr(MAX(timestamp), 1, 10) FROM messages").fetchone()
    return dt.date.fromisoformat(day)


def _tick(live: Live) -> float:
    """How long the last evaluation took."""
    sensor = {**REPOSITORY, "sensorName": "reconcile"}
    [tick] = live.ui.graphql(_TICK, sensor=sensor)["sensorOrError"]["sensorState"]["ticks"]
    return float(tick["endTimestamp"] - tick["timestamp"])


def _rows(url: str) -> int:
    with open_reader(url) as reader:
        return sum(
            int(reader.rows(f"SELECT COUNT(*) FROM {name}")[0][0])
            for name, contract in CONTRACTS.items()
            if contract.partition_column
        )


def _bytes(database: Database) -> int:
    return int(database.run(f"SELECT pg_database_size('{database.name}')")[0][0])


def table(figures: Sequence[Figures]) -> str:
    """The figures as a Markdown table, each divided by the number of archives where that tells."""
    head = (
        "| archives | first load | runs | for each | a turn in each | runs | for each "
        "| a tick | rows | warehouse | history |"
    )
    lines = [head, "|--:" * 11 + "|"]
    for f in figures:
        cells = [
            f"{f.archives}",
            *_cells(f.load, f.archives),
            *_cells(f.daily, f.archives),
            f"{f.tick_seconds:.2f} s",
            f"{f.rows:,}",
            f"{f.warehouse_bytes / 2**20:.0f} MiB",
            f"{f.history_bytes / 2**20:.0f} MiB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(phase: Phase, archives: int) -> list[str]:
    each = f"{phase.seconds / archives:.2f} s (busy {phase.busy_seconds / archives:.2f} s)"
    return [f"{phase.seconds:.0f} s", str(phase.runs), each]


def main(arguments: list[str] | None = None) -> int:
    """Measures as the arguments say and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.workers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--archives", type=int, nargs="+", default=[16, 64, 256])
    options = parser.parse_args(arguments)
    found = []
    with running_server() as server:
        for count in options.archives:
            found.append(measure(server, count))
            sys.stderr.write(f"{found[-1]}\n")
    sys.stdout.write(f"{table(found)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
