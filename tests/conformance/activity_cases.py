"""Command lines to compare: ranges, buckets, zones and filters of `activity report`."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.recipes import Recipe

ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "Africa/Cairo")
RANGES = ("day", "last-day", "week", "month", "hours", "fraction", "days", "season", "year")
BUCKETS: dict[str, tuple[str | None, ...]] = {
    "day": (None, "15m", "1h", "1w"),
    "last-day": (None, "15m"),
    "week": (None, "15m", "1d", "1w"),
    "month": (None, "1h", "1w"),
    "hours": (None, "5m"),
    "fraction": (None, "5m", "1d"),
    "days": (None, "15m", "1h", "1d", "1w"),
    "season": (None, "1d"),
    "year": (None, "1d"),
}
FILTERS: tuple[tuple[str, ...], ...] = (
    ("--agent", "claude"),
    ("--agent", " codex , ,claude"),
    ("--agent", "Claude"),
    ("--agent", ","),
    ("--project", "alpha"),
    ("--project", "nowhere"),
    ("--machine", "local"),
    ("--machine", "laptop,desktop,local", "--agent", "claude"),
)


@dataclass(frozen=True)
class ActivityCase:
    """One command line.

    Attributes:
        range: One of `RANGES`.
        bucket: Bucket size; None to leave it open.
        zone: Zone of the report; None leaves it to the clock's zone.
        chosen: Filter flags.
        human: Whether the text for people is asked for.
    """

    range: str
    bucket: str | None = None
    zone: str | None = "UTC"
    chosen: tuple[str, ...] = ()
    human: bool = False

    def arguments(self, recipe: Recipe) -> list[str]:
        """Return the arguments for an archive made by a recipe."""
        return [
            *("activity", "report", "--offline"),
            *([] if self.human else ["--json"]),
            *_range(self.range, *map(dt.date.fromisoformat, recipe.window)),
            *([] if self.bucket is None else ["--bucket", self.bucket]),
            *([] if self.zone is None else ["--timezone", self.zone]),
            *self.chosen,
        ]

    def __str__(self) -> str:
        """Return a short name for test reports."""
        parts = (self.range, self.bucket, self.zone, *self.chosen, "text" if self.human else "")
        return " ".join(part for part in parts if part)


def _range(name: str, first: dt.date, last: dt.date) -> list[str]:
    def custom(start: str, end: str) -> list[str]:
        return ["--preset", "custom", "--from", start, "--to", end]

    def days(before: int) -> list[str]:
        start, end = last - dt.timedelta(days=before - 1), last + dt.timedelta(days=1)
        return custom(f"{start}T00:00:00Z", f"{end}T00:00:00Z")

    ranges = {
        "day": ["--date", str(first)],
        "last-day": ["--preset", "day", "--date", str(last)],
        "week": ["--preset", "week", "--date", str(first)],
        "month": ["--preset", "month", "--date", str(first)],
        "hours": custom(f"{last}T09:03:00Z", f"{last}T16:59:30+02:00"),
        "fraction": custom(f"{first}T09:59:59.5Z", f"{last}T14:00:00.25Z"),
        "days": days(10),
        "season": days(89),
        "year": days(365),
    }
    return ranges[name]


# Every range, and buckets, zones, filters and the text: for every archive.
EVERYDAY = (
    *(ActivityCase(name) for name in RANGES),
    ActivityCase("day", "15m", "America/New_York"),
    ActivityCase("week", "1d", "Pacific/Kiritimati", ("--agent", "claude")),
    ActivityCase("month", "1w", "Asia/Kathmandu"),
    ActivityCase("days", "1h", chosen=("--project", "alpha")),
    ActivityCase("year", human=True),
)
# Every range in every size of bucket and every zone, filtered or not, in both layouts.
MATRIX = tuple(
    ActivityCase(name, bucket, zone, chosen, human)
    for name, zone, chosen, human in itertools.product(
        RANGES, (*ZONES, None), ((), *FILTERS), (False, True)
    )
    for bucket in BUCKETS[name]
)
# Zones, and days on or about which their clocks change.
CLOCK_CHANGES = {
    "Africa/Cairo": ("2026-04-24", "2026-10-30"),
    "Africa/Casablanca": ("2026-02-15", "2026-03-22"),
    "America/Asuncion": ("2024-03-24", "2024-10-06"),
    "America/Havana": ("2026-03-08", "2025-11-02"),
    "America/New_York": ("2026-03-08", "2025-11-02"),
    "America/Sao_Paulo": ("2018-11-04", "2018-02-18"),
    "America/St_Johns": ("2006-04-02", "2006-10-29"),
    "Antarctica/Troll": ("2026-03-29", "2026-10-25"),
    "Asia/Beirut": ("2026-03-29", "2026-10-25"),
    "Asia/Tehran": ("2022-03-22", "2022-09-22"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "Europe/Dublin": ("2026-03-29", "2026-10-25"),
    "Pacific/Apia": ("2011-09-24", "2012-04-01"),
}
CALENDAR: tuple[tuple[str, ...], ...] = tuple(
    (
        *("activity", "report", "--json", "--offline", "--timezone", zone),
        *("--preset", preset, "--date", date, *([] if bucket is None else ["--bucket", bucket])),
    )
    for zone, dates in CLOCK_CHANGES.items()
    for date, preset, bucket in itertools.product(
        dates, ("day", "week", "month"), (None, "5m", "1h", "1d", "1w")
    )
)
# Nothing to count: the shape of an empty document.
EMPTY = (
    ActivityCase("day"),
    ActivityCase("month", human=True),
    ActivityCase("day", zone=None),
    ActivityCase("days", chosen=("--project", "nowhere")),
)

_CUSTOM = ("--preset", "custom")
# Command lines that fail before any archive or warehouse is looked at.
MISTAKES: tuple[tuple[str, ...], ...] = (
    *(("--timezone", zone) for zone in ("Nope/Zone", "utc", "+05:00", "../UTC", "/etc/localtime")),
    ("--timezone", "Nope/Zone", "--date", "junk"),
    *(("--date", date) for date in ("junk", "2026-6-1", "2026-02-30", "2026-06-01 ", "today")),
    ("--preset", "year"),
    ("--preset", "Day"),
    ("--preset", "year", "--date", "junk"),
    ("--from", "2026-06-16T00:00:00Z"),
    ("--to", "junk"),
    _CUSTOM,
    (*_CUSTOM, "--from", "2026-06-16T00:00:00Z"),
    (*_CUSTOM, "--from", "junk", "--to", "junk"),
    (*_CUSTOM, "--from", "2026-06-16T00:00:00Z", "--to", "2026-06-16"),
    (*_CUSTOM, "--from", "2026-06-16T24:00:00Z", "--to", "2026-06-17T00:00:00Z"),
    (*_CUSTOM, "--from", "2026-06-16T00:00:00Z", "--to", "2026-06-16T02:00:00+02:00"),
    (*_CUSTOM, "--from", "2024-01-01T00:00:00Z", "--to", "2025-01-01T00:00:00Z", "--bucket", "x"),
    ("--preset", "day", "--date", "2011-12-29", "--timezone", "Pacific/Apia"),
    ("--bucket", "2h"),
    ("--bucket", "1H"),
    ("--preset", "week", "--bucket", "5m"),
    ("--preset", "month", "--bucket", "15m", "--date", "2026-02-01"),
    ("--nope",),
    ("extra",),
    ("--format", "xml"),
    ("--json=maybe",),
    ("--project",),
)
