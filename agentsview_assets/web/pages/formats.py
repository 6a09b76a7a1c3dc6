"""How values are shown to people: numbers, money, times, names from archives."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Literal

from agentsview_assets.rules.gojson import format_number
from agentsview_assets.rules.shown_text import visible

Kind = Literal[
    "text",
    "name",
    "day",
    "moment",
    "whole",
    "tokens",
    "usd",
    "rate",
    "share",
    "minutes",
    "digest",
    "id",
]
"""What a value is. `name` is a text from an archive, `id` one that is shortened, `rate` USD per
million tokens, `share` a part of 1."""
NUMBERS: frozenset[Kind] = frozenset({"whole", "tokens", "usd", "rate", "share", "minutes"})
UNNAMED = "(no name)"
NOTHING = "–"
_LONGEST = 160
_DIGEST_LENGTH = 19
_ID_LENGTH, _LONGEST_ID = 13, 16
_CENT = 0.01
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_LONGEST_PLAIN = 10_000
_AGES = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"))


def shown(value: object, kind: Kind) -> str:
    """A value as people read it."""
    if value is None:
        return NOTHING
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _WORDS.get(kind, visible)(value if kind in NUMBERS else str(value))


def exact(value: float) -> str:
    """A number as the documents write it, to the last digit."""
    return format_number(value) if math.isfinite(value) else str(value)


def name(text: str) -> str:
    """A name from an archive: on one line, nothing in it acts, not endless."""
    if not text.strip():
        return UNNAMED
    shortened = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return visible(shortened)


def usd(value: float) -> str:
    """Money in dollars and cents."""
    sign = "−" if value < 0 else ""
    if 0 < abs(value) < _CENT / 2:
        return f"{sign}<$0.01"
    return f"{sign}${abs(value):,.2f}"


def rate(value: float) -> str:
    """A price of a million tokens, to the cent or as exactly as it is."""
    exact = f"{value:,.6f}".rstrip("0")
    return f"${exact}{'0' * (2 - len(exact.rpartition('.')[2]))}"


def percent(value: float) -> str:
    """A part of 1, in percent."""
    part = 100 * value
    if 0 < abs(part) < 0.1:  # noqa: PLR2004 - what one decimal can say
        return "<0.1 %"
    return f"{part:,.1f} %".replace("-", "−")


def change(now: float, before: float) -> str:
    """How much more or less a number is than another one, in words of a few signs."""
    if before == 0 or not (math.isfinite(now) and math.isfinite(before)):
        return ""
    ratio = (now - before) / before
    sign = "+" if ratio >= 0 else "−"
    return f"{sign}{abs(100 * ratio):,.0f} %"


def short(value: int) -> str:
    """A great number in few signs."""
    for step, letter in _STEPS:
        if abs(value) >= max(step, _LONGEST_PLAIN):
            return f"{value / step:,.2f} {letter}"
    return f"{value:,}"


def digest(text: str) -> str:
    """The beginning of a digest, enough to compare."""
    return visible(text[:_DIGEST_LENGTH]) + ("…" if len(text) > _DIGEST_LENGTH else "")


def day(text: str, *, with_year: bool = True) -> str:
    """A day such as 29 Oct 2026; a text that is none stays as it is."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return visible(text)
    return f"{found.day} {found:%b}" + (f" {found.year:04}" if with_year else "")


def days(first: str, last: str) -> str:
    """A span of days, the year once where it is the same."""
    if first == last:
        return day(first)
    return f"{day(first, with_year=first[:4] != last[:4])} – {day(last)}"


def moment(value: datetime) -> str:
    """A moment to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def stored_moment(text: str) -> str:
    """A moment as a warehouse writes it, to the second."""
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return visible(text)


def age(seconds: float) -> str:
    """How long ago something was, in one unit."""
    for unit, word in _AGES:
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count:,} {word}{'s' if count > 1 else ''}"
    return "less than a minute"


def hours(found: float) -> str:
    """Minutes as people say them: hours, where there is one."""
    return f"{found / 60:,.1f} h" if found >= 60 else f"{found:,.1f} min"  # noqa: PLR2004


def counted(count: int, word: str, plural: str = "") -> str:
    """A count with its word."""
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"


_WORDS: dict[Kind, Callable[[Any], str]] = {
    "usd": usd,
    "rate": rate,
    "share": percent,
    "minutes": "{:,.1f}".format,
    "whole": "{:,}".format,
    "tokens": "{:,}".format,
    "name": name,
    "digest": digest,
    "id": lambda value: name(value if len(value) <= _LONGEST_ID else f"{value[:_ID_LENGTH]}…"),
    "day": day,
    "moment": stored_moment,
}
