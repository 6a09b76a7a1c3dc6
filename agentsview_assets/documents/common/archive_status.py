"""How the archives of a warehouse stand: read, changed since, unreadable, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.sources import open_source
from agentsview_assets.resources.archives.stamps import full_stamp, host
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    READINGS_TABLE,
    SUCCESSIONS_TABLE,
)
from agentsview_assets.resources.warehouses.store import Archive

if TYPE_CHECKING:
    from agentsview_assets.archive_urls import ArchiveUrl
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.settings import Settings

_KNOWN = f"""
SELECT {", ".join(Archive._fields)} FROM {ARCHIVES_TABLE} WHERE archive_id NOT IN (
    SELECT archive_id FROM {SUCCESSIONS_TABLE}) ORDER BY archive_id
"""
_HELD = f"""
SELECT archive_id, path, CAST(observed_at AS VARCHAR(40)), CASE WHEN EXISTS (
    SELECT 1 FROM sessions WHERE sessions.archive_id = a.archive_id) THEN 1 ELSE 0 END
FROM {ARCHIVES_TABLE} a ORDER BY archive_id
"""
_SHARED = """
SELECT session_id, archive_id, canonical_archive_id FROM session_copies
WHERE canonical_archive_id <> archive_id ORDER BY session_id, archive_id
"""
_SHARED_ROWS = """
SELECT COUNT(*) FROM duplicates WHERE scope = 'all' AND counting_archive_id <> archive_id
"""
MIRROR_LACKS = (
    "custom prices",
    "fractions of seconds beyond microseconds",
    "whether an empty text was stored or nothing at all",
    "the secret that signs export cursors",
    "in PostgreSQL by older releases, where transcripts lie",
)
"""What agentsview does not push; reports of a mirror go without."""
MOST_SHOWN = 20
"""Shared sessions that are named; table `session_copies` holds all of them."""


def archive_states(settings: Settings, reader: Reader) -> list[dict[str, Any]]:
    """Tells of each archive named how it stands to what was observed of it.

    Args:
        settings: The archives.
        reader: The warehouse.

    Returns:
        For each its path or URL, `archive_id` once it was observed, a state (observed, changed,
        unobserved, unreadable, missing, or elsewhere where workers of a queue read it), a note for
        people, and what a mirror lacks.
    """
    failed = dict(reader.rows(f"SELECT archive, reason FROM {READINGS_TABLE} WHERE reason <> ''"))
    known = [Archive(*row) for row in reader.rows(_KNOWN)]
    mine = [_state(archive, settings, known, failed) for archive in settings.seen_everywhere]
    return mine + _elsewhere(settings, reader)


def _elsewhere(settings: Settings, reader: Reader) -> list[dict[str, Any]]:
    """The archives that workers of queues read: as their last reading found them."""
    rows = reader.rows(f"SELECT archive, archive_id, reason FROM {READINGS_TABLE} ORDER BY archive")
    read = {name: (who, why) for name, who, why in rows if settings.queues.of(name)}
    named = [
        a.shown for a in settings.archives if settings.queues.of(a.shown) and a.shown not in read
    ]
    found = []
    nothing = [text for text in settings.listings if settings.queues.of(text)]
    for name in [*read, *named] or nothing:
        who, why = read.get(name, ("", "never observed into this warehouse"))
        note = f"{name}: {why or 'as last observed'}; workers of {settings.queues.of(name)} read it"
        known = {"archive_id": who} if who else {}
        found.append({"path": name, **known, "state": "elsewhere", "note": note})
    return found


def _state(
    archive: ArchiveUrl, settings: Settings, known: list[Archive], failed: dict[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {"path": archive.shown}
    if archive.mirror is not None:
        found["lacks"] = list(MIRROR_LACKS)
    try:
        source = open_source(archive)
        seen = full_stamp(source, with_titles=settings.with_titles)
    except ArchiveError as error:
        return found | {"state": "missing", "note": str(error)}
    path = found["path"] = source.key
    here = [held for held in known if (held.path, held.host) == (path, host())]
    if here:
        found["archive_id"] = here[0].archive_id
    failure = failed.get(path) or failed.get(archive.shown)
    if failure is not None:
        kept = "; its rows are as last observed, and stale" if here else ""
        return found | {"state": "unreadable", "note": failure + kept}
    if not here:
        note = f"{path}: never observed into this warehouse"
        return found | {"state": "unobserved", "note": note}
    if here[0].stamp == seen:
        return found | {"state": "observed", "note": f"{path}: unchanged since it was observed"}
    note = f"{path}: written to since it was observed; run materialize"
    return found | {"state": "changed", "note": note}


def held_archives(reader: Reader, states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tells of each archive in the warehouse when it was last written, and whether it is named.

    Args:
        reader: The warehouse.
        states: How the archives that are named stand.

    Returns:
        For each its identity, path, when it was written, and a state: that of an archive that is
        named, else `kept`; and of one whose place another took, by whom.
    """
    named = {state.get("archive_id"): state["state"] for state in states}
    followed = dict(reader.rows(f"SELECT archive_id, succeeded_by FROM {SUCCESSIONS_TABLE}"))
    return [
        {
            "archive_id": archive_id,
            "path": path,
            "written_at": written_at,
            "state": named.get(archive_id, "kept"),
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
