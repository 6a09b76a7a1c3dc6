"""Warehouse URLs: what they name, how they are shown, and where a warehouse's state lives.

A password is kept apart from the URL that it came with, in this process only: whatever travels on
from here - settings, resource configuration, metadata, messages - is the URL without it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from agentsview_assets.errors import ConfigError
from agentsview_assets.files import expanded

Kind = Literal["duckdb", "sqlite", "postgresql"]

DEFAULT_SCHEMA = "agentsview_assets"
DEFAULT_PORT = 5432
FORMS = (
    "duckdb:///PATH (or a plain path), sqlite:///PATH or "
    "postgresql://USER@HOST:PORT/DATABASE?schema=NAME"
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

    def state_dir(self, data_dir: Path) -> Path:
        """The folder for run history and observation store: beside a file, or the user's own.

        Args:
            data_dir: The user's data folder of this program.
        """
        if self.path is not None:
            return self.path.with_name(self.path.name + STATE_SUFFIX)
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:_DIGEST_LENGTH]
        return data_dir / "warehouses" / f"{dict(self.server)['dbname']}-{digest}{STATE_SUFFIX}"

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
        url = _parse(part)
        if url.identity in found:
            raise ConfigError(f"warehouse {url.shown}: named twice; name each warehouse once")
        found[url.identity] = url
    return tuple(found.values())


def without_credentials(text: str) -> str:
    """A text that may be or hold a URL, without what stands before its `@`."""
    return _PASSWORD_OPTION.sub(r"\1***", _CREDENTIALS.sub("://***@", text))


def _parse(text: str) -> WarehouseUrl:
    scheme, separator, rest = text.partition("://")
    if not separator and not text.startswith(("duckdb:", "sqlite:", *_prefixes(_SERVER_SCHEMES))):
        return WarehouseUrl("duckdb", text, path=_absolute(text, text))
    if scheme in _FILE_KINDS and rest.startswith("/"):
        return WarehouseUrl(_FILE_KINDS[scheme], text, path=_absolute(rest[1:], text))
    if separator and scheme in _SERVER_SCHEMES:
        return _parse_server(text)
    if scheme.split(":")[0] in (*_FILE_KINDS, *_SERVER_SCHEMES):
        raise ConfigError(
            f"warehouse {without_credentials(text)}: cannot be understood; use {FORMS}"
        )
    raise ConfigError(f"warehouse: the kind {scheme!r} is not supported; use {FORMS}")


def _prefixes(schemes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{scheme}:" for scheme in schemes)


def _absolute(path: str, text: str) -> Path:
    """State is found by path, so that every way of naming a file must give the same one."""
    if not path or path == ":memory:":
        raise ConfigError(f"warehouse {text!r}: names no file; use {FORMS}")
    try:
        return expanded(path)
    except ConfigError as error:
        raise ConfigError(f"warehouse {error}") from None


def _parse_server(text: str) -> WarehouseUrl:
    shown = without_credentials(text)
    parts, port = _split(text, shown)
    database = unquote(parts.path.removeprefix("/"))
    if parts.fragment or "@" in parts.path or "/" in database:
        raise ConfigError(
            f"warehouse {shown}: cannot be understood; write the characters @ / ? # and : of a "
            "user name or password as %40 %2F %3F %23 and %3A"
        )
    if not database:
        raise ConfigError(f"warehouse {shown}: names no database; use {FORMS}")
    schema, options = _options(parts.query, shown)
    server = {
        **options,
        "user": unquote(parts.username or ""),
        "host": options.get("host") or unquote(parts.hostname or ""),
        "port": port,
        "dbname": database,
    }
    user = f"{parts.username}@" if parts.username else "@" if parts.password else ""
    query = "&".join(f"{k}={quote(v)}" for k, v in (*options.items(), ("schema", schema)))
    place = parts.netloc.rpartition("@")[2]
    shown = f"postgresql://{user}{place}{parts.path}?{query}"
    if parts.password:
        _passwords[shown] = unquote(parts.password)
    given = tuple((name, value) for name, value in server.items() if value)
    return WarehouseUrl("postgresql", shown, server=given, schema=schema)


def _split(text: str, shown: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(text)
        return parts, str(parts.port or "")
    except ValueError:
        raise ConfigError(
            f"warehouse {shown}: host or port cannot be understood; use {FORMS}"
        ) from None


def _options(query: str, shown: str) -> tuple[str, dict[str, str]]:
    """The schema, and the further connection options."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    schema = options.pop("schema", DEFAULT_SCHEMA)
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ConfigError(
            f"warehouse {shown}: the schema {schema!r} is no plain name of letters, digits and "
            "underscores"
        )
    unknown = [name for name in options if name not in _SERVER_OPTIONS]
    if "password" in unknown:
        raise ConfigError(
            "warehouse: a password belongs before the @ of the URL or, better, into PGPASSWORD "
            "or ~/.pgpass"
        )
    if unknown:
        raise ConfigError(
            f"warehouse {shown}: unknown option {unknown[0]!r}; known are schema, "
            f"{', '.join(sorted(_SERVER_OPTIONS))}"
        )
    return schema, options
