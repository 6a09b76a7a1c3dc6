"""Seeded draws of ids, moments and sizes; everything random in a corpus comes from here."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WEEKEND = 5


def rfc3339(moment: dt.datetime, *, milliseconds: bool = True) -> str:
    """Return a UTC time text with or without three fraction digits."""
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03d}Z" if milliseconds else f"{text}Z"


class Draws(random.Random):
    """A seeded source of everything that varies between sessions."""

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.random() < probability

    def weighted(self, weights: dict[Item, float]) -> Item:
        """Return one key, drawn by its weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def one_of(self, items: Sequence[Item]) -> Item:
        """Return one item, all equally likely."""
        return items[self.randrange(len(items))]

    def uuid4(self) -> str:
        """Return a version 4 UUID."""
        digits = f"{self.getrandbits(128):032x}"
        return _dashed(digits[:12] + "4" + digits[13:16] + self.one_of("89ab") + digits[17:])

    def uuid7(self, moment: dt.datetime) -> str:
        """Return a version 7 UUID, which begins with the moment in milliseconds."""
        stamp = f"{int(moment.timestamp() * 1000):012x}"
        tail = f"{self.getrandbits(60):015x}"
        return _dashed(f"{stamp}7{self.getrandbits(12):03x}{self.one_of('89ab')}{tail}")

    def token(self, prefix: str, length: int) -> str:
        """Return a prefixed base-58 identifier, as the providers make them."""
        return prefix + "".join(self.choices(_BASE58, k=length))

    def hex_digits(self, length: int) -> str:
        """Return lower-case hexadecimal digits."""
        return f"{self.getrandbits(4 * length):0{length}x}"

    def long_tail(self, mean: float, *, spread: float = 1.0, most: int = 400) -> int:
        """Return a count from 1 to `most` whose average is near `mean` (log-normal)."""
        centre = math.log(mean) - spread * spread / 2
        return max(1, min(most, round(self.lognormvariate(centre, spread))))

    def pause(self, shortest: float, longest: float) -> dt.timedelta:
        """Return a duration in seconds, whole milliseconds, uniform between the bounds."""
        return dt.timedelta(
            milliseconds=self.randrange(int(shortest * 1000), int(longest * 1000) + 1)
        )


class Calendar:
    """Working moments between two days: busy and idle days, few at night and on weekends."""

    def __init__(self, draws: Draws, last_day: dt.date, days: int) -> None:
        """Spread over `days` days that end with `last_day`."""
        self._draws = draws
        first = dt.datetime.combine(last_day, dt.time(), dt.UTC) - dt.timedelta(days=days - 1)
        self._weights = {
            day: (0.3 if day.weekday() >= _WEEKEND else 1.0) * draws.lognormvariate(0, 0.4)
            for day in (first + dt.timedelta(days=offset) for offset in range(days))
        }

    def moment(self) -> dt.datetime:
        """Return a moment (UTC, whole milliseconds) at which a session may start."""
        draws = self._draws
        peak = draws.weighted({(10.0, 1.5): 5.0, (15.0, 2.0): 4.0, (20.0, 1.5): 2.0})
        hour = draws.uniform(0, 24) if draws.chance(0.1) else draws.gauss(*peak) % 24
        second, millisecond = int(hour * 3600), draws.randrange(1000)
        return draws.weighted(self._weights) + dt.timedelta(
            seconds=second, milliseconds=millisecond
        )

    def before_midnight(self) -> dt.datetime:
        """Return a moment in the last twenty minutes of a day."""
        moment = self.moment()
        return moment.replace(hour=23, minute=self._draws.randrange(40, 60))


def _dashed(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
