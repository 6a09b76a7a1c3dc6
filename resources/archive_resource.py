"""The archives as Dagster resource: observed once per run, taken apart by the assets."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.errors import AssetsError
from resources.io_manager import Frames
from resources.observation_reader import DayWindow
from resources.observations import ObservationStore
from resources.observing import Observed, Progress
from resources.observing_all import Options, forget, observe_all
from resources.run_notes import Reading
from resources.sources import require_one
from resources.store import Archive
from resources.work import METER


class ArchiveResource:
    """agentsview archives and the store of what was observed in them.

    Where they are is the deployment's to say: a plain object, of which a run can configure nothing.
    """

    def __init__(self, archive: str, store_path: str, *, with_titles: bool = True) -> None:
        """Opens nothing yet.

        Args:
            archive: Data folder, `sessions.db` or URL of a mirror; several on lines of their own.
            store_path: File of the observation store.
            with_titles: Whether session titles may fall back to first messages.
        """
        self.archive = archive
        self.store_path = store_path
        self.with_titles = with_titles
        self._stack = contextlib.ExitStack()
        self._store: ObservationStore | None = None
        self._read: tuple[str, ...] = ()
        self._readings: tuple[Reading, ...] = ()
        self._is_noted = False

    def close(self) -> None:
        """Closes the store; the next use opens it and looks at the archive again."""
        self._store = None
        self._is_noted = False
        self._stack.close()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What came of reading each archive."""
        return self._readings

    @property
    def is_noted(self) -> bool:
        """Whether the warehouse has been told what was observed."""
        return self._is_noted

    def noted(self) -> None:
        """Remembers that it has, for as long as the store stays open."""
        self._is_noted = True

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
        """Observes the archives now.

        Raises:
            ArchiveError: None of them can be read.
        """
        archives = parse_archives(self.archive.splitlines())
        try:
            require_one(archives)  # before anything is made for it
        except AssetsError as error:
            error.unread = tuple((archive.shown, str(error)) for archive in archives)
            raise
        if self._store is None:
            self._store = self._stack.enter_context(ObservationStore(Path(self.store_path)))
        try:
            seen = observe_all(archives, self._store, Options(self.with_titles, progress, force))
        except BaseException:
            self.close()
            raise
        self._read, self._readings, self._is_noted = seen.archive_ids, seen.readings, False
        return seen

    def forget(self, archive_ids: Sequence[str]) -> None:
        """Forgets archives: the days that held something of them are then out of date."""
        store = self.observed()
        with store.transaction():
            forget(store, archive_ids)

    @property
    def shown(self) -> str:
        """The archives for people."""
        return ", ".join(self.archive.splitlines())

    def _archives(self, store: ObservationStore) -> list[Archive]:
        """The archives that were read now; others keep what is noted of them."""
        return [known for known in store.archives() if known.archive_id in self._read]

    def frames(self, table: str, days: Sequence[str], window: DayWindow) -> Frames:
        """The contract rows of some days, with the versions of those days."""
        store, span = self.observed(), window.span(days)
        return Frames(
            store.frames(table, span, window),
            span=span,
            input_versions=store.versions(window),
            archives=self._archives(store),
        )

    def frame(self, table: str) -> Frames:
        """The contract rows of an unpartitioned observation, with its version."""
        store = self.observed()
        frames: list[pd.DataFrame] = [store.frame(table)]
        return Frames(
            frames,
            input_versions={"": store.table_version(table)},
            archives=self._archives(store),
        )
