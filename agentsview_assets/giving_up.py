"""Archives whose rows are to go, because their owner gives them up.

What belongs here: who may be given up. What does not: how their rows go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentsview_assets.resources.warehouses.store import Store


def give_up(
    store: Store, read: Collection[str], forget: Sequence[str], progress: Callable[[str], None]
) -> None:
    """Removes the rows of archives that are to go.

    Args:
        store: The warehouse.
        read: Identities of the archives that this run reads.
        forget: Identities of those that are to go.
        progress: Told which ones went.

    Raises:
        UsageError: One of them is not there, or is read by this run.
    """
    require_forgettable({archive.archive_id for archive in store.archives()}, read, forget)
    for archive_id in forget:
        store.remove_archive(archive_id)
        progress(f"note: archive {archive_id} is forgotten; no rows of it are left")


def require_forgettable(
    held: Collection[str], read: Collection[str], forget: Sequence[str]
) -> None:
    """Refuses to forget what is not there, or what is being read.

    Args:
        held: Identities of the archives that a warehouse has rows of.
        read: Identities of the archives that this run reads.
        forget: Identities of those that are to go.

    Raises:
        UsageError: An id is not that of an archive that can be given up.
    """
    known = {*held, *read}
    unknown = [archive_id for archive_id in forget if archive_id not in known]
    if unknown:
        listed = ", ".join(
            f"{archive_id} (read by this run)" if archive_id in read else archive_id
            for archive_id in sorted(known)
        )
        raise UsageError(
            f"--forget {', '.join(unknown)}: there is no such archive; there are {listed or 'none'}"
        )
    named = [archive_id for archive_id in forget if archive_id in read]
    if named:
        raise UsageError(
            f"--forget {', '.join(named)}: that archive is read by this very run; leave it out of "
            "--archive to give it up"
        )
