"""Which stored texts are instants, what date they count under, and how instants print."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.rules.timestamps import (
    Instant,
    day_number,
    epoch_seconds_sql,
    format_date,
    format_utc_nanos,
    format_utc_seconds,
    is_calendar_date,
    local_date,
    local_date_of,
    nanosecond_sql,
    parse_rfc3339,
    plain_instant_predicate_sql,
    utc_offset_seconds,
)

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
JULY_FIRST_0200 = 1_782_871_200  # 2026-07-01T02:00:00Z
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

aware_datetimes = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("text", "shift", "nanosecond"),
    [
        ("2026-07-01T02:00:00Z", 0, 0),
        ("2026-07-01T2:00:00Z", 0, 0),
        ("2026-07-01T02:00:00.123456789Z", 0, 123_456_789),
        ("2026-07-01T02:00:00.1234567899Z", 0, 123_456_789),
        ("2026-07-01T02:00:00,5Z", 0, 500_000_000),
        ("2026-07-01T02:00:00.000Z", 0, 0),
        ("2026-07-01T02:00:00+00:00", 0, 0),
        ("2026-07-01T02:00:00-05:00", 5 * 3600, 0),
        ("2026-07-01T02:00:00+05:45", -(5 * 3600 + 45 * 60), 0),
        ("2026-07-01T02:00:00+24:00", -86_400, 0),
        ("2026-07-01T02:00:00-24:60", 25 * 3600, 0),
    ],
)
def test_accepted_texts(text: str, shift: int, nanosecond: int) -> None:
    assert parse_rfc3339(text) == Instant(JULY_FIRST_0200 + shift, nanosecond)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-07",
        "2026-07-01",
        "2026-07-01 02:00:00",
        "2026-07-01 02:00:00Z",
        "2026-07-01T02:00:00",
        "2026-07-01t02:00:00z",
        "2026-07-01T02:00:00z",
        "2026-07-01T02:00Z",
        "2026-07-01T02:00:00+0000",
        "2026-07-01T02:00:00+00",
        "2026-07-01T02:00:00+25:00",
        "2026-07-01T02:00:00+02:61",
        "2026-07-01T24:00:00Z",
        "2026-07-01T02:60:00Z",
        "2026-07-01T02:00:60Z",
        "2026-07-01T02:00:00.Z",
        "2026-07-01T02:00:00ZZ",
        "2026-07-01T02:00:00Z\n",
        "2026-13-01T02:00:00Z",
        "2026-00-01T02:00:00Z",
        "2026-02-30T02:00:00Z",
        "2026-07-00T02:00:00Z",
        "1900-02-29T02:00:00Z",
        "2026-7-1T02:00:00Z",
        "+026-07-01T02:00:00Z",
        "12026-07-01T02:00:00Z",
        "  2026-07-01T02:00:00Z",
        "٢٠٢٦-07-01T02:00:00Z",
        "garbage-timestamp",
    ],
)
def test_rejected_texts(text: str) -> None:
    assert parse_rfc3339(text) is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-07-01T02:00:00Z", "2026-06-30"),
        ("2026-07-01T02:00:00.123456789Z", "2026-06-30"),
        ("2026-07-01T02:00:00+00:00", "2026-06-30"),
        ("2026-07-01T23:30:00-05:00", "2026-07-01"),
        ("2026-07-01T2:00:00Z", "2026-06-30"),
        ("2026-07-01T02:00:00,5Z", "2026-06-30"),
        ("2026-07-01T02:00:00+24:00", "2026-06-29"),
        ("2026-07-01 02:00:00", "2026-07-01"),
        ("2026-07-01t02:00:00z", "2026-07-01"),
        ("2026-07-01T24:00:00Z", "2026-07-01"),
        ("2026-07-01T02:00:00+25:00", "2026-07-01"),
        ("2026-13-01T02:00:00Z", "2026-13-01"),
        ("2026-02-30T02:00:00Z", "2026-02-30"),
        ("2026-7-1T02:00:00Z", "2026-7-1T0"),
        ("garbage-timestamp", "garbage-ti"),
        ("  2026-07-01T02:00:00Z", "  2026-07-"),
        ("2026-07", ""),
        ("", ""),
    ],
)
def test_date_in_los_angeles(text: str, date: str) -> None:
    assert local_date(text, LOS_ANGELES) == date


def test_the_prefix_counts_bytes_not_characters() -> None:
    assert local_date("ééééééé", UTC) == "ééééé"
    assert local_date("éééé", UTC) == ""
    cut = local_date("123456789é", UTC)
    assert cut.encode("utf-8", "surrogateescape") == b"123456789\xc3"


@pytest.mark.parametrize(
    ("text", "zone", "date"),
    [
        ("0000-01-01T00:00:00Z", UTC, "0000-01-01"),
        ("0000-02-29T12:00:00Z", UTC, "0000-02-29"),
        ("0000-01-01T00:00:00+24:60", UTC, "-0001-12-30"),
        ("0001-01-01T00:00:00Z", LOS_ANGELES, "0000-12-31"),
        ("9999-12-31T23:59:59Z", ZoneInfo("Pacific/Kiritimati"), "10000-01-01"),
        ("9999-07-01T06:30:00Z", LOS_ANGELES, "9999-06-30"),
        ("9999-12-31T23:59:59-24:60", LOS_ANGELES, "10000-01-01"),
    ],
)
def test_years_that_datetime_cannot_hold(text: str, zone: ZoneInfo, date: str) -> None:
    assert local_date(text, zone) == date


def test_far_years_keep_summer_time() -> None:
    summer = day_number(10_000, 7, 1) * 86_400
    winter = day_number(10_000, 1, 1) * 86_400
    assert utc_offset_seconds(LOS_ANGELES, summer) == -7 * 3600
    assert utc_offset_seconds(LOS_ANGELES, winter) == -8 * 3600


@pytest.mark.parametrize(
    ("instant", "seconds", "nanos"),
    [
        (Instant(0, 0), "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        (
            Instant(JULY_FIRST_0200, 500_000_000),
            "2026-07-01T02:00:00Z",
            "2026-07-01T02:00:00.5Z",
        ),
        (Instant(-1, 999_999_999), "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999999999Z"),
        (Instant(JULY_FIRST_0200, 1000), "2026-07-01T02:00:00Z", "2026-07-01T02:00:00.000001Z"),
        (Instant(253_402_300_800, 0), "10000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
        (Instant(-62_167_219_201, 0), "-0001-12-31T23:59:59Z", "-0001-12-31T23:59:59Z"),
    ],
)
def test_printed_instants(instant: Instant, seconds: str, nanos: str) -> None:
    assert format_utc_seconds(instant) == seconds
    assert format_utc_nanos(instant) == nanos


@given(aware_datetimes, st.integers(0, 999), st.integers(-1440, 1440))
def test_a_printed_instant_reads_back(moment: datetime, nanos: int, offset_minutes: int) -> None:
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    instant = Instant(seconds, moment.microsecond * 1000 + nanos)
    assert parse_rfc3339(format_utc_nanos(instant)) == instant
    assert parse_rfc3339(format_utc_seconds(instant)) == Instant(seconds, 0)
    sign = "-" if offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(offset_minutes), 60)
    shifted = format_utc_nanos(instant)[:-1] + f"{sign}{hours:02d}:{minutes:02d}"
    assert parse_rfc3339(shifted) == Instant(seconds - offset_minutes * 60, instant.nanosecond)


@given(aware_datetimes, st.integers(-1439, 1439))
def test_local_dates_agree_with_datetime(moment: datetime, offset_minutes: int) -> None:
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    zone = timezone(timedelta(minutes=offset_minutes))
    for each in (zone, LOS_ANGELES, ZoneInfo("Pacific/Apia")):
        assert local_date_of(seconds, each) == moment.astimezone(each).date().isoformat()


@given(st.integers(-4_000_000, 8_000_000))
def test_every_day_number_is_one_calendar_date(days: int) -> None:
    year, month, day = format_date(days).rsplit("-", 2)
    assert is_calendar_date(int(year), int(month), int(day))
    assert day_number(int(year), int(month), int(day)) == days


@given(st.text(), st.sampled_from([UTC, LOS_ANGELES]))
def test_no_text_is_refused(text: str, zone: ZoneInfo) -> None:
    assert isinstance(local_date(text, zone), str)


timestamp_like = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["2026", "0000", "0001", "9999", "1969", "12026", "26"]),
    st.sampled_from(["01", "02", "12", "13", "00", "7"]),
    st.sampled_from(["01", "28", "29", "30", "31", "32", "00", "1 "]),
    st.sampled_from(["T", "T", "T", " ", "t", ""]),
    st.sampled_from(["00", "09", "23", "24", "9", " 9"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["00", "59", "60", "5 ", "5."]),
    st.sampled_from(["", ".5", ".123456789", ".1234567891", ",5", ".", ".+5", ". 5", ".1e3", ".٣"]),
    st.sampled_from(["Z", "Z", "Z", "z", "", "+00:00", "-05:30", "ZZ", "Z "]),
)


@given(
    st.lists(
        st.none()
        | timestamp_like
        | st.sampled_from(["", "infinity", "-infinity", "epoch"])
        | st.text(max_size=30),
        max_size=40,
    )
)
def test_sql_equals_the_reader_wherever_it_claims_to(texts: list[str | None]) -> None:
    rows = duckdb.execute(
        f"SELECT text, {plain_instant_predicate_sql('text')}, {epoch_seconds_sql('text')}, "
        f"{nanosecond_sql('text')} FROM (SELECT unnest(?::VARCHAR[]) AS text)",
        [texts],
    ).fetchall()
    for text, plain, seconds, nanosecond in rows:
        assert plain in (True, False)
        if plain:
            assert parse_rfc3339(text) == Instant(seconds, nanosecond)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026-07-01T02:00:00Z", True),
        ("2026-07-01T02:00:00.1Z", True),
        ("2026-07-01T02:00:00.123456789Z", True),
        ("2026-07-01T02:00:00.1234567890Z", False),
        ("2026-07-01T02:00:00+00:00", False),
        ("2026-02-30T02:00:00Z", False),
        ("2026-07-01T24:00:00Z", False),
        ("", False),
        (None, False),
    ],
)
def test_which_texts_sql_may_read(text: str | None, plain: bool) -> None:  # noqa: FBT001
    sql = f"SELECT {plain_instant_predicate_sql('text')} FROM (SELECT ?::VARCHAR AS text)"
    assert duckdb.execute(sql, [text]).fetchall() == [(plain,)]


def test_sql_ignores_the_session_time_zone() -> None:
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        sql = f"SELECT {epoch_seconds_sql('text')} FROM (SELECT '2026-07-01T02:00:00.9Z' AS text)"
        assert connection.execute(sql).fetchall() == [(JULY_FIRST_0200,)]
