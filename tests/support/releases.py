"""Archives as each release of the original program makes them from the same transcripts."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.support import oracle as original
from tests.support.oracle import exclusive
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

REFERENCE = original.VERSION
RELEASES = (
    *("0.37.1", "0.37.5", "0.38.1", "0.39.0", "0.40.1", "0.41.1", "0.42.0", "0.43.0", "0.44.0"),
    "0.46.1",
)
"""Every form that the tables have had, oldest first."""
USER_VERSIONS = {
    "0.37.1": 59, "0.37.5": 60, "0.38.1": 63, "0.39.0": 74, "0.40.1": 80, "0.41.1": 88,
    "0.42.0": 96, "0.43.0": 108, "0.44.0": 113, "0.46.1": 143,
}  # fmt: skip
LAST_DAY = dt.date(2026, 11, 10)

_EVENT = (
    "INSERT INTO usage_events (session_id, source, model, input_tokens, output_tokens, {cost}, "
    "occurred_at, dedup_key) SELECT min(id), 'provider', 'gpt-5.1', 10, 20, {value}, "
    "'2026-11-03T10:00:00Z', '{key}' FROM sessions WHERE id LIKE 'copilot:%'"
)
_CURSOR = (
    "INSERT INTO cursor_usage_events (occurred_at, model, kind, input_tokens, output_tokens, "
    "cache_write_tokens, cache_read_tokens, {money}, dedup_key) "
    "VALUES ('2026-11-03T11:00:00.5Z', 'gpt-5.1', 'usage', 100, 50, 7, 9, {value}, 'cursor-1')"
)
_PRICE = (
    "INSERT OR REPLACE INTO model_pricing (model_pattern, {columns}, updated_at) "
    "VALUES ('{pattern}', {values}, '{updated_at}')"
)
_RATES = ("input", "output", "cache_creation", "cache_read")


def release(version: str, scratch: Path) -> Oracle:
    """One release of the original, with a home of its own."""
    return original.install(scratch / version, version)


def release_archive(folder: Path, version: str) -> Path:
    """The data folder of an archive that a release synced from the one corpus.

    Made once for all workers; to be read only. Money that no transcript of the corpus brings is
    added in the release's own form: reported costs, a Cursor charge, prices and their sentinels.
    """
    archive = folder / version
    with exclusive(folder / "archives.lock"):
        corpus = folder / "corpus"
        if not corpus.exists():
            write_corpus(corpus, Settings(sessions=25, days=12, seed=7, last_day=LAST_DAY))
        if not archive.exists():
            release(version, folder / "homes").sync(archive, corpus)
            add_money(archive / "sessions.db")
    return archive


def add_money(path: Path) -> None:
    """Adds reported costs and prices in the form that the archive keeps money in."""
    with closing(sqlite3.connect(path)) as database, database:
        columns = {row[1] for row in database.execute("PRAGMA table_info(usage_events)")}
        in_micros = "cost_microdollars" in columns
        for key, usd in (("dear", "0.0175"), ("free", "0"), ("unknown", "NULL")):
            value = "17500" if in_micros and usd == "0.0175" else usd
            cost = "cost_microdollars" if in_micros else "cost_usd"
            database.execute(_EVENT.format(cost=cost, value=value, key=key))
        database.execute(
            _CURSOR.format(money="charged_microdollars", value=123_400)
            if in_micros
            else _CURSOR.format(money="charged_cents", value=12.34)
        )
        unit = "microdollars_per_mtok" if in_micros else "per_mtok"
        names = ", ".join(f"{rate}_{unit}" for rate in _RATES)
        for pattern, rates, updated_at in (
            ("gpt-5.1", (1.25, 10.5, 0.0, 0.125), "2026-11-01T00:00:00.000Z"),
            ("_fallback_version", (0.0, 0.0, 0.0, 0.0), "litellm-398a0b15378c"),
            ("_pricing_storage_version", (0.0, 0.0, 0.0, 0.0), "2"),
        ):
            values = ", ".join(
                str(round(rate * 1_000_000)) if in_micros else str(rate) for rate in rates
            )
            database.execute(
                _PRICE.format(columns=names, pattern=pattern, values=values, updated_at=updated_at)
            )
        database.execute("PRAGMA journal_mode = WAL")


def half_migrated(archive: Path, newer: Oracle) -> None:
    """Lets a newer release open an archive for writing without syncing it.

    It gives the tables its own columns at once and leaves the data version as it was.
    """
    done = newer.run(archive, "prune", "--project", "no-such-project", "--dry-run")
    assert done.returncode == 0, done.stderr


__all__ = ["REFERENCE", "RELEASES", "USER_VERSIONS", "half_migrated", "release", "release_archive"]
