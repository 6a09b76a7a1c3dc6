"""The archive as Dagster resource: observed once per run, taken apart by the assets."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from resources.archive_files import find_archive
from resources.io_manager import Frames
from resources.observation_reader import DayWindow
from resources.observations import ObservationStore
from resources.observing import Observed, Progress, observe
from resources.work import METER


class ArchiveResource(dg.ConfigurableResource[Any]):
    """An agentsview archive and the store of what was observed in it.

    Attributes:
        archive: Data folder or `sessions.db`.
        store_path: File of the observation store.
        with_titles: Whether session titles may fall back to first messages.
    """

    archive: str
    store_path: str
    with_titles: bool = True
    _stack: contextlib.ExitStack = PrivateAttr(default_factory=contextlib.ExitStack)
    _store: ObservationStore | None = PrivateAttr(default=None)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Closes the store when the run ends, however it ends."""
        self.close()

    def close(self) -> None:
        """Closes the store; the next use opens it and looks at the archive again."""
        self._store = None
        self._stack.close()

    def observed(self) -> ObservationStore:
        """The store, brought up to date with the archive once per run.

        Raises:
            ArchiveError: The archive cannot be read.
        """
        if self._store is None:
            with METER.measure():
                self.refresh()
        if self._store is None:  # pragma: no cover - refresh opens it or raises
            message = "the observation store is not open"
            raise RuntimeError(message)
        return self._store

    def refresh(self, progress: Progress | None = None, *, force: bool = False) -> Observed:
        """Observes the archive now."""
        path = find_archive(Path(self.archive))
        if self._store is None:
            self._store = self._stack.enter_context(ObservationStore(Path(self.store_path)))
        try:
            return observe(
                path, self._store, with_titles=self.with_titles, progress=progress, force=force
            )
        except BaseException:
            self.close()
            raise

    def frames(self, table: str, days: Sequence[str], window: DayWindow) -> Frames:
        """The contract rows of some days, with the versions of those days."""
        store = self.observed()
        return Frames(
            store.frames(table, days, window),
            input_versions=store.versions(window),
            archives=store.archives(),
        )

    def frame(self, table: str) -> Frames:
        """The contract rows of an unpartitioned observation, with its version."""
        store = self.observed()
        frames: list[pd.DataFrame] = [store.frame(table)]
        return Frames(
            frames,
            input_versions={"": store.table_version(table)},
            archives=store.archives(),
        )
