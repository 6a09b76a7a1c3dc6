"""The DDL of warehouse tables, derived from their contracts; each backend brings its types.

What belongs here: texts of SQL. What does not: running them.
"""

from __future__ import annotations

from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    CHECKS_TABLE,
    EXPECTED_TABLE,
    LEFT_OUT_TABLE,
    META_TABLE,
    PARTITIONS_TABLE,
    PENDING_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
    SUCCESSIONS_TABLE,
)
from agentsview_assets.schemas import Column, TableContract


def bookkeeping(types: dict[str, str]) -> list[str]:
    """The DDL of the tables that the stores keep about themselves."""
    text, integer, instant = types["text"], types["bigint"], types["timestamptz"]
    return [
        # The revision rises with every transaction that writes: pages and caches ask for it.
        f"""CREATE TABLE IF NOT EXISTS {META_TABLE} (
    schema_version {integer} NOT NULL, revision {integer} NOT NULL)""",
        # Which slices were made, from what and by which rules.
        f"""CREATE TABLE IF NOT EXISTS {PARTITIONS_TABLE} (
    asset {text} NOT NULL, archive_id {text} NOT NULL, partition_date {text} NOT NULL,
    row_count {integer} NOT NULL, input_version {text} NOT NULL, rates_version {text} NOT NULL,
    run_id {text} NOT NULL, rules_version {text} NOT NULL, written_at {instant} NOT NULL)""",
        f"""CREATE TABLE IF NOT EXISTS {ARCHIVES_TABLE} (
    archive_id {text} NOT NULL, database_id {text} NOT NULL, user_version {integer} NOT NULL,
    path {text} NOT NULL, host {text} NOT NULL, stamp {text} NOT NULL,
    observed_at {instant} NOT NULL)""",
        # What an archive holds, by day or as a whole: slices of another version are out of date.
        f"""CREATE TABLE IF NOT EXISTS {EXPECTED_TABLE} (
    archive_id {text} NOT NULL, part {text} NOT NULL, partition_date {text} NOT NULL,
    input_version {text} NOT NULL, models {text} NOT NULL, reads {text} NOT NULL,
    expected_at {instant} NOT NULL)""",
        # An archive that cannot be read has a reason, and the moment of the first attempt in vain.
        f"""CREATE TABLE IF NOT EXISTS {READINGS_TABLE} (
    archive {text} NOT NULL, archive_id {text} NOT NULL, reason {text} NOT NULL,
    read_at {instant}, failing_since {instant})""",
        # A check that was begun and not answered has no words.
        f"""CREATE TABLE IF NOT EXISTS {CHECKS_TABLE} (
    asset {text} NOT NULL, check_name {text} NOT NULL, words {text} NOT NULL,
    run_id {text} NOT NULL, checked_at {instant} NOT NULL)""",
        # Which archive was found where another one had been.
        f"""CREATE TABLE IF NOT EXISTS {SUCCESSIONS_TABLE} (
    archive_id {text} NOT NULL, path {text} NOT NULL, succeeded_by {text} NOT NULL,
    found_at {instant} NOT NULL)""",
        # By which rules the rows were made, and what is left to do to the file.
        f"CREATE TABLE IF NOT EXISTS {RULES_TABLE} (name {text} NOT NULL, value {text} NOT NULL)",
        # Keys and sessions of which it is to be decided anew what counts.
        f"CREATE TABLE IF NOT EXISTS {PENDING_TABLE} (kind {text} NOT NULL, name {text} NOT NULL)",
        # Rows of an archive that cannot be read.
        f"""CREATE TABLE IF NOT EXISTS {LEFT_OUT_TABLE} (
    archive_id {text} NOT NULL, source_table {text} NOT NULL, session_id {text} NOT NULL,
    row_name {text} NOT NULL, reason {text} NOT NULL)""",
    ]


def column_ddl(contract: TableContract, types: dict[str, str]) -> str:
    """The columns of a table with their types and nullability, one a line."""
    return ",\n    ".join(
        f"{column.name} {types[column.kind]}{'' if column.nullable else ' NOT NULL'}"
        for column in contract.columns
    )


def primary_key(contract: TableContract) -> str:
    """The columns of a table's primary key.

    The partition's day comes first: it is what rows are replaced by. It is part of the key because
    a row that changes day is, between two transactions, in its old partition and in its new one.
    """
    day = contract.partition_column
    rest = [name for name in contract.key if name != day]
    return ", ".join([day, *rest] if day else rest)


def key_clause(contract: TableContract) -> str:
    """The primary key of a table, as it follows its columns; '' where the table has no key."""
    return f",\n    PRIMARY KEY ({primary_key(contract)})" if contract.key else ""


def index_statements(contract: TableContract, indexes: dict[str, str]) -> list[str]:
    """The index of a table that reports look things up in, if it has one.

    Args:
        contract: The table.
        indexes: Columns by table, for a backend.
    """
    columns = indexes.get(contract.name)
    name = f"{contract.name}_lookup"
    return [f"CREATE INDEX {name} ON {contract.name} ({columns})"] if columns else []


def comment_statements(contract: TableContract) -> list[str]:
    """Comments on a table and its columns, for backends that have them."""
    table = f"COMMENT ON TABLE {contract.name} IS {quoted(contract.description)}"
    return [table] + [
        f"COMMENT ON COLUMN {contract.name}.{column.name} IS {quoted(described(column))}"
        for column in contract.columns
    ]


def described(column: Column) -> str:
    """A column's meaning with its unit."""
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
