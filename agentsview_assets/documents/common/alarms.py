"""Blocking checks that failed, and those that nobody has asked yet, as the warehouse records them.

What belongs here: reading the record. What does not: asking checks, which takes Dagster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.warehouses.reader import CHECKS_TABLE

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader


class Alarm(NamedTuple):
    """A blocking check that found numbers to be wrong, the last time that it was asked.

    Attributes:
        asset: Table that it is about.
        check: Its name.
        words: What it found.
        run_id: Dagster run that asked it.
        since: When, as text.
    """

    asset: str
    check: str
    words: str
    run_id: str
    since: str


def alarms(reader: Reader) -> list[Alarm]:
    """The blocking checks that failed and have not been found well since."""
    found = reader.rows(
        "SELECT asset, check_name, words, run_id, CAST(checked_at AS VARCHAR(40)) "
        f"FROM {CHECKS_TABLE} WHERE check_name <> '' ORDER BY asset, check_name"
    )
    return [Alarm(*row) for row in found]


def due_checks(reader: Reader) -> list[tuple[str, str]]:
    """The tables whose checks were not asked since they were written, each with its run."""
    found = reader.rows(
        f"SELECT asset, run_id FROM {CHECKS_TABLE} WHERE check_name = '' ORDER BY asset"
    )
    return [(asset, run_id) for asset, run_id in found]


def unchecked_tables(reader: Reader) -> frozenset[str]:
    """The tables with failed checks, or with checks that are due."""
    return frozenset(asset for (asset,) in reader.rows(f"SELECT asset FROM {CHECKS_TABLE}"))
