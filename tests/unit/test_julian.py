"""Times as SQLite reads them: the julian day that exports sort by, and the UTC date."""

from __future__ import annotations

import pytest

from agentsview_assets.rules.julian import julian_day, utc_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-07-03T11:10:00Z", 2461224.965277778),
        ("2026-07-03T10:30:00Z", 2461224.9375),
        ("2026-07-03T19:30:00+09:00", 2461224.9375),
        ("2026-07-03 10:30", 2461224.9375),
        ("2026-07-03 10:30:00.000 Z", 2461224.9375),
        ("2026-05-01T10:00:00.9996Z", 2461161.9166782293),
        ("2026-05-01T10:00:00.999Z", 2461161.9166782293),
        ("2461162.25", 2461162.25),
        ("2026-07-03", 2461224.5),
        ("2026-07-02T24:00:00Z", 2461224.5),
        ("2026-02-30", julian_day("2026-03-02")),
        ("12:00", julian_day("2000-01-01T12:00:00Z")),
    ],
)
def test_julian_days(text: str, day: float) -> None:
    assert julian_day(text) == day


@pytest.mark.parametrize(
    "text",
    [
        *("", "garbage", "2026-07-03t10:30:00Z", "2026-07-03T10:30:00+0900", " 2026-07-03"),
        *("2026-07-03T10:30:00,5Z", "2026-7-3", "2026-07-03T10:30:60Z", "20260703"),
        *("2026-07-03T9:00:00Z", "2026-13-01", "2026-07-32"),
    ],
)
def test_texts_that_are_no_times(text: str) -> None:
    assert text.isdigit() or julian_day(text) is None
    assert text.isdigit() or utc_date(text) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-07-01T23:59:59.9999Z", "2026-07-01"),
        ("2026-07-01T23:30:00-05:00", "2026-07-02"),
        ("2026-07-01T01:00:00+05:00", "2026-06-30"),
        ("2026-07-01T24:00:00Z", "2026-07-01"),
        ("2026-06-30T24:00:00Z", "2026-07-01"),
        ("2026-02-30T02:00:00Z", "2026-03-02"),
        ("2025-02-29", "2025-03-01"),
        ("2461222.75", "2026-07-01"),
        ("02:00", "2000-01-01"),
    ],
)
def test_utc_dates(text: str, date: str) -> None:
    assert utc_date(text) == date
