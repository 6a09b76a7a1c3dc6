"""What runs add to Dagster's storage: `python -m benchmarks.history [--days N]`.

A desk of the sample archive, loaded in one run, and then what the reconciler asks for on each day:
a turn is added, looked at, made, and checked. Rows of Dagster's tables and bytes of its files are
counted before and after.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from tests.support.in_process import Desk
from tests.support.reconciling import reconcile, settings_of
from tests.support.turns import add_turn

_TABLES = {"history/index.db": ("event_logs", "asset_check_executions", "asset_event_tags")}
_TABLES["history/runs.db"] = ("runs", "run_tags")
_LOADED_DAYS = 365


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="daily runs that are measured")
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory() as folder:
        first = date.today() - timedelta(days=_LOADED_DAYS + days - 1)  # noqa: DTZ011 - any will do
        desk = Desk.with_sample(Path(folder) / "desk").starting(first.isoformat())
        for number in range(_LOADED_DAYS):
            _turn(desk, first + timedelta(days=number))
        home = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "dagster"
        with desk.history() as instance:
            empty = _sizes(home)
            reconcile(settings_of(desk), instance)
            loaded = _sizes(home)
            _print(f"a backfill of {_LOADED_DAYS} days", loaded - empty, 1)
            for number in range(days):
                _turn(desk, first + timedelta(days=_LOADED_DAYS + number))
                reconcile(settings_of(desk), instance)
            _print(f"a daily run, mean of {days}", _sizes(home) - loaded, days)


def _turn(desk: Desk, day: date) -> None:
    add_turn(desk.archive, f"{day}T12:00:00Z", f"turn of {day}")


def _sizes(home: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, tables in _TABLES.items():
        with closing(sqlite3.connect(home / name)) as database:
            for table in tables:
                found[table] = database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [path for path in home.rglob("*") if path.is_file()]
    found["bytes"] = sum(path.stat().st_size for path in files)
    found["bytes of the index"] = (home / "history" / "index.db").stat().st_size
    return found


def _print(what: str, added: Counter[str], times: int) -> None:
    print(f"{what}:", ", ".join(f"{name} {count / times:,.0f}" for name, count in added.items()))


if __name__ == "__main__":
    main()
