"""Contracts of what concerns archives as a whole: the ledger, duplicates, copied sessions."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import NullableInt, TableModel, count, day, flag, text
from agentsview_assets.schemas.observations import ARCHIVE_ID, PARTITION_DATE


class ArchiveSessions(TableModel):
    """A session of an archive as it was when it was last read."""

    archive_id: str = text(ARCHIVE_ID)
    session_id: str = text("Identifier of the session; empty for all Cursor events together")
    row_digest: str = text("Digest of the archive's row of the session, its worktree and its star")
    content_digest: str = text("Digest of its messages and usage events, without their text")
    start_epoch: NullableInt = count(
        "Start in whole seconds since 1970-01-01 UTC", "seconds", nullable=True, signed=True
    )
    is_deleted: bool = flag("It is in the trash")
    is_held: bool = flag("Its row cannot be read and is left out")
    days: str = text(
        "The UTC days that it touches, as JSON: for each the day (empty where rows have none), a "
        "digest of what it says there, the models used, and other days that reports of it read"
    )


class Duplicates(TableModel):
    """A usage row whose key another row shares, with the row that counts."""

    rule: str = text("Counting rule", closed=("v1",))
    scope: str = text(
        "Among which rows: those of the row's own archive, or those of all archives where several "
        "hold the key",
        closed=("archive", "all"),
    )
    archive_id: str = text(ARCHIVE_ID)
    row_id: str = text("Identifier of the row, unique in its archive")
    partition_date: str = day(PARTITION_DATE)
    session_id: str = text("Session that spent the tokens; empty for Cursor events")
    session_date: str = day("Partition day of the session, as in usage_rows", nullable=True)
    dedup_key: str = text(
        "Key that the rows share; for rows of a session that several archives hold, and that have "
        "no key of their own, row: and the row_id"
    )
    counting_archive_id: str = text("Archive of the row that counts, over all time")
    counting_row_id: str = text("row_id of the row that counts; the row's own where it does")


class SessionCopies(TableModel):
    """A session that several archives hold outside their trash."""

    archive_id: str = text(ARCHIVE_ID)
    session_id: str = text("Identifier of the session")
    canonical_archive_id: str = text(
        "Archive whose copy counts where all archives are reported together: the least of them"
    )


ARCHIVE_SESSIONS = TableContract(
    name="archive_sessions",
    group="archive",
    description=(
        "The ledger: every session of every archive with the digests that it was read with and "
        "the days that it touches. What differs from it in an archive is read again."
    ),
    model=ArchiveSessions,
    key=("archive_id", "session_id"),
)
DUPLICATES = TableContract(
    name="duplicates",
    group="settlement",
    description=(
        "Usage rows that share a key, and which of them counts, by counting rule and among the "
        "rows of one archive or of all. Rows that share no key are not in it."
    ),
    model=Duplicates,
    key=("archive_id", "row_id", "rule", "scope"),
)
SESSION_COPIES = TableContract(
    name="session_copies",
    group="settlement",
    description="Sessions that several archives hold, and the archive whose copy counts.",
    model=SessionCopies,
    key=("archive_id", "session_id"),
)
