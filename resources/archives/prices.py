"""Reading nothing of archives but their prices.

What belongs here: the price rows of all layers. What does not: sessions, and what prices mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agentsview_assets.archive_urls import ARCHIVE_FILE, ArchiveUrl
from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives import schema as source
from agentsview_assets.resources.archives.cleaning import cleaned
from agentsview_assets.resources.archives.files import (
    find_archive,
    path_text,
    same_file,
    signature,
)
from agentsview_assets.resources.archives.price_tables import all_prices, embedded_prices
from agentsview_assets.resources.archives.reader import ArchiveReader
from agentsview_assets.resources.archives.stamps import KnowsArchives, host, known_here

_ATTEMPTS = 5


class Prices(NamedTuple):
    """The price rows of one archive.

    Attributes:
        archive_id: Its identity, as in every table.
        file: Where it was read.
        rows: Rows of `model_pricing`, in column order.
    """

    archive_id: str
    file: Path
    rows: list[tuple[Any, ...]]


def read_all_prices(archives: Sequence[ArchiveUrl]) -> list[Prices]:
    """Reads the prices of every archive that is a file; a mirror keeps those last observed.

    Raises:
        ArchiveError: One of them cannot be read.
        ConfigError: A `config.toml` cannot be used.
    """
    paths = [archive.path for archive in archives if archive.path is not None]
    return [read_prices(find_archive(path)) for path in paths]


def last_prices(
    store: KnowsArchives, archive: ArchiveUrl, held: Sequence[tuple[Any, ...]]
) -> Prices | None:
    """The prices of an archive that is out of reach: its own as last read, and the embedded ones.

    Args:
        store: A warehouse.
        archive: The archive.
        held: Rows of `model_pricing` that the warehouse has, in column order.

    Returns:
        Them, or None where nothing that lay there on this machine is in the warehouse.
    """
    if archive.path is None:
        return None
    places = (path_text(archive.path), path_text(archive.path / ARCHIVE_FILE))
    for known in known_here(store, *places):
        own = [row for row in held if row[0] == known.archive_id and row[1] != "embedded"]
        rows = [*own, *embedded_prices(known.archive_id)]
        return Prices(known.archive_id, archive.path, rows)
    return None


def read_prices(path: Path) -> Prices:
    """Reads the stored, custom and embedded prices that hold for an archive.

    Raises:
        ArchiveError: The archive cannot be read, or is written to without pause.
        ConfigError: Its `config.toml` cannot be used.
    """
    for _ in range(_ATTEMPTS):
        before = signature(path)
        with ArchiveReader(path) as reader, reader.transaction():
            archive_id = reader.identity().archive_id
            stored = cleaned(reader.read(source.MODEL_PRICING)).table.to_pylist()
            is_snapshot = not reader.is_immutable
        if is_snapshot or same_file(before, signature(path)):
            rows = all_prices(archive_id, stored, path.parent)
            return Prices(archive_id, path, rows)
    raise ArchiveError(f"archive {path}: it is being written to without pause; try again later")


def require_known(store: KnowsArchives, prices: Sequence[Prices]) -> None:
    """Refuses archives that were not observed into the warehouse: nothing of theirs is in it.

    Raises:
        ArchiveError: One was never observed, or another one has taken its place.
    """
    known = {archive.archive_id: archive for archive in store.archives()}
    for found in prices:
        here = known.get(found.archive_id)
        elsewhere = {
            archive.archive_id
            for archive in known.values()
            if (archive.path, archive.host) == (path_text(found.file), host())
        }
        if here is None or (elsewhere and found.archive_id not in elsewhere):
            raise ArchiveError(
                f"archive {found.file}: not the one that was observed into this warehouse; run "
                "`agentsview-assets materialize`, which prices everything, too"
            )
