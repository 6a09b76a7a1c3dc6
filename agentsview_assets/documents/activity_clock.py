"""Seconds written as UTC text, hundreds of thousands at a time."""

from __future__ import annotations

from typing import Final

from agentsview_assets.transforms.timestamps import Instant, format_utc_seconds

NANOSECONDS: Final = 10**9
_HOUR: Final = 3600
_WITHIN_HOUR: Final = [f"{second // 60:02d}:{second % 60:02d}Z" for second in range(_HOUR)]


class UtcClock:
    """Writes moments, which are nanoseconds since a whole second of its own."""

    def __init__(self, origin: int) -> None:
        """Count from `origin`, in epoch seconds."""
        self._origin = origin
        self._hours = _Hours()

    def text(self, moment: int) -> str:
        """Return `YYYY-MM-DDTHH:MM:SSZ`, cut to the second."""
        hour, second = divmod(self._origin + moment // NANOSECONDS, _HOUR)
        return self._hours[hour] + _WITHIN_HOUR[second]


class _Hours(dict[int, str]):
    """Hours since 1970 as `YYYY-MM-DDTHH:`, each written once."""

    def __missing__(self, hour: int) -> str:
        text = format_utc_seconds(Instant(hour * _HOUR, 0)).removesuffix("00:00Z")
        self[hour] = text
        return text
