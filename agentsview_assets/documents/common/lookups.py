"""What every document reads beside its own rows: which archive, its prices, its projects.

What belongs here: small tables, read whole. What does not: anything that scans usage or sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.sql import comparable
from agentsview_assets.errors import ChoiceError
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.pricing import PricingTable
from agentsview_assets.schemas.pricing import MODEL_PRICING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PriceTuple

ALL_ARCHIVES = "*"
"""Stands for an archive id where a document is about all archives of the warehouse."""

_ARCHIVES = """
SELECT MIN(archive_id) FROM usage_rows
UNION SELECT MAX(archive_id) FROM usage_rows
UNION SELECT archive_id FROM model_pricing_archives
UNION SELECT archive_id FROM project_identities
"""
# Of rows with one pattern the last one holds: the newest, then that of the least archive id.
_PRICES = f"""
SELECT layer, table_version, model_pattern, input_usd_per_mtok, output_usd_per_mtok,
       cache_write_usd_per_mtok, cache_read_usd_per_mtok, updated_at_text, archive_id
FROM {MODEL_PRICING.relation} WHERE {{test}}
"""
_IDENTITIES = """
SELECT project, resolution, key, key_source, normalized_remote, root_path, machine_local
FROM project_identities WHERE {test}
"""


def of_archive(archive_id: str) -> tuple[str, tuple[str, ...]]:
    """Return the test on a row's archive, and its parameters."""
    return ("1 = 1", ()) if archive_id == ALL_ARCHIVES else ("archive_id = ?", (archive_id,))


def resolve_archives(reader: Reader, archive_id: str | None) -> str:
    """Return the archive that a document is about, or `ALL_ARCHIVES` when there are several.

    Args:
        reader: The warehouse.
        archive_id: The archive asked for; None takes all.

    Raises:
        ChoiceError: The archive asked for is not there.
    """
    if archive_id is None and len(_known_archives(reader)) > 1:
        return ALL_ARCHIVES
    return resolve_archive(reader, archive_id)


def resolve_archive(reader: Reader, archive_id: str | None) -> str:
    """Return the one archive that a document is about; `''` when the warehouse is empty.

    Args:
        reader: The warehouse.
        archive_id: The archive asked for; None takes the only one there is.

    Raises:
        ChoiceError: The archive asked for is not there, or none was and there are several.
    """
    known = _known_archives(reader)
    listed = ", ".join(known) or "none"
    if archive_id is None:
        if len(known) > 1:
            msg = f"the warehouse holds several archives, choose one with --archive-id: {listed}"
            raise ChoiceError(msg)
        return known[0] if known else ""
    archive_id = comparable(archive_id)
    held = "SELECT 1 FROM usage_rows WHERE archive_id = ? LIMIT 1"
    if archive_id not in known and not reader.rows(held, (archive_id,)):
        msg = f"the warehouse has no archive {archive_id}; it holds: {listed}"
        raise ChoiceError(msg)
    return archive_id


def _known_archives(reader: Reader) -> list[str]:
    """Return archives of the warehouse: all of them, or two and more of many."""
    return reader.once(
        _ARCHIVES, lambda: sorted(found for (found,) in reader.rows(_ARCHIVES) if found)
    )


def load_prices(reader: Reader, archive_id: str, *, offline: bool) -> PricingTable:
    """Return the price rows in force for an archive.

    Args:
        reader: The warehouse.
        archive_id: Whose stored and custom prices to use; of all archives, the newest.
        offline: Prefer the embedded prices to the archive's own; otherwise they only stand in for
            an archive that has none.
    """
    return reader.once(
        (load_prices, archive_id, offline),
        lambda: _read_prices(reader, archive_id, offline=offline),
    )


def _read_prices(reader: Reader, archive_id: str, *, offline: bool) -> PricingTable:
    layers: dict[str, list[PriceTuple]] = {"stored": [], "embedded": [], "custom": []}
    version = ""
    test, params = of_archive(archive_id)
    found = reader.rows(_PRICES.format(test=test), params)
    if archive_id == ALL_ARCHIVES:
        found.sort(key=lambda row: row[-1], reverse=True)
        found.sort(key=lambda row: row[-2] or "")
    for layer, table_version, *price, _ in found:
        pattern, uncached, output, cache_write, cache_read, updated_at = price
        layers[layer].append((pattern, uncached, output, cache_write, cache_read, updated_at))
        version = table_version or version
    return PricingTable.build(
        layers["stored"],
        layers["embedded"],
        layers["custom"],
        version,
        "offline" if offline else "archive",
    )


def project_map(
    reader: Reader, archive_id: str, labels: Iterable[str], *, with_empty: bool = False
) -> dict[str, Any]:
    """Return the `projects` object of a document.

    Args:
        reader: The warehouse.
        archive_id: Whose projects to name.
        labels: The document's project labels.
        with_empty: Whether the empty label has an entry, too.
    """
    test, params = of_archive(archive_id)
    known: dict[str, dict[str, object]] = {}
    unknown: dict[str, object] = {"resolution": "unknown", "identity": None}
    for label, resolution, *columns in reader.rows(_IDENTITIES.format(test=test), params):
        found: dict[str, object] = {"resolution": resolution, "identity": _identity(*columns)}
        known[label] = _joined(known.get(label, unknown), found)
    names = sorted({label for label in labels if label or with_empty}, key=utf8_bytes)
    return {label: known.get(label, unknown) for label in names}


def _joined(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Return what two archives know of a label, whichever is asked first.

    The same project, or none that is certain; an archive that knows nothing decides nothing.
    """
    if one["resolution"] == "unknown":
        return other
    if other["resolution"] == "unknown" or one == other:
        return one
    return {"resolution": "ambiguous", "identity": None}


def _identity(
    key: str | None,
    key_source: str | None,
    normalized_remote: str | None,
    root_path: str | None,
    machine_local: object,
) -> dict[str, object] | None:
    """Return an identity's object, leaving out what does not apply; None without a key."""
    if key is None:
        return None
    identity: dict[str, object] = {"key": key, "key_source": key_source}
    if normalized_remote:
        identity["normalized_remote"] = normalized_remote
    if root_path:
        identity["root_path"] = root_path
    if machine_local:
        identity["machine_local"] = True
    return identity
