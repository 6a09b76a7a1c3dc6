"""The archives as Dagster resource: looked at once per run, taken apart by the assets."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Self

from agentsview_assets.archive_urls import ArchiveUrl
from agentsview_assets.errors import AssetsError
from agentsview_assets.queues import NO_QUEUES, Queues
from agentsview_assets.resources.archives.asked import Needed, Options
from agentsview_assets.resources.archives.observing import observe
from agentsview_assets.resources.archives.observing_all import Seen, observe_all, with_elsewhere
from agentsview_assets.resources.archives.sources import require_one
from agentsview_assets.resources.archives.stamps import read_here
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.warehouses.placing import Placing, generation, require_no_newer
from agentsview_assets.resources.warehouses.run_records import Reading
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.outdated import outdated_elsewhere
from agentsview_assets.rules.staleness import (
    PRICES,
    PROJECTS,
    Slice,
    observed_slices,
)

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.scratch import Scratch
    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.rules.windows import DayWindow, Span
    from agentsview_assets.settings import Settings

_PART_OF = {"project_observations": PROJECTS, "machines": PROJECTS, "model_pricing": PRICES}


class ArchiveResource:
    """agentsview archives, and what of them has landed; a run can configure nothing of it."""

    def __init__(
        self,
        archive: str,
        *,
        with_titles: bool = True,
        unread_days: int = 7,
        queues: Queues = NO_QUEUES,
    ) -> None:
        """Opens nothing yet.

        Args:
            archive: Data folder, `sessions.db`, URL of a mirror or a listing; several on lines of
                their own.
            with_titles: Whether session titles may fall back to first messages.
            unread_days: Days after which an archive that nobody reads is noticed.
            queues: Which workers see which archives.
        """
        self.archive, self._queues = archive, queues
        self.with_titles, self.unread_days = with_titles, unread_days
        self._landed = _Landed()
        self._seen: Seen | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The archives that settings name."""
        named = "\n".join(settings.listings or [a.shown for a in settings.archives])
        titles, days, queues = settings.with_titles, settings.unread_days, settings.queues
        return cls(named, with_titles=titles, unread_days=days, queues=queues)

    def close(self) -> None:
        """Lets go of what has landed; the next use looks at the archives again."""
        self._seen = None
        self._landed.close()

    @property
    def shown(self) -> str:
        """The archives for people."""
        return ", ".join(self.archive.splitlines())

    @property
    def scratch(self) -> Scratch:
        """What has landed."""
        return self._landed.scratch

    @property
    def has_looked(self) -> bool:
        """Whether the archives have been looked at since it was opened."""
        return self._seen is not None

    def observed(self, store: Store, window: DayWindow) -> Seen:
        """What the archives hold, looked at once per run.

        Raises:
            ArchiveError: None of them can be read.
        """
        with METER.measure():
            return self.refresh(store, window) if self._seen is None else self._seen

    def refresh(
        self,
        store: Store,
        window: DayWindow,
        options: Options | None = None,
        *,
        is_new_placing: bool = False,
    ) -> Seen:
        """Looks at the archives now, and writes what changed in them to the ledger.

        Args:
            store: The warehouse.
            window: The days that partitions exist for.
            options: How to look; titles are as the deployment says.
            is_new_placing: Whether settings may differ from those that the rows were made with.

        Raises:
            ArchiveError: None of them can be read, which is recorded.
            ConfigError: The warehouse was made with other settings, or none is the run's.
        """
        options = (options or Options())._replace(with_titles=self.with_titles)
        archives = _to_read(self.archive, self._queues, options.queue, store)
        placing = Placing(window.first, "full" if self.with_titles else "labels")
        _require_same(store, placing, is_new_placing=is_new_placing)
        try:
            seen = observe_all(archives, store, lambda: self.scratch, options, window)
            named = self.archive.splitlines()
            self._seen = with_elsewhere(seen, store, named, self._queues, options.queue)
            store.record_rules(placing.rules() | generation())
        except BaseException:
            self.close()
            raise
        self._landed.looked |= self._seen.looked
        return self._seen

    def price_rows(self, archives: Collection[str]) -> list[tuple[object, ...]]:
        """The price rows of some archives that were read in this process."""
        return self._landed.price_rows(archives)

    @property
    def looked(self) -> frozenset[str]:
        """Identities of the archives of which rows have landed."""
        return frozenset(self._landed.looked)

    def frames(
        self,
        table: str,
        archives: Sequence[str],
        days: Sequence[str],
        window: DayWindow,
        store: Store,
    ) -> Frames:
        """The contract rows of some slices, with their versions.

        Args:
            table: A table with days.
            archives: Whose rows; of one that cannot be read nothing is replaced.
            days: Contiguous days.
            window: The days that partitions exist for.
            store: The warehouse.
        """
        seen, span = self.observed(store, window), window.span(days)
        mine = tuple(name for name in archives if name in seen.origins)
        with METER.measure():
            self._landed.land(mine, seen, Options(self.with_titles), store, window, span)
            versions = observed_slices(store.expected(mine), window)
            outdated = outdated_elsewhere(versions, store.partitions(table), span)
        return Frames(
            self.scratch.frames(table, mine, span, window),
            mine,
            input_versions=versions,
            outdated=outdated,
            span=span,
            rules={"titles": "full"} if self.with_titles else {},
        )

    def frame(self, table: str, archives: Sequence[str], window: DayWindow, store: Store) -> Frames:
        """The contract rows of an unpartitioned observation, with its versions."""
        seen = self.observed(store, window)
        mine = tuple(name for name in archives if name in seen.origins)
        with METER.measure():
            self._landed.land(mine, seen, Options(self.with_titles), store, window, None)
            versions: dict[Slice, str] = {
                (row.archive_id, ""): row.version
                for row in store.expected(mine)
                if row.part == _PART_OF[table]
            }
        return Frames([self.scratch.frame(table, mine)], mine, input_versions=versions)


