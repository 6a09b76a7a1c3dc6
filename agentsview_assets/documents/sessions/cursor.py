"""Cursors of the session export: their text, their signature and the digests that guard them.

A cursor is base64url(payload) "." base64url(HMAC-SHA256(secret, payload)). Payload, digests and
secret are those of agentsview, so that a run may be begun by one program and ended by the other.

What belongs here: texts and hashes. What does not: which sessions there are, where a secret is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from agentsview_assets.documents.sessions.filters import (
    SessionFilters,
    given_members,
    read_members,
)
from agentsview_assets.errors import AssetsError
from agentsview_assets.rules.gojson import encode, utf8_bytes
from agentsview_assets.rules.text import from_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ORDER = "last_activity_at DESC, id ASC"
_ALWAYS = frozenset(
    {"database_id", "filters", "order", "watermark", "last_activity_at", "last_id", "limit"}
)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_LINE_ENDS = {ord("\r"): None, ord("\n"): None}


class CursorReset(AssetsError):  # noqa: N818 - the contract's word for it
    """The cursor holds no longer: the export has to be started again.

    Attributes:
        database_id: Identity of the archive that is there now.
    """

    exit_code = 4

    def __init__(self, database_id: str) -> None:
        """Name the archive that is there now."""
        super().__init__("session export cursor is no longer valid; restart the export")
        self.database_id = database_id

    def members(self) -> dict[str, str]:
        """Return the JSON object that tells of it."""
        return {
            "error": "cursor_reset",
            "message": str(self),
            "database_id": self.database_id,
        }


class CursorConflict(AssetsError):  # noqa: N818
    """The cursor is genuine, but asks for what this export cannot continue."""


class Position(NamedTuple):
    """A session's place in the export.

    Attributes:
        sort: Last activity as a julian day; later ones come first.
        session_id: Decides between equal ones, smaller bytes first.
        text: Last activity as stored.
    """

    sort: float
    session_id: str
    text: str

    @property
    def key(self) -> tuple[float, str]:
        """What positions are ordered by."""
        return (-self.sort, self.session_id)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where an export stands; the fields are the payload's members, in their order.

    Attributes:
        database_id: Archive that the run is about.
        filters: Filters of the run, as its first page gave them.
        order: Always `ORDER`.
        watermark: Last activity of the run's first row, as text; newer rows are not part of it.
        watermark_sort: The same as a julian day.
        last_activity_at: Last activity of the last row that was handed out.
        last_activity_sort: The same as a julian day.
        last_id: Its session.
        limit: Rows of a page.
        snapshot_count: Rows at or below the watermark.
        snapshot_digest: SHA-256 over their positions.
        prefix_count: Rows handed out so far.
        prefix_digest: SHA-256 over their positions.
    """

    database_id: str = ""
    filters: SessionFilters = field(default_factory=SessionFilters)
    order: str = ""
    watermark: str = ""
    watermark_sort: float = 0.0
    last_activity_at: str = ""
    last_activity_sort: float = 0.0
    last_id: str = ""
    limit: int = 0
    snapshot_count: int = 0
    snapshot_digest: str = ""
    prefix_count: int = 0
    prefix_digest: str = ""

    @property
    def last_key(self) -> tuple[float, str]:
        """The last row that was handed out, comparable with `Position.key`."""
        return (-self.last_activity_sort, self.last_id)

    @property
    def has_last(self) -> bool:
        """Whether any row was handed out."""
        return bool(self.last_activity_at or self.last_id)

    @property
    def has_snapshot(self) -> bool:
        """Whether the cursor tells what the run's rows were."""
        return bool(self.snapshot_digest or self.snapshot_count)

    @property
    def has_prefix(self) -> bool:
        """Whether it tells what the rows handed out were."""
        return bool(self.prefix_digest or self.prefix_count)

    def sign(self, secret: bytes) -> str:
        """Return the cursor's text."""
        members = given_members(self, _ALWAYS) | {"filters": self.filters.members()}
        payload = encode(members).encode()
        return f"{_base64url(payload)}.{_base64url(_signature(secret, payload))}"

    @classmethod
    def read(cls, text: str, secret: bytes, database_id: str) -> Cursor:
        """Read a cursor's text and check that it is genuine, of this archive and of this order.

        Args:
            text: What `sign` returned, here or in agentsview.
            secret: Key of the signature.
            database_id: Identity of the archive that is there now.

        Raises:
            CursorReset: It is damaged, forged or of another archive.
            CursorConflict: It is of another order.
        """
        try:
            encoded, signature = text.split(".")
            payload = _from_base64url(encoded)
            cursor = cls(**read_members(cls, _object(payload)))
            genuine = hmac.compare_digest(_from_base64url(signature), _signature(secret, payload))
        except (ValueError, RecursionError):
            raise CursorReset(database_id) from None
        if not genuine or cursor.database_id != database_id:
            raise CursorReset(database_id)
        if cursor.order != ORDER:
            raise CursorConflict("session export cursor conflict: order changed")
        return cursor


def fingerprints(positions: Sequence[Position], counts: Collection[int]) -> dict[int, str]:
    """Return the digests of the first rows, for several numbers of rows in one pass.

    Args:
        positions: Places in export order.
        counts: How many rows each digest is to cover; at most all.
    """
    digest = hashlib.sha256()
    found: dict[int, str] = {}
    done = 0
    for count in sorted(counts):
        for sort, session_id, text in positions[done:count]:
            digest.update(utf8_bytes(f"{sort:.17f}\0{text}\0{session_id}\0"))
        done = count
        found[count] = digest.copy().hexdigest()
    return found


def _signature(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, payload, "sha256")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    """Decode what has no padding; line ends do not count.

    Raises:
        ValueError: Any other character, or a length that no bytes have.
    """
    text = text.translate(_LINE_ENDS)
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _object(payload: bytes) -> dict[str, object]:
    found = json.loads(from_bytes(payload), parse_constant=_refuse)
    if isinstance(found, dict):
        return found
    raise ValueError("not an object")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"no JSON number: {constant}")
