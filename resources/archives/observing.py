"""Observing an archive: what changed in it goes to the ledger, what is needed lands in the scratch.

The order of trust: an unchanged file of which everything has been made holds nothing new; a session
whose row agentsview has moved is read again; what other programs edit behind its back is found
where everything is compared by content, which is asked for.

What belongs here: one archive, from its stamp to the ledger. What does not: how rows land.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.asked import Known, Needed, Options
from agentsview_assets.resources.archives.disk import is_unmoved
from agentsview_assets.resources.archives.stamps import full_stamp, host, known_here
from agentsview_assets.resources.warehouses import succession

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agentsview_assets.resources.archives.looking import Look
    from agentsview_assets.resources.archives.scratch import Scratch
    from agentsview_assets.resources.archives.sources import Source
    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.resources.warehouses.succession import Taken
    from agentsview_assets.rules.windows import DayWindow

_ATTEMPTS = 5


class Observed(NamedTuple):
    """What an observation of an archive found.

    Attributes:
        archive_id: Identity of the archive.
        sessions: Sessions that are new, changed or gone.
        is_unchanged: The file had not moved; nothing was read.
        taken: What was taken over from other archives that were at this place before.
        cleaned: Texts that held credentials, which were taken out.
        look: The pass that read it; None where nothing was read.
    """

    archive_id: str
    sessions: int = 0
    is_unchanged: bool = False
    taken: tuple[Taken, ...] = ()
    cleaned: int = 0
    look: Look | None = None


def observe(  # noqa: PLR0913 - what is looked at, and what for
    origin: Source,
    store: Store,
    scratch: Callable[[], Scratch],
    options: Options,
    window: DayWindow,
    *,
    behind: Collection[str] = (),
    needed: Needed | None = None,
    must_open: bool = False,
) -> Observed:
    """Brings the ledger up to date with an archive, in one transaction of the warehouse.

    Args:
        origin: The archive.
        store: The warehouse.
        scratch: Opens where rows land.
        options: How to look.
        window: The days that partitions exist for.
        behind: Archives of which slices are out of date: their stamp proves nothing.
        needed: Days of which all sessions are to land.
        must_open: Whether to open the archive whatever its stamp.

    Raises:
        ArchiveError: The archive cannot be read, or is written to without pause.
        ConfigError: Its `config.toml` cannot be used.
    """
    here = known_here(store, origin.key)
    stamp = full_stamp(origin, with_titles=options.with_titles)
    is_behind = any(archive.archive_id in behind for archive in here)
    is_trusted = not is_behind and is_unmoved(store, here, stamp)
    if is_trusted and not (must_open or options.is_verified):
        return Observed(here[0].archive_id, is_unchanged=True)
    if options.opening is not None:
        options.opening()
    from agentsview_assets.resources.archives.looking import Look  # noqa: PLC0415 - reads in bulk

    for _ in range(_ATTEMPTS):
        before, stamp = origin.state(), full_stamp(origin, with_titles=options.with_titles)
        with origin.open() as reader:
            look = Look(origin, reader, scratch(), options)
            finding = look.run(lambda name: _known(store, name), stamp, host(), needed, window)
            if not origin.is_same(before, origin.state(), is_snapshot=look.is_snapshot):
                # What has landed stays, so that the next reading takes only what moved meanwhile.
                continue
        store.record_finding(finding)
        taken = tuple(
            succession.take_over(store, scratch(), finding.archive, earlier, window)
            for earlier in succession.predecessors(store, look.archive_id, here)
        )
        # What was told of a predecessor before is told again only when something moved.
        told = tuple(
            found for found in taken if found.moved or found.old in {a.archive_id for a in here}
        )
        return Observed(look.archive_id, look.changed, taken=told, cleaned=look.texts, look=look)
    raise ArchiveError(
        f"archive {origin.key}: written to during each of {_ATTEMPTS} readings; try again "
        "when agentsview has finished syncing"
    )


def _known(store: Store, archive_id: str) -> Known:
    return Known(store.ledger(archive_id), store.left_out([archive_id]))
