"""The window and the zone that a command line asks for."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import TZPATH, ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.common.window import (
    UTC_ZONE,
    Window,
    Zone,
    load_zone,
    offset_segments,
    prefilter_bounds,
    resolve_window,
    system_zone,
    wall_clock_epoch,
)
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import utc_offset_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 22, 15, 24, 32, 661_263, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(seconds=1)


def resolve(
    since: str = "",
    until: str = "",
    *,
    all_: bool = False,
    zone: str = "UTC",
    now: datetime = NOW,
) -> Window:
    return resolve_window(since, until, all_, load_zone(zone), now)


def test_the_default_window_is_31_utc_dates_in_every_zone() -> None:
    expected = Window("2026-10-23", "2026-11-22")
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert resolve(zone=zone) == expected


def test_the_default_window_follows_the_utc_date_of_a_local_present() -> None:
    present = datetime(2026, 11, 23, 5, tzinfo=timezone(timedelta(hours=14)))
    assert resolve(now=present) == Window("2026-10-23", "2026-11-22")


def test_all_only_drops_the_default() -> None:
    assert resolve(all_=True) == Window(None, None)
    assert resolve("3d", all_=True) == Window("2026-11-19", None)
    assert resolve("", "2026-11-10", all_=True) == Window(None, "2026-11-10")


@pytest.mark.parametrize(
    ("since", "until", "window"),
    [
        ("7d", "", Window("2026-11-15", None)),
        ("+7d", "", Window("2026-11-15", None)),
        ("007d", "", Window("2026-11-15", None)),
        ("12h", "", Window("2026-11-22", None)),
        ("16h", "", Window("2026-11-21", None)),
        ("2026-11-01", "", Window("2026-11-01", None)),
        ("0000-01-01", "9999-12-31", Window("0000-01-01", "9999-12-31")),
        ("2024-02-29", "2024-02-29", Window("2024-02-29", "2024-02-29")),
        ("", "3d", Window(None, "2026-11-19")),
        ("", "2026-11-10", Window(None, "2026-11-10")),
        ("3d", "2026-11-10", Window("2026-11-07", "2026-11-10")),
        ("12h", "2026-11-10", Window("2026-11-09", "2026-11-10")),
        ("1d", "5d", Window("2026-11-16", "2026-11-17")),
        ("1h", "1h", Window("2026-11-22", "2026-11-22")),
        ("106751d", "", Window("1734-08-14", None)),
        ("100000d", "0001-01-01", Window("-0273-03-19", "0001-01-01")),
    ],
)
def test_window_points(since: str, until: str, window: Window) -> None:
    assert resolve(since, until) == window


def test_a_duration_too_long_for_64_bit_nanoseconds_wraps() -> None:
    assert resolve("", "106752d") == Window(None, "2319-03-04")
    assert resolve("", "150000d") == Window(None, "2200-10-05")
    assert resolve("", "213504d") == Window(None, "2026-11-22")
    assert resolve("2562047h") < resolve("2562048h")


@pytest.mark.parametrize(
    ("zone", "since", "until", "from_date"),
    [
        # The anchor of a date is its local midnight, and days are 24 hours.
        ("Pacific/Kiritimati", "1h", "2026-11-10", "2026-11-09"),
        ("Pacific/Pago_Pago", "24h", "2026-11-10", "2026-11-09"),
        ("America/New_York", "1d", "2026-03-09", "2026-03-07"),
        ("America/New_York", "1d", "2026-11-02", "2026-11-01"),
        # Midnight of 8 March is skipped in Havana: the anchor is 23:00 of the 7th.
        ("America/Havana", "23h", "2026-03-08", "2026-03-07"),
        ("America/Havana", "24h", "2026-03-08", "2026-03-06"),
        # Midnight of 1 November comes twice: the anchor is the first.
        ("America/Havana", "24h", "2026-11-01", "2026-10-31"),
        ("America/Havana", "25h", "2026-11-01", "2026-10-30"),
        # Midnight of 24 April is skipped in Cairo: the anchor is 01:00 of that day.
        ("Africa/Cairo", "1h", "2026-04-24", "2026-04-23"),
    ],
)
def test_durations_before_a_date_in_a_zone(
    zone: str, since: str, until: str, from_date: str
) -> None:
    assert resolve(since, until, zone=zone) == Window(from_date, until)


def test_durations_before_now_end_on_the_local_date() -> None:
    assert resolve("1h", zone="Pacific/Kiritimati") == Window("2026-11-23", None)
    assert resolve("5h", zone="Pacific/Pago_Pago") == Window("2026-11-21", None)


NOT_POINTS = (
    *("7w", "7D", "0d", "+0d", "-1d", "d", "h", "+d", "++7d", "today", " 7d", "7d ", "\u0667d"),
    *("7.5d", "1e1d", "1_0d", "0x10d", "2026-11-1", "2026-11-31", "20261120", "2026-02-29"),
    *("+026-11-20", "2026-11-20T00:00:00Z", "9223372036854775808h", "9" * 5000 + "d"),
    *("\xe9", "\U0001f600"),
)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        *((text, f'"{text}"') for text in NOT_POINTS),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
        ("7d\n", '"7d\\n"'),
        ("\a\b\f\r\t\v", '"\\a\\b\\f\\r\\t\\v"'),
        ("\x01\x7f", '"\\x01\\x7f"'),
        ("\u200b\xa0", '"\\u200b\\u00a0"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\udcff", '"\\xff"'),
    ],
)
def test_points_that_are_no_points(text: str, quoted: str) -> None:
    expected = f": expected Nd, Nh, or YYYY-MM-DD, got {quoted}"
    with pytest.raises(UsageError) as since_error:
        resolve(text)
    assert str(since_error.value) == f"invalid --since{expected}"
    with pytest.raises(UsageError) as until_error:
        resolve("bad", text)  # until is settled first
    assert str(until_error.value) == f"invalid --until{expected}"


def test_an_inverted_window_is_refused() -> None:
    with pytest.raises(UsageError) as error:
        resolve("2026-11-20", "2026-11-10")
    assert str(error.value) == "--since (2026-11-20) must not be after --until (2026-11-10)"


@pytest.mark.parametrize(
    ("window", "bounds"),
    [
        (Window(None, None), (None, None)),
        (Window("2026-07-01", None), ("2026-06-30T10:00:00Z", None)),
        (Window(None, "2026-07-01"), (None, "2026-07-02T13:59:59Z")),
        (
            Window("0000-01-01", "9999-12-31"),
            ("-0001-12-31T10:00:00Z", "10000-01-01T13:59:59Z"),
        ),
        (Window("-0273-03-19", None), ("-0273-03-18T10:00:00Z", None)),
    ],
)
def test_prefilter_texts(window: Window, bounds: tuple[str | None, str | None]) -> None:
    assert prefilter_bounds(window) == bounds


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Kathmandu", "US/Pacific", "EST5EDT"])
def test_zones_of_the_database(name: str) -> None:
    assert load_zone(name) == Zone(name, ZoneInfo(name))


def test_utc_and_local() -> None:
    assert load_zone("UTC") == load_zone("") == Zone("UTC", UTC)
    assert load_zone("Local", {"TZ": "Asia/Tokyo"}) == Zone("Asia/Tokyo", ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    "name", ["Nope/Zone", "+05:00", "Asia/Tokyo ", "é", "-", "a\x00b", "America", "zone.tab", "."]
)
def test_unknown_zones(name: str) -> None:
    with pytest.raises(UsageError) as error:
        load_zone(name)
    assert str(error.value) == f"invalid --timezone: unknown time zone {name}"


@pytest.mark.parametrize("name", ["../x", "a..b", "Asia/../Asia/Tokyo", "/etc/x", "\\x"])
def test_zone_names_that_could_leave_the_folder(name: str) -> None:
    with pytest.raises(UsageError) as error:
        load_zone(name)
    assert str(error.value) == "invalid --timezone: time: invalid location name"


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TZ": "America/New_York"}, "America/New_York"),
        ({"TZ": ":America/New_York"}, "America/New_York"),
        ({"TZ": ""}, "UTC"),
        ({"TZ": ":"}, "UTC"),
        ({"TZ": "UTC"}, "UTC"),
        ({"TZ": "Nope"}, "UTC"),
        ({"TZ": "Local"}, "UTC"),
        ({"TZ": "EST5EDT4"}, "UTC"),
        ({"TZ": "::Asia/Tokyo"}, "UTC"),
        ({"TZ": "../x"}, "UTC"),
        ({"TZ": "/nope"}, "UTC"),
        ({"TZ": "/"}, "UTC"),
    ],
)
def test_system_zone_of_a_variable(environ: Mapping[str, str], name: str) -> None:
    zone = system_zone(environ)
    assert zone.name == name
    assert zone.tzinfo == (UTC if name == "UTC" else ZoneInfo(name))


def test_system_zone_without_a_variable_is_the_machine_s() -> None:
    zone = system_zone({})
    assert zone.name == ("Local" if Path("/etc/localtime").is_file() else "UTC")


def test_system_zone_from_a_file_keeps_the_path_as_its_name(tmp_path: Path) -> None:
    path = tmp_path / "tokyo"
    shutil.copy(zone_file("Asia/Tokyo"), path)
    zone = system_zone({"TZ": str(path)})
    assert zone.name == str(path)
    assert utc_offset_seconds(zone.tzinfo, 0) == 9 * 3600
    with pytest.raises(UsageError, match="invalid location name"):
        load_zone(zone.name)


def zone_file(name: str) -> Path:
    folders = [Path(folder) for folder in TZPATH]
    package = find_spec("tzdata")
    if package is not None and package.origin is not None:
        folders.append(Path(package.origin).with_name("zoneinfo"))
    return next(folder / name for folder in folders if (folder / name).is_file())


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("UTC", "2026-03-08T00:00:00+00:00", "2026-03-08T00:00:00+00:00"),
        ("Africa/Cairo", "2026-04-24T00:00:00+00:00", "2026-04-23T22:00:00+00:00"),
        ("America/Havana", "2026-03-08T00:00:00+00:00", "2026-03-08T04:00:00+00:00"),
        ("America/Havana", "2026-11-01T00:00:00+00:00", "2026-11-01T04:00:00+00:00"),
        ("Pacific/Apia", "2011-12-30T00:00:00+00:00", "2011-12-29T10:00:00+00:00"),
        ("Pacific/Apia", "2011-12-31T00:00:00+00:00", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_wall_clocks(zone: str, wall: str, instant: str) -> None:
    assert wall_clock_epoch(load_zone(zone).tzinfo, epoch(wall)) == epoch(instant)


def test_offset_segments_of_a_year() -> None:
    first, last = epoch("2026-01-01T00:00:00+00:00"), epoch("2026-12-31T00:00:00+00:00")
    assert offset_segments(load_zone("America/New_York"), first, last) == [
        (first, -5 * 3600),
        (epoch("2026-03-08T07:00:00+00:00"), -4 * 3600),
        (epoch("2026-11-01T06:00:00+00:00"), -5 * 3600),
    ]


def test_offset_segments_without_changes() -> None:
    assert offset_segments(UTC_ZONE, 5, 10**12) == [(5, 0)]
    assert offset_segments(load_zone("Asia/Tokyo"), 0, 10**9) == [(0, 9 * 3600)]
    assert offset_segments(load_zone("Asia/Tokyo"), 7, 7) == [(7, 9 * 3600)]


def test_offset_segments_include_a_change_at_either_end() -> None:
    zone = load_zone("America/New_York")
    change = epoch("2026-03-08T07:00:00+00:00")
    assert offset_segments(zone, change, change + 5) == [(change, -4 * 3600)]
    assert offset_segments(zone, change - 5, change) == [
        (change - 5, -5 * 3600),
        (change, -4 * 3600),
    ]


def test_offset_segments_find_the_shortest_known_spell() -> None:
    # Recife kept summer time for one week in October 2000.
    first, last = epoch("2000-09-01T00:00:00+00:00"), epoch("2000-12-01T00:00:00+00:00")
    assert offset_segments(load_zone("America/Recife"), first, last) == [
        (first, -3 * 3600),
        (epoch("2000-10-08T03:00:00+00:00"), -2 * 3600),
        (epoch("2000-10-15T02:00:00+00:00"), -3 * 3600),
    ]


zone_names = st.sampled_from(
    [
        *("America/New_York", "America/Caracas", "Antarctica/Troll", "Africa/Casablanca"),
        *("Asia/Gaza", "Asia/Tehran", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"),
        "Africa/Monrovia",
    ]
)


@given(zone_names, st.integers(-2 * 10**9, 4 * 10**9), st.integers(0, 10**8), st.data())
def test_offset_segments_equal_the_zone(
    name: str, first: int, length: int, data: st.DataObject
) -> None:
    zone = load_zone(name)
    segments = offset_segments(zone, first, first + length)
    starts = [start for start, _ in segments]
    assert starts == sorted(set(starts))
    near_starts = st.sampled_from(starts).flatmap(lambda start: st.integers(start - 1, start + 1))
    instant = data.draw(st.integers(first, first + length) | near_starts)
    instant = min(max(instant, first), first + length)
    offset = next(offset for start, offset in reversed(segments) if start <= instant)
    assert offset == utc_offset_seconds(zone.tzinfo, instant)


@given(st.text(max_size=8), st.text(max_size=8))
def test_every_pair_of_texts_is_a_window_or_a_usage_error(since: str, until: str) -> None:
    try:
        window = resolve(since, until)
    except UsageError:
        return
    prefilter_bounds(window)
