"""Requests to the v1 endpoints, drawn from what an archive holds and from what servers refuse."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_BOOLEANS = ("true", "false", "1", "0", "T", "F", "TRUE", "False")
_NO_BOOLEANS = ("yes", "tRUE", "x", "2", " ")
_ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Asia/Kolkata")
_NO_ZONES = ("utc", "Nope/Zone", "..", "/etc", "America", "UTC ", "+05:00", "Z")
_NO_DATES = ("x", "2026-11-31", "2026-1-1", "7d", "2026-11-10T00:00:00Z", "", "%zz", "0000-00-00")
_TIMES = ("2026-11-10T01:00:00Z", "2026-07-01T1:00:00Z", "2026-11-01T10:00:00%2B09:00")
_NO_TIMES = ("2026-11-10", "now", "1", "2026-11-10 01:00:00Z")
_NO_INTEGERS = ("x", "1.5", "0x10", "1_0", "99999999999999999999", "-1")
_NO_FLOATS = ("x", "1e309", "0x1", "1__0", ",5")
_TERMINATIONS = ("clean", "awaiting_user", "all", "bogus", "clean,bogus", "awaiting_user, clean")
_ODD_QUERIES = (
    *("no_default_range", "no_default_range&x=1", "x=1&no_default_range", "from", "from=%zz"),
    *("FROM=x", "from=2026-11-10;to=x", "%66rom=x", "from=x&from=2026-11-10", "&&from=x", "=x"),
    *("limit=", "breakdowns=&session_counts=F", "timezone=Etc/GMT+5", "timezone=x&from=y"),
    *("from=2099-01-01", "to=0001-01-02&from=0001-01-01", "agent=%ff", "project=%3Cb%3E&from=x"),
    "breakdowns=x&limit=999&from=x&min_user_messages=-1",
)
_USAGE = ("summary", "top-sessions", "comparison", "pairwise-comparison")
_FILTERS = ("agent", "project", "machine", "model")
_EXCLUDED = ("agent", "project", "model")
_COLUMNS = {
    "agent": "SELECT DISTINCT agent FROM sessions",
    "project": "SELECT DISTINCT project FROM sessions",
    "machine": "SELECT DISTINCT machine FROM sessions",
    "model": "SELECT DISTINCT model FROM messages WHERE model <> ''",
    "branch": "SELECT DISTINCT project || char(31) || git_branch FROM sessions",
    "day": "SELECT DISTINCT substr(timestamp, 1, 10) FROM messages WHERE timestamp GLOB '20*'",
    "time": "SELECT DISTINCT ended_at FROM sessions WHERE ended_at GLOB '20*Z'",
    "session": "SELECT id FROM sessions",
}


class Requests:
    """A source of requests to the v1 endpoints of a server over one archive."""

    def __init__(self, archive: Path, seed: int) -> None:
        """Looks up what the archive holds."""
        self._draw = random.Random(seed)
        with closing(sqlite3.connect(archive / "sessions.db")) as database:
            database.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            self._held = {
                name: sorted(str(value) for (value,) in database.execute(sql) if value is not None)
                for name, sql in _COLUMNS.items()
            }

    def targets(self, count: int) -> Iterator[str]:
        """Yields paths with queries, good and bad ones."""
        kinds: list[tuple[Callable[[], str], int]] = [
            (self._usage, 12),
            (self._activity, 5),
            (self._session, 2),
            (self._odd, 2),
        ]
        makers, weights = zip(*kinds, strict=True)
        for _ in range(count):
            yield self._draw.choices(makers, weights)[0]()

    def _odd(self) -> str:
        query = self._draw.choice(_ODD_QUERIES)
        path = self._draw.choice(_USAGE[:2])
        return f"/api/v1/usage/{path}?{query}"

    def _usage(self) -> str:
        path, pairs = self._draw.choice(_USAGE), self._window("from", "to")
        pairs += self._filters()
        if path == "top-sessions" and self._chance(0.6):
            pairs.append(("limit", self._some(("0", "1", "3", "100"), ("101", *_NO_INTEGERS))))
        if path == "comparison" and self._chance(0.95):
            pairs.append(("current_cost", self._some(("0", "12.5", "1_0", "-3"), _NO_FLOATS)))
        if path == "pairwise-comparison":
            pairs += self._sides()
        return f"/api/v1/usage/{path}?{self._joined(pairs)}"

    def _window(self, first: str, last: str) -> list[tuple[str, str]]:
        days = sorted(self._some(self._held["day"] or ["2026-11-10"], _NO_DATES) for _ in "12")
        pairs = []
        if self._chance(0.8):
            pairs.append((first, days[0]))
        if self._chance(0.8):
            pairs.append((last, days[1] if self._chance(0.95) else days[0]))
        if self._chance(0.4):
            pairs.append(("no_default_range", self._some(_BOOLEANS, _NO_BOOLEANS)))
        if self._chance(0.6):
            pairs.append(("timezone", self._some(_ZONES, _NO_ZONES)))
        return pairs

    def _filters(self) -> list[tuple[str, str]]:
        pairs = [(name, self._list(name)) for name in _FILTERS if self._chance(0.15)]
        pairs += [(f"exclude_{name}", self._list(name)) for name in _EXCLUDED if self._chance(0.1)]
        if self._chance(0.12):
            pairs.append(("git_branch", self._branches()))
        for name in ("include_one_shot", "include_automated", "breakdowns", "session_counts"):
            if self._chance(0.3):
                pairs.append((name, self._some(_BOOLEANS, _NO_BOOLEANS)))
        if self._chance(0.15):
            pairs.append(("min_user_messages", self._some(("0", "1", "2", "5"), _NO_INTEGERS)))
        if self._chance(0.15):
            times = (*_TIMES, *self._held["time"])
            pairs.append(("active_since", self._some(times, _NO_TIMES)))
        if self._chance(0.15):
            pairs.append(("termination", self._draw.choice(_TERMINATIONS)))
        return pairs

    def _sides(self) -> list[tuple[str, str]]:
        pairs = []
        for side in ("left", "right"):
            dimension = self._some(("model", "project"), ("agent", "Model", ""))
            value = self._list(dimension if dimension in _COLUMNS else "model")
            pairs += [(f"{side}_dimension", dimension), (f"{side}_value", value)]
        return [pair for pair in pairs if self._chance(0.97)]

    def _activity(self) -> str:
        pairs = []
        presets = ("day", "week", "month", "custom")
        if self._chance(0.9):
            pairs.append(("preset", self._some(presets, ("year", "Day", ""))))
        if self._chance(0.9):
            pairs.append(("date", self._some(self._held["day"] or ["2026-11-10"], _NO_DATES)))
        if ("preset", "custom") in pairs or self._chance(0.1):
            day = self._draw.choice(self._held["day"] or ["2026-11-10"])
            pairs += [("from", f"{day}T03:00:00Z"), ("to", f"{day}T19:30:00Z")]
        for name, chance in (("project", 0.2), ("agent", 0.2), ("machine", 0.1)):
            if self._chance(chance):
                pairs.append((name, self._list(name)))
        if self._chance(0.5):
            pairs.append(("bucket", self._some(("5m", "15m", "1h", "1d", "1w"), ("2h", "1H"))))
        if self._chance(0.6):
            pairs.append(("timezone", self._some(_ZONES, _NO_ZONES)))
        if self._chance(0.15):
            pairs.append(("git_branch", self._branches()))
        if self._chance(0.3):
            modes = ("all", "interactive", "automated")
            pairs.append(("automation", self._some(modes, ("Interactive", "x"))))
        return f"/api/v1/activity/report?{self._joined(pairs)}"

    def _session(self) -> str:
        found = self._some(self._held["session"] or ["nope"], ("nope", "", "a/b", ".."))
        query = f"?{self._joined([self._breakdown()])}" if self._chance(0.6) else ""
        name = quote(found, safe="", errors="surrogateescape") or "%20"
        return f"/api/v1/sessions/{name}/usage{query}"

    def _breakdown(self) -> tuple[str, str]:
        return "breakdown", self._some(_BOOLEANS, _NO_BOOLEANS)

    def _list(self, name: str) -> str:
        held = self._held[name] or ["nope"]
        words = [self._draw.choice(held) for _ in range(self._draw.choice((1, 1, 2, 3)))]
        if self._chance(0.15):
            words.append(self._draw.choice(("nope", "", " ", f" {words[0]}")))
        return ",".join(words)

    def _branches(self) -> str:
        held = self._held["branch"] or ["a\x1fb"]
        words = [self._draw.choice(held) for _ in range(self._draw.choice((1, 2)))]
        return "\x1e".join([*words, *(["junk"] if self._chance(0.2) else [])])

    def _some(self, good: Sequence[str], bad: Sequence[str]) -> str:
        return self._draw.choice(bad if bad and self._chance(0.06) else good)

    def _joined(self, pairs: list[tuple[str, str]]) -> str:
        self._draw.shuffle(pairs)
        return "&".join(f"{name}={self._escaped(value)}" for name, value in pairs)

    def _escaped(self, value: str) -> str:
        if "%" in value:
            return value
        return quote_plus(value, safe=":,/", errors="surrogateescape")

    def _chance(self, share: float) -> bool:
        return self._draw.random() < share
