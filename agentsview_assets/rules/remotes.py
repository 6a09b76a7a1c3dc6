"""Git remotes: one portable name for all spellings of a remote, and a form safe to store.

Texts may hold undecodable bytes as lone surrogates (see `rules.text`); percent escapes can
produce them, too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from agentsview_assets.rules.credentials.in_remotes import (
    without_credentials,
    without_slashed_password,
)
from agentsview_assets.rules.credentials.secrets import without_keys
from agentsview_assets.rules.paths import clean_path, is_drive_path
from agentsview_assets.rules.text import from_bytes, to_bytes, trim

_NETWORK_SCHEMES = frozenset({"ssh", "git", "https", "http"})
_ONE_COLON_SCHEMES = frozenset({"https", "http"})

_HOST_MARKS = "-_.~!$&'()*+,;=:[]<>\""
_PATH_MARKS = "-_.~$&+,/:;=@"
_HOST_CHARACTERS = rf"A-Za-z0-9{re.escape(_HOST_MARKS)}"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_PORT = re.compile(r"(?::[0-9]*)?")
_USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HOST = re.compile(rf"(?:[{_HOST_CHARACTERS}\x80-\U0010ffff]|%25|%[89A-Fa-f][0-9A-Fa-f])*")
_ZONE_RAW = re.compile(rf"[{_HOST_CHARACTERS}\x80-\U0010ffff]*")
_ZONE_ESCAPED = re.compile(rf"[{_HOST_CHARACTERS} %]*")
_PLAIN_PATH = re.compile(rf"[A-Za-z0-9{re.escape(_PATH_MARKS)}!'()*\[\]%]*")


class _UnusableError(ValueError):
    """The text is no remote that names a host and a path."""


class _RemoteUrl(NamedTuple):
    """A network URL without userinfo, query and fragment."""

    scheme: str
    host: str
    port: str
    path: str

    @property
    def host_name(self) -> str:
        """The host without the brackets of an IPv6 literal."""
        return self.host[1:-1] if self.host.startswith("[") else self.host


class _ScpRemote(NamedTuple):
    """`host:path`, what git takes for an SSH address."""

    host: str
    path: str


def normalize_remote(raw: str) -> str | None:
    """Give the portable name `host/path` of a git remote.

    Scheme, user, port, query, fragment and one trailing `.git` do not count; the host is
    lower-cased, the case of the path is kept.

    Args:
        raw: The remote as configured or stored.

    Returns:
        The name, or None for local paths, unsupported schemes and malformed texts. Bytes that are
        not UTF-8 are lone surrogates in it.
    """
    try:
        remote = _parse_remote(trim(raw))
        host, path = _location(remote)
        return f"{_lower(host)}/{_repository_path(path)}"
    except _UnusableError:
        return None


def sanitize_remote(raw: str) -> str:
    """Rewrite a git remote without credentials, query and fragment, for storage.

    Args:
        raw: The remote as configured.

    Returns:
        A remote of the same name, or `''` when `normalize_remote` ignores it.
    """
    text = trim(raw)
    if normalize_remote(text) is None:
        return ""
    remote = _parse_remote(text)
    if isinstance(remote, _RemoteUrl):
        stored = f"{remote.scheme}://{_encode_host(remote.host)}{remote.port}"
        stored += _encode_path(remote.path)
    else:
        stored = f"{remote.host}:{remote.path}"
    return "" if normalize_remote(stored) is None else stored


def _parse_remote(text: str) -> _RemoteUrl | _ScpRemote:
    local = text.startswith("/") or text.lower().startswith("file://") or is_drive_path(text)
    if not text or local:
        raise _UnusableError
    return _parse_url(text) if "://" in text else _parse_scp(text)


def _parse_scp(text: str) -> _ScpRemote:
    # A password may hold an `@`, a host cannot: the last one ends the user.
    _, at, address = text.rpartition("@")
    host, colon, path = address.partition(":")
    if not colon or (at and not (host and path)):
        raise _UnusableError
    return _ScpRemote(host, path)


def _parse_url(text: str) -> _RemoteUrl:
    url, _, fragment = text.partition("#")
    _require_well_formed_escapes(fragment)
    if _CONTROL.search(url):
        raise _UnusableError
    scheme = _scheme(url)
    hierarchy, _, _ = url[len(scheme) + 1 :].partition("?")
    if not hierarchy.startswith("//"):
        raise _UnusableError
    authority, slash, rest = hierarchy[2:].partition("/")
    path = slash + rest
    _require_well_formed_escapes(path)
    userinfo, _, address = authority.rpartition("@")
    _require_userinfo(userinfo)
    if address.startswith("["):
        host, port = _bracketed_host(address)
    else:
        host, port = _plain_host(address, scheme)
    return _RemoteUrl(scheme, host, port, path)


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match else ""
    if scheme not in _NETWORK_SCHEMES:
        raise _UnusableError
    return scheme


def _require_well_formed_escapes(text: str) -> None:
    if _MALFORMED_ESCAPE.search(text):
        raise _UnusableError


def _require_userinfo(userinfo: str) -> None:
    _require_well_formed_escapes(userinfo)
    if not _USERINFO.fullmatch(userinfo):
        raise _UnusableError


def _plain_host(address: str, scheme: str) -> tuple[str, str]:
    """Split and decode a host that is no IPv6 literal; the port keeps its colon."""
    host, colon, digits = address.rpartition(":")
    if not colon:
        host, digits = address, ""
    port = colon + digits
    # `ssh` and `git` tolerate bare IPv6 addresses; their last group reads as a port.
    extra_colons = ":" in host and scheme in _ONE_COLON_SCHEMES
    if extra_colons or "[" in address or not _PORT.fullmatch(port):
        raise _UnusableError
    return _decode_host(host), port


def _bracketed_host(address: str) -> tuple[str, str]:
    """Split and decode `[address%25zone]:port`; host keeps its brackets, port its colon."""
    literal, bracket, port = address[1:].rpartition("]")
    if not bracket or "[" in literal or not _PORT.fullmatch(port):
        raise _UnusableError
    number, marker, zone = literal.partition("%25")
    host = _decode_host(number) + (_decode_zone(marker + zone) if marker else "")
    _require_ipv6(host)
    return f"[{host}]", port


def _require_ipv6(host: str) -> None:
    number, percent, zone = host.partition("%")
    if percent and not zone:
        raise _UnusableError
    try:
        ipaddress.IPv6Address(number)
    except ValueError:
        raise _UnusableError from None


def _decode_host(text: str) -> str:
    # Only `%` itself and bytes above ASCII may be escaped in a host.
    if not _HOST.fullmatch(text):
        raise _UnusableError
    return _percent_decode(text)


def _decode_zone(text: str) -> str:
    _require_well_formed_escapes(text)
    escaped = "".join(chr(int(pair, 16)) for pair in _ESCAPE.findall(text))
    if not _ZONE_ESCAPED.fullmatch(escaped) or not _ZONE_RAW.fullmatch(_ESCAPE.sub("", text)):
        raise _UnusableError
    return _percent_decode(text)


def _percent_decode(text: str) -> str:
    return from_bytes(unquote_to_bytes(to_bytes(text)))


def _encode_host(host: str) -> str:
    return quote(to_bytes(host), safe=_HOST_MARKS)


def _encode_path(path: str) -> str:
    if _PLAIN_PATH.fullmatch(path):
        return path
    # One odd byte makes the whole path be written anew, escaped separators included.
    return quote(to_bytes(_percent_decode(path)), safe=_PATH_MARKS)


def _location(remote: _RemoteUrl | _ScpRemote) -> tuple[str, str]:
    if isinstance(remote, _RemoteUrl):
        host, path = trim(remote.host_name), trim(_percent_decode(remote.path))
    else:
        host, path = trim(remote.host), trim(remote.path)
    if not host or not path:
        raise _UnusableError
    return host, path


def _lower(host: str) -> str:
    # Character by character: `str.lower` knows context (final sigma) and may lengthen; undecodable
    # bytes do not survive lower-casing.
    return "".join(
        "\ufffd" if "\ud800" <= character <= "\udfff" else character.lower()[0]
        for character in host
    )


def _repository_path(path: str) -> str:
    cleaned = clean_path("/" + path.replace("\\", "/")).strip("/")
    name = cleaned.removesuffix(".git").strip("/")
    if name in ("", "."):
        raise _UnusableError
    return name


@lru_cache(maxsize=4096)
def portable_remote(raw: str) -> str | None:
    """Give the name that stands for a remote here: agentsview's, without credentials left in it.

    Returns:
        What `normalize_remote` gives where that holds no credential; None likewise, and for what
        names nothing once its credential is gone.
    """
    # Before a host is lower-cased: the keys of some services would no longer be known.
    text = without_keys(trim(raw))
    name = normalize_remote(text)
    if name is None:
        return None
    remote = _parse_remote(text)
    if isinstance(remote, _RemoteUrl):
        found = without_slashed_password(remote.host, remote.port, remote.path)
        if found is not None:
            host, path = found
            return portable_remote(f"{remote.scheme}://{host}/{path.lstrip('/')}")
    cleaned = without_credentials(name)
    if cleaned == name:
        return name
    host, _, path = cleaned.partition("/")
    try:
        return f"{host}/{_repository_path(path)}"
    except _UnusableError:
        return None


def presentable_remote(raw: str) -> str:
    """Give a remote that names the same repository and holds no credential.

    Returns:
        A remote whose name is `portable_remote(raw)`; `''` for an empty one and `?`, which names
        nothing, for one that cannot be used: an observation with a remote is not one without.
    """
    wanted = portable_remote(raw)
    if not raw or wanted is None:
        return "?" if raw else ""
    return next((text for text in _forms(raw, wanted) if _is_form(text, wanted)), "?")


def _forms(raw: str, wanted: str) -> Iterator[str]:
    """Ways to write the remote of a name, the one that is closest to the original first."""
    if normalize_remote(raw) == wanted:
        yield sanitize_remote(raw)
        yield f"ssh://{wanted}"
        return
    host, _, path = wanted.partition("/")
    scheme = trim(raw).partition("://")[0].lower()
    scheme = scheme if scheme in _NETWORK_SCHEMES else "ssh"
    for place in (host, f"[{host.replace('%', '%25', 1)}]"):
        yield f"{scheme}://{place}/{quote(to_bytes(path), safe=_PATH_MARKS)}"
    yield f"{host}:{path}"


def _is_form(text: str, wanted: str) -> bool:
    return normalize_remote(text) == wanted and portable_remote(text) == wanted
