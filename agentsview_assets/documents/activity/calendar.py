"""The zone of an activity report and steps through its calendar, as the reference takes them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from agentsview_assets.documents.common.window import load_zone, system_zone, wall_clock_epoch
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import (
    SECONDS_PER_DAY,
    Instant,
    day_number,
    format_date,
    utc_offset_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentsview_assets.documents.common.window import Zone

DAYS_PER_WEEK: Final = 7


def activity_zone(name: str, environ: Mapping[str, str] | None = None) -> Zone:
    """Find the zone of a report.

    Args:
        name: Its IANA name; empty for the zone that the process runs in.
        environ: Environment of the process; its own when None.

    Raises:
        UsageError: There is no such zone, or `TZ` is a path.
    """
    environ = os.environ if environ is None else environ
    if not name:
        zone = system_zone(environ)
        if not zone.name.startswith("/"):
            return zone
        name = zone.name
    try:
        return load_zone(name, environ)
    except UsageError:
        message = f"invalid timezone: {name}"
        raise UsageError(message) from None


def instant_of(moment: datetime) -> Instant:
    """Return a moment, given with its zone, as reports count time."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant(since.days * SECONDS_PER_DAY + since.seconds, since.microseconds * 1_000)


class Calendar(NamedTuple):
    """Steps of the local calendar, in epoch seconds.

    A step starts from the wall clock that the last one ended with, so that a midnight that clocks
    skip moves all that follow, as in agentsview.
    """

    zone: Zone

    def midnight(self, day: int) -> int:
        """Return the start of a day, given as days since 1970."""
        return wall_clock_epoch(self.zone.tzinfo, day * SECONDS_PER_DAY)

    def midnight_before(self, epoch: int) -> int:
        """Return the start of the day that an instant is in."""
        return self.midnight(self._wall(epoch) // SECONDS_PER_DAY)

    def add_days(self, epoch: int, days: int) -> int:
        """Return the instant with the same wall clock some days later."""
        return wall_clock_epoch(self.zone.tzinfo, self._wall(epoch) + days * SECONDS_PER_DAY)

    def monday(self, epoch: int) -> int:
        """Return the instant with the same wall clock on the Monday at or before."""
        days_since_monday = (self._wall(epoch) // SECONDS_PER_DAY + 3) % DAYS_PER_WEEK
        return self.add_days(epoch, -days_since_monday)

    def first_of_month(self, epoch: int) -> int:
        """Return the start of the month that an instant is in."""
        year, month, _ = _date_parts(self._wall(epoch) // SECONDS_PER_DAY)
        return self.midnight(day_number(year, month, 1))

    def add_month(self, epoch: int) -> int:
        """Return the instant with the same wall clock and day a month later."""
        days, second = divmod(self._wall(epoch), SECONDS_PER_DAY)
        year, month, day = _date_parts(days)
        # Day 31 of a shorter month runs over into the next one.
        later = day_number(year + month // 12, month % 12 + 1, 1) + day - 1
        return wall_clock_epoch(self.zone.tzinfo, later * SECONDS_PER_DAY + second)

    def _wall(self, epoch: int) -> int:
        return epoch + utc_offset_seconds(self.zone.tzinfo, epoch)


def _date_parts(days: int) -> tuple[int, int, int]:
    year, month, day = format_date(days).rsplit("-", 2)  # a year before 0 carries a sign
    return int(year), int(month), int(day)
