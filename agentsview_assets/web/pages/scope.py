"""What the state in an address means: window, zone, filters, archive.

What belongs here: the page's own words (spans such as `30d`, names several times). What does not:
dates, zones and filters themselves, which the documents have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from agentsview_assets.documents.common.window import Window, Zone
from agentsview_assets.documents.usage.comparison import prior_window
from agentsview_assets.documents.usage.filters import UsageFilters
from agentsview_assets.documents.usage.http_window import http_window, http_zone
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import is_calendar_date
from agentsview_assets.web.pages.address import Address, name_of, word
from agentsview_assets.web.pages.formats import day, days, name

SPANS: Final = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "month": "Month", "all": "All"}
DEFAULT_SPAN: Final = "30d"
AUTOMATION: Final = {"all": "all", "interactive": "without those of programs"}
NAMED: Final = {"project": "Project", "agent": "Agent", "model": "Model", "machine": "Machine"}
_DATE_PARTS: Final = 3


class Names(str):
    """Names as the filter of a report, none of them taken apart: they may hold commas."""

    __slots__ = ("_names",)
    _names: tuple[str, ...]

    def __new__(cls, names: tuple[str, ...]) -> Names:
        """Holds names; none of them is no filter."""
        made = super().__new__(cls, ",".join(names))
        made._names = names
        return made

    def split(self, *_: Any, **__: Any) -> list[str]:
        """The names, whatever they are to be parted by."""
        return list(self._names)


@dataclass(frozen=True)
class Scope:
    """What a page is about.

    Attributes:
        span: The chosen span; empty where days were given.
        window: First and last day, None for an open end.
        zone: Zone of the days.
        names: Chosen names by dimension.
        automation: A word of `AUTOMATION`.
        archive_id: The only archive; None for all.
        now: The present.
    """

    span: str
    window: Window
    zone: Zone
    names: dict[str, tuple[str, ...]]
    automation: str
    archive_id: str | None
    now: datetime

    @classmethod
    def read(cls, address: Address, now: datetime) -> Scope:
        """Reads an address.

        Raises:
            UsageError: A value in it cannot be used.
        """
        zone = http_zone(address.value("timezone"))
        span = address.value("span")
        if address.value("from") or address.value("to"):
            span, window = "", _between(address.value("from"), address.value("to"), now)
        else:
            span = span or DEFAULT_SPAN
            window = _latest(span, now.astimezone(zone.tzinfo).date())
        automation = address.value("automation", "all")
        if automation not in AUTOMATION:
            raise UsageError(f"automation: expected one of {', '.join(AUTOMATION)}")
        names = {dimension: tuple(map(name_of, address.values(dimension))) for dimension in NAMED}
        archive_id = address.value("archive_id") or None
        return cls(span, window, zone, names, automation, archive_id, now)

    def filters(self, **more: str) -> UsageFilters:
        """The filters as reports take them.

        Args:
            more: Dimension -> the only name of it, whatever else is chosen.
        """
        chosen = {**self.names, **{dimension: (text,) for dimension, text in more.items()}}
        given: dict[str, Any] = {name: Names(found) for name, found in chosen.items() if found}
        return UsageFilters(**given, include_automated=self.automation == "all")

    def prior(self) -> Window | None:
        """The window of as many days before; None where an end is open."""
        if None in self.window:
            return None
        try:
            return prior_window(self.window)
        except (ValueError, OverflowError):
            return None

    def options(self, window: Window | None = None, **more: str) -> dict[str, Any]:
        """What usage documents are asked for, as their arguments."""
        return {
            "window": window or self.window,
            "zone": self.zone,
            "filters": self.filters(**more),
            "now": self.now,
            "archive_id": self.archive_id,
        }

    @property
    def words(self) -> str:
        """The window in words."""
        first, last = self.window
        if first and last:
            count = 1 + (date.fromisoformat(last) - date.fromisoformat(first)).days
            return f"{days(first, last)} · {count:,} day{'s' if count > 1 else ''}"
        if first:
            return f"Since {day(first)}"
        return f"Until {day(last)}" if last else "All days"

    def chips(self, address: Address) -> list[tuple[str, str]]:
        """What narrows the page, in words, each with the address without it."""
        found = [
            (
                f"{NAMED[dimension]}: {name(chosen)}",
                address.here(**{dimension: [word(n) for n in names if n != chosen]}),
            )
            for dimension, names in self.names.items()
            for chosen in names
        ]
        if self.automation != "all":
            words = f"Sessions {AUTOMATION[self.automation]}"
            found.append((words, address.here(automation=None)))
        if self.archive_id:
            found.append((f"Archive: {name(self.archive_id)}", address.here(archive_id=None)))
        return found


def _latest(span: str, today: date) -> Window:
    if span == "all":
        return Window(None, None)
    if span == "month":
        return Window(today.replace(day=1).isoformat(), today.isoformat())
    if span not in SPANS:
        raise UsageError(f"span: expected one of {', '.join(SPANS)}")
    first = today - timedelta(days=int(span.removesuffix("d")) - 1)
    return Window(first.isoformat(), today.isoformat())


def _between(first: str, last: str, now: datetime) -> Window:
    for label, text in (("from", first), ("to", last)):
        if text and not _is_date(text):
            raise UsageError(f"{label}: expected a day, YYYY-MM-DD")
    return http_window(first, last, True, now)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    parts = text.split("-")
    return len(parts) == _DATE_PARTS and is_calendar_date(*map(int, parts))
