"""Text as agentsview sees it: which characters are spaces, and what undecodable bytes become."""

from __future__ import annotations

import hashlib
import re

GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode White_Space. `str.strip()` would also remove U+001C to U+001F, which must stay."""

NUL_SYMBOL = "\u2400"
"""What stands for U+0000 where a warehouse cannot hold it."""

LONGEST_NAME = 500
"""Bytes of a name in a key of a PostgreSQL table: five fit into the 2,704 of an index."""
_KEPT = 300

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


def storable(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as every warehouse can hold it in a key.

    U+0000 becomes its symbol. Of one that is too long the start stays, and a digest of it all, so
    that different names stay different.
    """
    name = name.replace("\0", NUL_SYMBOL)
    data = to_bytes(name)
    if len(data) <= longest:
        return name
    digest = hashlib.sha256(data).hexdigest()[:32]
    return f"{data[:_KEPT].decode('utf-8', 'ignore')}\u2026 [{len(data):,} bytes, sha256:{digest}]"
