"""How long a session lasted, as the session export's contract says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.rules.durations import duration_seconds
from agentsview_assets.rules.timestamps import parse_rfc3339


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00.999999999Z", 0),
        ("2026-05-01T10:00:00.9Z", "2026-05-01T10:01:00.8Z", 59),
        ("2026-05-01T10:00:00+09:00", "2026-05-01T10:00:00Z", 32_400),
        ("2026-05-01T9:00:00Z", "2026-05-01T11:00:00,5Z", 7_200),
        ("2026-05-01T10:00:00.123Z", "2026-05-01T10:00:01.122Z", 0),
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z", 0),
        ("2026-05-01T10:00:00.5Z", "2026-05-01T10:00:00Z", None),
        ("2026-05-01 08:00:00", "2026-05-01T10:00:00Z", None),
        ("2026-05-01T08:00:00Z", "garbage", None),
        ("2026-05-01T08:00:00Z", "2026-05-01T24:00:00Z", None),
        ("2026-05-01T08:00:00Z", "2026-05-01T08:00:60Z", None),
        ("2026-02-30T08:00:00Z", "2026-05-01T08:00:00Z", None),
        ("2026-05-01T08:00:00Z", "2026-05-01T0800000.0Z", None),
        ("0001-01-01T00:00:00Z", "2026-05-01T08:00:00Z", 9_223_372_036),
        ("0000-12-31T23:59:59Z", "0001-01-01T00:00:01Z", 2),
        ("2026-05-01T00:00:00Z", "2055-05-01T00:00:00.999999999Z", 915_148_801),
        ("", "2026-05-01T08:00:00Z", None),
        (None, "2026-05-01T08:00:00Z", None),
    ],
)
def test_durations(start: str | None, end: str, seconds: int | None) -> None:
    assert duration_seconds(start, end) == seconds


near_times = st.from_regex(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][012][0-9][:.][0-6][0-9]:[0-6][0-9]([.,][0-9]{3})?[Zz+]",
    fullmatch=True,
)


@given(near_times | st.text("0123456789-:.,TZW٣", min_size=18, max_size=26))
def test_the_fast_reading_of_times_is_the_exact_one(text: str) -> None:
    start = "1970-01-01T00:00:00+00:00"
    instant = parse_rfc3339(text)
    expected = None if instant is None or instant.epoch_seconds < 0 else instant.epoch_seconds
    assert duration_seconds(start, text) == expected
