"""Private keys in texts: from their heading to their end, or to that of the text.

What belongs here: the headings of PEM, OpenPGP, SSH2 and PuTTY, whether the lines of a key are
lines still, escaped ones or one alone. What does not: bodies without a heading (`key_forms`).
"""

from __future__ import annotations

import re

from agentsview_assets.rules.credentials.values import MARK

_DASHES = "[-\u2013\u2014]{1,10}"  # what a keyboard makes of dashes, too
_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?"
_START = re.compile(rf"{_DASHES} ?BEGIN {_KEY} ?{_DASHES}|PuTTY-User-Key-File-\d")
_END = re.compile(
    rf"{_DASHES} ?END {_KEY} ?{_DASHES}|"
    r"Private-(?:MAC|Hash):(?:\s|\\[nr]){0,4}[0-9A-Fa-f]{0,128}"
)
_MENTIONED = re.compile(r"[\s\"'`.,;:!?)…]*\Z|[ \t\"'`.,;:!?)…]{0,8}[a-z]{1,16}[ .,:;!?]")
"""What follows a heading without a key: nothing, or prose on the same line."""

SUSPECT_PRIVATE_KEYS = "private key|putty-user-key"


def without_private_keys(text: str) -> str:
    """Take out private keys; a heading that nothing of a key follows stays."""
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File-" not in text:
        return text
    kept, place = [], 0
    end = _END.search(text)
    while (start := _START.search(text, place)) is not None:
        if end is not None and end.start() < start.end():
            end = _END.search(text, start.end())
        is_key = end is not None or _MENTIONED.match(text, start.end()) is None
        kept += [text[place : start.start()], MARK if is_key else start[0]]
        place = start.end() if not is_key else end.end() if end else len(text)
    return "".join((*kept, text[place:]))
