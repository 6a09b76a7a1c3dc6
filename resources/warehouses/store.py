"""What every warehouse backend has to do: a small store, used by the one IO manager."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from agentsview_assets.resources.warehouses.deduplicating import Deduplicated
    from agentsview_assets.resources.warehouses.known import LeftOut
    from agentsview_assets.resources.warehouses.ledger import Entry, Finding
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.resources.warehouses.run_records import Answer, Reading
    from agentsview_assets.resources.warehouses.succession import Leaving
    from agentsview_assets.rules.disk_evidence import DiskAnswer
    from agentsview_assets.rules.reasons import Record
    from agentsview_assets.rules.staleness import ExpectedRow, Slice, Versions
    from agentsview_assets.schemas import TableContract


class Partition(NamedTuple):
    """What is recorded of a written slice.

    Attributes:
        archive_id: Archive of its rows.
        partition_date: `YYYY-MM-DD`, or '' for an unpartitioned table.
        row_count: Rows written.
        input_version: Version of what it was made from.
        rates_version: Version of the rates that priced it; '' where nothing is priced.
        run_id: Dagster run that wrote it.
        rules_version: Digest of the rules that made it.
    """

    archive_id: str
    partition_date: str
    row_count: int
    input_version: str
    rates_version: str
    run_id: str
    rules_version: str = ""


class Archive(NamedTuple):
    """What is recorded of an archive whose observations are in the warehouse.

    Attributes:
        archive_id: Its identity, as in every table.
        database_id: Its database id; '' where it has none.
        user_version: The data version that agentsview gave it.
        path: Where it was read.
        host: Name of the machine that read it there.
        stamp: What moves when anyone writes to it, as it was when it was read.
    """

    archive_id: str
    database_id: str
    user_version: int
    path: str
    host: str
    stamp: str


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


class Slices(NamedTuple):
    """Which part of a table is replaced: some archives' rows of some days.

    Attributes:
        archives: Identities of the archives; no others' rows are touched.
        days: Contiguous days, of which the first and the last are asked; None for all.
        owns_earlier: Whether `days` begin the window, so that rows of days before it, left by an
            earlier window, go as well.
        outdated: Slices of other days that are out of date: they may hold rows that are written.
    """

    archives: tuple[str, ...]
    days: Sequence[str] | None = None
    owns_earlier: bool = False
    outdated: Sequence[Slice] = ()


class Addition(NamedTuple):
    """Rows that are added to a history in the transaction that makes them true."""

    contract: TableContract
    frame: pd.DataFrame


class Selection(NamedTuple):
    """Which part of a table to read.

    Attributes:
        columns: Columns, in any order; None for all.
        days: Contiguous days; None for all.
        day_column: Column that `days` applies to.
        count_by: Instead of rows, the distinct values of these columns with their row count.
        archives: Whose rows; None for all.
    """

    columns: tuple[str, ...] | None = None
    days: Sequence[str] | None = None
    day_column: str = "partition_date"
    count_by: tuple[str, ...] = ()
    archives: tuple[str, ...] | None = None


class Store(Protocol):
    """The write side of a warehouse backend."""

    def replace(
        self,
        contract: TableContract,
        frames: Iterable[pd.DataFrame],
        slices: Slices,
        partitions: Sequence[Partition],
        additions: Sequence[Addition] = (),
    ) -> None:
        """Replaces whole slices by validated frames, in one transaction.

        Args:
            contract: The table.
            frames: Validated rows, all of `slices`.
            slices: What is replaced.
            partitions: What to record of each slice written; read after the frames are.
            additions: Rows to add to histories, in the same transaction.
        """

    def record_finding(self, finding: Finding) -> None:
        """Writes what was found in an archive to the ledger, in one transaction."""

    def record_expected(self, archive_id: str, rows: Sequence[ExpectedRow]) -> None:
        """Replaces what is expected of parts of an archive that have no days."""

    def ledger(self, archive_id: str) -> list[Entry]:
        """The ledger's entries of an archive."""

    def left_out(self, archives: Collection[str] | None = None) -> list[LeftOut]:
        """The rows of archives that cannot be read; of all if none is named."""

    def archives(self) -> list[Archive]:
        """The archives whose observations the warehouse holds."""

    def read_archives(self) -> dict[str, str]:
        """The identity of each archive that could be read the last time, by its name."""

    def successions(self) -> list[Succession]:
        """The archives that another one was found in the place of, the last found first."""

    def remove_archive(self, archive_id: str) -> None:
        """Removes all rows and records of an archive but its histories, in one transaction.

        What its days cost is listed among the restatements, as removed.
        """

    def shared_sessions(self, new: str, old: str) -> list[str]:
        """The sessions of an archive that its successor holds too."""

    def pass_on(self, leaving: Leaving) -> None:
        """Passes rows of an archive on to its successor, in one transaction.

        They are there until the successor's own slices are made.
        """

    def pass_on_all(self, old: str, new: str) -> None:
        """Passes all rows of an archive on to its successor, likewise, and forgets the archive."""

    def record_succession(self, found: Succession) -> None:
        """Records that one archive was found in another one's place."""

    def deduplicate(self) -> Deduplicated:
        """Decides anew what counts where something is pending; see `warehouses.deduplicating`."""

    def is_deduplicated(self) -> bool:
        """Whether nothing is pending."""

    def said_by_disk(self, archive_id: str) -> list[DiskAnswer]:
        """What the disk said of the paths of an archive's projects when that was read."""

    def price_rows(self, archives: Collection[str]) -> list[tuple[object, ...]]:
        """The price rows of archives as they were last read, in the contract's column order."""

    def expected(self, archives: Collection[str] | None = None) -> list[ExpectedRow]:
        """What is expected of archives; of all if none is named."""

    def partitions(self, asset: str) -> Mapping[Slice, Versions]:
        """The versions of every slice written."""

    def all_partitions(self) -> Mapping[str, Mapping[Slice, Versions]]:
        """The versions of every slice written, by table."""

    def records(self, asset: str) -> Mapping[Slice, Record]:
        """What is recorded of every slice of a table, with the day on which it was written."""

    def expected_since(self) -> Mapping[Slice, str]:
        """The moment since when each archive's day is expected to hold what it does, as text."""

    def outdated(self) -> Mapping[str, Collection[Slice]]:
        """The slices that other rules than those of this release made, by table."""

    def row_counts(self, asset: str, archives: Collection[str] | None = None) -> dict[str, int]:
        """The rows recorded of every day, of some archives ('' for no day)."""

    def record_readings(self, readings: Sequence[Reading]) -> None:
        """Records what came of reading archives."""

    def record_answers(self, answers: Sequence[Answer], checked: Sequence[tuple[str, str]]) -> None:
        """Records what blocking checks found."""

    def rules(self) -> dict[str, str]:
        """By which rules the rows were made, and what is left to do; see `warehouses.keeping_out`.

        `credentials`: the rules by which they were taken out of all rows. `titles`: `full` where
        titles may be first messages, `labels` where none is. `rewrite`: why the file is to be
        written anew.
        """

    def record_rules(self, rules: Mapping[str, str | None]) -> None:
        """Records such rules, or forgets those that are None."""

    def reading(self) -> AbstractContextManager[Reader]:
        """Opens one consistent state of what has been committed, as a report sees it."""

    def read(self, contract: TableContract, selection: Selection) -> pa.Table:
        """Reads rows as Arrow, columns and days as selected."""
