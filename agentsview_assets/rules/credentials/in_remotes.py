"""Names of remotes without the credentials that agentsview leaves in them.

agentsview cuts a user, a query and a fragment off an ordinary URL. It keeps what it does not take
for one: a query behind an scp address, a password with a slash in it, an address inside another
one. Here these go as well. A name that holds no credential is given back untouched, so that it
stays agentsview's own; `docs/credentials.md` lists the forms that differ.
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from agentsview_assets.rules.credentials.plain_words import reads_as_words
from agentsview_assets.rules.credentials.secrets import MARK, clean
from agentsview_assets.rules.text import from_bytes, to_bytes, trim

_DECODINGS = 5
_LONGEST_WORD = 8
_RANDOM, _LEAST_USER = 12, 10
"""Lengths from which letters and digits together are taken for a token."""
_REFERENCES = frozenset({"ref", "branch", "tag", "rev", "revision", "commit"})
_HARMLESS = _REFERENCES | {
    *("path", "dir", "subdir", "directory", "depth", "version", "v", "format", "type", "lfs"),
    *("service", "recursive", "submodules", "archive", "a", "raw", "plain"),
}
"""Parameters that say which part of a repository is meant, or in what form."""

_WORD = re.compile(rf"[A-Za-z]{{0,{_LONGEST_WORD}}}")
_VERSION = re.compile(r"v?[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}")
_NUMBER_BEHIND = re.compile(r"(?<=[A-Za-z][-_.])[0-9]{9,20}\Z")
"""A number behind a name, as in `user-1234567890`, however long it is."""
_VALUE = re.compile(r"[A-Za-z0-9._/~^-]{0,64}")
_DOTTED = r"(?:[\w-]+\.)+[A-Za-z][\w-]*"
_TARGET = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.%]+\])(:[0-9]*)?(?:[/:](.*))?", re.DOTALL)
_HOST_OF_ITS_OWN = re.compile(
    rf"{_DOTTED}|localhost|\[.*\]|(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}", re.DOTALL
)
_QUERY = re.compile(r"(?!(?<=/[CFJQcfjq])#[A-Za-z._-]{0,32}(?:/|\Z))[?#]")
"""Where a query or a fragment begins; `C#` and its like are names of languages."""
_NESTED = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,31}):/+")
_NOT_A_PORT = re.compile(r"[^/@:\[]*:(?![0-9]{1,5}(?:/|\Z))")
_USER_AND_PASSWORD = re.compile(r"(?<![^/])[^/@:]*:[^/]*@")
_WITH_SLASH = re.compile(rf"(?<![^/])[^/@:]+:[^@:]*@(?={_DOTTED}[/:])")
_ALONE = re.compile(r"(?<![^/])([^/@:]+)@")
_BEFORE_HOST = re.compile(rf"{_ALONE.pattern}(?={_DOTTED}[/:])")


def decoded(text: str) -> str:
    """Take percent escapes out until none is left: what is escaped twice is read, too."""
    for _ in range(_DECODINGS):
        plain = from_bytes(unquote_to_bytes(to_bytes(text))) if "%" in text else text
        if plain == text:
            break
        text = plain
    return text


def without_slashed_password(host: str, port: str, path: str) -> tuple[str, str] | None:
    """Read a URL whose password holds a slash, which looks as if the user were the host.

    Args:
        host: What stands where a host is expected.
        port: The port with its colon, or `''`.
        path: What follows, from its first slash on.

    Returns:
        The real host (with its port) and the path behind it, which may be `''`; None when the URL
        means what it says.
    """
    before, at, behind = decoded(path).rpartition("@")
    match = _TARGET.fullmatch(behind) if at else None
    if match is None or before.endswith("/"):  # `@scope/package`
        return None
    target, target_port, rest = match[1], match[2] or "", match[3] or ""
    is_host = target_port != "" or _HOST_OF_ITS_OWN.fullmatch(target) is not None
    is_random = _is_user(before.rpartition("/")[2])
    if _HOST_OF_ITS_OWN.fullmatch(host) is None:
        is_password = is_host or (port != "" and (rest != "" or is_random))
    else:
        is_password = port != "" and (is_host or is_random) and (rest != "" or is_random)
    return (f"{target}{target_port}", rest) if is_password else None


def without_credentials(name: str) -> str:
    """Give the `host/path` of a remote without credentials in its path, percent escapes decoded.

    Returns:
        `name` itself, escapes and all, when it holds none.
    """
    view = decoded(name)
    cleaned = _without_parameters(_without_query(view))
    cleaned = _without_nested_users(cleaned)
    host, slash, path = cleaned.partition("/")
    path = _USER_AND_PASSWORD.sub("", path)
    path = _WITH_SLASH.sub("", path)
    path = _BEFORE_HOST.sub(lambda m: "" if _is_user(m[1]) else m[0], path)
    path = _ALONE.sub(lambda m: "" if _is_user(m[1]) else m[0], path)
    cleaned = clean(f"{host}{slash}{path}").replace(f"{MARK}@", "")
    return name if cleaned == view else cleaned


def _without_query(view: str) -> str:
    """Cut a query and a fragment off, unless they plainly say nothing but what is meant."""
    start = _QUERY.search(view)
    if start is None:
        return view
    query, _, fragment = view[start.start() :].partition("#")
    parameters = re.split("[&;]", query.removeprefix("?"))
    if all(map(_is_harmless, parameters)) and _is_harmless_fragment(fragment):
        return view
    return view[: start.start()]


def _without_parameters(view: str) -> str:
    if ";" not in view:
        return view
    segments = []
    for segment in view.split("/"):
        first, *parameters = segment.split(";")
        segments.append(";".join([first, *(p for p in parameters if _is_harmless(p))]))
    return "/".join(segments)


def _without_nested_users(view: str) -> str:
    """Take the users out of the addresses in an address: `proxy/https:/user:password@host/path`."""
    first = _NESTED.search(view)
    if first is None:
        return view
    rest = view[first.end() :]
    if "@" in rest and _NOT_A_PORT.match(rest):
        view = view[: first.end()] + rest.rpartition("@")[2]
    starts = [match.start() for match in _NESTED.finditer(view)]
    kept = [view[: starts[0]]]
    for start, end in pairwise([*starts, len(view)]):
        scheme = _NESTED.match(view, start)
        length = len(scheme[0]) if scheme else 0
        kept += [view[start : start + length], _without_user(view[start + length : end])]
    return "".join(kept)


def _without_user(address: str) -> str:
    authority, slash, path = address.partition("/")
    authority = authority.rpartition("@")[2]
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, ""
    found = without_slashed_password(host, colon + port, slash + path)
    return f"{found[0]}/{found[1]}" if found else f"{authority}{slash}{path}"


def _is_harmless(parameter: str) -> bool:
    name, equals, value = trim(parameter).partition("=")
    if not equals:
        return _WORD.fullmatch(name) is not None or _VERSION.fullmatch(name) is not None
    if name.lower() not in _HARMLESS or _VALUE.fullmatch(value) is None or clean(value) != value:
        return False
    return name.lower() in _REFERENCES or not _is_random(value)


def _is_harmless_fragment(fragment: str) -> bool:
    if "=" in fragment:
        return all(map(_is_harmless, re.split("[&;]", fragment)))
    return all(
        _WORD.fullmatch(word) is not None or _VERSION.fullmatch(word) is not None
        for word in re.split(r"[/ ._-]", fragment)
    ) and not _is_random(fragment)


def _is_user(text: str) -> bool:
    """Whether a token stands before an `@`, not a name with a version behind it."""
    return _is_random(text, _LEAST_USER) and not reads_as_words(_NUMBER_BEHIND.sub("", text))


def _is_random(text: str, least: int = _RANDOM) -> bool:
    return len(text) >= least and any(character in "0123456789" for character in text)
