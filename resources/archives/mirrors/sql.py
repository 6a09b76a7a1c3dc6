"""How the columns of an archive are found in a mirror that agentsview pushed it to: pure SQL texts.

A mirror has typed columns where the archive has SQLite's: times are instants in microseconds,
flags are booleans, and an empty text has become NULL. Here they become the archive's again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives.schema import SourceColumn, SourceTable, ValueType

TABLE_NAMES = {
    "pg_sync_state": ("sync_metadata",),
    "project_identity_observations": (
        "source_project_identity_observations",
        "project_identity_observations",
    ),
    "worktree_project_mappings": ("source_worktree_project_mappings",),
    "archive_metadata": (),
}
"""What tables of the archive are called in mirrors, newest first; others keep their name."""

# What the archive said, where readers of the mirror may have changed it; when a row was pushed
# stands for when it was changed.
_SOURCES: dict[tuple[str, str], str] = {
    ("sessions", "deleted_at"): "source_deleted_at",
    ("sessions", "display_name"): "source_display_name",
}
_STAND_INS: dict[tuple[str, str], str] = {("sessions", "local_modified_at"): "updated_at"}
_MAY_LACK = {
    *(
        ("sessions", name)
        for name in (
            *("local_modified_at", "file_mtime", "file_size", "file_hash", "file_path"),
            "secrets_rules_version",
        )
    ),
    ("starred_sessions", "created_at"),
    ("cursor_usage_events", "is_headless"),
}
_MILLISECONDS = ("created_at", "deleted_at")
"""Times that SQLite itself writes: always three digits."""


class Dialect(NamedTuple):
    """How a mirror's engine says things.

    Attributes:
        types: Its names for the archive's storage classes.
        instant: SQL of an instant as text of the archive's form, without the `Z`: six digits.
        literal: A text as a literal that no content can break out of.
        binary: SQL of a text expression that compares by bytes.
    """

    types: Mapping[ValueType, str]
    instant: Callable[[str], str]
    literal: Callable[[str], str]
    binary: Callable[[str], str]


DUCKDB = Dialect(
    {"text": "VARCHAR", "integer": "BIGINT", "real": "DOUBLE"},
    lambda value: f"strftime({value}, '%Y-%m-%dT%H:%M:%S.%f')",
    lambda text: f"decode(from_hex('{text.encode().hex()}'))",
    lambda value: value,
)
POSTGRESQL = Dialect(
    {"text": "TEXT", "integer": "BIGINT", "real": "DOUBLE PRECISION"},
    lambda value: f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')""",
    lambda text: f"convert_from(decode('{text.encode().hex()}', 'hex'), 'UTF8')",
    lambda value: f'{value} COLLATE "C"',
)

EMPTY: dict[ValueType, str] = {"text": "''", "integer": "0", "real": "0.0"}


def column_sql(
    dialect: Dialect,
    table: SourceTable,
    column: SourceColumn,
    present: Mapping[str, str],
    relation: Callable[[str], str],
) -> str:
    """SQL of an archive's column over a mirror's table.

    Args:
        dialect: The mirror's.
        table: The archive's table.
        column: The column.
        present: The declared types of the mirror's columns.
        relation: SQL of a table of the mirror by its name.

    Raises:
        ArchiveError: The mirror lacks the column; the message names it.
    """
    place = (table.name, column.name)
    if place == ("cursor_usage_events", "id"):
        # Mirrors have none, or one of their own: the order of time is that of the archive.
        value = "ROW_NUMBER() OVER (ORDER BY occurred_at, dedup_key)"
    elif place == ("project_identity_observations", "machine"):
        value = _machine(present, relation("sessions"))
    else:
        value = _value(dialect, place, column.among(present), present)
    value = f"CAST({value} AS {dialect.types[column.type]})"
    return value if column.nullable else f"COALESCE({value}, {EMPTY[column.type]})"


def _value(
    dialect: Dialect, place: tuple[str, str], column: SourceColumn, present: Mapping[str, str]
) -> str:
    source = _SOURCES.get(place, column.required)
    if source not in present:
        source = column.required
    if source not in present:
        source = _STAND_INS.get(place, source)
    if source not in present:
        if place in _MAY_LACK:
            return "NULL"
        raise ArchiveError(f"column {place[0]}.{source} is missing")
    if column.divisor is not None:
        return f"CAST({source} AS {dialect.types['real']}) / {column.divisor}"
    if column.expression is not None:
        return column.expression
    return _as_stored(dialect, place, source, present[source].upper())


def _as_stored(dialect: Dialect, place: tuple[str, str], source: str, declared: str) -> str:
    if declared.startswith("TIMESTAMP"):
        text = dialect.instant(source)
        if place[1] in _MILLISECONDS:
            return f"substr({text}, 1, 23) || 'Z'"
        return f"regexp_replace({text}, '\\.?0+$', '') || 'Z'"
    if declared == "BOOLEAN":
        return f"CAST({source} AS INTEGER)"
    return source


def _machine(present: Mapping[str, str], sessions: str) -> str:
    """The machine of an observation: pushes of 0.37 renamed it in the sessions alone."""
    if "source_archive_id" in present:
        return "machine"
    return (
        f"CASE WHEN machine = 'local' THEN COALESCE((SELECT MIN(s.machine) FROM {sessions} s "
        "HAVING COUNT(DISTINCT s.machine) = 1), machine) ELSE machine END"
    )
