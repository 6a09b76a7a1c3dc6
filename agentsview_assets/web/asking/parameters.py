"""The parameters of an endpoint: their types, and what is said of values that are not of them.

What belongs here: one value at a time. What does not: rules between values, which the documents
have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gobool import FALSE_TEXTS, TRUE_TEXTS
from agentsview_assets.rules.timestamps import is_calendar_date, parse_rfc3339
from agentsview_assets.web.asking.query import Query

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_DIGITS = r"[0-9](?:_?[0-9])*"
_HEX = r"[0-9a-f](?:_?[0-9a-f])*"
_EXPONENT = rf"[+-]?{_DIGITS}"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:e{_EXPONENT})?")
_HEXADECIMAL = re.compile(rf"[+-]?0x_?(?:{_HEX}\.?(?:{_HEX})?|\.{_HEX})p{_EXPONENT}")
_SPECIAL = re.compile(r"nan|[+-]?inf(?:inity)?")


class _InvalidError(ValueError):
    """A value that is not of its type; the message is the sentence without the name."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an endpoint.

    Attributes:
        name: As it stands in a query.
        read: Reads a value that is not empty.
        default: What an absent or empty value means.
        is_required: Whether it may not be absent.
        meaning: What it is, for the published description.
        schema: Its JSON Schema, likewise.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    schema: tuple[tuple[str, Any], ...]
    is_required: bool = False

    def value(self, text: str) -> Any:
        """What a value means; an empty one is none."""
        if text:
            return self.read(text)
        if self.is_required:
            raise _InvalidError("required query parameter is missing")
        return self.default


def read_parameters(query: Query, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The value of every parameter, by name.

    Raises:
        UsageError: Some cannot be understood; the message names all of them, in their order.
    """
    values, wrong = {}, []
    for parameter in parameters:
        text = query.value(parameter.name)
        try:
            values[parameter.name] = parameter.value(text)
        except _InvalidError as error:
            wrong.append(f"{error} (query.{parameter.name}: {text})")
    if wrong:
        raise UsageError("; ".join(wrong))
    return values


def text(name: str, meaning: str, *, default: str = "", is_required: bool = False) -> Parameter:
    """Any text."""
    return Parameter(name, str, default, meaning, (("type", "string"),), is_required)


def boolean(name: str, meaning: str, *, default: bool) -> Parameter:
    """A truth value in one of twelve spellings."""
    return Parameter(name, _boolean, default, meaning, (("type", "boolean"), ("default", default)))


def integer(
    name: str, meaning: str, *, default: int | None, least: int, most: int | None = None
) -> Parameter:
    """A whole number within bounds."""
    bounds = (("minimum", least), *([("maximum", most)] if most is not None else []))

    def read(value: str) -> int:
        number = _integer(value)
        if number < least:
            raise _InvalidError(f"expected number >= {least}")
        if most is not None and number > most:
            raise _InvalidError(f"expected number <= {most}")
        return number

    usual = [("default", default)] if default is not None else []
    schema = (("type", "integer"), *bounds, *usual)
    return Parameter(name, read, default, meaning, schema)


def number(name: str, meaning: str) -> Parameter:
    """A number, which has to be given."""
    return Parameter(name, _number, 0.0, meaning, (("type", "number"),), is_required=True)


def date(name: str, meaning: str) -> Parameter:
    """A day, `YYYY-MM-DD`."""
    return Parameter(name, _date, "", meaning, (("type", "string"), ("format", "date")))


def date_time(name: str, meaning: str) -> Parameter:
    """An instant, in agentsview's reading of RFC 3339."""
    return Parameter(name, _date_time, "", meaning, (("type", "string"), ("format", "date-time")))


def choice(name: str, meaning: str, choices: Sequence[str]) -> Parameter:
    """One of some words."""

    def read(value: str) -> str:
        if value not in choices:
            raise _InvalidError(f'expected value to be one of "{", ".join(choices)}"')
        return value

    return Parameter(name, read, "", meaning, (("type", "string"), ("enum", list(choices))))


def _boolean(value: str) -> bool:
    if value not in TRUE_TEXTS | FALSE_TEXTS:
        raise _InvalidError("invalid boolean")
    return value in TRUE_TEXTS


def _integer(value: str) -> int:
    # The length is looked at first: a text of a million digits takes its time.
    if len(value) <= _LONGEST_NUMBER and _INTEGER.fullmatch(value) and int(value) in _INT64:
        return int(value)
    raise _InvalidError("invalid integer")


def _number(value: str) -> float:
    found = _go_float(value.lower()) if len(value) <= _LONGEST_NUMBER else None
    if found is None:
        raise _InvalidError("invalid float")
    return found


def _go_float(value: str) -> float | None:
    """A double as Go reads it; None for what it refuses, also because it is too large."""
    if _SPECIAL.fullmatch(value):
        return float(value)
    plain = value.replace("_", "")
    try:
        if _DECIMAL.fullmatch(value):
            found = float(plain)
        elif _HEXADECIMAL.fullmatch(value):
            found = float.fromhex(plain)
        else:
            return None
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _date(value: str) -> str:
    parts = _DATE.fullmatch(value)
    if parts is None or not is_calendar_date(*map(int, parts.groups())):
        raise _InvalidError("expected string to be RFC 3339 date")
    return value


def _date_time(value: str) -> str:
    if parse_rfc3339(value) is None:
        raise _InvalidError("expected string to be RFC 3339 date-time")
    return value


_LONGEST_NUMBER = 4000
"""Python refuses to read longer whole numbers."""
