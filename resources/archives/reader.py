"""Reading an agentsview archive without touching it.

What belongs here: opening and probing `sessions.db`, one short snapshot per read. What does not:
what the rows mean, and how they are read in bulk (`archives.bulk_reader`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from agentsview_assets.archive_urls import ARCHIVE_FILE
from agentsview_assets.errors import ArchiveError
from agentsview_assets.files import trouble
from agentsview_assets.resources.archives.files import log_path
from agentsview_assets.resources.archives.opening import BUSY_TIMEOUT_MS, archive_error, opening
from agentsview_assets.resources.archives.schema import ARCHIVE_METADATA, SOURCE_TABLES, SourceTable
from agentsview_assets.rules.credentials.secrets import clean_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from agentsview_assets.resources.archives.bulk_reader import BulkReader
    from agentsview_assets.resources.archives.odd_values import HeldRow

_HEADER_BYTES = 100


class Identity(NamedTuple):
    """What an archive calls itself.

    Attributes:
        archive_id: What its rows are marked with: its archive id, else its database id, else its
            path.
        database_id: Its database id; '' where it has none.
    """

    archive_id: str
    database_id: str


class ArchiveReader:
    """One read-only connection to an archive, which leaves no file behind; a context manager.

    Where it `is_immutable`, the caller compares signatures before and after, which tells a writer
    that came in the meantime.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = contextlib.ExitStack()
        self._rows: BulkReader | None = None
        self.columns: dict[str, set[str]] = {}
        self.user_version = 0
        self.is_immutable = False

    def __enter__(self) -> Self:
        header = _check_file(self.path)
        try:
            uri, self.is_immutable = self._stack.enter_context(opening(self.path, header))
            self._probe(uri)
            self._connect(uri)
        except BaseException:
            self._stack.close()
            raise
        return self

    def _connect(self, uri: str) -> None:
        # Takes a second to import, which what is refused before does not wait for.
        from agentsview_assets.resources.archives.bulk_reader import BulkReader  # noqa: PLC0415

        self._rows = self._stack.enter_context(BulkReader(self.path, uri, self.columns))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _probe(self, uri: str) -> None:
        """Reads versions and columns with the standard library, whose errors are plain.

        The connection is closed before the bulk reader opens its own: two SQLite libraries in one
        process do not see each other's locks.
        """
        try:
            with contextlib.closing(
                sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)
            ) as probe:
                self.user_version = int(probe.execute("PRAGMA user_version").fetchone()[0])
                for table in SOURCE_TABLES:
                    info = probe.execute(f"PRAGMA table_info({table.name})").fetchall()
                    self.columns[table.name] = {row[1] for row in info}
        except sqlite3.Error as error:
            raise archive_error(self.path, error) from None
        for table in SOURCE_TABLES:
            self._require(table)

    def _require(self, table: SourceTable) -> None:
        present = self.columns[table.name]
        if not present:
            if table.optional:
                return
            raise ArchiveError(
                f"archive {self.path}: table {table.name} is missing; this is no archive of a "
                "known agentsview release. Open it once with agentsview to bring it up to date"
            )
        for column in table.columns:
            if column.is_torn(present):
                raise ArchiveError(
                    f"archive {self.path}: table {table.name} has its money in two forms, which "
                    "an interrupted upgrade leaves behind. Open it once with the newest agentsview "
                    "that was used on it"
                )
            if column.among(present).required not in present:
                raise ArchiveError(
                    f"archive {self.path}: column {table.name}.{column.required} is missing; the "
                    "archive comes from an unknown agentsview release. Open it once with "
                    "agentsview to bring it up to date"
                )

    @property
    def _opened(self) -> BulkReader:
        if self._rows is None:
            message = f"the archive {self.path} has not been opened"
            raise RuntimeError(message)
        return self._rows

    @property
    def held(self) -> list[HeldRow]:
        """Rows that could not be read and were left out, in the order of reading."""
        return self._opened.held

    def has(self, table: SourceTable) -> bool:
        """Whether the archive has the table."""
        return bool(self.columns[table.name])

    def identity(self) -> Identity:
        """What the archive calls itself, within a transaction of the caller's."""
        metadata = {
            row["key"]: row["value"].strip() for row in self.read(ARCHIVE_METADATA).to_pylist()
        }
        database_id = metadata.get("database_id", "")
        path_id = "path-" + hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:32]
        archive_id = metadata.get("archive_id") or database_id or path_id
        return Identity(clean_identifier(archive_id), clean_identifier(database_id))

    def among(self, sessions: Sequence[str]) -> str:
        """The condition that a row is of one of these sessions."""
        return f"session_id IN ({', '.join(map(self._id_literal, sessions))})"

    def between(self, first: str, last: str) -> str:
        """The condition that a row is of a session in this range of ids, compared as bytes."""
        bounds = first.encode(), last.encode()
        within = f"session_id >= {_literal(bounds[0])} AND session_id <= {_literal(bounds[1])}"
        odd = [text for text in self._opened.raw_ids if bounds[0] <= text.encode() <= bounds[1]]
        return f"({within} OR {self.among(odd)})" if odd else within

    def _id_literal(self, session: str) -> str:
        """A session's id as the archive has it: its text may have been made readable."""
        return _literal(self._opened.raw_ids.get(session, session.encode()))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One snapshot over several reads; keep it far below three seconds."""
        try:
            yield
        finally:
            self._opened.rollback()

    def read(self, table: SourceTable, where: str = "", order: str = "") -> pa.Table:
        """Reads the declared columns of a table; see `archives.bulk_reader.BulkReader.read`."""
        return self._opened.read(table, where, order)


def _literal(text: bytes) -> str:
    """A text as an SQL literal that no content can break out of."""
    return f"CAST(X'{text.hex()}' AS TEXT)"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _check_file(path: Path) -> bytes:
    """Refuses what SQLite would accept or explain badly: empty, foreign and cut-off files.

    Returns:
        The file's header.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise ArchiveError(f"archive {path}: {trouble(error, path)}") from None
    if size == 0:
        raise ArchiveError(f"archive {path}: the file is empty; run `agentsview sync` first")
    if not header.startswith(b"SQLite format 3\0"):
        raise ArchiveError(
            f"archive {path}: not an SQLite database; name agentsview's data folder or its "
            f"{ARCHIVE_FILE} with --archive"
        )
    if len(header) < _HEADER_BYTES or _is_cut_off(path, header, size):
        raise ArchiveError(
            f"archive {path}: the file is cut off after {size} bytes; restore it from a copy or "
            "rebuild it with `agentsview sync --full`"
        )
    return header


def _is_cut_off(path: Path, header: bytes, size: int) -> bool:
    """Whether the header promises more pages than there are, and no log may hold them."""
    page_size = struct.unpack(">H", header[16:18])[0]
    page_size = 65536 if page_size == 1 else page_size
    pages, valid_for, counter = (struct.unpack(">I", header[o : o + 4])[0] for o in (28, 92, 24))
    return valid_for == counter and pages * page_size > size and _size(log_path(path)) == 0
