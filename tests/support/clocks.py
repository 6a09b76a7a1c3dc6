"""This machine's clock in tests: what today is, for our settings and for Dagster's partitions."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from unittest import mock

from dagster._core.test_utils import freeze_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def clock_at(day: str) -> Iterator[None]:
    """Has the clock show noon of a day."""
    noon = datetime.combine(date.fromisoformat(day), time(12), UTC)
    with mock.patch("agentsview_assets.settings.now", return_value=noon), freeze_time(noon):
        yield


def day_after(day: str, count: int = 1) -> str:
    """A day some days later, or earlier."""
    return (date.fromisoformat(day) + timedelta(days=count)).isoformat()
