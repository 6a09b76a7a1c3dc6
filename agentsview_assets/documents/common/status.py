"""What a warehouse holds and whether it can be trusted, without starting Dagster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentsview_assets import settings as clock
from agentsview_assets.documents.common.alarms import alarms, due_checks
from agentsview_assets.documents.common.archive_status import archive_states, held_archives, shared
from agentsview_assets.documents.common.clock import clock_notes
from agentsview_assets.documents.common.tokens import archive_tokens
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.archives.held_rows import held_rows
from agentsview_assets.resources.archives.stamps import read_here
from agentsview_assets.resources.warehouses.expected import expected_rows
from agentsview_assets.resources.warehouses.known import known_archives, outdated
from agentsview_assets.resources.warehouses.known import left_out as all_left_out
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, Reader, open_reader
from agentsview_assets.rules import staleness
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.outdated import stale_slices
from agentsview_assets.rules.rates import PRICE_ROWS
from agentsview_assets.rules.windows import DayWindow

if TYPE_CHECKING:
    from agentsview_assets.settings import Settings


def warehouse_status(settings: Settings) -> dict[str, Any]:
    """Tells archives, partitions, rows, prices, completeness, the last run, and of copies.

    Where several warehouses are named, all of it is about the first; a copy is told by whether it
    can be read and how many of its partitions are out of date.

    Raises:
        WarehouseError: The warehouse cannot be read.
    """
    with open_reader(settings.warehouse) as reader:
        settings = settings.now(read_here(known_archives(reader.rows)))
        expected, states = _expected(reader, settings), archive_states(settings, reader)
        tables = _tables(reader, expected)
        held = held_archives(reader, states)
        paths = {archive["archive_id"]: archive["path"] for archive in held}
        left_out = held_rows(all_left_out(reader.rows), paths)
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


def _expected(reader: Reader, settings: Settings) -> staleness.Expected | None:
    """What up-to-date slices have recorded; None where nothing was observed."""
    rows = expected_rows(reader.rows, None)
    if not rows:
        return None
    prices = reader.rows(PRICE_ROWS)
    window = DayWindow(settings.start_date, settings.last_date)
    return staleness.expected_where_priced(rows, prices, window)


def _copy(url: str, expected: staleness.Expected | None) -> dict[str, Any]:
    """How a further warehouse stands: one that cannot be read does not hide the others."""
    try:
        with open_reader(url) as reader:
            stale = [found["stale"] for found in _tables(reader, expected).values()]
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


def _tables(reader: Reader, expected: staleness.Expected | None) -> dict[str, dict[str, Any]]:
    changed = outdated(reader.rows)
    return {
        name: _table(reader, name, expected, changed.get(name, set())) for name in staleness.TABLES
    }


def _table(
    reader: Reader, name: str, expected: staleness.Expected | None, changed: set[staleness.Slice]
) -> dict[str, Any]:
    rows = int(reader.rows(f"SELECT count(*) FROM {name}")[0][0])
    recorded = reader.rows(
        "SELECT archive_id, partition_date, input_version, rates_version, "
        f"CAST(written_at AS VARCHAR) FROM {PARTITIONS_TABLE} WHERE asset = ?",
        [name],
    )
    stale = None
    if expected is not None:
        versions = {(archive, day): (v, rates) for archive, day, v, rates, _ in recorded}
        held = {place: v for place, v in versions.items() if place[0] in expected.archives}
        stale = len(
            {day for _, day in stale_slices(expected.of(name), held)}
            | {day for archive, day in changed if archive in expected.archives}
        )
    return {
        "rows": rows,
        "partitions": len({row[1] for row in recorded}),
        "stale": stale,
        "written_at": max((_instant(row[4]) for row in recorded), default=None),
    }


def _completeness(reader: Reader) -> dict[str, Any]:
    archives = archive_tokens(reader).values()
    tokens = sum(found.tokens for found in archives)
    unpriced = sum(found.unpriced for found in archives)
    models = {model for found in archives for model in found.unpriced_models}
    return {
        "tokens": tokens,
        "priced_tokens": tokens - unpriced,
        "unpriced_tokens": unpriced,
        "unpriced_models": sorted(models, key=utf8_bytes),
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
