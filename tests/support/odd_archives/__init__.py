"""Archives in odd states: a really synced archive, then named edits to its rows.

Every edit is a function whose docstring names the rule it provokes. Edits of one theme, and all
themes together, may be applied to one archive: each uses sessions and labels of its own.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.support.odd_archives import (
    breaking,
    duplicates,
    eligibility,
    golden,
    golden_export,
    identities,
    money,
    remotes,
    sessions,
    times,
    tokens,
)
from tests.support.odd_archives.scramble import scramble
from tests.support.odd_archives.workbench import Edit, Workbench, apply_edits
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle

__all__ = [
    "BREAKING",
    "ODD",
    "THEMES",
    "Edit",
    "Workbench",
    "make_archive",
    "make_scrambled",
    "scramble",
]


def no_cursor_table(bench: Workbench) -> None:
    """An archive without the table of Cursor billing has no Cursor rows."""
    bench.database.execute("DROP TABLE cursor_usage_events")


THEMES: dict[str, tuple[Edit, ...]] = {
    "eligibility": eligibility.EDITS,
    "times": times.EDITS,
    "tokens": tokens.EDITS,
    "money": money.EDITS,
    "notation": (money.tiny_and_huge_costs,),
    "duplicates": duplicates.EDITS,
    "identities": (*identities.EDITS, *remotes.EDITS),
    "sessions": sessions.EDITS,
    "golden": golden.EDITS,
    "golden-export": golden_export.EDITS,
    "stored-prices": (*golden.EDITS, money.model_names, money.stored_prices),
    "seeded-prices": (*golden.EDITS, money.stored_embedded_only),
    "custom-prices": (*golden.EDITS, money.model_names, money.custom_prices),
    "all-prices": (money.model_names, money.stored_prices, money.custom_prices),
    "no-cursor-table": (duplicates.spanning_days, no_cursor_table),
}
# All that leaves prices alone, in one archive.
ODD: tuple[Edit, ...] = tuple(
    edit
    for theme in ("eligibility", "times", "tokens", "money", "duplicates", "identities")
    for edit in THEMES[theme]
)
BREAKING: dict[str, Edit] = {edit.__name__: edit for edit in breaking.EDITS}


def make_archive(
    oracle: Oracle, folder: Path, settings: Settings | None = None, edits: tuple[Edit, ...] = ()
) -> Path:
    """Sync an archive into `folder`, from a generated corpus or empty, and edit it.

    Args:
        oracle: The original program, which writes the archive.
        folder: Data folder to make; transcripts and checkouts go beside it.
        settings: The corpus; an empty archive without.
        edits: What to do to it afterwards, in order.

    Returns:
        The data folder.
    """
    transcripts = None
    if settings is not None:
        transcripts = folder.parent / f"{folder.name}-transcripts"
        write_corpus(transcripts, settings)
    oracle.sync(folder, transcripts)
    apply_edits(folder, edits)
    return folder


def make_scrambled(oracle: Oracle, folder: Path, seed: int, *, of: Path | None = None) -> Path:
    """Make an archive from a small corpus, or copy one, and scramble its rows with a seed."""
    if of is None:
        make_archive(oracle, folder, Settings(sessions=30, days=12, seed=seed))
    else:
        shutil.copytree(of, folder)

    def mix(bench: Workbench) -> None:
        scramble(bench.database, seed)

    apply_edits(folder, (mix,))
    return folder
