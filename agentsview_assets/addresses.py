"""Telling paths from addresses of servers, before a path is opened or shown.

An address that is taken for a path makes a file of that name, with the password in it. What looks
like one is refused, and no part of it is repeated but the name of its kind.
"""

from __future__ import annotations

import os
import re

from agentsview_assets.errors import ConfigError

_KIND = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,24}):")
_KNOWN_KINDS = frozenset(
    {"duckdb", "sqlite", "postgres", "postgresql", "md", "motherduck", "ducklake", "quack", "jdbc",
     "odbc", "mysql", "mariadb", "oracle", "mssql", "sqlserver", "snowflake", "bigquery",
     "redshift", "clickhouse", "mongodb", "redis", "http", "https", "s3", "gs", "gcs", "r2", "az",
     "abfss", "file", "ssh"}
)  # fmt: skip
_NAMES_A_HOST = (
    re.compile(r"/*[^/:]*:.*@", re.DOTALL),  # user:password@host, whatever is in the password
    # user:password@host behind a slash: a colon was forgotten, or is not an ordinary one
    re.compile(r"(?!\.{0,2}/)(?:[^/]*/)+[^/:]+:.*@", re.DOTALL),
    re.compile(r"(?:.*/)?postgres(?:ql)?\W.*@", re.DOTALL | re.IGNORECASE),
    re.compile(r"(?!\.{0,2}/)[^/]*@[^/]*/"),  # user@host/database
    re.compile(r"(?!\.{0,2}/)[^/]*:\d+(?:/|$)"),  # host:port/database
    re.compile(r"//[^/]*[@:]"),  # //host:port/database
    re.compile(r".*@[^/@]+:\d+(?:[/?]|$)", re.DOTALL),
)
_NAMES_A_SECRET = re.compile(
    r"""(?:password|passwd|passphrase|pwd|token|\bpass|\bsecret)["']?\s*[:=]""", re.IGNORECASE
)
_KEYWORDS = re.compile(
    r"""(?:^|[\s;?&,{"'])(?:host|hostaddr|port|user(?:[ _]?(?:name|id))?|uid|dbname|database"""
    r"""|server|data[ ]source|initial[ ]catalog|sslmode|service|driver|passfile)["']?\s*[:=]""",
    re.IGNORECASE,
)
_LONGEST_NAME = 240
_LONGEST_PATH = 420
"""SQLite opens no path of more than 511 bytes, and Dagster's history lies below that of a file."""
_UNUSABLE = {
    "?": "which DuckDB takes for the beginning of options",
    "\\": "which DuckDB takes for a separator of folders",
    "*": "which Dagster takes for a pattern",
    "[": "which Dagster takes for a pattern",
}


def looks_like_secret(text: str) -> bool:
    """Whether a text gives something the name of a password."""
    return _NAMES_A_SECRET.search(text) is not None


def kind_of(text: str) -> str:
    """The kind that an address begins with, as far as it may be repeated: no password can be it."""
    found = _KIND.match(text)
    kind = found[1].partition("+")[0] if found else ""
    return kind if kind.lower() in _KNOWN_KINDS else ""


def unknown_kind(text: str, what: str, forms: str) -> ConfigError:
    """The user's words for an address of a kind that cannot be used."""
    kind = kind_of(text)
    named = f"the kind {kind!r} is not supported" if kind else "is of a kind that is not known"
    hint = "" if "://" in text else " (a file of that name is ./NAME)"
    return ConfigError(f"{what}: {named}; use {forms}{hint}")


def refuse_address(text: str, what: str, forms: str) -> None:
    """Refuses a text that was given for a path and looks like an address.

    Args:
        text: What was given.
        what: What it is to name, such as `warehouse`.
        forms: What may be given instead.

    Raises:
        ConfigError: It does; the message repeats none of it.
    """
    if _KIND.match(text):
        raise unknown_kind(text, what, forms)
    is_address = any(shape.match(text) for shape in _NAMES_A_HOST)
    if is_address or looks_like_secret(text) or _KEYWORDS.search(text):
        raise ConfigError(
            f"{what}: looks like the address of a server and not like a path; use {forms}"
        )


def refuse_path(path: str, what: str) -> None:
    """Refuses a path that the parts that work on it read in different ways, or cannot open.

    Args:
        path: The absolute path of a file, or of the folder that its state goes into.
        what: What lies there, such as `warehouse`.

    Raises:
        ConfigError: It has such a character, or is too long.
    """
    for character, why in _UNUSABLE.items():
        before, found, _ = path.partition(character)
        if found:
            raise ConfigError(
                f"{what} {before}{character}...: the character {character} in its path, {why}, "
                "cannot be used; name another path"
            )
    raw = os.fsencode(path)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = raw.decode("utf-8", "backslashreplace")
        raise ConfigError(
            f"{what} {shown}: the byte {raw[error.start]:#04x} in its path is no UTF-8; name "
            "another path"
        ) from None
    if "\0" in path:
        raise ConfigError(f"{what}: the character U+0000 cannot be in a path; name another path")
    if len(raw) > _LONGEST_PATH or max(map(len, raw.split(b"/"))) > _LONGEST_NAME:
        raise ConfigError(
            f"{what} {path[:40]}...: the path is too long ({len(raw)} bytes); shorten it, as "
            f"at most {_LONGEST_PATH} in all, and {_LONGEST_NAME} for a name, can be used"
        )
