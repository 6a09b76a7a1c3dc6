"""Rows of archives that could not be read and were left out, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentsview_assets.resources.warehouses.known import LeftOut

MOST_NAMED = 20
"""Rows left out that one message names; `status --json` names all."""


def held_rows(left_out: Iterable[LeftOut], paths: Mapping[str, str]) -> list[str]:
    """The rows that are left out, a line each.

    Args:
        left_out: The rows.
        paths: Where each archive lies, by its identity.
    """
    return [
        f"archive {paths.get(row.archive_id, row.archive_id)}: {row.source_table} "
        f"({row.row_name}): {row.reason}"
        for row in left_out
    ]
