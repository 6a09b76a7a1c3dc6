"""Where archives are read from: files of agentsview, and the mirrors that it pushes to.

What belongs here: telling the kinds apart, and lists of them. What does not: opening anything.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentsview_assets.addresses import kind_of, refuse_address
from agentsview_assets.errors import ConfigError
from agentsview_assets.files import expanded, is_there, trouble
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouse

MIRROR_SCHEMA = "agentsview"
FORMS = (
    "a data folder, a sessions.db, duckdb:///PATH of a DuckDB mirror, or "
    "postgresql://USER@HOST:PORT/DATABASE?schema=NAME of a PostgreSQL mirror"
)
WHAT = "archive"
ARCHIVE_FILE = "sessions.db"
_LIST, _PATTERN = "@", re.compile(r"[*?\[]")
_MIRRORS = ("duckdb", "postgresql", "postgres")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_IS_SERVER = re.compile(r"postgres(?:ql)?://")
# A colon separates only before what is plainly another archive: ports and URLs have colons, too.
_BETWEEN = {
    ":": re.compile(r":(?=/(?!/)|~|\.{1,2}/|[A-Za-z][A-Za-z0-9+.-]*://)"),
    ";": re.compile(";"),
}


@dataclass(frozen=True)
class ArchiveUrl:
    """One archive to read.

    Attributes:
        shown: How messages and tables name it: a path, or a URL without a password.
        path: The data folder or `sessions.db`; None for a mirror.
        mirror: The DuckDB file or PostgreSQL schema that agentsview pushed to; None for a file.
    """

    shown: str
    path: Path | None = None
    mirror: WarehouseUrl | None = None

    def with_password(self) -> str:
        """The same as it was given, for a process that is to take over from this one."""
        return self.mirror.with_password() if self.mirror else self.shown


def parse_archive(text: str) -> ArchiveUrl:
    """Reads one archive's path or URL.

    Raises:
        ConfigError: It is a URL of a kind that no archive has.
    """
    if not text.strip():
        raise ConfigError(f"{WHAT}: is empty; name {FORMS}")
    scheme = _SCHEME.match(text)
    if scheme is None:
        refuse_address(text, WHAT, FORMS)
        path = _absolute(text)
        return ArchiveUrl(str(path), path=path)
    if scheme[1] not in _MIRRORS:
        raise ConfigError(f"{WHAT} {kind_of(text)}://...: not a source; name {FORMS}")
    mirror = parse_warehouse(text, WHAT, FORMS, MIRROR_SCHEMA)
    shown = f"duckdb:///{mirror.path}" if mirror.path else mirror.shown
    return ArchiveUrl(shown, mirror=mirror)


def _nowhere_else(_: str) -> bool:
    return False


def parse_archives(
    texts: Sequence[str],
    known: Sequence[str] = (),
    is_elsewhere: Callable[[str], bool] = _nowhere_else,
) -> tuple[ArchiveUrl, ...]:
    """Reads the archives of one warehouse, in the order in which they are to be seen.

    Args:
        texts: Archives, and listings of archives: `@FILE`, or a pattern such as `/archives/*`.
        known: Files that were read before: one that a pattern is about, and that is gone, is
            still meant.
        is_elsewhere: Whether a listing is about archives that this machine need not see, so that
            it may list nothing.

    Raises:
        ConfigError: One of them is of no known kind, or is named twice; a listing lists nothing.
    """
    found: dict[str, ArchiveUrl] = {}
    for text in texts:
        is_listed = is_listing(text)
        named = _listed(text, known, is_elsewhere) if is_listed else [text]
        for archive in map(parse_archive, named):
            if archive.shown in found and not is_listed:
                raise ConfigError(f"archive {archive.shown}: named twice; name each archive once")
            found.setdefault(archive.shown, archive)
    return tuple(found.values())


def is_listing(text: str) -> bool:
    """Whether a text stands for the archives that a file lists, or that match a pattern."""
    if text.startswith(_LIST):
        return True
    return bool(_PATTERN.search(text)) and not _SCHEME.match(text) and not _is_there(text)


def absolute_listing(text: str) -> str:
    """A listing that means the same in any folder; other texts as they are."""
    if text.startswith(_LIST):
        return f"{_LIST}{_absolute(text[1:])}"
    return str(_absolute(text)) if is_listing(text) else text


def _listed(text: str, known: Sequence[str], is_elsewhere: Callable[[str], bool]) -> list[str]:
    # A mistyped address may look like a pattern, and holds a password: it is never repeated.
    refuse_address(text.removeprefix(_LIST), WHAT, FORMS)
    if text.startswith(_LIST):
        found = []
        for line in _of_file(_absolute(text[1:])):
            found += _listed(line, known, is_elsewhere) if is_listing(line) else [line]
        return found
    pattern = str(_absolute(text))
    matching = sorted(glob.glob(pattern))  # noqa: PTH207 - Path.glob takes no absolute pattern
    there = [path for path in matching if _is_archive(Path(path))]
    gone = [name for path in known if (name := _named_by(pattern, Path(path)))]
    found = list(dict.fromkeys([*there, *gone]))
    if not found and not is_elsewhere(pattern):
        raise ConfigError(
            f"archive {text}: matches no data folder with a sessions.db; correct the pattern"
        )
    return found


def _is_archive(path: Path) -> bool:
    return is_there(path / ARCHIVE_FILE) or path.suffix == Path(ARCHIVE_FILE).suffix


def _named_by(pattern: str, path: Path) -> str:
    """How a pattern names an archive's file that was read before; '' where it does not."""
    return next((str(name) for name in (path.parent, path) if name.match(pattern)), "")


