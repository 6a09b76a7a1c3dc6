"""Times that are odd, missing or on an edge: what day a row belongs to, and to which window."""

from __future__ import annotations

from tests.support.odd_archives.workbench import DAY, Edit, Workbench

# Texts that parse as RFC 3339 in the original, and texts that only look like it.
TIME_TEXTS = (
    "2026-07-01T02:00:00Z",
    "2026-07-01T02:00:00.123456789Z",
    "2026-07-01T02:00:00.1234567891Z",
    "2026-07-01T02:00:00+00:00",
    "2026-07-01T23:30:00-05:00",
    "2026-07-01T2:00:00Z",
    "2026-07-01T02:00:00,5Z",
    "2026-07-01T02:00:00+24:00",
    "2026-07-01T02:00:00-24:00",
    "2026-07-01T02:00:00+05:45",
    "2026-07-01T02:00:00+00:60",
    "2026-07-01T02:00:00+00:61",
    "2026-07-01 02:00:00",
    "2026-07-01T02:00:00",
    "2026-07-01t02:00:00z",
    "2026-07-01T02:00:00z",
    "2026-07-01T02:00Z",
    "2026-07-01T02:00:00+0000",
    "2026-07-01T24:00:00Z",
    "2026-07-01T23:60:00Z",
    "2026-07-01T23:59:60Z",
    "2026-07-01T02:00:00.Z",
    "2026-07-01T02:00:00ZZ",
    "2026-07-01T02:00:00Z ",
    "2026-07-01T02:00:00+25:00",
    "2026-13-01T02:00:00Z",
    "2026-02-30T02:00:00Z",
    "2024-02-29T02:00:00Z",
    "2025-02-29T02:00:00Z",
    "2026-7-1T02:00:00Z",
    "2026-07",
    "2026-07-01",
    "2026-07-0",
    "garbage-timestamp",
    "  2026-07-01T02:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "12026-07-01T02:00:00Z",
    "-026-07-01T02:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1900-01-01T00:00:00Z",
    "2026-07-ééééé",
    "日本語の時刻です",
    "2026-07-01T02:00:00\u22120:00",
)
_FALLBACKS = {"day": f"{DAY}T08:00:00Z", "empty": "", "null": None, "odd": "around noon"}


def time_texts(bench: Workbench) -> None:
    """Each accepted and rejected text, on a message, an event and a Cursor row."""
    session = bench.session("time-texts", "time-texts")
    for number, text in enumerate(TIME_TEXTS):
        tokens = 1_000 + number
        bench.message(session, usage={"input_tokens": tokens}, timestamp=text)
        bench.event(session, input_tokens=tokens * 10, occurred_at=text)
        bench.cursor(input_tokens=tokens * 100, occurred_at=text)


def missing_times(bench: Workbench) -> None:
    """Messages fall back on NULL and on '', events on NULL only, to what the session knows."""
    for name, started in _FALLBACKS.items():
        session = bench.session(f"started:{name}", f"started-{name}", started_at=started)
        for number, own in enumerate((None, "")):
            bench.message(session, usage={"input_tokens": 7 + number}, timestamp=own)
            bench.event(session, input_tokens=70 + number, occurred_at=own)
    bench.cursor(occurred_at="")


def window_edges(bench: Workbench) -> None:
    """Texts whose byte order, not whose instant, meets the padded bound of a window."""
    session = bench.session("edges", "window-edges")
    texts = (
        "2026-06-30T10:00:00Z",
        "2026-06-30T10:00:00.5Z",
        "2026-07-02T20:00:00+14:00",
        "2026-07-02T13:59:59Z",
        "2026-07-02T13:59:59.5Z",
        "2026-07-02T14:00:00Z",
        "2026-06-30T09:59:59.999Z",
        "2026-07-02T13:59:59+00:00",
    )
    for number, text in enumerate(texts):
        bench.message(session, usage={"input_tokens": 1 << number}, timestamp=text)
        bench.event(session, input_tokens=1_000 << number, occurred_at=text)


def clock_changes(bench: Workbench) -> None:
    """The hours around both clock changes of New York in 2026, every quarter of an hour."""
    session = bench.session("clocks", "clock-changes", started_at="2026-03-08T00:00:00Z")
    for day in ("2026-03-08", "2026-03-09", "2026-11-01", "2026-11-02"):
        for hour in (3, 4, 5, 6, 7):
            for minute in (0, 15, 30, 45):
                text = f"{day}T{hour:02}:{minute:02}:00.25Z"
                bench.message(session, usage={"input_tokens": hour * 60 + minute}, timestamp=text)


def every_hour(bench: Workbench) -> None:
    """Rows at each hour of two days, so that every zone moves some of them to another date."""
    session = bench.session("hours", "every-hour")
    for day in ("2026-07-01", "2026-07-02"):
        for hour in range(24):
            for second in ("00", "59.999"):
                text = (
                    f"{day}T{hour:02}:00:{second}Z"
                    if second == "00"
                    else (f"{day}T{hour:02}:59:{second}Z")
                )
                bench.message(session, usage={"output_tokens": 1 + hour}, timestamp=text)


EDITS: tuple[Edit, ...] = (time_texts, missing_times, window_edges, clock_changes, every_hour)
