"""The archives as Dagster resource: observed once per run, taken apart by the assets."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.errors import AssetsError
from agentsview_assets.resources.io_manager import Frames
from agentsview_assets.resources.observation_reader import DayWindow, Span
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.observing import Observed, Progress
from agentsview_assets.resources.observing_all import Options, forget, observe_all
from agentsview_assets.resources.run_notes import Reading
from agentsview_assets.resources.sources import require_one
from agentsview_assets.resources.store import Archive, Store
from agentsview_assets.resources.succession import Taken, keep_prices, recall
from agentsview_assets.resources.work import METER


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
        self._is_kept = False
        self._taken: list[Taken] = []

    def close(self) -> None:
        """Closes the store; the next use opens it and looks at the archive again."""
        self._store = None
        self._is_kept, self._is_noted, self._taken = False, False, []
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
            if self.with_titles:
                self._store.keep_titles((), with_titles=True)
            seen = observe_all(archives, self._store, Options(self.with_titles, progress, force))
            if not self.with_titles:
                self._store.keep_titles(seen.archive_ids, with_titles=False)
        except BaseException:
            self.close()
            raise
        self._read, self._readings = seen.archive_ids, seen.readings
        self._is_kept, self._is_noted = False, False
        self._taken += seen.taken
        return seen

    def forget(self, archive_ids: Sequence[str], warehouse: Store | None = None) -> None:
        """Forgets archives: the days that held something of them are then out of date."""
        store = self.observed()
        with store.transaction():
            forget(store, archive_ids)
            if warehouse is not None:
                keep_prices(store, warehouse, archive_ids)

    def drop_prices(self, archive_ids: Collection[str]) -> None:
        """Drops what was kept of archives that are to go, once nothing needs it any more."""
        store = self.observed()
        with store.transaction():
            for archive_id in archive_ids:
                store.replace("model_pricing", archive_id, [])

    def have_left(self, archive_ids: Sequence[str]) -> None:
        """Records that nothing is left of archives that were to go."""
        store = self.observed()
        for archive_id in archive_ids:
            store.connection.execute("DELETE FROM leaving WHERE archive_id = ?", [archive_id])

    @property
    def shown(self) -> str:
        """The archives for people."""
        return ", ".join(self.archive.splitlines())

    def require_kept(self, warehouse: Store) -> list[Taken]:
        """Refuses to begin where the warehouse holds rows that this store cannot make again.

        Looked at once for each opening: every write looks again, in its own transaction.

        Returns:
            What was taken over from other archives since the store was opened, to be told.

        Raises:
            ArchiveError: The archive cannot be read.
            WarehouseError: Rows of an archive would be lost.
        """
        store = self.observed()
        if self._is_kept:
            return []
        self._taken += recall(store, warehouse)
        warehouse.require_kept(store.may_replace())
        self._is_kept = True
        return self._taken

    def _archives(self, store: ObservationStore) -> list[Archive]:
        """The archives that were read now; others keep what is noted of them."""
        return [known for known in store.archives() if known.archive_id in self._read]

    def frames(self, table: str, days: Sequence[str], window: DayWindow) -> Frames:
        """The contract rows of some days, with the versions of those days."""
        store, span = self.observed(), window.span(days)
        rules = {"titles": "full"} if self.with_titles else {}
        frames = self._frames(store.frames(table, span, window), store.versions(window), span)
        return replace(frames, rules=rules)

    def frame(self, table: str) -> Frames:
        """The contract rows of an unpartitioned observation, with its version."""
        store = self.observed()
        return self._frames([store.frame(table)], {"": store.table_version(table)})

    def _frames(
        self, frames: Iterable[pd.DataFrame], versions: Mapping[str, str], span: Span | None = None
    ) -> Frames:
        store = self.observed()
        return Frames(
            frames,
            input_versions=versions,
            archives=self._archives(store),
            successions=store.successions(),
            may_replace=store.may_replace(),
            span=span,
        )