def _of_file(path: Path) -> list[str]:
    """The archives that a file lists, a line each; what follows # says something to people.

    Raises:
        ConfigError: It cannot be read, or lists nothing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"archive {_LIST}{path}: {trouble(error)}") from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = [line for line in lines if line]
    if not found:
        raise ConfigError(f"archive {_LIST}{path}: lists no archive; write one on each line")
    if any(line.startswith(_LIST) for line in found):
        raise ConfigError(f"archive {_LIST}{path}: a list cannot name another list")
    return found


def split_archives(text: str) -> list[str]:
    """Takes a list of archives apart, as the environment holds it.

    They stand on lines of their own, or behind each other as in PATH. A path that exists as a
    whole is one, whatever is in it.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1 or _is_there(lines[0]) or lines[0].startswith(_LIST):
        _refuse_addresses(lines)
        return lines
    parts = [part for part in _BETWEEN[os.pathsep].split(lines[0]) if part]
    if any(_IS_SERVER.match(p) and "@" not in p and "@" in lines[0] for p in parts):
        raise ConfigError(
            f"{WHAT} postgresql://...: cannot be told from what stands behind it; name each "
            "archive on a line of its own, and write @ / ? # and : of a user name or password as "
            "%40 %2F %3F %23 and %3A"
        )
    return parts


def _refuse_addresses(lines: Sequence[str]) -> None:
    """Refuses an address on any line before the first one is repeated: a password may hold breaks.

    A list that is not there may be the end of an address whose password ends with its line.
    """
    before = ""
    for line in lines:
        if not _SCHEME.match(line):
            is_list = line.startswith(_LIST)
            is_end = is_list and not _SCHEME.match(before) and not _is_there(line[1:])
            refuse_address(before + line if is_end else line.removeprefix(_LIST), WHAT, FORMS)
        before = line


def _absolute(text: str) -> Path:
    try:
        return expanded(text)
    except ConfigError as error:
        raise ConfigError(f"{WHAT} {error}") from None


def _is_there(text: str) -> bool:
    try:
        return is_there(expanded(text))
    except ConfigError:
        return False
