"""Command lines of the session export to compare: drawn from what an archive holds."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPORT = ("export", "sessions")
EVERYTHING = ("--all", "--include-one-shot", "--include-automated", "--include-children")
# For every archive: the defaults, everything in both forms, and each way to widen the choice.
PLAIN: tuple[tuple[str, ...], ...] = (
    (),
    ("--all",),
    (*EVERYTHING, "--format", "ndjson"),
    EVERYTHING,
    ("--all", "--include-children"),
    ("--all", "--include-one-shot"),
    ("--all", "--include-automated"),
    ("--limit", "1", "--format", "ndjson"),
)
# Values that mean nothing, or not what they seem to.
ODD: tuple[tuple[str, ...], ...] = (
    ("--project", " "),
    ("--machine", ","),
    ("--git-branch", " "),
    ("--git-branch", "no pair"),
    ("--git-branch", "p\x1f"),
    ("--outcome", ","),
    ("--active-since", " "),
    ("--active-since", "now"),
    ("--active-since", "garbage"),
    ("--active-since", "2461222.5"),
    ("--date", "garbage"),
    ("--date-from", "garbage"),
    ("--date-to", "garbage"),
    ("--min-tool-failures", "0", "--limit", "2"),
    ("--min-tool-failures=-1", "--limit", "2"),
    ("--min-messages", "-2", "--limit", "2"),
    ("--machine", " b , local,b,m", "--outcome", "z, completed ,unknown", "--limit", "2"),
    ("--cursor", "", "--all"),
    ("--json", "--limit", "0x10"),
    ("--json=false", "--format", "ndjson", "--limit", "010"),
)
REFUSED: tuple[tuple[str, ...], ...] = (
    ("--format", "xml"),
    ("--bogus",),
    ("--format",),
    ("extra",),
    ("--all", "true"),
    ("--all=x",),
    ("--limit", "0"),
    ("--limit", "501"),
    ("--limit", "1.0"),
    ("--limit", "99999999999999999999"),
    ("--json", "--format", "ndjson"),
    ("--cursor", "x", "--include-children=false"),
    ("--cursor", "bad", "--limit", "0"),
    ("--cursor", "bad"),
    ("--cursor", " "),
    ("--cursor", "a.b"),
)


class Draws:
    """Random command lines whose values occur in an archive, or nearly do."""

    def __init__(self, archive: Path, seed: int) -> None:
        """Look up what the sessions of a data folder hold."""
        self._draws = random.Random(seed)
        uri = f"file:{archive / 'sessions.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            self._values = {
                column: [
                    str(value)
                    for (value,) in database.execute(
                        f"SELECT DISTINCT {column} FROM sessions "
                        f"WHERE {column} IS NOT NULL ORDER BY 1"
                    )
                ]
                for column in (
                    *("project", "machine", "agent", "outcome", "health_grade"),
                    *("started_at", "ended_at", "project || char(31) || git_branch"),
                )
            }

    def arguments(self) -> list[str]:
        """Return the next command line."""
        draws, drawn = self._draws, []
        options: tuple[tuple[float, str, Callable[[], object]], ...] = (
            (0.2, "project", lambda: self._one("project")),
            (0.1, "exclude-project", lambda: self._one("project")),
            (0.1, "machine", lambda: ",".join((self._one("machine"), self._one("machine")))),
            (0.1, "agent", lambda: ",".join((self._one("agent"), self._one("agent")))),
            (0.1, "git-branch", self._branches),
            (0.15, "date", self._day),
            (0.15, "date-from", self._day),
            (0.15, "date-to", self._day),
            (0.15, "active-since", lambda: self._one("ended_at")),
            (0.1, "min-messages", lambda: draws.choice((-1, 0, 1, 5, 40))),
            (0.1, "max-messages", lambda: draws.choice((0, 2, 20))),
            (0.1, "min-user-messages", lambda: draws.choice((1, 2, 3))),
            (0.1, "outcome", lambda: ",".join((self._one("outcome"), self._one("outcome")))),
            (0.1, "health-grade", lambda: self._one("health_grade")),
            (0.1, "min-tool-failures", lambda: draws.choice((-1, 0, 1))),
            (0.1, "has-secret", lambda: "true"),
            (0.5, "include-one-shot", lambda: "true"),
            (0.5, "include-automated", lambda: "true"),
            (0.5, "include-children", lambda: "true"),
            (0.6, "all", lambda: "true"),
            (0.5, "format", lambda: "ndjson"),
            (0.4, "limit", lambda: draws.choice((1, 2, 7, 50, 500))),
        )
        for chance, name, value in options:
            if draws.random() < chance:
                drawn.append(f"--{name}={value()}")
        return drawn

    def _one(self, column: str) -> str:
        return self._draws.choice([*self._values[column], "unheard-of", " "])

    def _branches(self) -> str:
        column = "project || char(31) || git_branch"
        return f"{self._one(column)}\x1e{self._one(column)}"

    def _day(self) -> str:
        return self._one(self._draws.choice(("started_at", "ended_at")))[:10]
