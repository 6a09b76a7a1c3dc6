"""Telling whether an archive is as it was when it was last observed, without opening it."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from agentsview_assets.resources.archives.price_tables import embedded_table
from agentsview_assets.rules.versions import rules

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.sources import Source
    from agentsview_assets.resources.warehouses.store import Archive, Succession


def host() -> str:
    """The name of this machine: the same path means another file on another one."""
    return platform.node()


def full_stamp(origin: Source, *, with_titles: bool) -> str:
    """What moves when anyone writes to an archive, or when it would land otherwise."""
    seen = origin.stamp(with_titles=with_titles)
    return f"{seen} {rules().digests['landing']} {embedded_table().version}"


class KnowsArchives(Protocol):
    """A warehouse, asked for the archives that were observed into it."""

    def archives(self) -> list[Archive]:
        """The archives whose observations it holds."""

    def successions(self) -> list[Succession]:
        """The archives that another one was found in the place of."""


def known_here(store: KnowsArchives, *places: str) -> list[Archive]:
    """The archives observed at places of this machine that no other is known to have followed."""
    gone = {found.archive_id for found in store.successions()}
    return [
        archive
        for archive in store.archives()
        # An earlier release recorded no host.
        if archive.path in places
        and archive.host in ("", host())
        and archive.archive_id not in gone
    ]


def read_here(archives: Iterable[Archive]) -> list[str]:
    """The files of this machine that archives were read from."""
    return [archive.path for archive in archives if archive.host in ("", host())]
