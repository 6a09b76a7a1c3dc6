"""Column builders for table contracts: one call declares kind, rule, meaning and unit of a column.

What belongs here: the vocabulary of column kinds, in plain Python, so that knowing a table costs no
import. What does not: any particular table, and data frames (`schemas.frames`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

Kind = Literal["text", "date", "bigint", "double", "boolean", "timestamptz"]

Instant = datetime
NullableInt = int | None

# Not `$`, which also matches before a last line feed.
SHA256_KEY = r"^sha256:[0-9a-f]{64}\Z"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its name; '' where it is declared, as the class attribute says it.
        kind: What its values are.
        nullable: Whether NULL may stand in it.
        description: What it means.
        unit: Unit of its numbers; None where it has none.
        closed: The only values allowed; None for any.
        pattern: Regular expression that its texts match as a whole; None for any text.
        least: The least number allowed; None for any number.
    """

    name: str = ""
    kind: Kind
    nullable: bool = False
    description: str
    unit: str | None = None
    closed: tuple[str, ...] | None = None
    pattern: str | None = None
    least: float | None = None


class TableModel:
    """Base of the classes that declare a table: an attribute for each column, in table order."""


# A class attribute is annotated with what a row has there. The builders say that they return it, so
# that type checkers hold the annotation against the kind.


def text(
    description: str,
    *,
    nullable: bool = False,
    closed: tuple[str, ...] | None = None,
    pattern: str | None = None,
) -> str:
    """A text column; `closed` lists the only values allowed, `pattern` is a full-match regex."""
    column = Column(
        kind="text", description=description, nullable=nullable, closed=closed, pattern=pattern
    )
    return cast("str", column)


def day(description: str, *, nullable: bool = False) -> str:
    """A calendar day: `YYYY-MM-DD` text in frames, DATE in stores."""
    return cast("str", Column(kind="date", description=description, nullable=nullable))


def count(description: str, unit: str, *, nullable: bool = False, signed: bool = False) -> int:
    """A 64-bit integer with its unit; never negative unless `signed`."""
    least = None if signed else 0
    column = Column(
        kind="bigint", description=description, unit=unit, nullable=nullable, least=least
    )
    return cast("int", column)


def real(description: str, unit: str, *, nullable: bool = False, signed: bool = True) -> float:
    """A double with its unit."""
    least = None if signed else 0.0
    column = Column(
        kind="double", description=description, unit=unit, nullable=nullable, least=least
    )
    return cast("float", column)


def flag(description: str, *, nullable: bool = False) -> bool:
    """A boolean."""
    return cast("bool", Column(kind="boolean", description=description, nullable=nullable))


def instant(description: str, *, nullable: bool = False) -> datetime:
    """A UTC instant in microseconds."""
    unit = "UTC, microseconds"
    column = Column(kind="timestamptz", description=description, unit=unit, nullable=nullable)
    return cast("datetime", column)
