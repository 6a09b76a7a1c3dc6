"""What is expected of archives, as a warehouse has it, for plans, reports and documents alike."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from agentsview_assets.resources.warehouses.reader import EXPECTED_TABLE
from agentsview_assets.rules.staleness import ExpectedRow

EXPECTED_COLUMNS = ("archive_id", "part", "partition_date", "input_version", "models", "reads")


def expected_rows(ask: Any, archives: Collection[str] | None) -> list[ExpectedRow]:
    """What is expected of some archives (of all if none is named).

    Args:
        ask: Runs a query with `?` placeholders.
        archives: Identities.
    """
    where, parameters = of_archives(archives)
    found = ask(f"SELECT {', '.join(EXPECTED_COLUMNS)} FROM {EXPECTED_TABLE}{where}", parameters)
    return [
        ExpectedRow(
            archive, part, day, version, tuple(json.loads(models)), tuple(json.loads(reads))
        )
        for archive, part, day, version, models, reads in found
    ]


def of_archives(archives: Collection[str] | None) -> tuple[str, list[str]]:
    """The WHERE clause for some archives (for all if none is named), and its parameters."""
    if archives is None:
        return "", []
    marks = ", ".join("?" * len(archives)) or "NULL"
    return f" WHERE archive_id IN ({marks})", sorted(archives)
