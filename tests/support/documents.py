"""Comparison of two JSON documents: everything exact but floats, what differs in readable lines.

Key order, whether a key is there, integers, texts, number notation and the layout of the text are
compared exactly. Floats may differ by a relative 1e-9, because the original adds them up in an
unspecified order.
"""

from __future__ import annotations

import json
import math
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

RELATIVE_TOLERANCE = 1e-9
# Sums that cancel out leave a residue of rounding, not a relative error.
ABSOLUTE_TOLERANCE = 1e-12

_ABSENT = object()
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SHOWN = 120


class _Float(float):
    """A float that remembers how it was written."""

    written: str

    def __new__(cls, written: str) -> Self:
        number = super().__new__(cls, written)
        number.written = written
        return number


def differences(ours: str, theirs: str) -> list[str]:
    """Return what differs between two JSON texts, one line each: `path: ours vs theirs`."""
    found = list(_compare("", _parse(ours), _parse(theirs)))
    if not found and _NUMBER.sub("0", ours) != _NUMBER.sub("0", theirs):
        found = list(_layout(ours, theirs))
    return found


def assert_same_document(ours: str, theirs: str, about: str = "") -> None:
    """Fail with the first differences, if two JSON texts differ."""
    found = differences(ours, theirs)
    if found:
        shown = "\n".join(found[:40])
        message = f"{about}: {len(found)} differences (path: ours vs theirs)\n{shown}"
        raise AssertionError(message)


def assert_same_text(ours: str, theirs: str, about: str = "") -> None:
    """Fail with the lines that differ, if two texts differ."""
    if ours != theirs:
        shown = "\n".join(list(_layout(ours, theirs))[:40])
        message = f"{about}: texts differ (line: ours vs theirs)\n{shown}"
        raise AssertionError(message)


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_Float)
    except json.JSONDecodeError as error:
        message = f"not a JSON document ({error}): {text[:_SHOWN]!r}"
        raise AssertionError(message) from error


def _compare(path: str, ours: object, theirs: object) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from _compare_objects(path, ours, theirs)
    elif isinstance(ours, list) and isinstance(theirs, list):
        for position, (mine, other) in enumerate(zip_longest(ours, theirs, fillvalue=_ABSENT)):
            yield from _compare(f"{path}[{position}]", mine, other)
    elif not _same(ours, theirs):
        yield f"{path or 'document'}: {_show(ours)} vs {_show(theirs)}"


def _compare_objects(
    path: str, ours: dict[str, object], theirs: dict[str, object]
) -> Iterator[str]:
    for key in (*ours, *(key for key in theirs if key not in ours)):
        step = f"{path}.{key}" if path else key
        yield from _compare(step, ours.get(key, _ABSENT), theirs.get(key, _ABSENT))
    if ours.keys() == theirs.keys() and list(ours) != list(theirs):
        yield f"{path or 'document'}: keys in order {list(ours)} vs {list(theirs)}"


def _same(ours: object, theirs: object) -> bool:
    mine, other = _number(ours), _number(theirs)
    if (
        mine is None
        or other is None
        or not (isinstance(ours, _Float) or isinstance(theirs, _Float))
    ):
        return type(ours) is type(theirs) and ours == theirs
    return _close(mine, other)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _close(ours: float, theirs: float) -> bool:
    if ours == theirs:
        return getattr(ours, "written", None) == getattr(theirs, "written", None)
    return math.isclose(ours, theirs, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)


def _show(value: object) -> str:
    text = "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _layout(ours: str, theirs: str) -> Iterator[str]:
    lines = zip_longest(ours.split("\n"), theirs.split("\n"), fillvalue="<no line>")
    for number, (mine, other) in enumerate(lines, 1):
        if _NUMBER.sub("0", mine) != _NUMBER.sub("0", other) or mine != other:
            yield f"line {number}: {mine[:_SHOWN]!r} vs {other[:_SHOWN]!r}"
