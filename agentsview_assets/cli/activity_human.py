"""The `activity report` document as the text that people read in a terminal."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from agentsview_assets.cli.tables import aligned
from agentsview_assets.rules.money import cost_text
from agentsview_assets.rules.timestamps import (
    Instant,
    format_utc_seconds,
    parse_rfc3339,
    utc_offset_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agentsview_assets.documents.activity.report import ActivityReport
    from agentsview_assets.documents.common.window import Zone

_MISSING = "—"
_MIDNIGHT = " 00:00:00"
_SHOWN = 5
_LABEL_WIDTH = 19
# Control characters but tab and line feed, and bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SESSION_HEADER = ("  TITLE", "PROJECT", "AGENT", "MINUTES", "COST")


def activity_text(report: ActivityReport, zone: Zone) -> str:
    """Return the report in lines, each ending in a line feed.

    Args:
        report: The report.
        zone: Its zone.
    """
    return "".join(f"{line}\n" for line in _lines(report, zone))


def _lines(report: ActivityReport, zone: Zone) -> Iterator[str]:
    document = report.head
    start, end = (_bound(document[key], zone) for key in ("range_start", "range_end"))
    unit = document["bucket_unit"]
    yield f"Activity {start} to {end} ({document['timezone']}, {unit} buckets)"
    if document["partial"]:
        yield f"Partial range, data as of {_minute(document['as_of'], zone)}"
    yield ""
    for label, value in _figures(document["totals"]):
        yield label.ljust(_LABEL_WIDTH) + value
    yield ""
    peak = document["peak"]
    yield f"Peak concurrency: {peak['agents']} agents at {_minute(peak['at'], zone)}"
    for name in ("project", "model", "agent"):
        rows = [
            (f"  {_clean(row['key'])}", f"{_minutes(row['agent_minutes'])} min")
            for row in document[f"by_{name}"][:_SHOWN]
        ]
        yield ""
        yield f"By {name} (top {_SHOWN}):"
        yield _section(rows)
    yield ""
    yield f"Top sessions (top {_SHOWN}):"
    sessions = [_session(row) for row in islice(report.by_session, _SHOWN)]
    yield _section([_SESSION_HEADER, *sessions] if sessions else [])


def _section(rows: Sequence[tuple[str, ...]]) -> str:
    return aligned(rows).removesuffix("\n") if rows else "  (none)"


def _figures(totals: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Active minutes", _minutes(totals["active_minutes"])
    yield "Idle minutes", _minutes(totals["idle_minutes"])
    yield "Agent minutes", _minutes(totals["agent_minutes"])
    yield "Sessions", f"{totals['sessions']} ({totals['untimed_sessions']} untimed)"
    yield "Distinct projects", str(totals["distinct_projects"])
    yield "Distinct models", str(totals["distinct_models"])
    yield "Output tokens", str(totals["output_tokens"])
    yield "Cost", cost_text(totals["cost"])


def _session(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"  {_clean(row['title'])}",
        _clean(row["project"]),
        _clean(row["agent"]),
        _minutes(row["agent_minutes"]),
        cost_text(row["cost"]),
    )


def _minutes(minutes: float | None) -> str:
    return _MISSING if minutes is None else f"{minutes:.1f}"


def _bound(text: str, zone: Zone) -> str:
    """Return a UTC text as local time to the minute, or as a date where it is midnight."""
    local = _second(text, zone)
    return local.removesuffix(_MIDNIGHT) if local.endswith(_MIDNIGHT) else local[:-3]


def _minute(text: str | None, zone: Zone) -> str:
    """Return a UTC text as local time to the minute."""
    return _MISSING if text is None else _second(text, zone)[:-3]


def _second(text: str, zone: Zone) -> str:
    instant = parse_rfc3339(text)
    if instant is None:  # of a year with more than four digits
        return text.replace("T", " ").removesuffix("Z")
    second = instant.epoch_seconds
    local = format_utc_seconds(Instant(second + utc_offset_seconds(zone.tzinfo, second), 0))
    return local.replace("T", " ").removesuffix("Z")


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("", text)
