"""How the archives of a warehouse stand: read, changed since, unreadable, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.sources import open_source
from agentsview_assets.resources.warehouse import ARCHIVES_TABLE, SUCCESSIONS_TABLE

if TYPE_CHECKING:
    from collections.abc import Collection

    from agentsview_assets.archive_urls import ArchiveUrl
    from agentsview_assets.resources.observation_reader import ObservationReader
    from agentsview_assets.resources.warehouse import Reader
    from agentsview_assets.settings import Settings

_HELD = f"""
SELECT archive_id, path, CAST(observed_at AS VARCHAR(40)), CASE WHEN EXISTS (
    SELECT 1 FROM sessions WHERE sessions.archive_id = a.archive_id) THEN 1 ELSE 0 END
FROM {ARCHIVES_TABLE} a ORDER BY archive_id
"""
_SHARED = """
SELECT session_id, archive_id, elsewhere_archive_id FROM sessions
WHERE elsewhere_archive_id IS NOT NULL ORDER BY session_id, archive_id
"""
_SHARED_ROWS = "SELECT COUNT(*) FROM usage_rows WHERE elsewhere_archive_id IS NOT NULL"
MIRROR_LACKS = (
    "custom prices",
    "fractions of seconds beyond microseconds",
    "whether an empty text was stored or nothing at all",
    "the secret that signs export cursors",
    "in PostgreSQL by older releases, where transcripts lie",
)
"""What agentsview does not push; reports of a mirror go without."""
MOST_SHOWN = 20
"""Shared sessions that are named; table `sessions` holds all of them."""


def archive_states(settings: Settings, store: ObservationReader | None) -> list[dict[str, Any]]:
    """Tells of each archive named how it stands to what was observed of it.

    Args:
        settings: The archives.
        store: What was observed; None when nothing was.

    Returns:
        For each its path or URL, `archive_id` once it was observed, a state (observed, changed,
        unobserved, unreadable or missing), a note for people, and what a mirror lacks.
    """
    failed: dict[str, str] = {}
    if store is not None:
        failed = {
            str(name): str(note) for name, note in store.rows("SELECT archive, note FROM unread")
        }
    return [
        _state(archive, settings, store, failed.get(archive.shown)) for archive in settings.archives
    ]


def _state(
    archive: ArchiveUrl, settings: Settings, store: ObservationReader | None, failure: str | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"path": archive.shown}
    if archive.mirror is not None:
        found["lacks"] = list(MIRROR_LACKS)
    try:
        path, seen = _stamp(archive, settings)
    except ArchiveError as error:
        return found | {"state": "missing", "note": str(error)}
    found["path"] = path
    noted = store.archive_at(path) if store else None
    if noted is not None:
        found["archive_id"] = noted["archive_id"]
    if failure is not None:
        kept = "" if noted is None else "; its rows are as last observed, and stale"
        return found | {"state": "unreadable", "note": failure + kept}
    if noted is None:
        note = f"{path}: never observed into this warehouse"
        return found | {"state": "unobserved", "note": note}
    if noted["signature"] == seen:
        return found | {"state": "observed", "note": f"{path}: unchanged since it was observed"}
    note = f"{path}: written to since it was observed; run materialize"
    return found | {"state": "changed", "note": note}


def _stamp(archive: ArchiveUrl, settings: Settings) -> tuple[str, str]:
    source = open_source(archive)
    return source.key, source.stamp(with_titles=settings.with_titles)


def held_archives(
    reader: Reader, states: list[dict[str, Any]], leaving: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Tells of each archive in the warehouse when it was last written, and whether it is named.

    Args:
        reader: The warehouse.
        states: How the archives that are named stand.
        leaving: Archives whose rows are to go.

    Returns:
        For each its identity, path, when it was written, and a state: that of an archive that is
        named, else `leaving` or `kept`; and of one whose place another took, by whom.
    """
    named = {state.get("archive_id"): state["state"] for state in states}
    followed = dict(reader.rows(f"SELECT archive_id, succeeded_by FROM {SUCCESSIONS_TABLE}"))
    return [
        {
            "archive_id": archive_id,
            "path": path,
            "written_at": written_at,
            "state": named.get(archive_id, "leaving" if archive_id in leaving else "kept"),
            **({"succeeded_by": followed[archive_id]} if archive_id in followed else {}),
        }
        for archive_id, path, written_at, has_rows in reader.rows(_HELD)
        if has_rows or archive_id in named
    ]


def shared(reader: Reader) -> dict[str, Any]:
    """Tells what several archives hold: counted once where all are reported together."""
    sessions = reader.rows(_SHARED)
    return {
        "sessions": len(sessions),
        "usage_rows": int(reader.rows(_SHARED_ROWS)[0][0]),
        "examples": [
            {"session_id": session, "archive_id": here, "counted_in": there}
            for session, here, there in sessions[:MOST_SHOWN]
        ],
    }
