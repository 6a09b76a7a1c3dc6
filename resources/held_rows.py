"""What the observation store knows of rows that could not be read and were left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.resources.archive_schema import MESSAGES, USAGE_EVENTS
from agentsview_assets.transforms.secrets import clean, clean_identifier

if TYPE_CHECKING:
    import duckdb

    from agentsview_assets.resources.observation_reader import ObservationReader
    from agentsview_assets.resources.odd_values import HeldRow

MOST_NAMED = 20
"""Rows left out that one message names; `status --json` names all."""
_OF_SESSIONS = (MESSAGES.name, USAGE_EVENTS.name)


def note_held(
    db: duckdb.DuckDBPyConnection,
    archive_id: str,
    held: Sequence[HeldRow],
    read: Collection[str] | None,
) -> None:
    """Replaces what is known of an archive's rows, for all that was read now.

    Args:
        db: The store, in a transaction of the caller's.
        archive_id: The archive.
        held: Rows that could not be read now.
        read: Sessions whose messages and events were read; None where all were.
    """
    mine = "archive_id = ?"
    parameters: list[object] = [archive_id]
    if read is not None:
        mine += (
            " AND (NOT list_contains(?::TEXT[], source_table)"
            " OR list_contains(?::TEXT[], session_id)"
            " OR session_id NOT IN (SELECT id FROM candidate))"
        )
        parameters += [list(_OF_SESSIONS), sorted(read)]
    db.execute(f"DELETE FROM held WHERE {mine}", parameters)
    for row in dict.fromkeys(held):
        words = [clean_identifier(row.session_id), clean(row.row), clean(row.reason)]
        db.execute("INSERT INTO held VALUES (?, ?, ?, ?, ?)", [archive_id, row.table, *words])


def held_rows(store: ObservationReader, archive_ids: Collection[str] | None = None) -> list[str]:
    """The rows that are left out of some archives (of all if none is named), a line each."""
    found = store.rows(
        "SELECT DISTINCT archive_id, path, source_table, row_name, reason FROM held "
        "JOIN archive USING (archive_id) ORDER BY ALL"
    )
    return [
        f"archive {path}: {table} ({row}): {reason}"
        for archive_id, path, table, row, reason in found
        if archive_ids is None or archive_id in archive_ids
    ]
