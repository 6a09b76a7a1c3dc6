"""Observing several archives: each for itself, in a transaction of its own.

An archive that cannot be read keeps what was last observed of it, and is recorded with the reason;
the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.archive_urls import ArchiveUrl
from agentsview_assets.errors import ArchiveError, AssetsError, ConfigError
from agentsview_assets.resources.archives.files import path_text
from agentsview_assets.resources.archives.held_rows import held_rows
from agentsview_assets.resources.archives.observing import Observed, observe
from agentsview_assets.resources.archives.price_tables import custom_prices
from agentsview_assets.resources.archives.private_copy import remove_left_copies
from agentsview_assets.resources.archives.sources import Source, open_source
from agentsview_assets.resources.archives.stamps import full_stamp, known_here
from agentsview_assets.resources.warehouses.run_records import Reading
from agentsview_assets.rules.outdated import unread_archives

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentsview_assets.queues import Queues
    from agentsview_assets.resources.archives.asked import Options
    from agentsview_assets.resources.archives.scratch import Scratch
    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.resources.warehouses.succession import Taken
    from agentsview_assets.rules.windows import DayWindow


class Seen(NamedTuple):
    """What observing archives found.

    Attributes:
        origins: Those that could be read, by identity, in the order in which they are named.
        looked: Identities of those that were read just now, rather than found unchanged.
        sessions: Sessions that are new, changed or gone.
        unread: Archives that were not read, with the reason, where others were.
        taken: What was taken over from other archives that were at these places before.
        held: Rows of those archives that cannot be read and are left out, a line each.
        cleaned: Texts that held credentials, which were taken out.
        elsewhere: Identities of those that workers of other queues read, as they were last read.
    """

    origins: Mapping[str, Source]
    looked: frozenset[str]
    sessions: int = 0
    unread: tuple[tuple[str, str], ...] = ()
    taken: tuple[Taken, ...] = ()
    held: tuple[str, ...] = ()
    cleaned: int = 0
    elsewhere: frozenset[str] = frozenset()

    @property
    def archive_id(self) -> str:
        """Their identities for people."""
        return ", ".join(self.origins)

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was read."""
        return not self.looked


def observe_all(
    archives: Sequence[ArchiveUrl],
    store: Store,
    scratch: Callable[[], Scratch],
    options: Options,
    window: DayWindow,
) -> Seen:
    """Brings the ledger up to date with archives.

    Args:
        archives: What to read.
        store: The warehouse; how each reading went is recorded in it.
        scratch: Opens where rows land.
        options: How to look.
        window: The days that partitions exist for.

    Raises:
        ArchiveError: None of them can be read.
        ConfigError: Likewise, because of their `config.toml`.
    """
    remove_left_copies()
    behind = unread_archives(store.expected(), store.all_partitions(), window, store.outdated())
    seen: dict[str, Observed] = {}
    origins: dict[str, Source] = {}
    failures: list[tuple[ArchiveUrl, AssetsError]] = []
    readings: list[Reading] = []
    for archive in archives:
        try:
            origin = open_source(archive)
            _refuse_copy(origin, origins, store, with_titles=options.with_titles)
            found = observe(origin, store, scratch, options, window, behind=behind)
        except (ArchiveError, ConfigError) as error:
            failures.append((archive, error))
            readings.append(Reading(name_of(archive), "", _words(error)))
        else:
            seen[found.archive_id], origins[found.archive_id] = found, origin
            readings.append(Reading(name_of(archive), found.archive_id))
    unread = tuple((archive.shown, _words(error)) for archive, error in failures)
    store.record_readings(readings)
    if not seen:
        first = failures[0][1]
        first.unread = unread
        raise first
    return Seen(
        origins,
        frozenset(name for name, found in seen.items() if not found.is_unchanged),
        sum(found.sessions for found in seen.values()),
        unread,
        tuple(taken for found in seen.values() for taken in found.taken),
        tuple(
            held_rows(store.left_out(sorted(seen)), {name: o.key for name, o in origins.items()})
        ),
        sum(found.cleaned for found in seen.values()),
    )


def with_elsewhere(
    seen: Seen, store: Store, texts: Sequence[str], queues: Queues, queue: str | None
) -> Seen:
    """A look, with the archives that workers of other queues than the run's read.

    Args:
        seen: What the look found.
        store: The warehouse; has recorded who was read.
        texts: Archives and listings that the deployment names.
        queues: Which workers see which archives.
        queue: The run's; None where nobody else reads.
    """
    if queue is None or not queues.names:
        return seen
    read = store.read_archives()
    named = map(name_of, queues.now(texts, [*read]))
    others = (read[name] for name in named if name in read and not queues.is_for(name, queue))
    return seen._replace(elsewhere=frozenset(others))


def require_readable(archives: Sequence[ArchiveUrl]) -> list[str]:
    """Makes sure that something can be read, before anything is made for it.

    Returns:
        Identities of the archives that can be read.

    Raises:
        ArchiveError: None of the archives can be read.
        ConfigError: Likewise, because of their `config.toml`.
    """
    failures: list[AssetsError] = []
    found = []
    for archive in archives:
        try:
            origin = open_source(archive)
            if origin.config_dir is not None:
                custom_prices(origin.config_dir)
            with origin.open() as reader, reader.transaction():
                found.append(reader.identity().archive_id)
        except (ArchiveError, ConfigError) as error:
            failures.append(error)
    if found:
        return found
    failures[0].unread = tuple(
        (archive.shown, _words(error)) for archive, error in zip(archives, failures, strict=True)
    )
    raise failures[0]


def _words(error: AssetsError) -> str:
    from agentsview_assets.rules.credentials.secrets import clean  # noqa: PLC0415 - costs a tenth of a run

    return clean(str(error))


def name_of(archive: ArchiveUrl) -> str:
    """How an archive is named in a warehouse, which holds nothing but UTF-8."""
    return archive.shown if archive.path is None else path_text(archive.path)


def _refuse_copy(
    origin: Source, seen: Mapping[str, Source], store: Store, *, with_titles: bool
) -> None:
    """Copies of an archive share its identity: reading both would have them replace each other.

    Raises:
        ArchiveError: The archive, or a copy of it, was read before.
    """
    if not seen or origin.config_dir is None:
        return
    here = known_here(store, origin.key)
    if len(here) == 1 and here[0].stamp == full_stamp(origin, with_titles=with_titles):
        archive_id = here[0].archive_id
    else:
        with origin.open() as reader, reader.transaction():
            archive_id = reader.identity().archive_id
    if archive_id in seen:
        raise ArchiveError(
            f"archive {origin.key}: is a copy of {seen[archive_id].key}; name only one of them"
        )
