"""The address of a page: all that it shows depends on it, so that it can be sent.

What belongs here: reading an address and writing others. What does not: what the state in it
means (`scope`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from agentsview_assets.documents.common.sql import comparable
from agentsview_assets.rules.text import to_bytes

SHARED = (
    *("span", "from", "to", "timezone"),
    *("project", "agent", "model", "machine", "automation", "archive_id"),
)
"""The state that a link to another page takes along: window, zone and filters."""
_PASSING = frozenset({"format", "table"})
"""Of one download only: no link has them."""
_NOT_KEPT = frozenset({*SHARED, *_PASSING, "page"})
"""Fields of the form itself, and what means nothing for other days."""
_MOST_VALUES = 500
_APART = "~"
"""Stands before a name that would not be a part of a path by itself."""

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Address:
    """An address of this server.

    Attributes:
        base: Path before all others.
        path: Path of the page below it.
        query: Names and values, decoded, in their order; a name may be there several times.
    """

    base: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, base: str, path: str, raw_query: bytes) -> Address:
        """Reads the address of a request."""
        text = raw_query.decode("ascii", "replace")
        found = parse_qsl(
            text,
            keep_blank_values=True,
            errors="replace",
            max_num_fields=None,
        )[:_MOST_VALUES]
        return cls(base, path, tuple((name, value) for name, value in found if value))

    def value(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        return next((value for found, value in self.query if found == name), default)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a name."""
        return tuple(value for found, value in self.query if found == name)

    @property
    def apart_from_the_form(self) -> list[tuple[str, str]]:
        """What the form of days and filters has no field for, and has to keep: order, stack."""
        return [pair for pair in self.query if pair[0] not in _NOT_KEPT]

    def here(self, **changes: object) -> str:
        """This page with some values replaced; None or '' takes a name out.

        Args:
            changes: Name -> text, or several. `from_` stands for `from`.
        """
        kept = [(name, value) for name, value in self.query if name not in _PASSING]
        return self._written(self.path, kept, changes)

    def there(self, path: str, **changes: object) -> str:
        """Another page with the same window, zone and filters."""
        kept = [(name, value) for name, value in self.query if name in SHARED]
        return self._written(path, kept, changes)

    def leading(self, path: str, name: str, **changes: object) -> Callable[[Sequence[Any]], str]:
        """Links to another page, each with the first value of a row under a name.

        What they have in common is written once: a table has hundreds of them.
        """
        common = self.there(path, **changes)
        start = f"{common}{'&' if '?' in common else '?'}{name}="
        return lambda row: f"{start}{quote_plus(to_bytes(word(row[0])))}"

    def plain(self, path: str) -> str:
        """A path without any state."""
        return f"{self.base}{path}"

    def _written(
        self, path: str, kept: Iterable[tuple[str, str]], changes: dict[str, object]
    ) -> str:
        renamed = {name.rstrip("_"): value for name, value in changes.items()}
        query = [(name, value) for name, value in kept if name not in renamed]
        for name, value in renamed.items():
            several = value if isinstance(value, list | tuple) else [value]
            query += [(name, str(item)) for item in several if item not in (None, "")]
        encoded = urlencode([(to_bytes(name), to_bytes(value)) for name, value in query])
        return f"{self.base}{path}{f'?{encoded}' if encoded else ''}"


def word(name: str) -> str:
    """A name from an archive as a value of a query: also the empty one is one."""
    return f"{_APART}{name}" if name in ("", ".", "..") or name.startswith(_APART) else name


def path_part(name: str) -> str:
    """A name from an archive as one part of a path."""
    return quote(to_bytes(word(name)), safe="")


def name_of(text: str) -> str:
    """The name that a value of a query, or a decoded part of a path, stands for in warehouses."""
    return comparable(text.removeprefix(_APART))
