"""Warehouse URLs: what they name, how they are shown, and where a warehouse's state lives.

A password is kept apart from the URL that it came with, in this process only: whatever travels on
from here - settings, resource configuration, metadata, messages - is the URL without it.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from agentsview_assets.addresses import (
    looks_like_secret,
    refuse_address,
    refuse_path,
    unknown_kind,
)
from agentsview_assets.errors import ConfigError
from agentsview_assets.files import expanded

Kind = Literal["duckdb", "sqlite", "postgresql"]

DEFAULT_SCHEMA = "agentsview_assets"
DEFAULT_PORT = 5432
FORMS = (
    "duckdb:///PATH (or a plain path), sqlite:///PATH or "
    "postgresql://USER@HOST:PORT/DATABASE?schema=NAME"
)
WHAT = "warehouse"
_ESCAPES = (
    "write the characters @ / ? # and : of a user name or password as %40 %2F %3F %23 and %3A"
)
_BETTER_PLACE = (
    "a password belongs before the @ of the URL or, better, into PGPASSWORD or ~/.pgpass"
)
_FILE_KINDS: dict[str, Kind] = {"duckdb": "duckdb", "sqlite": "sqlite"}
_SERVER_SCHEMES = ("postgresql", "postgres")
# What libpq may be told beside user, host, port and database; none of it is a secret.
_SERVER_OPTIONS = frozenset(
    {"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "connect_timeout",
     "application_name", "gssencmode", "channel_binding", "target_session_attrs"}
)  # fmt: skip
_SCHEMA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
# Paths may hold spaces, so only a space before another URL separates.
_BETWEEN_URLS = re.compile(r"\s+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_CREDENTIALS = re.compile(r"://.*@", re.DOTALL)
_PASSWORD_OPTION = re.compile(r"(password=)[^&\s]*", re.IGNORECASE)
STATE_SUFFIX = ".state"
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9._-]*", re.ASCII)
_PATHS_AND_NAMES = ("host", "sslrootcert", "sslcert", "sslkey", "passfile", "application_name")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_NOT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_LABEL = 63
_DIGEST_LENGTH = 16

_passwords: dict[str, str] = {}


@dataclass(frozen=True)
class WarehouseUrl:
    """One warehouse.

    Attributes:
        kind: Its backend.
        shown: The URL without a password; every message and document names the warehouse by it.
        path: The absolute path of a file; None for a server.
        server: Connection parameters of a server as libpq names them, without the password.
        schema: Schema of a server's database that holds the tables; '' for a file.
    """

    kind: Kind
    shown: str
    path: Path | None = None
    server: tuple[tuple[str, str], ...] = ()
    schema: str = ""

    @property
    def file(self) -> Path:
        """The path of a warehouse that is a file.

        Raises:
            ConfigError: It is a server.
        """
        if self.path is None:
            raise ConfigError(f"warehouse {self.shown}: is a server, not a file")
        return self.path

    @property
    def identity(self) -> str:
        """What two URLs of the same warehouse have in common, whoever connects."""
        if self.path is not None:
            return str(self.path)
        server = dict(self.server)
        host, port = server.get("host", "").lower(), server.get("port") or DEFAULT_PORT
        return f"{host}:{port}/{server['dbname']}?schema={self.schema}"

    @property
    def place(self) -> str:
        """By what SQL names where its tables are: database and schema, as far as there are such."""
        if self.path is None:
            return f"{dict(self.server)['dbname']}.{self.schema}"
        return f"{self.path.stem}.main" if self.kind == "duckdb" else "main"

    def state_dir(self, data_dir: Path) -> Path:
        """The folder for run history and observation store: beside a file, or the user's own.

        Args:
            data_dir: The user's data folder of this program.
        """
        if self.path is not None:
            return self.path.with_name(self.path.name + STATE_SUFFIX)
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:_DIGEST_LENGTH]
        label = _NOT_FOR_A_NAME.sub("_", dict(self.server)["dbname"])[:_LONGEST_LABEL]
        place = data_dir / "warehouses" / f"{label}-{digest}{STATE_SUFFIX}"
        refuse_path(str(place), "the data folder")
        return place

    def connection_parameters(self) -> dict[str, str]:
        """What to connect to a server with, the password included where the URL gave one."""
        password = _passwords.get(self.shown)
        return dict(self.server) | ({"password": password} if password else {})

    def with_password(self) -> str:
        """The URL for a process that is to take over from this one, perhaps in another folder."""
        if self.path is not None:
            return f"{self.kind}:///{self.path}"
        password = _passwords.get(self.shown)
        if not password:
            return self.shown
        return self.shown.replace("@", f":{quote(password, safe='')}@", 1)


def parse_warehouses(text: str) -> tuple[WarehouseUrl, ...]:
    """Reads one or more warehouse URLs, separated by spaces; the first is the one reports read.

    Raises:
        ConfigError: One of them cannot be understood, or names the same warehouse as another.
    """
    found: dict[str, WarehouseUrl] = {}
    for part in _BETWEEN_URLS.split(text.strip()):
        url = parse_warehouse(part)
        if url.path is not None:
            refuse_path(str(url.path), WHAT)
        if url.identity in found:
            raise ConfigError(f"warehouse {url.shown}: named twice; name each warehouse once")
        found[url.identity] = url
    return tuple(found.values())


def without_credentials(text: str) -> str:
    """A text that may be or hold a URL, without what stands before its `@`."""
    return _PASSWORD_OPTION.sub(r"\1***", _CREDENTIALS.sub("://***@", text))


def parse_warehouse(
    text: str, what: str = WHAT, forms: str = FORMS, schema: str = DEFAULT_SCHEMA
) -> WarehouseUrl:
    """Reads one URL or plain path, of a warehouse or of a mirror.

    Args:
        text: The URL.
        what: What messages call it.
        forms: What they say that may be given.
        schema: The schema where a server's URL names none.

    Raises:
        ConfigError: It cannot be understood. The message shows no part that may be a password,
            which in an address that cannot be taken apart may be any.
    """
    if not text.strip():
        raise ConfigError(f"{what}: is empty; use {forms}")
    scheme, separator, rest = text.partition("://")
    if separator and scheme in _SERVER_SCHEMES:
        return _Server(what, forms, schema).parse(text)
    if separator and scheme in _FILE_KINDS and rest.startswith("/"):
        return WarehouseUrl(_FILE_KINDS[scheme], text, path=_absolute(rest[1:], what, forms))
    known = scheme if separator else text.partition(":")[0]
    if known in (*_FILE_KINDS, *_SERVER_SCHEMES):
        raise ConfigError(f"{what} {known}:...: cannot be understood; use {forms}")
    if separator and not _is_plain_path(text):
        raise unknown_kind(text, what, forms)
    return WarehouseUrl("duckdb", text, path=_absolute(text, what, forms))


def _is_plain_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "~/"))


def _absolute(path: str, what: str, forms: str) -> Path:
    """State is found by path, so that every way of naming a file must give the same one."""
    if not path.strip() or path == ":memory:":
        raise ConfigError(f"{what} {path!r}: names no file; use {forms}")
    refuse_address(path, what, forms)
    if path.endswith("/"):
        raise ConfigError(f"{what} {path}: ends with /, which names a folder; name a file in it")
    try:
        return expanded(path)
    except ConfigError as error:
        raise ConfigError(f"{what} {error}") from None


class _Server:
    """Takes the URL of a server apart."""

    def __init__(self, what: str, forms: str, schema: str) -> None:
        self._what = what
        self._forms = forms
        self._schema = schema

    def parse(self, text: str) -> WarehouseUrl:
        parts, port = self._split(text)
        database = unquote(parts.path.removeprefix("/"), errors="strict")
        rest = (parts.path, parts.query, parts.fragment)
        if parts.fragment or "/" in database or any("@" in part for part in rest):
            raise self._error(f"cannot be understood; {_ESCAPES}")
        if not database:
            raise self._error(f"names no database; use {self._forms}")
        user = unquote(parts.username or "", errors="strict")
        host = unquote(parts.hostname or "", errors="strict")
        schema, options = self._options(parts.query)
        if any(map(looks_like_secret, (user, host, database, *options.values()))):
            raise self._error(f"cannot be understood; {_BETTER_PLACE}")
        server = {
            **options,
            "user": user,
            "host": options.get("host") or host,
            "port": port,
            "dbname": database,
        }
        shown = self._shown(parts, user, options | {"schema": schema})
        if parts.password:
            _passwords[shown] = unquote(parts.password, errors="strict")
        given = tuple((name, value) for name, value in server.items() if value)
        return WarehouseUrl("postgresql", shown, server=given, schema=schema)

    def _shown(self, parts: SplitResult, user: str, options: dict[str, str]) -> str:
        named = f"{quote(user, safe='')}@" if user or parts.password else ""
        query = "&".join(f"{name}={quote(value)}" for name, value in options.items())
        place = parts.netloc.rpartition("@")[2]
        return f"postgresql://{named}{place}{parts.path}?{query}"

    def _split(self, text: str) -> tuple[SplitResult, str]:
        if _CONTROL.search(text) or _BAD_ESCAPE.search(text):
            raise self._error(
                "has a control character, or a % that begins no %XX; write % as %25, and other "
                "characters as % and two digits"
            )
        try:
            unquote(text.encode().decode(), errors="strict")
            parts = urlsplit(text)
            return parts, str(parts.port or "")
        except UnicodeError:
            raise self._error("has bytes that are no UTF-8") from None
        except ValueError:
            raise self._error(
                f"host or port cannot be understood; use {self._forms}, and {_ESCAPES}"
            ) from None

    def _options(self, query: str) -> tuple[str, dict[str, str]]:
        """The schema, and the further connection options."""
        options = dict(parse_qsl(query, keep_blank_values=True))
        schema = options.pop("schema", self._schema)
        if not _SCHEMA_NAME.fullmatch(schema):
            raise self._error("the schema is no plain name of letters, digits and underscores")
        unknown = [name for name in options if name not in _SERVER_OPTIONS]
        if any("pass" in name.lower() for name in unknown):
            raise ConfigError(f"{self._what}: {_BETTER_PLACE}")
        if unknown:
            near = difflib.get_close_matches(unknown[0], _SERVER_OPTIONS)
            named = f"unknown option {unknown[0]!r}" if near else "an unknown option"
            raise self._error(f"{named}; known are schema, {', '.join(sorted(_SERVER_OPTIONS))}")
        for name, value in options.items():
            if name not in _PATHS_AND_NAMES and not _PLAIN_VALUE.fullmatch(value):
                raise self._error(f"the value of option {name} is no plain word")
            if _CONTROL.search(value):
                raise self._error(f"the value of option {name} has a control character")
        return schema, options

    def _error(self, said: str) -> ConfigError:
        return ConfigError(f"{self._what} postgresql://...: {said}")
