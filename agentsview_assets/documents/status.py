"""What a warehouse holds and whether it can be trusted, without starting Dagster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentsview_assets import settings as clock
from agentsview_assets.documents.alarms import alarms, due_checks
from agentsview_assets.documents.archive_status import archive_states, held_archives, shared
from agentsview_assets.documents.clock import clock_notes
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.held_rows import held_rows
from agentsview_assets.resources.observation_reader import DayWindow, open_observations
from agentsview_assets.resources.warehouse import PARTITIONS_TABLE, Reader, open_reader
from agentsview_assets.settings import OBSERVATION_STORE
from agentsview_assets.transforms import staleness

if TYPE_CHECKING:
    from agentsview_assets.settings import Settings


def warehouse_status(settings: Settings) -> dict[str, Any]:
    """Tells archives, partitions, rows, prices, completeness, the last run, and of copies.

    Where several warehouses are named, all of it is about the first; a copy is told by whether it
    can be read and how many of its partitions are out of date.

    Raises:
        WarehouseError: The warehouse cannot be read.
    """
    expected, states, leaving, left_out = _observed(settings)
    with open_reader(settings.warehouse) as reader:
        tables = {name: _table(reader, name, expected) for name in staleness.TABLES}
        held = held_archives(reader, states, leaving)
        digest = reader.rows("SELECT max(pricing_digest) FROM effective_pricing")[0][0]
        return {
            "warehouse": settings.warehouses[0].shown,
            "copies": [_copy(url.shown, expected) for url in settings.warehouses[1:]],
            "archive": states[0],
            "sources": states,
            "archives": [archive["archive_id"] for archive in held],
            "held": held,
            "shared": shared(reader),
            "left_out": left_out,
            "tables": tables,
            "pricing_digest": digest,
            "completeness": _completeness(reader),
            "alarms": [alarm._asdict() for alarm in alarms(reader)],
            "unchecked": sorted({asset for asset, _ in due_checks(reader)}),
            "clock": clock_notes(reader, clock.now()),
            "last_run": _last_run(reader),
        }


def _observed(
    settings: Settings,
) -> tuple[staleness.Expected | None, list[dict[str, Any]], frozenset[str], list[str]]:
    """What an up-to-date warehouse would have noted, and how the archives stand to that.

    Returns:
        The versions, the states, the archives that go, and rows that cannot be read.
    """
    window = DayWindow(settings.start_date, settings.last_date)
    with open_observations(settings.state_dir / OBSERVATION_STORE) as store:
        states = archive_states(settings, store)
        leaving = frozenset(store.leaving() if store is not None else ())
        if store is None or not any("archive_id" in state for state in states):
            return None, states, leaving, []
        expected, left_out = store.expected(window), held_rows(store)
    return expected, states, leaving, left_out


def _copy(url: str, expected: staleness.Expected | None) -> dict[str, Any]:
    """How a further warehouse stands: one that cannot be read does not hide the others."""
    try:
        with open_reader(url) as reader:
            stale = [_table(reader, name, expected)["stale"] for name in staleness.TABLES]
    except WarehouseError as error:
        return {"warehouse": url, "stale": None, "note": str(error)}
    if None in stale:
        return {"warehouse": url, "stale": None, "note": "readable"}
    count = sum(stale)
    return {
        "warehouse": url,
        "stale": count,
        "note": f"{count} partitions out of date; run materialize" if count else "up to date",
    }


def _table(reader: Reader, name: str, expected: staleness.Expected | None) -> dict[str, Any]:
    rows = int(reader.rows(f"SELECT count(*) FROM {name}")[0][0])
    noted = reader.rows(
        "SELECT partition_date, input_version, rates_version, CAST(written_at AS VARCHAR) "
        f"FROM {PARTITIONS_TABLE} WHERE asset = ?",
        [name],
    )
    stale = None
    if expected is not None:
        versions = {day: (version, rates) for day, version, rates, _ in noted}
        stale = len(staleness.stale_partitions(expected.of(name), versions))
    return {
        "rows": rows,
        "partitions": len(noted),
        "stale": stale,
        "written_at": max((_instant(row[3]) for row in noted), default=None),
    }


def _completeness(reader: Reader) -> dict[str, Any]:
    counters = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
    sums = ", ".join(map(reader.whole_sum, ("unpriced_tokens", *counters)))
    unpriced, *counts = map(int, reader.rows(f"SELECT {sums} FROM daily_usage")[0])
    tokens = sum(counts)
    models = reader.rows(
        "SELECT DISTINCT model FROM daily_usage WHERE unpriced_tokens > 0 ORDER BY model"
    )
    return {
        "tokens": tokens,
        "priced_tokens": tokens - unpriced,
        "unpriced_tokens": unpriced,
        "unpriced_models": [row[0] for row in models],
    }


def _last_run(reader: Reader) -> dict[str, Any]:
    found = reader.rows(
        f"SELECT run_id, CAST(written_at AS VARCHAR) FROM {PARTITIONS_TABLE} "
        "ORDER BY written_at DESC LIMIT 1"
    )
    if not found:
        return {"run_id": None, "written_at": None}
    run_id, written_at = found[0]
    return {"run_id": run_id, "written_at": _instant(written_at)}


def _instant(text: str) -> str:
    """A time as every backend's text of it reads: UTC, to the millisecond."""
    found = datetime.fromisoformat(text).astimezone(UTC)
    return found.isoformat(sep=" ", timespec="milliseconds")
