"""Where archives are read from: files of agentsview, and the mirrors that it pushes to.

What belongs here: telling the kinds apart, and lists of them. What does not: opening anything.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from agentsview_assets.addresses import kind_of, refuse_address
from agentsview_assets.errors import ConfigError
from agentsview_assets.files import expanded, is_there
from agentsview_assets.warehouse_urls import WarehouseUrl, parse_warehouse

MIRROR_SCHEMA = "agentsview"
FORMS = (
    "a data folder, a sessions.db, duckdb:///PATH of a DuckDB mirror, or "
    "postgresql://USER@HOST:PORT/DATABASE?schema=NAME of a PostgreSQL mirror"
)
WHAT = "archive"
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


def parse_archives(texts: list[str]) -> tuple[ArchiveUrl, ...]:
    """Reads the archives of one warehouse, in the order in which they are to be seen.

    Raises:
        ConfigError: One of them is of no known kind, or is named twice.
    """
    found: dict[str, ArchiveUrl] = {}
    for text in texts:
        archive = parse_archive(text)
        if archive.shown in found:
            raise ConfigError(f"archive {archive.shown}: named twice; name each archive once")
        found[archive.shown] = archive
    return tuple(found.values())


def split_archives(text: str) -> list[str]:
    """Takes a list of archives apart, as the environment holds it.

    They stand on lines of their own, or behind each other as in PATH. A path that exists as a
    whole is one, whatever is in it.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1 or _is_there(lines[0]):
        return lines
    parts = [part for part in _BETWEEN[os.pathsep].split(lines[0]) if part]
    if any(_IS_SERVER.match(p) and "@" not in p and "@" in lines[0] for p in parts):
        raise ConfigError(
            f"{WHAT} postgresql://...: cannot be told from what stands behind it; name each "
            "archive on a line of its own, and write @ / ? # and : of a user name or password as "
            "%40 %2F %3F %23 and %3A"
        )
    return parts


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
