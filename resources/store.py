"""What every warehouse backend has to do: a small store, used by the one IO manager."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from resources.run_notes import Answer, Expectation, Reading
    from schemas import TableContract


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

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        days: Sequence[str] | None,
        partitions: Sequence[Partition],
        *,
        owns_earlier: bool = False,
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
        """

    def note_archives(self, archives: Sequence[Archive]) -> None:
        """Notes which archives the observations come from, replacing what was known of them."""

    def note_observation(
        self, expected: Expectation, readings: Sequence[Reading], forgotten: Sequence[str] = ()
    ) -> None:
        """Notes what an observation found; see `resources.run_notes`."""

    def note_readings(self, readings: Sequence[Reading]) -> None:
        """Notes what came of reading archives, where nothing was observed."""

    def note_answers(self, answers: Sequence[Answer], settled: Sequence[tuple[str, str]]) -> None:
        """Notes what blocking checks found."""

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, columns and days as selected."""

    def row_counts(self, asset: str) -> dict[str, int]:
        """The rows noted of every partition written, by day ('' for no day)."""

    def partitions(self, asset: str) -> dict[str, tuple[str, str]]:
        """The input and rates version of every partition written, by day ('' for no day)."""
