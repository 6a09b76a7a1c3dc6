"""Text of an archive shown to people: as what it is, in a terminal, a page, a picture or JSON.

Names of projects, models and sessions come verbatim from transcripts, which anybody may have
written. What belongs here: making characters visible that would do something instead of being
seen. What does not: documents, which say what agentsview says.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_ACTING = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Controls, what turns or hides text, line separators, halves of characters."""
_LAST_BYTE, _LAST_OF_PLANE = 0xFF, 0xFFFF
_UNDECODABLE = range(0xDC80, 0xDD00)
_NONCHARACTERS = range(0xFDD0, 0xFDF0)
_BREAK = "\u200b"
"""A zero-width space: looks like nothing, and ends what would be taken for an address."""
_ADDRESS = re.compile(r"(?i)(https?:)(?=//)|(www)(?=\.)|(@)")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()<>#|~!&$^=:+-]")
_NUMBERED = re.compile(r"^( *\d+)\.")


def visible(text: str) -> str:
    """One line of text with every character that acts, rather than shows, written as an escape."""
    return text if _is_plain(text) else "".join(map(_visible, text))


def visible_lines(text: str) -> str:
    """The same for text of our own that has several lines."""
    return "\n".join(map(visible, text.split("\n")))


def unlinked(text: str) -> str:
    """Visible text that no page takes for an address, for logs and plain values in the UI."""
    return _ADDRESS.sub(lambda found: f"{found[0]}{_BREAK}", visible(text))


def unlinked_lines(text: str) -> str:
    """The same for text of our own that has several lines."""
    return "\n".join(map(unlinked, text.split("\n")))


def unlinked_values(value: object) -> Any:
    """The same for every text in a value made of dictionaries and lists."""
    if isinstance(value, str):
        return unlinked(value)
    if isinstance(value, dict):
        return {unlinked_values(key): unlinked_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unlinked_values(item) for item in value]
    return value


def markdown(text: str) -> str:
    """Text that Markdown shows as it stands, in a cell of a table as in a sentence."""
    escaped = _NUMBERED.sub(r"\1\.", _MARKDOWN.sub(r"\\\g<0>", unlinked(text)))
    return f"&#32;{escaped[1:]}" if escaped.startswith(" ") else escaped


def json_text(value: object) -> str:
    """JSON on one line, in which every character that acts is written as JSON's own escape."""
    text = json.dumps(value, ensure_ascii=False)
    return text if _is_plain(text) else "".join(map(_json_escape, text))


def safe_json(text: str) -> str:
    """The same for a text that is JSON already."""
    return text if _is_plain(text) else "".join(map(_json_escape, text))


def some_of(first: Sequence[str], of: int, between: str = "; ") -> str:
    """The first texts of so many one after the other, and how many more there are."""
    more = [f"and {of - len(first):,} more"] if of > len(first) else []
    return between.join([*first, *more])


def _is_plain(text: str) -> bool:
    # What `isprintable` refuses beyond this (other spaces) is looked at one by one.
    return text.isprintable()


def _acts(char: str) -> bool:
    code = ord(char)
    if unicodedata.category(char) in _ACTING:
        return True
    return code in _NONCHARACTERS or code & _LAST_OF_PLANE >= _LAST_OF_PLANE - 1


def _visible(char: str) -> str:
    if not _acts(char):
        return char
    code = ord(char)
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    if code <= _LAST_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_PLANE else f"\\U{code:08x}"


def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1] if _acts(char) else char
