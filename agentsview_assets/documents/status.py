"""What a warehouse holds and whether it can be trusted, without starting Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.errors import ArchiveError
from agentsview_assets.settings import OBSERVATION_STORE
from agentsview_assets.transforms import staleness
from resources.archive_files import find_archive, stamp
from resources.observation_reader import DayWindow, open_observations
from resources.warehouse import ARCHIVES_TABLE, PARTITIONS_TABLE, Reader, open_reader

if TYPE_CHECKING:
    from agentsview_assets.settings import Settings

TABLES = (
    *staleness.DAILY_TABLES,
    *staleness.PROJECT_TABLES,
    *staleness.PRICE_TABLES,
    staleness.RATES_TABLE,
)


def warehouse_status(settings: Settings) -> dict[str, Any]:
    """Tells archives, partitions, rows, prices, completeness and the last run.

    Raises:
        WarehouseError: The warehouse cannot be read.
    """
    expected, archive = _observed(settings)
    with open_reader(settings.warehouse) as reader:
        tables = {name: _table(reader, name, expected) for name in TABLES}
        digest = reader.rows("SELECT max(pricing_digest) FROM effective_pricing")[0][0]
        return {
            "warehouse": settings.warehouse,
            "archive": archive,
            "archives": [row[0] for row in reader.rows(_ARCHIVES)],
            "tables": tables,
            "pricing_digest": digest,
            "completeness": _completeness(reader),
            "last_run": _last_run(reader),
        }


_ARCHIVES = f"SELECT archive_id FROM {ARCHIVES_TABLE} ORDER BY archive_id"


def _observed(settings: Settings) -> tuple[staleness.Expected | None, dict[str, Any]]:
    """What an up-to-date warehouse would have noted, and how the archive stands to that."""
    try:
        path = find_archive(settings.archive)
        seen = stamp(path, with_titles=settings.with_titles)
    except ArchiveError as error:
        return None, {"path": str(settings.archive), "state": "missing", "note": str(error)}
    window = DayWindow(settings.start_date, settings.last_date)
    with open_observations(settings.state_dir / OBSERVATION_STORE) as store:
        noted = store.archive(path) if store else None
        if store is None or noted is None:
            note = f"{path}: never observed into this warehouse"
            return None, {"path": str(path), "state": "unobserved", "note": note}
        expected = staleness.expected_versions(
            store.versions(window),
            store.models(window),
            store.rows("SELECT * FROM model_pricing"),
            store.table_version("project_observations"),
            store.table_version("model_pricing"),
        )
    unchanged = noted["signature"] == seen
    state = "observed" if unchanged else "changed"
    words = "unchanged since" if unchanged else "written to since"
    note = f"{path}: {words} it was observed" + ("" if unchanged else "; run materialize")
    return expected, {
        "path": str(path),
        "archive_id": noted["archive_id"],
        "state": state,
        "note": note,
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
        "written_at": max((row[3] for row in noted), default=None),
    }


def _completeness(reader: Reader) -> dict[str, Any]:
    tokens, unpriced = reader.rows(
        "SELECT CAST(COALESCE(SUM(input_tokens + output_tokens + cache_creation_tokens + "
        "cache_read_tokens), 0) AS BIGINT), CAST(COALESCE(SUM(unpriced_tokens), 0) AS BIGINT) "
        "FROM daily_usage"
    )[0]
    models = reader.rows(
        "SELECT DISTINCT model FROM daily_usage WHERE unpriced_tokens > 0 ORDER BY model"
    )
    return {
        "tokens": int(tokens),
        "priced_tokens": int(tokens) - int(unpriced),
        "unpriced_tokens": int(unpriced),
        "unpriced_models": [row[0] for row in models],
    }


def _last_run(reader: Reader) -> dict[str, Any]:
    found = reader.rows(
        f"SELECT run_id, CAST(written_at AS VARCHAR) FROM {PARTITIONS_TABLE} "
        "ORDER BY written_at DESC LIMIT 1"
    )
    run_id, written_at = found[0] if found else (None, None)
    return {"run_id": run_id, "written_at": written_at}
