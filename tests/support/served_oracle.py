"""agentsview's own web server over a copy of an archive: what it answers to requests, raw."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.oracle import Oracle

_READY = "listening at"
_PATIENCE_SECONDS = 60.0


class ServedOracle(Served):
    """`agentsview serve` over an archive, which it may write to; use as a context manager.

    Attributes:
        archive: Its data folder.
    """

    def __init__(self, oracle: Oracle, archive: Path, *options: str) -> None:
        """Starts it on a free port."""
        self.archive = archive
        quiet = ("--no-browser", "--no-sync", "--no-update-check")
        super().__init__(
            [str(oracle.program), "serve", "--port", "0", *quiet, *options],
            oracle.environment(archive),
            None,
            _READY,
            _PATIENCE_SECONDS,
        )


@contextmanager
def served_copy(oracle: Oracle, archive: Path, folder: Path) -> Iterator[ServedOracle]:
    """Serves a copy of an archive, made in a folder; the archive itself is left alone.

    The server writes to it, and would not start where a project was seen without a name: what was
    seen so is not in the copy.
    """
    copy = folder / archive.name
    shutil.copytree(archive, copy)
    with closing(sqlite3.connect(copy / "sessions.db")) as database, database:
        database.execute("DELETE FROM project_identity_observations WHERE TRIM(project) = ''")
    with ServedOracle(oracle, copy) as server:
        yield server
