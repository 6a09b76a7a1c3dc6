"""Observing several archives into one store: each for itself, then what they have in common.

An archive that cannot be read keeps what was last observed of it, and is noted with the reason;
the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agentsview_assets.archive_urls import ArchiveUrl
from agentsview_assets.errors import ArchiveError, AssetsError, ConfigError
from agentsview_assets.resources import succession
from agentsview_assets.resources.archive import ArchiveReader
from agentsview_assets.resources.archive_files import find_archive, path_text
from agentsview_assets.resources.held_rows import held_rows
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.observing import Observed, Progress, observe
from agentsview_assets.resources.private_copy import remove_left_copies
from agentsview_assets.resources.run_notes import Reading
from agentsview_assets.resources.sources import open_source
from agentsview_assets.transforms import landing, sharing
from agentsview_assets.transforms.secrets import clean


class Options(NamedTuple):
    """How to observe.

    Attributes:
        with_titles: Whether session titles may fall back to first messages.
        progress: Told how far the reading is.
        force: Read and compare everything, whatever the signatures say.
    """

    with_titles: bool = True
    progress: Progress | None = None
    force: bool = False


def observe_all(
    archives: Sequence[ArchiveUrl], store: ObservationStore, options: Options
) -> Observed:
    """Brings the store up to date with archives, each in a transaction of its own.

    Raises:
        ArchiveError: None of them can be read.
        ConfigError: Likewise, because of their `config.toml`.
    """
    remove_left_copies()
    seen: dict[str, Observed] = {}
    failures: list[tuple[ArchiveUrl, AssetsError]] = []
    readings: list[Reading] = []
    for archive in archives:
        try:
            _refuse_copy(archive, seen, store)
            found = _observe(archive, store, options)
        except (ArchiveError, ConfigError) as error:
            failures.append((archive, error))
            readings.append(Reading(_name(archive), "", clean(str(error))))
        else:
            seen[found.archive_id] = found
            readings.append(Reading(_name(archive), found.archive_id))
    unread = tuple((archive.shown, clean(str(error))) for archive, error in failures)
    if not seen:
        first = failures[0][1]
        first.unread = unread
        raise first
    with store.transaction():
        _note_unread(store, unread)
        is_settled = _settle(store)
    return Observed(
        ", ".join(seen),
        sum(found.sessions for found in seen.values()),
        is_unchanged=is_settled and all(found.is_unchanged for found in seen.values()),
        unread=unread,
        archive_ids=tuple(seen),
        taken=tuple(taken for found in seen.values() for taken in found.taken),
        readings=tuple(readings),
        held=tuple(held_rows(store, seen)),
        cleaned=sum(found.cleaned for found in seen.values()),
    )


def _observe(archive: ArchiveUrl, store: ObservationStore, options: Options) -> Observed:
    return observe(
        open_source(archive),
        store,
        with_titles=options.with_titles,
        progress=options.progress,
        force=options.force,
    )


def _name(archive: ArchiveUrl) -> str:
    """How an archive is named in a warehouse, which holds nothing but UTF-8."""
    return archive.shown if archive.path is None else path_text(archive.path)


def _refuse_copy(archive: ArchiveUrl, seen: dict[str, Observed], store: ObservationStore) -> None:
    """Copies of an archive share its identity: reading both would have them replace each other.

    Raises:
        ArchiveError: The archive, or a copy of it, was read before.
    """
    if not seen or archive.path is None:
        return
    path = find_archive(archive.path)
    with ArchiveReader(path) as reader, reader.transaction():
        archive_id = reader.identity().archive_id
    if archive_id in seen:
        held = {known.archive_id: known.path for known in store.archives()}
        raise ArchiveError(
            f"archive {path}: is a copy of {held.get(archive_id, archive_id)}; name only one of "
            "them"
        )


def _note_unread(store: ObservationStore, unread: Sequence[tuple[str, str]]) -> None:
    store.connection.execute("DELETE FROM unread")
    for shown, note in unread:
        store.connection.execute(
            "INSERT INTO unread VALUES (?, 'unreadable', ?, now())", [shown, note]
        )


def forget(store: ObservationStore, archive_ids: Sequence[str]) -> None:
    """Removes all that the store holds of archives, in a transaction of the caller's.

    That they were given up is recorded, so that a run that dies is finished by the next one.
    """
    db = store.connection
    for archive_id in archive_ids:
        succession.forget(db, archive_id)
        for table in ("day_version", "day_model"):
            db.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])
    _settle(store)


def _settle(store: ObservationStore) -> bool:
    """Works out what counts across archives, where any of them changed.

    Returns:
        Whether there was nothing to work out.
    """
    db = store.connection
    digest = store.rows(sharing.DIGEST)
    if store.rows("SELECT digest FROM settled") == digest:
        return True
    shared = store.rows("SELECT count(*) FROM archive")[0][0] != 1
    held = store.rows("SELECT (SELECT count(*) FROM elsewhere) + count(*) FROM session_elsewhere")
    for table in ("settled", "elsewhere", "session_elsewhere"):
        db.execute(f"DELETE FROM {table}")
    if shared:
        db.execute(sharing.SHARED_SESSIONS)
        db.execute(sharing.SHARED_ROWS)
    if shared or held[0][0]:
        for table, statement in landing.DAY_FACTS.items():
            db.execute(f"DELETE FROM {table}")
            db.execute(statement)
    db.execute("INSERT INTO settled VALUES (?)", list(digest[0]))
    return False
