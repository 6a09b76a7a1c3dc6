"""Pages of a list that go on from a row: every row once, in order, whichever way one walks."""

from __future__ import annotations

import random
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.errors import UsageError
from agentsview_assets.web.pages.keyset import (
    Cursor,
    Leaf,
    Order,
    leaf,
    number_key,
    order_by,
    text_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentsview_assets.resources.warehouses.reader import Reader

_QUERY = Sql(
    "SELECT {keys}, id FROM found WHERE kept = ? AND {place} ORDER BY {order} LIMIT {limit}", (1,)
)


class _Fake:
    """What pages need of a reader, over SQLite in memory."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("CREATE TABLE found (id TEXT, cost REAL, name TEXT, kept INT)")
        self._connection.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", rows)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, tuple(params)).fetchall()

    def binary_order(self, expression: str) -> str:
        return expression


@pytest.fixture
def reader() -> Any:
    chance = random.Random(7)
    costs = [None, 0.0, 0.1, 1.5, -2.0, 1e300]
    names = ["", "a", "a\n", "ä", "🦀", "{braces}", "' OR 1=1 --"]
    rows = [
        (f"id-{number}", chance.choice(costs), chance.choice(names), 1) for number in range(211)
    ]
    return _Fake([*rows, ("trash", 0.0, "a", 0)])


def _order(reader: Reader, by: str, *, is_down: bool) -> Order:
    last = text_key(reader, "id")
    if by == "name":
        return Order(by, [text_key(reader, "name", is_down=is_down), last], [str, str])
    keys = [
        number_key("CASE WHEN cost IS NULL THEN 1 ELSE 0 END"),
        number_key("COALESCE(cost, 0)", is_down=is_down),
        last,
    ]
    return Order(by, keys, [int, float, str])


def _walk(reader: Reader, order: Order, limit: int) -> list[Leaf]:
    pages, cursor = [], ""
    while True:
        page = leaf(reader, _QUERY, order, cursor, limit)
        pages.append(page)
        if not page.after:
            return pages
        cursor = page.after


@pytest.mark.parametrize("limit", [1, 7, 211, 500])
@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize("by", ["cost", "name"])
def test_every_row_comes_once_and_in_order(reader: Any, by: str, is_down: bool, limit: int):  # noqa: FBT001
    order = _order(reader, by, is_down=is_down)
    wanted = reader.rows(f"SELECT id FROM found WHERE kept = 1 ORDER BY {order_by(order.keys)}")
    pages = _walk(reader, order, limit)
    assert [row for page in pages for row in page.rows] == wanted
    assert not pages[0].before
    # And the same pages on the way back.
    for earlier, page in pairwise(pages):
        back = leaf(reader, _QUERY, order, page.before, limit)
        assert back.rows == earlier.rows
        assert bool(back.before) == bool(earlier.before)


def test_a_place_of_another_order_begins_anew(reader: Any):
    by_cost, by_name = (_order(reader, by, is_down=True) for by in ("cost", "name"))
    page = leaf(reader, _QUERY, by_cost, "", 5)
    assert leaf(reader, _QUERY, by_name, page.after, 5) == leaf(reader, _QUERY, by_name, "", 5)


@pytest.mark.parametrize(
    "text",
    [
        *("nonsense", "ä", "W10", "bnVsbA", "e30", "MTIz"),
        Cursor("name", False, (1, 2)).text,
        Cursor("name", False, ("a",)).text,
        Cursor("name", False, ("a", "b\0")).text,
    ],
)
def test_what_is_no_place_is_refused(reader: Any, text: str):
    with pytest.raises(UsageError, match="page"):
        leaf(reader, _QUERY, _order(reader, "name", is_down=False), text, 5)


def test_rows_added_meanwhile_move_nothing(reader: Any):
    order = _order(reader, "name", is_down=False)
    first, *_ = _walk(reader, order, 50)
    before = leaf(reader, _QUERY, order, first.after, 50)
    reader.rows("INSERT INTO found VALUES ('new', 0.0, '', 1)")
    assert leaf(reader, _QUERY, order, first.after, 50).rows == before.rows
