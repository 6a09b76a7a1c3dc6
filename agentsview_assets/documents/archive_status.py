"""How the archives of a warehouse stand: read, changed since, unreadable, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.errors import ArchiveError, WarehouseError
from resources.sources import open_source
from resources.warehouse import ARCHIVES_TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentsview_assets.archive_urls import ArchiveUrl
    from agentsview_assets.settings import Settings
    from resources.observation_reader import ObservationReader
    from resources.warehouse import Reader

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


def held_archives(reader: Reader, states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tells of each archive in the warehouse when it was last written, and whether it is named."""
    named = {state.get("archive_id"): state["state"] for state in states}
    return [
        {
            "archive_id": archive_id,
            "path": path,
            "written_at": written_at,
            "state": named.get(archive_id, "kept"),
        }
        for archive_id, path, written_at, has_rows in reader.rows(_HELD)
        if has_rows or archive_id in named
    ]


def require_kept(
    reader: Reader, store: ObservationReader, settings: Settings, forgotten: Sequence[str]
) -> None:
    """Refuses to make anew what would lose an archive's rows.

    The observation store is a cache: made anew, it holds the archives that are read now. Those
    that the warehouse has beside them are not in it any more.

    Raises:
        WarehouseError: There are such archives; the message names them and the way out.
    """
    kept = {archive.archive_id for archive in store.archives()} | set(forgotten)
    # An upgraded archive has another identity, and is replaced on purpose.
    paths = {known.path for known in store.archives()}
    lost = [
        f"{path} ({archive_id})"
        for archive_id, path, _, has_rows in reader.rows(_HELD)
        if has_rows and archive_id not in kept and path not in paths
    ]
    if lost:
        raise WarehouseError(
            f"warehouse {settings.warehouses[0].shown}: holds rows of {', '.join(lost)}, which "
            "the observation store no longer has: what is made now would lose them. Name it with "
            "--archive as well, or give it up with --forget ID"
        )


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
