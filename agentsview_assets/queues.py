"""Which workers see which archives: queues of a deployment, each with the archives of its machines.

What belongs here: reading the setting, and whose an archive is. What does not: opening anything.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentsview_assets.archive_urls import (
    ArchiveUrl,
    absolute_listing,
    is_listing,
    parse_archive,
    parse_archives,
)
from agentsview_assets.errors import ConfigError

QUEUES_VARIABLE = "AGENTSVIEW_ASSETS_QUEUES"
QUEUE_TAG = "dagster-celery/queue"
"""Tag of a run: the queue whose workers carry it out. It is Dagster's."""
ANY_WORKER = "dagster"
"""The queue of runs without that tag; all workers take its runs."""
_LINE = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9_.-]{0,62})\s*=\s*(\S.*?)\s*", re.ASCII)


@dataclass(frozen=True)
class Queues:
    """Queues, each with the archives that only its workers see.

    Attributes:
        lines: Queue and what its archives are named by: a folder with all below it, a pattern, or
            an archive. The first that fits an archive counts.
    """

    lines: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """The queues that are named."""
        return list(dict.fromkeys(queue for queue, _ in self.lines))

    def of(self, archive: str) -> str:
        """The queue of an archive; '' for one that all workers see."""
        return next((queue for queue, named in self.lines if _fits(archive, named)), "")

    def is_for(self, archive: str, queue: str) -> bool:
        """Whether runs of a queue read an archive; without queues of ours, all read all."""
        return not self.lines or (self.of(archive) or ANY_WORKER) == queue

    def now(self, texts: Sequence[str], known: Sequence[str]) -> tuple[ArchiveUrl, ...]:
        """The archives that are named; a listing of a queue may list nothing on this machine.

        Args:
            texts: Archives and listings.
            known: Files of archives that were read before; see `parse_archives`.

        Raises:
            ConfigError: As `parse_archives` has it.
        """
        return parse_archives(texts, known, lambda listing: bool(self.of(listing)))

    def only(self, archives: Iterable[ArchiveUrl], queue: str | None) -> tuple[ArchiveUrl, ...]:
        """The archives that a run reads.

        Args:
            archives: Those of the deployment.
            queue: The run's queue; None for a command in its own process, which reads all.

        Raises:
            ConfigError: There are none.
        """
        named = tuple(archives)
        mine = tuple(a for a in named if queue is None or self.is_for(a.shown, queue))
        if mine:
            return mine
        if queue is None:
            raise ConfigError(
                "no archive that is named is on this machine; name one of it with --archive"
            )
        others = ", ".join(self.names)
        if queue == ANY_WORKER:
            raise ConfigError(
                f"{QUEUES_VARIABLE}: all archives are read by workers of the queues {others}; give "
                f"the run the tag {QUEUE_TAG} with one of them"
            )
        raise ConfigError(
            f"{QUEUES_VARIABLE}: no archive is read by workers of queue {queue}; its queues are "
            f"{others}, and archives are named as there"
        )


NO_QUEUES = Queues()
"""Every worker sees every archive."""


def parse_queues(text: str) -> Queues:
    """Reads the setting: lines of `QUEUE=ARCHIVES`; what follows # says something to people.

    Raises:
        ConfigError: A line is of another form; the message does not repeat its archives.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ConfigError(
                f"{QUEUES_VARIABLE}: line {number} is not of the form QUEUE=ARCHIVES, such as "
                "east=/archives/east; a queue's name has letters, digits and _ . -"
            )
        queue, named = parts.groups()
        found.append((queue, _named(named, number)))
    return Queues(tuple(found))


def _named(text: str, number: int) -> str:
    """What archives are named by, as they are shown: absolute, without a password."""
    if text.startswith("@"):
        raise ConfigError(
            f"{QUEUES_VARIABLE}: line {number}: no file of archives can be named here; write a "
            "folder, a pattern or an archive"
        )
    try:
        return absolute_listing(text) if is_listing(text) else parse_archive(text).shown
    except ConfigError as error:
        raise ConfigError(f"{QUEUES_VARIABLE}: line {number}: {error}") from None


def _fits(archive: str, named: str) -> bool:
    return (
        archive == named
        or archive.startswith(f"{named.rstrip('/')}/")
        or fnmatch.fnmatchcase(archive, named)
    )
