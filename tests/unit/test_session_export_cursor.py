"""Cursors: the contract's worked example byte for byte, forgeries, and what payloads may hold."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.sessions.cursor import (
    ORDER,
    Cursor,
    CursorConflict,
    CursorReset,
    Position,
    fingerprints,
)
from agentsview_assets.documents.sessions.filters import SessionFilters
from agentsview_assets.rules.julian import julian_day

SECRET = b"agentsview-export-golden-secret-v1"
DATABASE_ID = "00000000-0000-4000-8000-000000000001"
SNAPSHOT = "ea7f2ac4c3051c4e02445a238a353c7b79fdabe6917f0e732517e88f6f49410d"
PREFIX = "782633ba937080c0a81a1e07577aef62c0ba239f886a0476f640594b96317c9d"
SIGNATURE = "Ey7pMRuVxGabOp684h6ymkwQZvPRC4rj8_Sv-jQKdws"
FORMER_KEY = b"agentsview-session-summary-export-v1"


def position(text: str, session_id: str) -> Position:
    sort = julian_day(text)
    assert sort is not None
    return Position(sort, session_id, text)


ROWS = [
    position("2026-07-03T11:10:00Z", "path-current"),
    position("2026-07-03T10:30:00Z", "remote-current"),
    position("2026-07-02T09:20:00Z", "remote-yesterday"),
    position("2026-07-01T08:05:00Z", "unknown-older"),
]
EXAMPLE = Cursor(
    database_id=DATABASE_ID,
    filters=SessionFilters(exclude_one_shot=True, automated_scope="human"),
    order=ORDER,
    watermark=ROWS[0].text,
    watermark_sort=ROWS[0].sort,
    last_activity_at=ROWS[1].text,
    last_activity_sort=ROWS[1].sort,
    last_id=ROWS[1].session_id,
    limit=2,
    snapshot_count=4,
    snapshot_digest=SNAPSHOT,
    prefix_count=2,
    prefix_digest=PREFIX,
)
PAYLOAD = (
    '{"database_id":"00000000-0000-4000-8000-000000000001","filters":{"exclude_one_shot":true,'
    '"automated_scope":"human"},"order":"last_activity_at DESC, id ASC",'
    '"watermark":"2026-07-03T11:10:00Z","watermark_sort":2461224.965277778,'
    '"last_activity_at":"2026-07-03T10:30:00Z","last_activity_sort":2461224.9375,'
    '"last_id":"remote-current","limit":2,"snapshot_count":4,'
    f'"snapshot_digest":"{SNAPSHOT}","prefix_count":2,"prefix_digest":"{PREFIX}"}}'
)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(payload: bytes, secret: bytes = SECRET) -> str:
    return f"{base64url(payload)}.{base64url(hmac.digest(secret, payload, 'sha256'))}"


def genuine(**members: Any) -> str:
    """Sign a payload of an archive and order that are right, whatever else it holds."""
    return signed(json.dumps({"database_id": DATABASE_ID, "order": ORDER, **members}).encode())


def read(text: str) -> Cursor:
    return Cursor.read(text, SECRET, DATABASE_ID)


def test_digests_are_those_of_the_worked_example() -> None:
    assert fingerprints(ROWS, {4, 2}) == {4: SNAPSHOT, 2: PREFIX}


def test_the_cursor_is_that_of_the_worked_example() -> None:
    text = EXAMPLE.sign(SECRET)
    encoded, signature = text.split(".")
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == PAYLOAD
    assert signature == SIGNATURE
    assert read(text) == EXAMPLE


def test_an_empty_cursor_names_only_what_is_never_left_out() -> None:
    assert json.loads(base64.urlsafe_b64decode(Cursor().sign(b"k").split(".")[0] + "==")) == {
        "database_id": "",
        "filters": {},
        "order": "",
        "watermark": "",
        "last_activity_at": "",
        "last_id": "",
        "limit": 0,
    }


def test_line_ends_inside_a_cursor_do_not_count() -> None:
    text = EXAMPLE.sign(SECRET)
    assert read(f"{text[:20]}\r\n{text[20:]}\n") == EXAMPLE


def _damaged() -> dict[str, str]:
    text = EXAMPLE.sign(SECRET)
    encoded, signature = text.split(".")
    altered = PAYLOAD.replace('"limit":2', '"limit":3').encode()
    return {
        "empty parts": ".",
        "no signature": encoded,
        "empty signature": f"{encoded}.",
        "no payload": f".{signature}",
        "three parts": f"{text}.",
        "padding": f"{text}=",
        "space": f"{text} ",
        "standard alphabet": f"{encoded}.{'+' * 43}",
        "a length of no bytes": f"{encoded}a.{signature}",
        "truncated": text[:-1],
        "altered payload": f"{base64url(altered)}.{signature}",
        "other secret": signed(PAYLOAD.encode(), b"another"),
        "former constant key": signed(PAYLOAD.encode(), FORMER_KEY),
        "not ASCII": "é.é",
        "not text": "\udcff.a",
        "no object": signed(b"[]"),
        "null": signed(b"null"),
        "no JSON": signed(b"{"),
        "junk after": signed(PAYLOAD.encode() + b"x"),
        "not a number": signed(PAYLOAD.replace("2461224.9375", "NaN").encode()),
        "other archive": EXAMPLE.sign(SECRET).replace(
            text, genuine(database_id="00000000-0000-4000-8000-000000000002")
        ),
        "other archive and order": genuine(database_id="x", order="y"),
    }


@pytest.mark.parametrize("text", _damaged().values(), ids=_damaged())
def test_a_cursor_that_is_not_genuine_is_reset(text: str) -> None:
    with pytest.raises(CursorReset) as caught:
        read(text)
    assert caught.value.exit_code == 4
    assert caught.value.database_id == DATABASE_ID


def test_a_genuine_cursor_of_another_order_conflicts() -> None:
    with pytest.raises(CursorConflict, match=r"^session export cursor conflict: order changed$"):
        read(genuine(order="id ASC"))


@pytest.mark.parametrize(
    "members",
    [
        {"limit": 1.5},
        {"limit": "1"},
        {"limit": True},
        {"limit": 2**63},
        {"last_id": 1},
        {"watermark_sort": "2461224"},
        {"filters": []},
        {"filters": {"min_messages": 1.0}},
        {"filters": {"has_secret": 1}},
        {"filters": {"outcome": "completed"}},
        {"filters": {"outcome": [1]}},
    ],
    ids=str,
)
def test_members_of_another_type_are_reset(members: dict[str, Any]) -> None:
    with pytest.raises(CursorReset):
        read(genuine(**members))


def test_unknown_members_are_dropped_and_null_says_nothing() -> None:
    found = read(genuine(unknown=1, limit=None, filters={"colour": "red", "project": None}))
    assert found == Cursor(database_id=DATABASE_ID, order=ORDER)


def test_names_of_members_match_in_any_case() -> None:
    found = read(genuine(LAST_ID="a", Filters={"Min_Messages": 3}))
    assert found.last_id == "a"
    assert found.filters.min_messages == 3


def test_a_whole_sort_value_may_be_written_without_a_fraction() -> None:
    assert read(genuine(watermark_sort=2461224)).watermark_sort == 2461224.0


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(
    filters=st.builds(
        SessionFilters,
        project=words,
        git_branch=words,
        min_messages=st.integers(-5, 5),
        exclude_one_shot=st.booleans(),
        outcome=st.lists(words, max_size=3).map(tuple),
        min_tool_failures=st.none() | st.integers(-2, 2),
        starred=st.booleans(),
    ),
    text=words,
    sort=st.floats(0, 6e6),
    count=st.integers(0, 10**9),
)
def test_what_is_signed_is_what_is_read(
    filters: SessionFilters, text: str, sort: float, count: int
) -> None:
    cursor = Cursor(
        database_id=DATABASE_ID,
        filters=filters,
        order=ORDER,
        watermark=text,
        watermark_sort=sort,
        last_id=text,
        snapshot_count=count,
    )
    assert read(cursor.sign(SECRET)) == cursor
