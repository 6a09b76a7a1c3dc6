"""Which archives the documents are compared over, and with what windows."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.busy_archive import busy, negative_costs
from tests.support.odd_archives import BREAKING, ODD, THEMES, make_archive, make_scrambled
from tests.support.oracle import REPOSITORY
from tests.support.transcripts import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.odd_archives import Edit
    from tests.support.oracle import Oracle

SCRAMBLES = 16
# Sessions of each busy archive: from thirteen on, ties are put in an order of their own.
BUSY = (300, 12, 13, 60, 900)
# Enough for every rule; the themes one by one, which tell more of a failure, are for the matrix.
EVERYDAY_RECIPES = (
    *("recent", "sample", "empty", "odd", "golden", "custom-prices", "stored-prices"),
    *("no-cursor-table", "scrambled-0"),
)
_ODD_WINDOW = ("2026-07-01", "2026-07-02")


@dataclass(frozen=True)
class Recipe:
    """How to make an archive.

    Attributes:
        make: Writes it into a folder.
        window: First and last day of the window that its closed-window cases use.
        start: Day at which our partitions begin; earlier rows belong to that day's partition.
    """

    make: Callable[[Oracle, Path], Path]
    window: tuple[str, str]
    start: str


def _corpus(seed: int, last_day: dt.date, days: int, *, sessions: int = 40) -> Recipe:
    settings = Settings(sessions=sessions, days=days, seed=seed, last_day=last_day)
    middle = last_day - dt.timedelta(days=days // 2)
    window = ((middle - dt.timedelta(days=3)).isoformat(), middle.isoformat())
    # A few days of the corpus lie before our first partition.
    start = last_day - dt.timedelta(days=days - 4)
    return Recipe(
        lambda oracle, folder: make_archive(oracle, folder, settings), window, start.isoformat()
    )


def _edited(edits: tuple[Edit, ...], start: str = "2026-06-25") -> Recipe:
    return Recipe(
        lambda oracle, folder: make_archive(oracle, folder, edits=edits),
        window=_ODD_WINDOW,
        start=start,
    )


def _scramble(seed: int) -> Recipe:
    return Recipe(
        lambda oracle, folder: make_scrambled(oracle, folder, seed),
        window=("2026-10-03", "2026-10-20"),
        start="2026-10-01",
    )


def _sample(_: Oracle, folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "agentsview_assets" / "data" / "sample" / "sessions.db", folder)
    return folder


RECIPES: dict[str, Recipe] = {
    # Up to today, so that the default window has something in it.
    "recent": _corpus(11, dt.datetime.now(dt.UTC).date(), 36),
    "spring": _corpus(12, dt.date(2026, 3, 14), 14),  # clocks go forward in New York
    "autumn": _corpus(13, dt.date(2026, 11, 6), 14),  # and back
    "sample": Recipe(_sample, ("2026-11-01", "2026-11-07"), "2026-10-20"),
    "empty": Recipe(make_archive, _ODD_WINDOW, "2026-06-25"),
    "odd": _edited(ODD),
    **{name: _edited(edits) for name, edits in THEMES.items()},
    **{f"scrambled-{seed}": _scramble(seed) for seed in range(SCRAMBLES)},
    **{
        f"busy-{seed}": _edited((busy(seed, sessions), negative_costs), start="2026-07-02")
        for seed, sessions in enumerate(BUSY)
    },
}
BREAKING_RECIPES: dict[str, Recipe] = {name: _edited((edit,)) for name, edit in BREAKING.items()}
