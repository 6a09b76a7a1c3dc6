"""The names under which a UI may be asked for: exact, because a browser believes any name.

A page of another origin reaches a server of this machine either by its real address, and then says
its own origin, or under a name of its own that it points here (rebinding), and then says that name
as the host. Both are told apart from the user's own page by comparing what is said with a list.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from agentsview_assets.errors import ConfigError

EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 - told apart, not listened at
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?", re.ASCII)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"(https?)://([^/?#@\\\s]+)", re.ASCII)
_MOST_PORTS = 65535
MOST_SHOWN = 80


class Authority(NamedTuple):
    """A host and its port, None where none was said."""

    host: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """Host and port as a browser says them; None for anything out of the ordinary."""
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    host, port = canonical(found[1]), found[2]
    if host is None or (port is not None and not 0 < int(port) <= _MOST_PORTS):
        return None
    return Authority(host, None if port is None else int(port))


def canonical(host: str) -> str | None:
    """A name or address in its one spelling, addresses of version 6 in brackets."""
    inner = host.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(inner)
    except ValueError:
        return host if _NAME.fullmatch(host) else None
    if address.version == 6:  # noqa: PLR2004 - of the internet protocol
        return f"[{address.compressed}]" if host.startswith("[") else None
    return str(address) if host == inner else None


@dataclass(frozen=True)
class Addresses:
    """Where the UI may be asked for.

    Attributes:
        port: The port that it listens on.
        home: Where a person on this machine opens it.
        served: Hosts that are reached at that port.
        proxied: Hosts with the ports that a proxy before it serves.
    """

    port: int
    home: str
    served: frozenset[str]
    proxied: frozenset[Authority] = frozenset()

    @classmethod
    def of(cls, host: str, port: int, allowed: Iterable[str] = ()) -> Addresses:
        """The names of a UI that listens at `host`, and of the proxies that are allowed.

        Raises:
            ConfigError: An allowed host is neither a name nor `NAME:PORT`.
        """
        own = canonical(f"[{host}]" if ":" in host else host.lower())
        served = {*LOOPBACK, *([own] if own else [])}
        home = f"http://{LOOPBACK[0] if own is None or own in EVERYWHERE else own}:{port}"
        proxied = set()
        for text in allowed:
            found = parse_authority(text)
            if found is None:
                raise ConfigError(
                    f"--allow-host {text!r}: expected a host as it stands in the browser's address "
                    "line, such as agents.example.com or agents.example.com:8443"
                )
            proxied.add(found)
        return cls(port, home, frozenset(served), frozenset(proxied))

    def knows_host(self, text: str, reached: str | None) -> bool | None:
        """Whether a Host header names this UI; None if it is no host at all.

        Args:
            text: The header.
            reached: The address of this machine at which the request arrived: one that was asked
                for by number cannot have been rebound.
        """
        found = parse_authority(text)
        if found is None:
            return None
        return self._is_served(found, 80, reached) or self._is_proxied(found, (80, 443))

    def knows_origin(self, text: str, reached: str | None) -> bool:
        """Whether an Origin header is of a page of this UI."""
        parts = _ORIGIN.fullmatch(text)
        found = parse_authority(parts[2]) if parts else None
        if parts is None or found is None:
            return False
        default = _DEFAULT_PORTS[parts[1]]
        return self._is_served(found, default, reached) or self._is_proxied(found, (default,))

    def _is_served(self, found: Authority, default: int, reached: str | None) -> bool:
        if (found.port or default) != self.port:
            return False
        return found.host in self.served or (reached is not None and found.host == reached)

    def _is_proxied(self, found: Authority, defaults: tuple[int, ...]) -> bool:
        return found in self.proxied or (
            found.port in defaults and Authority(found.host, None) in self.proxied
        )


def is_of_this_machine(host: str) -> bool:
    """Whether nobody on another machine reaches an address that is listened on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def shown(text: str) -> str:
    """What a stranger sent, for people: of one line, bounded, and without escapes."""
    plain = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return plain if len(plain) <= MOST_SHOWN else plain[: MOST_SHOWN - 3] + "..."
