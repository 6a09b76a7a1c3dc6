"""Telling whether the disk of this machine still says of an archive's paths what it said.

What belongs here: asking it again. What does not: what it is asked (`rules.disk_evidence`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.resources.archives.checkouts import LocalDisk
from agentsview_assets.rules.disk_evidence import says_the_same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentsview_assets.resources.warehouses.records import Records
    from agentsview_assets.resources.warehouses.store import Archive, Store


def is_unmoved(store: Store | Records, here: Sequence[Archive], stamp: str) -> bool:
    """Whether an archive is as it was when it was last read, as far as can be seen from outside.

    Args:
        store: The warehouse.
        here: What was read at its place before.
        stamp: What is seen of it now; see `stamps.full_stamp`.
    """
    return len(here) == 1 and here[0].stamp == stamp and is_disk_the_same(store, here[0].archive_id)


def is_disk_the_same(store: Store | Records, archive_id: str) -> bool:
    """Whether the disk says of the paths of an archive's projects what it said before.

    Args:
        store: The warehouse.
        archive_id: An archive that was read on this machine.
    """
    return says_the_same(LocalDisk(), store.said_by_disk(archive_id))
