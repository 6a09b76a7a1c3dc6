"""Pages of a long list that go on from a row rather than from a number.

A page is found as fast wherever it is, and what is added meanwhile moves nothing. What belongs
here: orders, cursors, and the conditions that they make. What does not: any table.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from agentsview_assets.documents.common.sql import Sql, all_of, any_of, comparable
from agentsview_assets.errors import UsageError
from agentsview_assets.resources.warehouses.reader import Reader


class Key(NamedTuple):
    """An expression that a list is ordered by; it is never NULL.

    Attributes:
        expression: SQL; of a text in the order of its bytes.
        value: SQL of the value that the order compares.
        is_down: Whether the greatest comes first.
    """

    expression: str
    value: str
    is_down: bool = False


class Order(NamedTuple):
    """An order of a list.

    Attributes:
        name: In words of the address.
        keys: What it compares; the last ones tell any two rows apart.
        kinds: Types of their values.
    """

    name: str
    keys: Sequence[Key]
    kinds: Sequence[type]


class Cursor(NamedTuple):
    """A place in a list.

    Attributes:
        order: Of which order, in words of the address.
        is_back: Whether rows before it are wanted, rather than those after it.
        values: The values of the order's keys there.
    """

    order: str
    is_back: bool
    values: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The cursor as an address has it."""
        body = json.dumps([self.order, self.is_back, *self.values], separators=(",", ":"))
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, order: Order) -> Cursor | None:
        """Reads a cursor; None where there is none, or where it is of another order.

        Args:
            text: As the address has it.
            order: The order of the list now.

        Raises:
            UsageError: It is no cursor.
        """
        if not text:
            return None
        message = "page: this is no place in the list"
        try:
            padded = f"{text}{'=' * (-len(text) % 4)}"
            found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            of_order, is_back, *values = found
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise UsageError(message) from None
        if of_order != order.name:
            return None
        fits = len(values) == len(order.kinds) and all(map(_is_of, values, order.kinds))
        if not (fits and isinstance(is_back, bool)):
            raise UsageError(message)
        return cls(
            order.name, is_back, tuple(comparable(v) if isinstance(v, str) else v for v in values)
        )


class Leaf(NamedTuple):
    """One page.

    Attributes:
        rows: Its rows.
        before: Cursor of the page before; empty where there is none.
        after: Cursor of the next page, likewise.
    """

    rows: list[tuple[Any, ...]]
    before: str
    after: str


def text_key(reader: Reader, expression: str, *, is_down: bool = False) -> Key:
    """A key that is a text."""
    return Key(reader.binary_order(expression), expression, is_down)


def number_key(expression: str, *, is_down: bool = False) -> Key:
    """A key that is a number."""
    return Key(expression, expression, is_down)


def leaf(reader: Reader, query: Sql, order: Order, cursor: str, limit: int) -> Leaf:
    """Reads a page.

    Args:
        reader: The warehouse.
        query: `SELECT {keys}, … FROM … WHERE {place} ORDER BY {order} LIMIT {limit}`, with these
            places for what is filled in, and parameters of what stands before `{place}`.
        order: The order.
        cursor: Where to go on, as the address has it; empty for the first page.
        limit: Most rows.

    Raises:
        UsageError: The cursor is none.
    """
    keys, place = order.keys, Cursor.read(cursor, order)
    is_back = place is not None and place.is_back
    test = Sql("1 = 1") if place is None else beyond(keys, place.values, is_back=is_back)
    text = query.text.format(
        keys=", ".join(key.value for key in keys),
        place=test.text,
        order=order_by(keys, is_back=is_back),
        limit=limit + 1,
    )
    found = reader.rows(text, (*query.params, *test.params))
    has_more, rows = len(found) > limit, found[:limit]
    if is_back:
        rows.reverse()
    if not rows:
        return Leaf([], "", "")
    first, last = (tuple(row[: len(keys)]) for row in (rows[0], rows[-1]))
    has_before = has_more if is_back else place is not None
    has_after = has_more or is_back
    return Leaf(
        [row[len(keys) :] for row in rows],
        Cursor(order.name, is_back=True, values=first).text if has_before else "",
        Cursor(order.name, is_back=False, values=last).text if has_after else "",
    )


def order_by(keys: Sequence[Key], *, is_back: bool = False) -> str:
    """The keys as SQL orders by them."""
    return ", ".join(
        f"{key.expression} {'DESC' if key.is_down != is_back else 'ASC'}" for key in keys
    )


def beyond(keys: Sequence[Key], values: Sequence[Any], *, is_back: bool = False) -> Sql:
    """The condition that a row comes after a place, or before it."""
    either = []
    for at, (key, value) in enumerate(zip(keys, values, strict=True)):
        equal = [
            Sql(f"{other.value} = ?", (same,))
            for other, same in zip(keys[:at], values[:at], strict=True)
        ]
        sign = "<" if key.is_down != is_back else ">"
        either.append(all_of([*equal, Sql(f"{key.expression} {sign} ?", (value,))]))
    return any_of([test._replace(text=f"({test.text})") for test in either])


def _is_of(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    if kind is float:
        return isinstance(value, int | float)
    if kind is int:
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, str) and "\0" not in value
