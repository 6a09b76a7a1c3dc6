"""Texts in messages, quoted as Go's `%q` quotes them."""

from __future__ import annotations

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_LAST_OF_PLANE = 0xFFFF


def go_quote(text: str, quote: str = '"') -> str:
    """Return `text` quoted as Go's `%q` does.

    Args:
        text: Any text; bytes that are not UTF-8 come as surrogate escapes.
        quote: `"` for strings, `'` for a single character.
    """
    return quote + "".join(_quoted(char, quote) for char in text) + quote


def _quoted(char: str, quote: str) -> str:
    if char == quote:
        return f"\\{char}"
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if "\udc80" <= char <= "\udcff":
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < ord(" ") or char == "\x7f":
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_PLANE else f"\\U{code:08x}"
