"""Forward migrations: how a warehouse of an earlier version of this program becomes one of this.

Every change of table shapes raises `warehouses.reader.SCHEMA_VERSION` and adds one migration
here. A warehouse is upgraded by the next `materialize`, all steps in one transaction: it is of the
old version or of the new one, and readers see nothing in between. What cannot be computed from the
tables themselves is left to `materialize`: a migration that deletes the notes of a table's
partitions (`forget`) has them made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses import reader as warehouse
from agentsview_assets.resources.warehouses.migrations.version_4 import (
    TYPES,
    by_archive,
    readable_like,
)
from agentsview_assets.resources.warehouses.migrations.version_5 import shared_prices
from agentsview_assets.resources.warehouses.migrations.version_6 import facts_of_usage_by_session
from agentsview_assets.resources.warehouses.migrations.version_7 import order_of_numbered_events
from agentsview_assets.warehouse_urls import Kind


class Migration(NamedTuple):
    """One step.

    Attributes:
        to_version: Schema version that it leads to, from the one before.
        statements: SQL to run, by backend.
        forget: Tables whose partitions are to be made again.
    """

    to_version: int
    statements: Mapping[Kind, tuple[str, ...]]
    forget: tuple[str, ...] = ()


_SHARED_AND_RESTATED = (
    "ALTER TABLE sessions ADD COLUMN elsewhere_archive_id VARCHAR",
    "ALTER TABLE usage_rows ADD COLUMN elsewhere_archive_id VARCHAR",
    "ALTER TABLE usage_rows ADD COLUMN elsewhere_row_id VARCHAR",
    """CREATE TABLE machines (
    archive_id VARCHAR NOT NULL, machine VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    label VARCHAR NOT NULL, is_own BOOLEAN NOT NULL)""",
    """CREATE TABLE price_changes (
    archive_id VARCHAR NOT NULL, model VARCHAR NOT NULL, matched_pattern VARCHAR, source VARCHAR,
    input_usd_per_mtok DOUBLE NOT NULL, output_usd_per_mtok DOUBLE NOT NULL,
    cache_write_usd_per_mtok DOUBLE NOT NULL, cache_read_usd_per_mtok DOUBLE NOT NULL,
    valid_from TIMESTAMPTZ NOT NULL, valid_to TIMESTAMPTZ, pricing_digest VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL)""",
    """CREATE TABLE restatements (
    archive_id VARCHAR NOT NULL, partition_date DATE NOT NULL, project VARCHAR NOT NULL,
    model VARCHAR NOT NULL, restated_at TIMESTAMPTZ NOT NULL, old_cost_usd DOUBLE NOT NULL,
    new_cost_usd DOUBLE NOT NULL, tokens BIGINT NOT NULL, old_pricing_digest VARCHAR NOT NULL,
    new_pricing_digest VARCHAR NOT NULL, run_id VARCHAR NOT NULL)""",
)
"""What several archives share, machine labels, and the histories of prices."""


def _said_by_runs(types: dict[str, str]) -> tuple[str, ...]:
    """What runs say beside their rows, as version 3 had it."""
    text, instant = types["text"], types["timestamptz"]
    return (
        f"""CREATE TABLE warehouse_expected (
    part {text} NOT NULL, partition_date {text} NOT NULL, input_version {text} NOT NULL,
    rates_version {text} NOT NULL, expected_at {instant} NOT NULL)""",
        f"""CREATE TABLE warehouse_readings (
    archive {text} NOT NULL, archive_id {text} NOT NULL, reason {text} NOT NULL,
    read_at {instant}, failing_since {instant})""",
        f"""CREATE TABLE warehouse_checks (
    asset {text} NOT NULL, check_name {text} NOT NULL, words {text} NOT NULL,
    run_id {text} NOT NULL, checked_at {instant} NOT NULL)""",
        f"""CREATE TABLE warehouse_successions (
    archive_id {text} NOT NULL, path {text} NOT NULL, succeeded_by {text} NOT NULL,
    found_at {instant} NOT NULL)""",
        f"""CREATE TABLE warehouse_rules (name {text} NOT NULL, value {text} NOT NULL)""",
    )


_SAID_BY_RUNS: Mapping[Kind, tuple[str, ...]] = {
    kind: _said_by_runs(types) for kind, types in TYPES.items()
}
_INSTANTS = tuple(
    f"INSERT INTO warehouse_columns VALUES ('{table}', '{column}', 'timestamptz', "
    "'When it was noted')"
    for table, column in (
        ("warehouse_expected", "expected_at"),
        ("warehouse_readings", "read_at"),
        ("warehouse_readings", "failing_since"),
        ("warehouse_checks", "checked_at"),
        ("warehouse_successions", "found_at"),
    )
)
"""SQLite keeps times as texts, and notes which columns are times."""
_OF_SESSIONS = ("secrets_rules_version", "starred_at_text")
"""What session exports can be narrowed by, since version 3."""
_MORE_OF_SESSIONS: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(
        f"ALTER TABLE sessions ADD COLUMN {column} {types['text']}" for column in _OF_SESSIONS
    )
    for kind, types in TYPES.items()
}
_LET_READERS_READ = readable_like(
    "warehouse_partitions",
    *("warehouse_expected", "warehouse_readings", "warehouse_checks"),
    *("warehouse_successions", "warehouse_rules"),
)
"""Who may read the notes of partitions may read what was added beside them."""

MIGRATIONS: tuple[Migration, ...] = (
    # Version 1 was DuckDB's alone.
    Migration(2, {"duckdb": _SHARED_AND_RESTATED, "sqlite": (), "postgresql": ()}),
    # What runs say beside their rows: what should be there, what was read, which checks failed.
    Migration(
        3,
        {
            "duckdb": (*_SAID_BY_RUNS["duckdb"], *_MORE_OF_SESSIONS["duckdb"]),
            "sqlite": (*_SAID_BY_RUNS["sqlite"], *_INSTANTS, *_MORE_OF_SESSIONS["sqlite"]),
            "postgresql": (
                *(*_SAID_BY_RUNS["postgresql"], _LET_READERS_READ),
                *_MORE_OF_SESSIONS["postgresql"],
            ),
        },
    ),
    Migration(4, {kind: by_archive(kind) for kind in TYPES}),
    # Price tables are stored once, whichever archives use them.
    Migration(5, {kind: shared_prices(kind) for kind in TYPES}),
    # What usage by session and its filters are told by; slices made by earlier rules are stale.
    Migration(6, {kind: facts_of_usage_by_session(kind) for kind in TYPES}),
    # How events go that have a number for a key; slices made by earlier rules are stale.
    Migration(7, {kind: order_of_numbered_events(kind) for kind in TYPES}),
)
"""In order; the first leads away from the earliest version that can still be upgraded."""


def statements_from(version: int, kind: Kind, shown: str) -> list[str]:
    """The SQL that brings a warehouse of an earlier version to this one.

    Raises:
        WarehouseError: The version is too old to be upgraded.
    """
    by_version = {migration.to_version: migration for migration in MIGRATIONS}
    found: list[str] = []
    for step in range(version + 1, warehouse.SCHEMA_VERSION + 1):
        if step not in by_version:
            raise WarehouseError(
                f"warehouse {shown}: written by a version of agentsview-assets that is too old to "
                f"upgrade from (schema {version}); name a new warehouse and materialize anew"
            )
        found += by_version[step].statements[kind]
        found += [
            f"DELETE FROM {warehouse.PARTITIONS_TABLE} WHERE asset = '{table}'"
            for table in by_version[step].forget
        ]
    found.append(f"UPDATE {warehouse.META_TABLE} SET schema_version = {warehouse.SCHEMA_VERSION}")
    return found
