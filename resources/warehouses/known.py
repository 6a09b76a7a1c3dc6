"""What a warehouse knows of archives: which they are, who came before whom, what cannot be read.

What belongs here: reading it, at no import cost. What does not: writing it (`warehouses.ledger`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from agentsview_assets.resources.warehouses.expected import of_archives
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    LEFT_OUT_TABLE,
    PARTITIONS_TABLE,
    SUCCESSIONS_TABLE,
)
from agentsview_assets.resources.warehouses.store import Archive, Succession
from agentsview_assets.rules.staleness import Slice
from agentsview_assets.rules.versions import own_rules, rules


class LeftOut(NamedTuple):
    """A row of an archive that cannot be read."""

    archive_id: str
    source_table: str
    session_id: str
    row_name: str
    reason: str


def left_out(ask: Any, archives: Collection[str] | None = None) -> list[LeftOut]:
    """The rows of some archives (of all if none is named) that cannot be read."""
    where, parameters = of_archives(archives)
    columns = ", ".join(LeftOut._fields)
    return [
        LeftOut(*row)
        for row in ask(
            f"SELECT {columns} FROM {LEFT_OUT_TABLE}{where} ORDER BY 1, 2, 3, 4", parameters
        )
    ]


def known_archives(ask: Any) -> list[Archive]:
    """The archives whose observations a warehouse holds."""
    found = ask(
        f"SELECT {', '.join(Archive._fields)} FROM {ARCHIVES_TABLE} ORDER BY archive_id", []
    )
    return [Archive(*row) for row in found]


def successions(ask: Any) -> list[Succession]:
    """The archives that another one was found in the place of, the last found first."""
    found = ask(
        f"SELECT archive_id, path, succeeded_by FROM {SUCCESSIONS_TABLE} ORDER BY found_at DESC",
        [],
    )
    return [Succession(*row) for row in found]


def predecessors(archives: Collection[str], found: Iterable[Succession]) -> set[str]:
    """The archives that some archives took the place of, and those before them."""
    all_found, before, successions_found = set[str](), {*archives}, list(found)
    while before:
        before = {s.archive_id for s in successions_found if s.succeeded_by in before} - all_found
        all_found |= before
    return all_found


def outdated(ask: Any) -> dict[str, set[Slice]]:
    """The slices that other rules than those of this release made, by table."""
    made = ask(f"SELECT DISTINCT asset, rules_version FROM {PARTITIONS_TABLE}", [])
    current = rules().digests
    found: dict[str, set[Slice]] = {}
    for asset, version in made:
        if current.get(asset) in (None, own_rules(version)):
            continue
        rows = ask(
            f"SELECT archive_id, partition_date FROM {PARTITIONS_TABLE} "
            "WHERE asset = ? AND rules_version = ?",
            [asset, version],
        )
        found.setdefault(asset, set()).update((archive_id, day) for archive_id, day in rows)
    return found
