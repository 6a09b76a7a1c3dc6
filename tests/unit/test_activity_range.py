"""Ranges and buckets of an activity report, as in the contract's tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.activity.calendar import activity_zone
from agentsview_assets.documents.activity.range import RangeRequest, ReportRange, resolve_range
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import Instant, format_utc_seconds, parse_rfc3339

NANOSECONDS = 10**9


def resolve(zone: str = "UTC", now: str = "2030-01-01T00:00:00Z", **asked: str) -> ReportRange:
    instant = parse_rfc3339(now)
    assert instant is not None
    return resolve_range(RangeRequest(**asked), activity_zone(zone), instant)


def custom(start: str, end: str, **asked: str) -> ReportRange:
    return resolve(preset="custom", from_=start, to=end, **asked)


def text(epoch_ns: int) -> str:
    return format_utc_seconds(Instant(epoch_ns // NANOSECONDS, 0))


def bounds(span: ReportRange) -> tuple[str, str]:
    return text(span.start_ns), text(span.end_ns)


@pytest.mark.parametrize(
    ("zone", "preset", "date", "start", "end"),
    [
        ("UTC", "day", "2026-06-16", "2026-06-16T00:00:00Z", "2026-06-17T00:00:00Z"),
        ("UTC", "week", "2026-06-21", "2026-06-15T00:00:00Z", "2026-06-22T00:00:00Z"),
        ("UTC", "month", "2024-02-29", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("UTC", "month", "2026-12-05", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("Asia/Kathmandu", "day", "2026-06-16", "2026-06-15T18:15:00Z", "2026-06-16T18:15:00Z"),
        # Clocks skip midnight: the day starts after it, or before it.
        ("Africa/Cairo", "day", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T22:00:00Z"),
        ("Africa/Cairo", "week", "2026-04-24", "2026-04-19T23:00:00Z", "2026-04-26T22:00:00Z"),
        ("America/Havana", "day", "2026-03-08", "2026-03-08T04:00:00Z", "2026-03-09T03:00:00Z"),
        ("America/Havana", "week", "2026-03-08", "2026-03-03T04:00:00Z", "2026-03-10T03:00:00Z"),
        ("America/Asuncion", "month", "2017-10-01", "2017-09-01T04:00:00Z", "2017-10-01T03:00:00Z"),
        ("America/Asuncion", "month", "2017-10-15", "2017-10-01T03:00:00Z", "2017-10-31T02:00:00Z"),
        # Midnight comes twice: the first one counts.
        ("America/Havana", "day", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ],
)
def test_days_weeks_and_months(zone: str, preset: str, date: str, start: str, end: str) -> None:
    assert bounds(resolve(zone, preset=preset, date=date)) == (start, end)


def test_nothing_asked_for_is_today() -> None:
    now = "2026-06-16T23:30:00Z"
    assert bounds(resolve(now=now))[0] == "2026-06-16T00:00:00Z"
    assert bounds(resolve("Asia/Tokyo", now=now))[0] == "2026-06-16T15:00:00Z"


def test_bounds_of_a_preset_are_ignored_even_when_they_are_junk() -> None:
    span = resolve(preset="day", date="2026-06-16", from_="junk", to="junk")
    assert bounds(span)[0] == "2026-06-16T00:00:00Z"


def test_bounds_keep_their_fraction_but_do_not_show_it() -> None:
    span = custom("2026-06-16T00:00:00.5Z", "2026-06-16T00:00:00,75Z")
    assert bounds(span) == ("2026-06-16T00:00:00Z", "2026-06-16T00:00:00Z")
    assert span.end_ns - span.start_ns == 250_000_000


DAY = {"preset": "day", "date": "2026-06-16"}
BOUNDS = {"from_": "2026-06-16T00:00:00Z", "to": "2026-06-17T00:00:00Z"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"date": "2026-6-1"}, "invalid date: 2026-6-1"),
        ({"date": "2026-02-30"}, "invalid date: 2026-02-30"),
        ({"date": "2026-06-01 "}, "invalid date: 2026-06-01 "),
        ({"preset": "year"}, "invalid preset: year"),
        ({"preset": "year", "date": "junk"}, "invalid date: junk"),
        (BOUNDS, "invalid preset: "),
        ({"preset": "custom"}, "custom range requires both from and to"),
        (
            {"preset": "custom", "from_": BOUNDS["from_"]},
            "custom range requires both from and to",
        ),
        ({"preset": "custom", "from_": "a", "to": "b"}, "invalid from: a"),
        ({"preset": "custom", "from_": BOUNDS["from_"], "to": "2026-06-17"},
         "invalid to: 2026-06-17"),
        ({"preset": "custom", "from_": BOUNDS["to"], "to": BOUNDS["from_"]},
         "from must be before to"),
        ({"preset": "custom", "from_": BOUNDS["to"], "to": BOUNDS["to"], "bucket": "x"},
         "from must be before to"),
        ({**DAY, "bucket": "2h"}, "invalid bucket: 2h"),
        ({**DAY, "bucket": "1H"}, "invalid bucket: 1H"),
        ({**DAY, "preset": "week", "bucket": "5m"},
         "bucket configuration would produce too many buckets"),
        ({**DAY, "preset": "month", "bucket": "15m"},
         "bucket configuration would produce too many buckets"),
    ],
)  # fmt: skip
def test_what_is_refused(asked: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(**asked)
    assert str(refused.value) == message


def test_a_day_that_a_zone_left_out_has_no_end() -> None:
    with pytest.raises(UsageError, match="from must be before to"):
        resolve("Pacific/Apia", preset="day", date="2011-12-29")


@pytest.mark.parametrize(
    ("length", "unit", "seconds"),
    [
        (36 * 3600, "minute", 300),
        (36 * 3600 + 1, "hour", 3600),
        (14 * 86_400, "hour", 3600),
        (14 * 86_400 + 1, "day", 86_400),
        (90 * 86_400, "day", 86_400),
        (90 * 86_400 + 1, "week", 604_800),
        (365 * 86_400, "week", 604_800),
    ],
)
def test_the_bucket_follows_from_the_length(length: int, unit: str, seconds: int) -> None:
    start = 1_767_225_600  # 2026-01-01T00:00:00Z
    span = custom(*(format_utc_seconds(Instant(at, 0)) for at in (start, start + length)))
    assert (span.unit, span.bucket_seconds) == (unit, seconds)


def test_a_nanosecond_more_takes_the_next_size() -> None:
    span = custom("2026-01-01T00:00:00Z", "2026-01-02T12:00:00.000000001Z")
    assert span.unit == "hour"


def test_a_year_is_the_longest_range() -> None:
    assert custom("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").unit == "week"
    with pytest.raises(UsageError, match="range exceeds maximum of one year"):
        custom("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", bucket="x")


def test_two_thousand_buckets_are_the_most() -> None:
    assert len(custom("2026-01-01T00:00:00Z", "2026-01-07T22:40:00Z", bucket="5m").edges) == 2001
    with pytest.raises(UsageError, match="too many buckets"):
        custom("2026-01-01T00:00:00Z", "2026-01-07T22:40:01Z", bucket="5m")


@pytest.mark.parametrize(
    ("zone", "asked", "count", "first", "last"),
    [
        # Fixed widths do not align to the clock, and the last bucket is cut.
        ("UTC", {"preset": "custom", "from_": "2026-06-16T10:03:00Z", "to": "2026-06-16T10:12:00Z"},
         2, "2026-06-16T10:03:00Z", "2026-06-16T10:08:00Z"),
        ("UTC", {**DAY, "bucket": "1w"}, 1, "2026-06-16T00:00:00Z", "2026-06-16T00:00:00Z"),
        ("America/New_York", {"date": "2026-03-08"}, 276,
         "2026-03-08T05:00:00Z", "2026-03-09T03:55:00Z"),
        ("America/New_York", {"date": "2026-11-01"}, 300,
         "2026-11-01T04:00:00Z", "2026-11-02T04:55:00Z"),
        ("America/New_York", {"preset": "month", "date": "2026-03-05", "bucket": "1w"}, 6,
         "2026-03-01T05:00:00Z", "2026-03-30T04:00:00Z"),
        # After a skipped midnight the hour drifts.
        ("Africa/Cairo", {"preset": "month", "date": "2026-04-05", "bucket": "1d"}, 30,
         "2026-03-31T22:00:00Z", "2026-04-29T22:00:00Z"),
        ("America/Havana", {"preset": "month", "date": "2026-03-05", "bucket": "1d"}, 32,
         "2026-03-01T05:00:00Z", "2026-04-01T03:00:00Z"),
        # A day that was left out is stepped over; the original would not return.
        ("Pacific/Apia", {"preset": "month", "date": "2011-12-05", "bucket": "1d"}, 30,
         "2011-12-01T10:00:00Z", "2011-12-30T10:00:00Z"),
    ],
)  # fmt: skip
def test_buckets(zone: str, asked: dict[str, str], count: int, first: str, last: str) -> None:
    edges = resolve(zone, **asked).edges
    assert len(edges) - 1 == count
    assert (text(edges[0]), text(edges[-2])) == (first, last)


def test_a_short_range_within_a_week_is_one_bucket_of_it() -> None:
    span = custom("2026-06-16T10:00:00Z", "2026-06-16T11:00:00Z", bucket="1w")
    assert span.edges == (span.start_ns, span.end_ns)
    assert (span.unit, span.bucket_seconds) == ("week", 604_800)


@pytest.mark.parametrize(
    ("now", "is_over", "effective_end", "elapsed"),
    [
        ("2026-06-15T00:00:00Z", False, "2026-06-16T00:00:00Z", 0),
        ("2026-06-16T00:00:00Z", False, "2026-06-16T00:00:00Z", 0),
        ("2026-06-16T12:00:00Z", False, "2026-06-16T12:00:00Z", 12),
        ("2026-06-16T12:00:00.7Z", False, "2026-06-16T12:00:00Z", 13),
        ("2026-06-17T00:00:00Z", True, "2026-06-17T00:00:00Z", 24),
    ],
)
def test_how_much_is_over(now: str, *, is_over: bool, effective_end: str, elapsed: int) -> None:
    span = resolve(now=now, **DAY, bucket="1h")
    assert span.partial is not is_over
    assert text(span.effective_end_ns) == effective_end
    assert span.elapsed_bucket_count == elapsed
    assert len(span.edges) == 25


@pytest.mark.parametrize(
    ("name", "variable", "found"),
    [
        ("", None, "Local"),
        ("", "", "UTC"),
        ("", "America/New_York", "America/New_York"),
        ("", ":America/New_York", "America/New_York"),
        ("", "Nowhere/Land", "UTC"),
        ("UTC", "America/New_York", "UTC"),
        ("Asia/Tokyo", "America/New_York", "Asia/Tokyo"),
    ],
)
def test_zones(name: str, variable: str | None, found: str) -> None:
    environ = {} if variable is None else {"TZ": variable}
    assert activity_zone(name, environ).name in {found, "UTC" if found == "Local" else found}


@pytest.mark.parametrize(
    ("name", "environ", "shown"),
    [
        ("utc", {}, "utc"),
        ("Nope/Zone", {}, "Nope/Zone"),
        ("../UTC", {}, "../UTC"),
        ("", {"TZ": "/usr/share/zoneinfo/Asia/Tokyo"}, "/usr/share/zoneinfo/Asia/Tokyo"),
    ],
)
def test_zones_that_are_refused(name: str, environ: dict[str, str], shown: str) -> None:
    with pytest.raises(UsageError) as refused:
        activity_zone(name, environ)
    assert str(refused.value) == f"invalid timezone: {shown}"


@given(
    start=st.integers(1_293_840_000, 1_860_000_000),
    length=st.integers(1, 365 * 86_400),
    zone=st.sampled_from(["UTC", "America/Havana", "Pacific/Apia", "Asia/Gaza"]),
    bucket=st.sampled_from(["", "1d", "1w"]),
)
def test_buckets_cover_the_range_without_a_gap(
    start: int, length: int, zone: str, bucket: str
) -> None:
    moments = (format_utc_seconds(Instant(at, 0)) for at in (start, start + length))
    span = custom(*moments, zone=zone, bucket=bucket)
    assert (span.edges[0], span.edges[-1]) == (span.start_ns, span.end_ns)
    assert list(span.edges) == sorted(set(span.edges))
