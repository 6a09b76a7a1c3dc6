"""Seconds written as UTC text, hundreds of thousands at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentsview_assets.rules.timestamps import Instant, format_utc_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

NANOSECONDS: Final = 10**9
HOUR: Final = 3600
WITHIN_HOUR: Final = [f"{second // 60:02d}:{second % 60:02d}Z" for second in range(HOUR)]


class UtcClock:
    """Writes moments, which are nanoseconds since a whole second of its own.

    Attributes:
        origin: That second, since 1970.
        hours: Hours since 1970 -> `YYYY-MM-DDTHH:`.
    """

    def __init__(self, origin: int) -> None:
        """Count from `origin`, in epoch seconds."""
        self.origin = origin
        self.hours: Mapping[int, str] = _Hours()

    def text(self, moment: int) -> str:
        """Return `YYYY-MM-DDTHH:MM:SSZ`, cut to the second."""
        hour, second = divmod(self.origin + moment // NANOSECONDS, HOUR)
        return self.hours[hour] + WITHIN_HOUR[second]


class _Hours(dict[int, str]):
    """Hours since 1970 as `YYYY-MM-DDTHH:`, each written once."""

    def __missing__(self, hour: int) -> str:
        text = format_utc_seconds(Instant(hour * HOUR, 0)).removesuffix("00:00Z")
        self[hour] = text
        return text
