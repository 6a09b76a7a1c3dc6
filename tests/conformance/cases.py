"""Command lines to compare: windows, zones, agents and layouts of `usage daily`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.recipes import Recipe

ZONES = (
    "UTC",
    "America/New_York",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
)
AGENTS = (
    "claude",
    "Claude",
    "codex,copilot",
    "claude, cursor",
    "cursor",
    ",claude",
    "nobody",
    "windsurf",
)
WINDOWS = ("all", "default", "since", "until", "closed", "one-day", "hours", "all-since")


@dataclass(frozen=True)
class Case:
    """One command line.

    Attributes:
        window: One of `WINDOWS`.
        zone: Zone of the report; None leaves it to the clock's zone.
        agent: Agent filter; None for none.
        breakdown: Whether breakdowns are asked for.
        human: Whether the table for people is asked for.
        clock: Zone of the clock.
    """

    window: str = "all"
    zone: str | None = "UTC"
    agent: str | None = None
    breakdown: bool = False
    human: bool = False
    clock: str = "UTC"

    def arguments(self, recipe: Recipe) -> list[str]:
        """Return the arguments for an archive made by a recipe."""
        first, last = recipe.window
        windows = {
            "all": ["--all"],
            "default": [],
            "since": ["--since", first],
            "until": ["--until", last],
            "closed": ["--since", first, "--until", last],
            "one-day": ["--since", last, "--until", last],
            "hours": ["--since", "36h", "--until", last],
            "all-since": ["--all", f"--since={last}"],
        }
        return [
            *("usage", "daily", "--offline", "--no-sync"),
            *([] if self.human else ["--json"]),
            *windows[self.window],
            *([] if self.zone is None else ["--timezone", self.zone]),
            *([] if self.agent is None else ["--agent", self.agent]),
            *(["--breakdown"] if self.breakdown else []),
        ]

    def __str__(self) -> str:
        """Return a short name for test reports."""
        parts = (
            self.window,
            self.zone or f"clock {self.clock}",
            "" if self.agent is None else f"agent {self.agent}",
            "breakdown" if self.breakdown else "",
            "table" if self.human else "",
        )
        return " ".join(part for part in parts if part)


# Each zone, each kind of window, agents, breakdowns and the table: for every archive.
EVERYDAY = (
    Case(breakdown=True),
    Case("closed", "America/New_York", breakdown=True),
    Case("closed", "Pacific/Kiritimati", agent="claude, cursor"),
    Case("since", "Asia/Kathmandu"),
    Case("until", "Australia/Lord_Howe", agent="codex,copilot", breakdown=True),
    Case("one-day", human=True, breakdown=True),
)
# And these for one rich archive only.
THOROUGH = (
    *(Case(window) for window in WINDOWS),
    *(Case("default", zone) for zone in ZONES[1:]),
    *(Case("closed", zone) for zone in ZONES),
    *(Case(agent=agent, breakdown=True) for agent in AGENTS),
    Case("all", None, clock="Asia/Kathmandu"),
    Case("closed", None, clock="Nowhere/Land"),
    Case("all", "Local", clock="America/New_York"),
    Case(human=True),
)
# Nothing to count: the shape of an empty document, and the notes that explain it.
EMPTY = (
    Case(),
    Case("default", breakdown=True),
    Case(human=True),
    *(Case(agent=agent, human=True) for agent in ("zcode", " windsurf,,copilot", "copilot", ",")),
)
# Every window in every zone, for agents or not, in each layout.
MATRIX = tuple(
    Case(window, zone, agent, breakdown=breakdown, human=human)
    for window, zone, agent, (breakdown, human) in itertools.product(
        WINDOWS,
        (*ZONES, None, "Local"),
        (None, *AGENTS[:4]),
        ((False, False), (True, False), (True, True)),
    )
)

# Command lines that fail before any archive or warehouse is looked at.
MISTAKES: tuple[tuple[str, ...], ...] = (
    *(("--since", text) for text in ("7w", "7D", "0d", "-1d", "d", "today", "2026-11-1", "1.5d")),
    *(("--since", text) for text in ("2026-11-31", "2026-07-01T00:00:00Z", "0h", " 7d")),
    ("--until", "yesterday"),
    ("--until", "2026-02-29"),
    ("--since", "2026-11-20", "--until", "2026-11-10"),
    ("--until", "nope", "--since", "nope"),
    *(("--timezone", zone) for zone in ("Nope/Zone", "utc", "america/new_york", "+05:00")),
    *(("--timezone", zone) for zone in ("../UTC", "/etc/localtime", "\\UTC", "Europe/../UTC")),
    ("--timezone", "Nope/Zone", "--since", "nope"),
    ("--nope",),
    ("--agent",),
    ("extra",),
    ("--format", "xml"),
    ("--format",),
    ("--breakdown=maybe",),
    ("--all=7",),
    ("-x",),
)
# And command lines that look like mistakes, but are none.
ODDITIES: tuple[tuple[str, ...], ...] = (
    ("--since", "", "--until", ""),
    ("--since", "+007d"),
    ("--until", "3d"),
    ("--until", "48h", "--since", "3d"),
    ("--since=2026-07-01", "--until=2026-07-01"),
    ("--timezone", ""),
    ("--timezone=UTC", "--all=true", "--breakdown=1"),
    ("--all=false",),
    ("--agent", ""),
    ("--json", "--format", "human"),
    ("--format=json",),
    ("-since", "2026-07-01"),
)
