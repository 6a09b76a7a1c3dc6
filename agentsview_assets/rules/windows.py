"""The days that partitions exist for, spans of them and runs of days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

EARLIEST, LATEST = "0001-01-01", "9999-12-31"
"""The days between which calendars agree; landed days lie between them, or are NULL."""


class Span(NamedTuple):
    """The first and last day whose rows a run makes: all later ones where it ends with today."""

    first: str
    last: str

    @property
    def is_open(self) -> bool:
        """Whether later days belong to it."""
        return self.last == LATEST

    def beyond(self, days: Iterable[str], last: str) -> list[str]:
        """Of some days those that a run makes although they come after its last partition."""
        return sorted(day for day in days if last < day <= self.last)


@dataclass(frozen=True)
class DayWindow:
    """The days that partitions exist for, both inclusive, as `YYYY-MM-DD`.

    Rows of later days are made with the last one; see `span`.
    """

    first: str
    last: str

    def span(self, days: Sequence[str]) -> Span:
        """The days whose rows a run over some contiguous days makes."""
        return Span(days[0], LATEST if days[-1] >= self.last else days[-1])

    def clamp(self, day: str) -> str:
        """The day whose run makes the rows of a day."""
        return min(max(day, self.first), self.last)

    def place(self, day: str) -> str:
        """The partition that rows of a UTC day ('' for none) live in; see `slices.partition_of`."""
        return day if self.holds(day) else self.first

    def holds(self, day: str) -> bool:
        """Whether a UTC day has a partition of its own."""
        return self.first <= day <= LATEST


def cut(span: Span, counts: Mapping[str, int], most: int) -> Iterator[Span]:
    """Cuts a span into spans of about so many rows; days without rows cost nothing.

    Args:
        span: The days.
        counts: Rows by day.
        most: Rows after which a new span begins.
    """
    first, size = span.first, 0
    for day in sorted(day for day in counts if span.first <= day < span.last):
        size += counts[day]
        if size >= most:
            yield Span(first, day)
            first = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            size = 0
    yield Span(first, span.last)


def days_between(first: str, last: str) -> list[str]:
    """All days from first to last, both included."""
    start, end = (date.fromisoformat(day).toordinal() for day in (first, last))
    return [date.fromordinal(n).isoformat() for n in range(start, end + 1)]


def coalesce(days: Iterable[str], gap: int) -> list[tuple[str, str]]:
    """Joins days into ranges, bridging up to `gap` days in between.

    A run costs more than a few idle days, so that bridging small gaps is cheaper.
    """
    ranges: list[tuple[str, str]] = []
    for day in sorted(days):
        if ranges and _distance(ranges[-1][1], day) <= gap + 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _distance(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days
