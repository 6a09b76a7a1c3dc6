"""A table of a page: its columns, its rows, and where its numbers lead.

What belongs here: the shape, and sorting. What does not: HTML (templates) and files (`downloads`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, NamedTuple

from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.pages.address import Address
from agentsview_assets.web.pages.formats import NOTHING, NUMBERS, Kind, exact, shown

_SHORT = 28
"""Texts of so many characters stay on one line."""
_SHORTENED = frozenset({"name", "digest", "id"})
Row = Sequence[Any]
Link = Callable[[Row], str | None]


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: In the address, and in downloads, `[a-z0-9_]+`.
        title: Above it.
        kind: What its values are.
        link: Where a row's value leads; None, or a link that answers None, leads nowhere.
        total_href: Where the sum of all rows leads.
        unit: Beside the title, such as `USD`.
        about: What it is, where the title does not say it.
        swatch: Which colour of a chart it stands for; None without any.
        key: Its name in downloads, where that is another one.
    """

    name: str
    title: str
    kind: Kind = "text"
    link: Link | None = None
    total_href: str | None = None
    unit: str = ""
    about: str = ""
    swatch: int | None = None
    key: str = ""

    @property
    def file_name(self) -> str:
        """Its name in downloads."""
        return self.key or self.name

    @property
    def is_number(self) -> bool:
        """Whether values stand at the right, digit below digit."""
        return self.kind in NUMBERS


class Cell(NamedTuple):
    """A value as a template needs it."""

    text: str
    whole: str | None
    exact: str | None
    href: str | None
    is_number: bool
    is_head: bool
    is_short: bool


class Head(NamedTuple):
    """The head of a column as a template needs it."""

    column: Column
    href: str | None
    order: str


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Tells it from the other tables of its page; in the address of downloads.
        caption: What it says.
        columns: From left to right; the first one names the row.
        rows: Values, as many as columns.
        total: The sum of all rows, where it has one.
        sorts: Names of columns that it can be sorted by; None for all of them.
        is_sorted: Whether rows come in the order asked for already, as those of one of many pages
            do; others are sorted here.
        next_href: Where further rows are.
        before_href: Where earlier rows are.
        sql: The query behind it.
        asset: The Dagster asset that it comes from.
        note: What is to be known beside it.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: Row | None = None
    sorts: frozenset[str] | None = None
    is_sorted: bool = False
    next_href: str = ""
    before_href: str = ""
    sql: Sql | None = None
    asset: str = ""
    note: str = ""
    _places: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Remembers where columns stand."""
        self._places.update({column.name: n for n, column in enumerate(self.columns)})

    @property
    def order_name(self) -> str:
        """What its order is called in the address."""
        return f"sort_{self.name}"

    def heads(self, address: Address) -> list[Head]:
        """The heads of its columns, each with the address that sorts by it."""
        name, is_down = order_of(address.value(self.order_name))
        found = []
        for column in self.columns:
            is_by = column.name == name and self._may_sort_by(name)
            order = ("descending" if is_down else "ascending") if is_by else ""
            # Numbers begin with the greatest, which is what people look for.
            next_down = not is_down if is_by else column.is_number
            href = (
                address.here(**{self.order_name: f"{'-' if next_down else ''}{column.name}"})
                if self._may_sort_by(column.name)
                else None
            )
            found.append(Head(column, href, order))
        return found

    def sorted_rows(self, address: Address) -> Sequence[Row]:
        """Its rows in the order that the address asks for."""
        name, is_down = order_of(address.value(self.order_name))
        if self.is_sorted or not self._may_sort_by(name):
            return self.rows
        place = self._places[name]
        held = [row for row in self.rows if row[place] is not None]
        lacking = [row for row in self.rows if row[place] is None]
        return [*sorted(held, key=lambda row: _key(row[place]), reverse=is_down), *lacking]

    def cells(self, row: Row) -> list[Cell]:
        """A row as a template needs it."""
        return [
            _cell(column, value, column.link(row) if column.link and value is not None else None, n)
            for n, (column, value) in enumerate(zip(self.columns, row, strict=True))
        ]

    def total_cells(self) -> list[Cell]:
        """The sum of all rows as a template needs it."""
        given = [*(self.total or ()), *([None] * len(self.columns))]
        found = [
            _cell(column, value, column.total_href if value is not None else None, n)
            for n, (column, value) in enumerate(zip(self.columns, given, strict=False))
        ]
        return [cell._replace(text="") if cell.text == NOTHING else cell for cell in found]

    @property
    def sql_text(self) -> str:
        """The query behind it, its values as comments below."""
        if self.sql is None:
            return ""
        values = [f"-- ?{n}: {visible(repr(v))}" for n, v in enumerate(self.sql.params, 1)]
        return "\n".join([cleandoc(self.sql.text), *values])

    def _may_sort_by(self, name: str) -> bool:
        return name in self._places and (self.sorts is None or name in self.sorts)


def _cell(column: Column, value: Any, href: str | None, place: int) -> Cell:
    text = shown(value, column.kind)
    is_cut = column.kind in _SHORTENED and text.endswith("…")
    is_exact = column.is_number and value is not None
    return Cell(
        text=text,
        whole=visible(str(value)) if is_cut else None,
        exact=exact(value) if is_exact else None,
        href=href,
        is_number=column.is_number,
        is_head=place == 0,
        is_short=len(text) <= _SHORT,
    )


def order_of(text: str) -> tuple[str, bool]:
    """The column and whether it goes down, as an address says it: `-cost` or `cost`."""
    return text.removeprefix("-"), text.startswith("-")


def _key(value: Any) -> Any:
    return utf8_bytes(value) if isinstance(value, str) else value
