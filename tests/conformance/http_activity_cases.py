"""Requests of activity over HTTP to compare: drawn from ranges, zones, buckets and filters."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conformance.recipes import Recipe

Parameters = dict[str, str]

_ZONES = ("", "UTC", "Local", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")
_BAD_ZONES = ("Nope/Zone", "utc", "../UTC", "/etc/localtime", "America", "UTC ")
_BUCKETS = ("", "", "", "5m", "15m", "1h", "1d", "1w")
_AGENTS = ("", "claude", "claude, codex", " codex , ,copilot", "Claude", ",", "nope")
_MACHINES = ("", "", "local", " local ,laptop", ",", "nope")
_PROJECTS = ("", "", "alpha", "one", "alpha,beta", "nowhere")
_AUTOMATIONS = ("", "", "all", "interactive", "automated")
_BAD_AUTOMATIONS = ("Interactive", "ALL", " ", "human", 'q"<&>\n\u2028é\x7f')


def requests(recipe: Recipe, branches: Sequence[str], count: int) -> Iterator[Parameters]:
    """Yield requests by parameter name; those that are sent empty are left out.

    Args:
        recipe: What the archive was made from.
        branches: Tokens of branches to ask for.
        count: How many.
    """
    draws = random.Random(count)
    first, last = map(dt.date.fromisoformat, recipe.window)
    ranges = (*_ranges(first, last), *_bad_ranges(last))
    for at in range(count):
        asked = {
            # Every range in turn, so that none is left to chance.
            **ranges[at % len(ranges)],
            "timezone": draws.choice(_ZONES if at % 11 else _BAD_ZONES),
            "bucket": draws.choice(_BUCKETS),
            "project": draws.choice(_PROJECTS),
            "git_branch": draws.choice(("", "", "", *branches)),
            "agent": draws.choice(_AGENTS),
            "machine": draws.choice(_MACHINES),
            "automation": draws.choice(_AUTOMATIONS if at % 7 else _BAD_AUTOMATIONS),
        }
        if at % 3 == 0:  # the range alone, which filters might leave nothing of
            asked = {name: asked[name] for name in (*ranges[at % len(ranges)], "timezone")}
        yield {name: value for name, value in asked.items() if value}


def _ranges(first: dt.date, last: dt.date) -> tuple[Parameters, ...]:
    before = last - dt.timedelta(days=9)
    long_before = last - dt.timedelta(days=364)
    return (
        {},
        {"preset": "day", "date": str(first)},
        {"date": str(last)},
        {"preset": "week", "date": str(first)},
        {"preset": "week"},
        {"preset": "month", "date": str(last)},
        {"preset": "month", "date": "0000-01-01"},
        {"preset": "day", "date": "9999-12-31"},
        {"preset": "day", "date": str(last), "from": "junk", "to": "junk"},
        _custom(f"{last}T09:03:00Z", f"{last}T16:59:30+02:00"),
        _custom(f"{first}T9:59:59.5Z", f"{last}T14:00:00,25Z"),
        _custom(f"{before}T00:00:00Z", f"{last}T24:00:00Z"),
        _custom(f"{before}T00:00:00Z", f"{last}T23:59:59Z"),
        _custom(f"{long_before}T00:00:00Z", f"{last}T00:00:00Z"),
        {**_custom(f"{first}T00:00:00Z", f"{first}T06:00:00Z"), "date": str(last)},
    )


def _bad_ranges(day: dt.date) -> tuple[Parameters, ...]:
    start, end = f"{day}T00:00:00Z", f"{day}T12:00:00Z"
    return (
        {"preset": "custom"},
        {"preset": "custom", "from": start},
        {"preset": "custom", "to": end},
        {"from": start, "to": end},
        {"to": end, "date": str(day)},
        _custom("junk", "junk"),
        _custom(start, str(day)),
        _custom(end, start),
        _custom(start, start),
        _custom("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        {**_custom("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"), "bucket": "5m"},
        {"preset": "day", "date": "2011-12-30", "timezone": "Pacific/Apia"},
    )


def _custom(start: str, end: str) -> Parameters:
    return {"preset": "custom", "from": start, "to": end}