class _Landed:
    """What of the archives has landed in this process, and where.

    Attributes:
        looked: Identities of the archives of which rows have landed.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._scratch: Scratch | None = None
        self.looked: set[str] = set()

    def close(self) -> None:
        """Lets go of it."""
        self._scratch = None
        self.looked = set()
        self._stack.close()

    @property
    def scratch(self) -> Scratch:
        """Where rows land; opened when it is first asked for."""
        if self._scratch is None:
            from agentsview_assets.resources.archives.scratch import Scratch  # noqa: PLC0415 - in bulk

            self._scratch = self._stack.enter_context(Scratch())
        return self._scratch

    def price_rows(self, archives: Collection[str]) -> list[tuple[object, ...]]:
        """The price rows of some archives that were read in this process."""
        looked = sorted(self.looked & set(archives))
        if not looked:
            return []
        return self.scratch.rows(
            "SELECT * FROM model_pricing WHERE list_contains(?, archive_id)", [looked]
        )

    def land(  # noqa: PLR0913 - what, of whom, how and from where
        self,
        archives: Sequence[str],
        seen: Seen,
        options: Options,
        store: Store,
        window: DayWindow,
        span: Span | None,
    ) -> None:
        """Sees to it that all that some days hold has landed, and the small tables have."""
        for archive_id in archives:
            needed = Needed(span, window) if span is not None else None
            is_here = archive_id in self.looked
            if is_here and (needed is None or self._has_all(archive_id, needed)):
                continue
            observe(
                seen.origins[archive_id],
                store,
                lambda: self.scratch,
                options,
                window,
                needed=needed,
                must_open=True,
            )
            self.looked.add(archive_id)

    def _has_all(self, archive_id: str, needed: Needed) -> bool:
        from agentsview_assets.resources.archives.entering import need_sessions  # noqa: PLC0415 - in bulk

        self.scratch.db.execute("CREATE OR REPLACE TEMP TABLE needed (id TEXT)")
        need_sessions(self.scratch, archive_id, needed)
        return not self.scratch.count("needed")


def _require_same(store: Store, placing: Placing, *, is_new_placing: bool) -> None:
    """Refuses a warehouse of newer rules, and one of other settings unless these are to be new."""
    recorded = store.rules()
    require_no_newer(recorded)
    if not is_new_placing:
        placing.require_same(recorded)


def _to_read(texts: str, queues: Queues, queue: str | None, store: Store) -> Sequence[ArchiveUrl]:
    """The archives that a run of a queue reads.

    Raises:
        AssetsError: There is none, which is recorded before anything is made for it.
    """
    named = queues.now(texts.splitlines(), read_here(store.archives()))
    found = queues.only(named, queue)
    _require_one(found, store)
    return found


def _require_one(archives: Sequence[ArchiveUrl], store: Store) -> None:
    """Refuses archives of which none is there, which is recorded.

    Raises:
        AssetsError: There is none.
    """
    try:
        require_one(archives)
    except AssetsError as error:
        error.unread = tuple((archive.shown, str(error)) for archive in archives)
        store.record_readings(read_in_vain(error))
        raise


def read_in_vain(error: AssetsError) -> list[Reading]:
    """The archives that a failure is about, as they are recorded."""
    return [Reading(archive, "", reason) for archive, reason in error.unread]
