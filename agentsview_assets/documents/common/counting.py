"""Which rows share a key with others, for reports of one archive and of all, as portable SQL.

What belongs here: the conditions and relations over `duplicates` and `session_copies`. What does
not: in which order the rows of a key count (`rules.duplicates`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.rules.duplicates import ALL, OWN, RULE

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader

_OWN = f"rule = '{RULE}' AND scope = '{OWN}'"
_OWN_OF_D = f"d.rule = '{RULE}' AND d.scope = '{OWN}'"
_ALL = f"rule = '{RULE}' AND scope = '{ALL}'"

NO_COPY = (
    "(archive_id, session_id) NOT IN (SELECT archive_id, session_id FROM session_copies "
    "WHERE canonical_archive_id <> archive_id)"
)
"""The condition that a session is not one of which another archive's copy counts."""


def is_single(reader: Reader, *, of_all: bool) -> str:
    """The condition that no other row has the key of a row of `usage_rows`.

    Args:
        reader: The warehouse.
        of_all: Whether the rows of all archives are reported together.
    """
    return none_of(reader, "usage_rows", "duplicates", "1 = 1" if of_all else _OWN_OF_D)


def counts(reader: Reader, *, of_all: bool) -> str:
    """The condition that a row of `usage_rows` counts, over all time and all agents."""
    scope = "" if of_all else f"{_OWN_OF_D} AND "
    other = f"{scope}(d.counting_row_id <> d.row_id OR d.counting_archive_id <> d.archive_id)"
    return none_of(reader, "usage_rows", "duplicates", other)


def none_of(reader: Reader, row: str, relation: str, condition: str) -> str:
    """The condition that a row has archive and row id of none of some others.

    Args:
        reader: The warehouse.
        row: What the row's relation is called.
        relation: The one of the others; it is called `d`.
        condition: Which of it they are.
    """
    if reader.kind == "duckdb":
        # It copies the whole row for `NOT EXISTS`; the others look rows up for that by their key.
        return (
            f"({row}.archive_id, {row}.row_id) NOT IN "
            f"(SELECT d.archive_id, d.row_id FROM {relation} d WHERE {condition})"
        )
    return (
        f"NOT EXISTS (SELECT 1 FROM {relation} d WHERE {condition} "
        f"AND d.archive_id = {row}.archive_id AND d.row_id = {row}.row_id)"
    )


def shared_rows(*, of_all: bool) -> str:
    """A relation of the rows of `usage_rows` that share a key, and `shared_by`, what they share."""
    own = f"SELECT archive_id, row_id, counting_row_id AS shared_by FROM duplicates WHERE {_OWN}"
    members = own
    if of_all:
        own = (
            "SELECT archive_id, row_id, archive_id || ' ' || dedup_key AS shared_by "
            f"FROM duplicates o WHERE {_OWN} AND NOT EXISTS (SELECT 1 FROM duplicates a "
            f"WHERE a.rule = '{RULE}' AND a.scope = '{ALL}' AND a.archive_id = o.archive_id "
            "AND a.row_id = o.row_id)"
        )
        members = (
            "SELECT archive_id, row_id, ' ' || dedup_key AS shared_by "
            f"FROM duplicates WHERE {_ALL} UNION ALL {own}"
        )
    return (
        f"(SELECT u.*, m.shared_by FROM usage_rows u JOIN ({members}) m "
        "ON m.archive_id = u.archive_id AND m.row_id = u.row_id)"
    )
