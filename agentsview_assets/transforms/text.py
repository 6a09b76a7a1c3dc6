"""Text as agentsview sees it: which characters are spaces, and what undecodable bytes become."""

from __future__ import annotations

import re

GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode White_Space. `str.strip()` would also remove U+001C to U+001F, which must stay."""

_UNDECODABLE = re.compile("[\ud800-\udfff]")


def trim(text: str) -> str:
    """Remove white space (`GO_SPACE`) at both ends."""
    return text.strip(GO_SPACE)


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8, giving bytes that were kept by `surrogateescape` back as they were."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Decode UTF-8, keeping undecodable bytes (as lone surrogates) so that hashes stay exact."""
    return data.decode("utf-8", "surrogateescape")


def displayable(text: str) -> str:
    """Replace each undecodable byte by U+FFFD, as it appears in every v1 document."""
    return _UNDECODABLE.sub("\ufffd", text)
