"""Telling names that people make up from the random characters of a key.

Names of branches, projects and models may begin as keys do: `sk-admin-dashboard-2026`,
`highs_optimization`, `xapp-frame-cpp`. What follows are words and numbers then.
"""

from __future__ import annotations

import re

_LONGEST = 16
_LONGEST_OF_CAPITALS = 8
_PARTS = re.compile(r"[-_.=/+]+")
_WORD = re.compile(
    r"[0-9]{1,8}|"
    r"(?:[A-Z]?[a-z]+|[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,}){1,3}|[A-Z]+)[0-9]{0,4}|"
    r"[A-Za-z]?[0-9]{1,2}[A-Za-z]{1,3}"
)
_AROUND_A_NUMBER = re.compile(
    r"([A-Za-z]{1,2}[a-z]{2,15})[0-9]{1,4}([A-Za-z][a-z]{3,15}[0-9]{0,4})"
)
_UNSPEAKABLE = re.compile(r"[^aeiouyAEIOUY0-9]{5}")


def reads_as_words(text: str, *, of_capitals: bool = False) -> bool:
    """Tell whether a text is made of words and short numbers with marks between them.

    Args:
        text: What stands behind the start of a key.
        of_capitals: Whether that start is of capitals itself, so that long words may be, too.
    """
    return all(_is_word(part, of_capitals=of_capitals) for part in _PARTS.split(text))


def _is_word(part: str, *, of_capitals: bool) -> bool:
    if not part:
        return True
    if _WORD.fullmatch(part) is None:
        return _AROUND_A_NUMBER.fullmatch(part) is not None and not _UNSPEAKABLE.search(part)
    letters = part.rstrip("0123456789")
    if letters.isupper():
        return of_capitals or len(letters) <= _LONGEST_OF_CAPITALS
    return len(letters) <= (_LONGEST * 2 if of_capitals else _LONGEST)
