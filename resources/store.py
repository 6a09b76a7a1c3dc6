"""What every warehouse backend has to do: a small store, used by the one IO manager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from agentsview_assets.resources.run_notes import Answer, Expectation, Reading
    from agentsview_assets.resources.warehouse import Reader
    from agentsview_assets.schemas import TableContract


class Partition(NamedTuple):
    """What is noted of a written partition.

    Attributes:
        partition_date: `YYYY-MM-DD`, or '' for an unpartitioned table.
        row_count: Rows written.
        input_version: Version of the observations that it was made from.
        rates_version: Version of the rates that priced it; '' where nothing is priced.
        run_id: Dagster run that wrote it.
    """

    partition_date: str
    row_count: int
    input_version: str
    rates_version: str
    run_id: str


class Archive(NamedTuple):
    """What is noted of an archive whose observations are in the warehouse.

    Attributes:
        archive_id: Its identity, as in every table.
        database_id: Its database id; '' where it has none.
        user_version: The data version that agentsview gave it.
        path: Where it was read.
    """

    archive_id: str
    database_id: str
    user_version: int
    path: str


class Succession(NamedTuple):
    """One archive that was found where another one had been.

    Attributes:
        archive_id: Identity of the one that was there before.
        path: Where.
        succeeded_by: Identity of the one that was found there next.
    """

    archive_id: str
    path: str
    succeeded_by: str


class Origin(NamedTuple):
    """Where rows come from, and whose rows they may replace.

    Attributes:
        may_replace: Archives whose rows the run holds, or takes away on purpose; None where the
            rows were made from the warehouse's own.
        archives: Archives that were read now, to be noted together with the rows.
        successions: What is known of archives that were replaced by others.
        follows: Tables that the rows were made from.
    """

    may_replace: frozenset[str] | None = None
    archives: Sequence[Archive] = ()
    successions: Sequence[Succession] = ()
    follows: Sequence[str] = ()


NOWHERE = Origin()


class Addition(NamedTuple):
    """Rows that are added to a history in the transaction that makes them true."""

    contract: TableContract
    frame: pd.DataFrame


EVENT_COLUMNS = (
    *("timestamp_text", "model", "input_tokens", "output_tokens", "cache_creation_tokens"),
    "cache_read_tokens",
)
"""What a Cursor event is recognised by where no key of it is kept."""


class Contents(NamedTuple):
    """What a warehouse holds of an archive, as far as another archive may hold it, too.

    Attributes:
        sessions: Each with the second of its start; None where that is no time.
        unknown: Sessions that spent something and of which nothing else is there.
        events: Cursor events, by `EVENT_COLUMNS`.
    """

    sessions: frozenset[tuple[str, int | None]]
    unknown: frozenset[str]
    events: Counter[tuple[object, ...]]


class Selection(NamedTuple):
    """Which part of a table to read.

    Attributes:
        columns: Columns, in any order; None for all.
        days: Contiguous days; None for all.
        day_column: Column that `days` applies to.
        count_by: Instead of rows, the distinct values of these columns with their row count.
    """

    columns: tuple[str, ...] | None = None
    days: Sequence[str] | None = None
    day_column: str = "partition_date"
    count_by: tuple[str, ...] = ()


class Store(Protocol):
    """The write side of a warehouse backend."""

    def replace(  # noqa: PLR0913 - what is written, and what goes with it
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        days: Sequence[str] | None,
        partitions: Sequence[Partition],
        *,
        owns_earlier: bool = False,
        origin: Origin = NOWHERE,
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole partitions by validated frames, in one transaction.

        Args:
            contract: The table.
            frames: Validated rows, all of `days`.
            days: The contiguous days being replaced, of which the first and the last are asked;
                None replaces the table.
            partitions: What to note of each partition written; read after the frames are.
            owns_earlier: Whether `days` begin the window, so that rows of days before it, left
                by an earlier window, go as well.
            origin: Where the rows come from, and whose rows they may replace.
            additions: Rows to add to histories, in the same transaction.

        Raises:
            WarehouseError: Rows of an archive would be lost; nothing was written.
        """

    def require_kept(self, may_replace: Collection[str]) -> None:
        """Refuses to go on where there are rows of other archives than these.

        Raises:
            WarehouseError: There are; the message names them and the way out.
        """

    def strangers(self, may_replace: Collection[str]) -> list[tuple[str, str]]:
        """The other archives that there are rows of, each with the path it was read from."""

    def contents_of(self, archive_id: str) -> list[Contents]:
        """What each warehouse holds of an archive."""

    def holds(self, archive_id: str, *, beside_prices: bool = False) -> bool:
        """Whether there are rows of an archive in any table but the histories.

        Args:
            archive_id: The archive.
            beside_prices: Whether the tables of prices and rates are left out, too.
        """

    def note_archives(
        self, archives: Sequence[Archive], successions: Sequence[Succession] = ()
    ) -> None:
        """Notes which archives the observations come from, replacing what was known of them."""

    def remove_notes(self, archive_ids: Sequence[str]) -> None:
        """Removes what is noted of archives of which no rows are left."""

    def note_observation(
        self, expected: Expectation, readings: Sequence[Reading], forgotten: Sequence[str] = ()
    ) -> None:
        """Notes what an observation found; see `resources.run_notes`."""

    def note_readings(self, readings: Sequence[Reading]) -> None:
        """Notes what came of reading archives, where nothing was observed."""

    def note_answers(self, answers: Sequence[Answer], settled: Sequence[tuple[str, str]]) -> None:
        """Notes what blocking checks found."""

    def rules(self) -> dict[str, str]:
        """By which rules the rows were made, and what is left to do; see `resources.keeping_out`.

        `credentials`: the rules by which they were taken out of all rows. `titles`: `full` where
        titles may be first messages, `labels` where none is. `rewrite`: why the file is to be
        written anew.
        """

    def note_rules(self, rules: Mapping[str, str | None]) -> None:
        """Notes such rules, or forgets those that are None."""

    def reading(self) -> AbstractContextManager[Reader]:
        """Opens one consistent state of what has been committed, as a report sees it."""

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, columns and days as selected."""

    def row_counts(self, asset: str) -> dict[str, int]:
        """The rows noted of every partition written, by day ('' for no day)."""

    def partitions(self, asset: str) -> dict[str, tuple[str, str]]:
        """The input and rates version of every partition written, by day ('' for no day)."""
