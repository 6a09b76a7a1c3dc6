"""Requests of the usage answers: their parameters drawn with a seed, and put to both programs."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from contextlib import closing
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from agentsview_assets.documents.usage.comparison import usage_comparison
from agentsview_assets.documents.usage.filters import TERMINATIONS, UsageFilters
from agentsview_assets.documents.usage.http_window import http_window, http_zone
from agentsview_assets.documents.usage.pairwise import pairwise_comparison
from agentsview_assets.documents.usage.summary import usage_summary
from agentsview_assets.documents.usage.top_sessions import top_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agentsview_assets.resources.warehouses.reader import Reader

Parameters = dict[str, str]

ENDPOINTS: Final = ("summary", "top-sessions", "comparison", "pairwise-comparison")
ZONES: Final = (
    *("", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Australia/Lord_Howe"),
    *("Asia/Tokyo", "America/St_Johns", "Local", "Nope/Zone", "utc"),
)
_LISTS: Final = {
    "agent": "SELECT DISTINCT agent FROM sessions",
    "exclude_agent": "SELECT DISTINCT agent FROM sessions",
    "project": "SELECT DISTINCT project FROM sessions",
    "exclude_project": "SELECT DISTINCT project FROM sessions",
    "machine": "SELECT DISTINCT machine FROM sessions",
    "model": "SELECT DISTINCT model FROM messages UNION SELECT model FROM usage_events",
    "exclude_model": "SELECT DISTINCT model FROM messages UNION SELECT model FROM usage_events",
}
_BRANCHES: Final = "SELECT DISTINCT project || char(31) || git_branch FROM sessions"
_TIMES: Final = (
    "SELECT ended_at FROM sessions WHERE ended_at GLOB '????-??-??T??:??:??*Z' "
    "AND datetime(ended_at) IS NOT NULL"
)
_TOKENLESS: Final = ("copilot", "vscode-copilot", "windsurf", "visualstudio-copilot", "zcode")
_FILTERS: Final = {field.name for field in fields(UsageFilters)}
_NUMBERS: Final = ("min_user_messages", "limit")
_FLAGS: Final = (
    *("include_one_shot", "include_automated", "no_default_range", "breakdowns"),
    "session_counts",
)


def target(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Return the path and query of a request."""
    return f"/api/v1/usage/{endpoint}?{urlencode(parameters)}"


