"""The query of a request, read as agentsview's server reads it.

A name ends at the next `=`, wherever that is: one without a value takes in the `&` that follows,
and is no name of ours. Only where no `=` follows at all does it stand alone, and means `true`. Of
several values the first counts. What cannot be decoded is empty.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from agentsview_assets.rules.text import from_bytes

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Query:
    """The names and values of a query."""

    def __init__(self, raw: bytes) -> None:
        """Reads what stands after the question mark, undecoded."""
        self._values: dict[str, str] = {}
        place, equals = 0, -1
        while place < len(raw):
            end = _found(raw, b"&", place)
            if equals < place:
                equals = _found(raw, b"=", place)
            if equals == len(raw):
                self._hold(raw[place:end], b"true")
            elif equals < end:
                self._hold(raw[place:equals], raw[equals + 1 : end])
            place = end + 1

    def _hold(self, name: bytes, value: bytes) -> None:
        decoded = _decoded(name)
        if decoded is not None:
            self._values.setdefault(decoded, _decoded(value) or "")

    def value(self, name: str) -> str:
        """The first value under a name; empty where there is none."""
        return self._values.get(name, "")


def _found(raw: bytes, sign: bytes, start: int) -> int:
    """Where a sign stands next; the end if nowhere."""
    place = raw.find(sign, start)
    return len(raw) if place < 0 else place


def _decoded(raw: bytes) -> str | None:
    """The text of an escaped part, odd bytes kept as surrogates; None if it cannot be read."""
    if _BAD_ESCAPE.search(raw):
        return None
    return from_bytes(unquote_to_bytes(raw.replace(b"+", b" ")))
