"""An archive that agentsview's own server serves, and our warehouse of the very same file."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agentsview_assets.resources.warehouses.reader import open_reader
from tests.support.command import OurCommand
from tests.support.served_oracle import ServedOracle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentsview_assets.resources.warehouses.reader import Reader
    from tests.support.oracle import Oracle


@dataclass(frozen=True)
class ServedPair:
    """An archive as both see it.

    Attributes:
        theirs: The original's server.
        ours: Our command line over the same archive.
        reader: Our warehouse of it, open.
    """

    theirs: ServedOracle
    ours: OurCommand
    reader: Reader

    @classmethod
    @contextmanager
    def of(cls, oracle: Oracle, archive: Path, start: str) -> Iterator[Self]:
        """Serves an archive, and materialises it once the server has had its way with it.

        Args:
            oracle: The original program.
            archive: Data folder, which the server writes to.
            start: First day of our partitions.
        """
        ours = OurCommand.beside(archive, AGENTSVIEW_ASSETS_START_DATE=start)
        with ExitStack() as stack:
            # Starting, it adds prices and marks sessions as automated.
            theirs = stack.enter_context(ServedOracle(oracle, archive))
            done = ours.materialize_here()
            assert done.returncode == 0, done.stderr[-4000:]
            reader = stack.enter_context(open_reader(ours.warehouse))
            yield cls(theirs, ours, reader)

    def ask_archive(self, sql: str) -> list[tuple[object, ...]]:
        """Asks the archive itself."""
        with closing(sqlite3.connect(self.theirs.archive / "sessions.db")) as database:
            return database.execute(sql).fetchall()