class Draws:
    """Requests drawn by what there is in an archive; nothing in it is changed."""

    def __init__(self, archive: Path, window: tuple[str, str], seed: str) -> None:
        """Look up what can be asked for.

        Args:
            archive: The data folder.
            window: First and last day of what most requests are about.
            seed: The same requests for the same seed and archive.
        """
        self._draw = random.Random(seed)
        self._days = [dt.date.fromisoformat(day) for day in window]
        with closing(sqlite3.connect(f"file:{archive / 'sessions.db'}?mode=ro", uri=True)) as db:
            self._known = {name: _texts(db, sql) for name, sql in _LISTS.items()}
            self._branches = _texts(db, _BRANCHES)
            self._times = _texts(db, _TIMES)

    def request(self) -> tuple[str, Parameters]:
        """Return an endpoint and its parameters."""
        draw = self._draw
        endpoint = draw.choices(ENDPOINTS, (6, 3, 1, 2))[0]
        found = {**self._window(), **self._lists(), **self._others()}
        if draw.random() < 0.5:
            found["timezone"] = draw.choice(ZONES)
        for name in _FLAGS[:2]:
            if draw.random() < 0.5:
                found[name] = draw.choice(("true", "false"))
        for name in _FLAGS[3:]:
            if draw.random() < 0.2:
                found[name] = draw.choice(("true", "false"))
        return endpoint, found | self._of_endpoint(endpoint)

    def _window(self) -> Parameters:
        draw, (first, last) = self._draw, self._days
        days = sorted(
            first + dt.timedelta(days=draw.randint(-2, (last - first).days + 2)) for _ in range(2)
        )
        if draw.random() < 0.05:
            days.reverse()
        ends = dict(zip(("from", "to"), (day.isoformat() for day in days), strict=True))
        for name in ("from", "to"):
            if draw.random() < 0.25:
                del ends[name]
        if draw.random() < (0.8 if len(ends) < 2 else 0.3):
            ends["no_default_range"] = "true"
        return ends

    def _lists(self) -> Parameters:
        found = {}
        for name, known in self._known.items():
            if known and self._draw.random() < 0.09:
                found[name] = self._listed(known)
        if self._draw.random() < 0.1:
            found["agent"] = ",".join(self._draw.sample(_TOKENLESS, self._draw.randint(1, 2)))
        return found

    def _listed(self, known: Sequence[str]) -> str:
        draw = self._draw
        parts = draw.sample(known, min(len(known), draw.choice((1, 1, 2, 3))))
        odd = draw.random()
        if odd < 0.1:
            parts.append(draw.choice(("nowhere", "", "cursor", " cursor ", "it's", "\u2028")))
        elif odd < 0.2:
            parts = [f" {part}" for part in parts]
        elif odd < 0.23:
            return ","
        return ",".join(parts)

    def _others(self) -> Parameters:
        draw, found = self._draw, {}
        if self._branches and draw.random() < 0.12:
            parts = draw.sample(self._branches, min(len(self._branches), draw.choice((1, 2))))
            parts += draw.choice(((), (), ("no-pair",), ("a\x1fb\x1fc",), ("",)))
            found["git_branch"] = draw.choice(("\x1e".join(parts), "\x1e".join(parts), "no-pair"))
        if draw.random() < 0.12:
            found["min_user_messages"] = str(draw.choice((0, 1, 2, 3, 1000)))
        if self._times and draw.random() < 0.12:
            text = draw.choice(self._times)
            found["active_since"] = draw.choice((text, f"{text[:17]}00+09:00", f"{text[:19]}Z"))
        if draw.random() < 0.15:
            words = draw.sample((*TERMINATIONS, "all", "bogus", " clean "), draw.choice((1, 1, 2)))
            found["termination"] = ",".join(words)
        return found

    def _of_endpoint(self, endpoint: str) -> Parameters:
        draw = self._draw
        if endpoint == "top-sessions":
            limit = draw.choice(("", "0", "1", "5", "100", "100"))
            return {"limit": limit} if limit else {}
        if endpoint == "comparison":
            return {"current_cost": draw.choice(("0", "1.5", "-2", "1e3"))}
        found = {}
        for side in ("left", "right") if endpoint == "pairwise-comparison" else ():
            dimension = draw.choice(("model", "project", "project", "Model"))
            known = self._known["model" if dimension == "Model" else dimension]
            found[f"{side}_dimension"] = dimension
            found[f"{side}_value"] = self._listed(known or ("none",)) or " "
        return found


def _texts(db: sqlite3.Connection, sql: str) -> list[str]:
    return sorted(
        value for (value,) in db.execute(sql) if isinstance(value, str) and value.strip("\0")
    )


def answer(reader: Reader, endpoint: str, parameters: Parameters, now: dt.datetime) -> Any:
    """Return our answer to a request whose parameters are of the right types.

    Raises:
        UsageError: agentsview refuses it as well.
    """
    given: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    for name in _NUMBERS:
        if name in given:
            given[name] = int(given[name])
    for name in _FLAGS:
        if name in given:
            given[name] = given[name] == "true"
    zone = http_zone(given.pop("timezone", ""))
    window = http_window(
        given.pop("from", ""), given.pop("to", ""), given.pop("no_default_range", False), now
    )
    filters = UsageFilters(**{name: given.pop(name) for name in _FILTERS & set(given)})
    asked = {"window": window, "zone": zone, "filters": filters, "now": now}
    shown = {name: given.pop(name) for name in _FLAGS[3:] if name in given}
    if endpoint == "summary":
        return usage_summary(reader, **asked, **shown)
    if endpoint == "comparison":
        return usage_comparison(reader, **asked, current_cost=float(given["current_cost"]))
    if endpoint == "top-sessions":
        return top_sessions(reader, **asked, limit=given.get("limit", 0))
    left, right = (
        (given[f"{side}_dimension"], given[f"{side}_value"]) for side in ("left", "right")
    )
    return pairwise_comparison(reader, **asked, left=left, right=right)
