"""How complete a warehouse is, archive by archive: our own answer, which agentsview has none of.

What belongs here: putting together what other modules find out. What does not: looking at archives
(`status` does, where they are), and any sum.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.gaps import (
    ALL,
    gaps,
    last_readings,
    late_slices,
    moment,
    start_date,
    undecided,
)
from agentsview_assets.documents.common.lookups import resolve_archives
from agentsview_assets.documents.common.tokens import ArchiveTokens, archive_tokens
from agentsview_assets.resources.warehouses.known import left_out, successions
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    META_TABLE,
    PARTITIONS_TABLE,
)
from agentsview_assets.rules.gojson import canonical_json
from agentsview_assets.rules.timestamps import Instant, format_utc_seconds
from agentsview_assets.rules.versions import own_rules
from agentsview_assets.schemas.pricing import EFFECTIVE_PRICING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from agentsview_assets.documents.common.gaps import LastReading
    from agentsview_assets.resources.warehouses.reader import Reader

SCHEMA_VERSION = 1

_OBSERVED = f"SELECT archive_id, CAST(observed_at AS VARCHAR(40)) FROM {ARCHIVES_TABLE}"
_PRICES = (
    f"SELECT archive_id, MAX(pricing_digest) FROM {EFFECTIVE_PRICING.relation} GROUP BY archive_id"
)
_RULES = f"SELECT DISTINCT archive_id, asset, rules_version FROM {PARTITIONS_TABLE}"


def completeness(reader: Reader, now: datetime, archive_id: str | None = None) -> dict[str, Any]:
    """Return how old and how whole everything is, archives by their ids.

    Args:
        reader: The warehouse.
        now: The present, with a zone.
        archive_id: The only archive to tell of; None for all.

    Raises:
        WarehouseError: The warehouse cannot be read, or the archive asked for is absent.
    """
    if archive_id is not None:
        resolve_archives(reader, archive_id)
    archives = [
        entry for entry in _archives(reader, now) if archive_id in (None, entry["archive_id"])
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": utc_text(now),
        "revision": int(reader.rows(f"SELECT MAX(revision) FROM {META_TABLE}")[0][0] or 0),
        "start_date": start_date(reader),
        "gaps": gaps(reader, ALL, archive_id=archive_id, now=now),
        "undecided_keys": undecided(reader),
        "archives": archives,
        "totals": _totals(archives),
    }


def utc_text(time: datetime) -> str:
    """A moment as documents write it, cut to the second."""
    return format_utc_seconds(Instant(int(time.timestamp() // 1), 0))


def _archives(reader: Reader, now: datetime) -> list[dict[str, Any]]:
    readings = {found.archive_id: found for found in last_readings(reader)}
    # The last found come first, and hold.
    found = reversed(successions(reader.rows))
    followed = {succession.archive_id: succession.succeeded_by for succession in found}
    tokens = archive_tokens(reader)
    prices = dict(reader.rows(_PRICES))
    rules = _rules(reader)
    late = late_slices(reader, ALL)
    days: dict[str, set[str]] = {}
    for archive, day in late.missing | late.outdated:
        days.setdefault(archive, set()).add(day)
    rows_left_out: dict[str, int] = {}
    for row in left_out(reader.rows):
        rows_left_out[row.archive_id] = rows_left_out.get(row.archive_id, 0) + 1
    return [
        {
            "archive_id": archive,
            **_times(moment(observed), readings.get(archive), now),
            "succeeded_by": followed.get(archive),
            **_days(days.get(archive, ())),
            **_tokens(tokens.get(archive, ArchiveTokens())),
            "rows_left_out": rows_left_out.get(archive, 0),
            "rules_digest": rules.get(archive),
            "pricing_digest": prices.get(archive),
        }
        for archive, observed in sorted(reader.rows(_OBSERVED))
    ]


def _times(observed: datetime, reading: LastReading | None, now: datetime) -> dict[str, Any]:
    """When an archive was last read; by its own record, where readings are not noted."""
    read = reading.read_at if reading and reading.read_at else observed
    failing = reading.failing_since if reading else None
    return {
        "observed_at": utc_text(observed),
        "read_at": utc_text(read),
        "age_seconds": max((now - read).total_seconds(), 0.0),
        "failing_since": failing and utc_text(failing),
    }


def _days(days: Iterable[str]) -> dict[str, Any]:
    found = sorted(days)
    return {
        "days_out_of_date": len(found),
        "first_day_out_of_date": found[0] if found else None,
        "last_day_out_of_date": found[-1] if found else None,
    }


def _tokens(found: ArchiveTokens) -> dict[str, Any]:
    return {
        "tokens": found.tokens,
        "unpriced_tokens": found.unpriced,
        "unpriced_models": list(found.unpriced_models),
    }


def _rules(reader: Reader) -> dict[str, str]:
    """Of each archive a digest of the rules that made its rows, table by table."""
    made: dict[str, dict[str, set[str]]] = {}
    for archive, asset, version in reader.rows(_RULES):
        made.setdefault(archive, {}).setdefault(asset, set()).add(own_rules(version))
    return {
        archive: _digest({table: sorted(versions) for table, versions in tables.items()})
        for archive, tables in made.items()
    }


def _digest(value: object) -> str:
    return f"sha256:{hashlib.sha256(canonical_json(value).encode()).hexdigest()}"


def _totals(archives: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over archives, and the age of the one that was not read for longest.

    One whose place another took is read no more, and has no age that would tell anything.
    """
    read = [entry["age_seconds"] for entry in archives if entry["succeeded_by"] is None]
    return {
        "archives": len(archives),
        "failing_archives": sum(entry["failing_since"] is not None for entry in archives),
        "age_seconds": max(read, default=None),
        **{
            name: sum(entry[name] for entry in archives)
            for name in ("days_out_of_date", "tokens", "unpriced_tokens", "rows_left_out")
        },
    }
