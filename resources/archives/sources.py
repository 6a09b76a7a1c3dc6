"""What is observed: an archive's file, or a mirror of it, behind one small interface."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agentsview_assets.archive_urls import ArchiveUrl
from agentsview_assets.errors import ArchiveError
from agentsview_assets.files import look
from agentsview_assets.resources.archives.files import (
    Signature,
    find_archive,
    path_text,
    same_file,
    signature,
    stamp,
)
from agentsview_assets.resources.archives.private_copy import copy_file, private_folder

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.mirrors.reader import MirrorReader
    from agentsview_assets.resources.archives.reader import ArchiveReader

_ATTEMPTS = 5


class Source(Protocol):
    """Something that holds sessions.

    Attributes:
        key: What it is known by: the path of its file, or its URL without a password.
        config_dir: Folder of its `config.toml`; None where there is none.
    """

    key: str
    config_dir: Path | None

    def stamp(self, *, with_titles: bool) -> str:
        """All that has to be equal for the last observation to still hold."""

    def state(self) -> object:
        """What tells, before and after reading, whether anybody wrote in between."""

    def open(self) -> contextlib.AbstractContextManager[ArchiveReader | MirrorReader]:
        """Opens it for reading."""

    def is_same(self, before: object, after: object, *, is_snapshot: bool) -> bool:
        """Whether all that was read between two states belongs together."""


class FileSource:
    """A `sessions.db`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path_text(path)
        self.config_dir: Path | None = path.parent

    def stamp(self, *, with_titles: bool) -> str:
        """See `Source`."""
        return stamp(self.path, with_titles=with_titles)

    def state(self) -> Signature:
        """See `Source`."""
        return signature(self.path)

    def open(self) -> ArchiveReader:
        """See `Source`."""
        from agentsview_assets.resources.archives.reader import ArchiveReader  # noqa: PLC0415 - status asks for stamps only

        return ArchiveReader(self.path)

    def is_same(self, before: object, after: object, *, is_snapshot: bool) -> bool:
        """See `Source`."""
        if not isinstance(before, Signature) or not isinstance(after, Signature):
            return False
        if is_snapshot:
            return (before.device, before.inode) == (after.device, after.inode)
        return same_file(before, after)


class DuckDBMirror:
    """A DuckDB file that `agentsview duckdb push` wrote; read from a private copy.

    A reader that held the file would make pushes of 0.37 fail and those of later releases rebuild
    it.
    """

    def __init__(self, shown: str, path: Path) -> None:
        self.key = shown
        self.config_dir: Path | None = None
        self._path = path

    def stamp(self, *, with_titles: bool) -> str:
        """See `Source`."""
        self._require()
        return stamp(self._path, with_titles=with_titles)

    def state(self) -> None:
        """A copy does not change."""
        return

    @contextlib.contextmanager
    def open(self) -> Iterator[MirrorReader]:
        """Copies the file while nobody writes it, and opens the copy.

        Raises:
            ArchiveError: It is missing, or being pushed to.
        """
        from agentsview_assets.resources.archives.mirrors.reader import DuckDBMirrorReader  # noqa: PLC0415 - as above

        self._require()
        with contextlib.ExitStack() as stack:
            try:
                copy = stack.enter_context(private_folder()) / "mirror.duckdb"
                self._copy_to(copy)
            except OSError as error:
                raise ArchiveError(
                    f"archive {self.key}: cannot be copied to read it: {error.filename or ''} "
                    f"{error.strerror}; TMPDIR names another folder for the copy"
                ) from None
            yield stack.enter_context(DuckDBMirrorReader(self.key, copy))

    def is_same(self, before: object, after: object, *, is_snapshot: bool) -> bool:  # noqa: ARG002
        """See `Source`."""
        return True

    def _require(self) -> None:
        if look(self._path, f"archive {self.key}", ArchiveError) != "file":
            raise ArchiveError(f"archive {self.key}: no such file; push to it with agentsview")

    def _copy_to(self, copy: Path) -> None:
        log, log_copy = Path(f"{self._path}.wal"), Path(f"{copy}.wal")
        for _ in range(_ATTEMPTS):
            for left in (copy, log_copy):
                left.unlink(missing_ok=True)
            before = (signature(self._path), _size(log))
            with contextlib.suppress(FileNotFoundError):
                copy_file(log, log_copy)
            copy_file(self._path.resolve(), copy)
            if (signature(self._path), _size(log)) == before and not self._is_written():
                return
        raise ArchiveError(f"archive {self.key}: is being pushed to; try again when that is done")

    def _is_written(self) -> bool:
        """Whether a push has the file open now; looking takes DuckDB's lock for a moment only."""
        with self._path.open("rb") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
            except OSError:
                return False  # a file system without locks
        return False


class PostgresMirror:
    """A PostgreSQL schema that `agentsview pg push` wrote."""

    def __init__(self, url: ArchiveUrl) -> None:
        self.key = url.shown
        self.config_dir: Path | None = None
        self._url = url

    def stamp(self, *, with_titles: bool) -> str:
        """See `Source`."""
        with self.open() as reader:
            return f"{reader.stamp()} {with_titles}"

    def state(self) -> str:
        """See `Source`."""
        return self.stamp(with_titles=False)

    def open(self) -> PostgresMirrorReader:
        """See `Source`."""
        from agentsview_assets.resources.archives.mirrors import postgres  # noqa: PLC0415

        if self._url.mirror is None:
            message = "an archive's path is no PostgreSQL mirror"
            raise RuntimeError(message)
        return postgres.PostgresMirrorReader(self._url.mirror)

    def is_same(self, before: object, after: object, *, is_snapshot: bool) -> bool:
        """See `Source`."""
        return is_snapshot or before == after


if TYPE_CHECKING:
    from agentsview_assets.resources.archives.mirrors.postgres import PostgresMirrorReader


def open_source(url: ArchiveUrl) -> Source:
    """The source that an archive's path or URL names.

    Raises:
        ArchiveError: There is no such file.
    """
    if url.path is not None:
        return FileSource(find_archive(url.path))
    if url.mirror is not None and url.mirror.path is not None:
        return DuckDBMirror(url.shown, url.mirror.path)
    return PostgresMirror(url)


def require_one(archives: Sequence[ArchiveUrl]) -> None:
    """Looks whether there is anything to read.

    Raises:
        ArchiveError: None of them is there.
    """
    failures: list[ArchiveError] = []
    for archive in archives:
        try:
            open_source(archive)
        except ArchiveError as error:
            failures.append(error)
    if failures and len(failures) == len(archives):
        raise failures[0]


def stamps(archives: Sequence[ArchiveUrl], *, with_titles: bool) -> list[str]:
    """What moves when anyone writes to one of several archives; one that cannot be read says why.

    Raises:
        ArchiveError: None of them can be read.
    """
    found: list[str] = []
    failures: list[ArchiveError] = []
    for archive in archives:
        try:
            found.append(open_source(archive).stamp(with_titles=with_titles))
        except ArchiveError as error:
            failures.append(error)
            found.append(str(error))
    if len(failures) == len(found):
        raise failures[0]
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
