"""The ledger of a warehouse: what was found in each archive, written in one transaction for each.

What belongs here: portable SQL over a store's own `execute` and `ask`. What does not: reading
archives, and rows of days.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.warehouses import sharing
from agentsview_assets.resources.warehouses.expected import EXPECTED_COLUMNS, expected_rows
from agentsview_assets.resources.warehouses.known import LeftOut, successions
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    EXPECTED_TABLE,
    LEFT_OUT_TABLE,
    PARTITIONS_TABLE,
    PENDING_TABLE,
    READINGS_TABLE,
    SUCCESSIONS_TABLE,
)
from agentsview_assets.resources.warehouses.store import Archive
from agentsview_assets.rules.staleness import DAILY, ExpectedRow
from agentsview_assets.schemas import CONTRACTS, HISTORIES

if TYPE_CHECKING:
    import pyarrow as pa

    from agentsview_assets.resources.warehouses.sql_store import SqlStore
    from agentsview_assets.resources.warehouses.succession import Leaving

LEDGER = CONTRACTS["archive_sessions"]
_MANY = 200
_PAGE = 500


class Entry(NamedTuple):
    """What the ledger has of a session; see `archive_sessions`."""

    archive_id: str
    session_id: str
    row_digest: str
    content_digest: str
    days: str


class Finding(NamedTuple):
    """What was found in an archive, to be written to the ledger.

    Attributes:
        archive: The archive as it is now.
        sessions: Rows of `archive_sessions` that are new or changed.
        gone: Ids of sessions that are no longer there.
        expected: What is expected of the days that these touch, or touched, and in all.
        days: Those days.
        left_out: Rows that cannot be read; all of the archive.
        is_whole: Whether this is all there is of the archive, whatever the ledger had.
    """

    archive: Archive
    sessions: pa.Table
    gone: Sequence[str]
    expected: Sequence[ExpectedRow]
    days: Collection[str]
    left_out: Sequence[LeftOut]
    is_whole: bool = False


def write(store: SqlStore, finding: Finding) -> None:
    """Writes what was found in an archive, in a transaction of the caller's."""
    archive_id = finding.archive.archive_id
    if finding.is_whole:
        store.execute(f"DELETE FROM {LEDGER.name} WHERE archive_id = ?", [archive_id])
        store.execute(
            f"DELETE FROM {EXPECTED_TABLE} WHERE archive_id = ? AND part = ?", [archive_id, DAILY]
        )
    _write_sessions(store, finding)
    write_expected(store, archive_id, finding.expected, finding.days)
    store.execute(f"DELETE FROM {LEFT_OUT_TABLE} WHERE archive_id = ?", [archive_id])
    insert_rows(store, LEFT_OUT_TABLE, finding.left_out)
    for table in (ARCHIVES_TABLE, SUCCESSIONS_TABLE):
        store.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])
    store.execute_values(
        f"INSERT INTO {ARCHIVES_TABLE} (archive_id, database_id, user_version, path, host, stamp, "
        "observed_at)",
        [finding.archive],
    )


def _write_sessions(store: SqlStore, finding: Finding) -> None:
    archive_id = finding.archive.archive_id
    changed = finding.sessions.column("session_id").to_pylist()
    touched = [*changed, *finding.gone]
    delete_named(store, LEDGER.name, archive_id, "session_id", touched)
    if changed:
        store.insert_table(LEDGER, finding.sessions)
    # Copies of a session are decided by the ledger.
    if finding.is_whole:
        pend_sessions(store, "archive_id = ?", [archive_id])
    else:
        rows = [("session", store.as_stored(name)) for name in touched if name]
        insert_rows(store, PENDING_TABLE, rows)


def pend_sessions(store: SqlStore, where: str, parameters: Sequence[object] = ()) -> None:
    """Has it decided anew what counts of sessions of the ledger, in a transaction."""
    store.execute(
        f"INSERT INTO {PENDING_TABLE} SELECT DISTINCT 'session', session_id FROM {LEDGER.name} "
        f"WHERE {where} AND session_id <> ''",
        parameters,
    )


def pend_keys(store: SqlStore, where: str, parameters: Sequence[object] = ()) -> None:
    """Has it decided anew what counts of the keys of some usage rows, in a transaction."""
    store.execute(
        f"INSERT INTO {PENDING_TABLE} SELECT DISTINCT 'key', dedup_key FROM usage_rows "
        f"WHERE {where} AND dedup_key IS NOT NULL",
        parameters,
    )


def pages(store: SqlStore, names: Sequence[str]) -> Iterator[list[str]]:
    """Names as the backend's tables have them, so many at a time as a statement takes."""
    for start in range(0, len(names), _PAGE):
        yield [store.as_stored(name) for name in names[start : start + _PAGE]]


def delete_named(
    store: SqlStore, table: str, archive_id: str, column: str, names: Sequence[str]
) -> None:
    """Deletes the rows of an archive that have one of these names in a column."""
    if not names:
        return
    mine = f"DELETE FROM {table} WHERE archive_id = ?"
    if not store.look(f"SELECT 1 FROM {table} WHERE archive_id = ? LIMIT 1", [archive_id]):
        return
    for page in pages(store, names):
        marks = ", ".join("?" * len(page))
        store.execute(f"{mine} AND {column} IN ({marks})", [archive_id, *page])


def insert_rows(store: SqlStore, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Inserts rows of texts into a small table."""
    for start in range(0, len(rows), _PAGE):
        page = rows[start : start + _PAGE]
        marks = f"({', '.join('?' * len(page[0]))})"
        values = [value for row in page for value in row]
        store.execute(f"INSERT INTO {table} VALUES {', '.join([marks] * len(page))}", values)


def write_expected(
    store: SqlStore, archive_id: str, expected: Iterable[ExpectedRow], days: Collection[str]
) -> None:
    """Replaces what is expected of some days of an archive, and of its parts without days.

    Args:
        store: The store, in a transaction.
        archive_id: The archive.
        expected: The rows, of these days and parts.
        days: Days that are decided now; one without a row holds nothing any more.
    """
    rows = list(expected)
    mine = f"DELETE FROM {EXPECTED_TABLE} WHERE archive_id = ? AND part = ?"
    if len(days) > _MANY:
        known = {row.day for row in rows if row.part == DAILY}
        kept = [
            found
            for found in expected_rows(store.look, [archive_id])
            if found.part == DAILY and found.day not in known and found.day not in days
        ]
        store.execute(mine, [archive_id, DAILY])
        rows += kept
    else:
        for day in days:
            store.execute(f"{mine} AND partition_date = ?", [archive_id, DAILY, day])
    for part in {row.part for row in rows} - {DAILY}:
        store.execute(mine, [archive_id, part])
    insert_expected(store, rows)


def insert_expected(store: SqlStore, rows: Sequence[ExpectedRow]) -> None:
    """Adds rows of what is expected."""
    if rows:
        store.execute_values(
            f"INSERT INTO {EXPECTED_TABLE} ({', '.join(EXPECTED_COLUMNS)}, expected_at)",
            [(*row[:4], json.dumps(row.models), json.dumps(row.reads)) for row in rows],
        )


def entries(store: SqlStore, archive_id: str) -> list[Entry]:
    """The ledger's entries of an archive."""
    found = store.ask(
        f"SELECT {', '.join(Entry._fields)} FROM {LEDGER.name} WHERE archive_id = ?", [archive_id]
    )
    return [Entry(*row) for row in found]


def touch(store: SqlStore, archive_id: str) -> None:
    """Has it decided anew what counts of all that an archive holds, in a transaction."""
    pend_sessions(store, "archive_id = ?", [archive_id])
    pend_keys(store, "archive_id = ?", [archive_id])


def list_removed(store: SqlStore, archive_id: str) -> None:
    """Lists what an archive's days cost before it is removed, in a transaction of the caller's."""
    store.execute(
        "INSERT INTO restatements (archive_id, partition_date, project, model, restated_at, "
        "reason, old_cost_usd, new_cost_usd, old_tokens, tokens, old_pricing_digest, "
        "new_pricing_digest, run_id) SELECT archive_id, partition_date, project, model, "
        f"{store.now}, 'removal', SUM(cost_usd), 0.0, SUM(input_tokens + output_tokens + "
        "cache_creation_tokens + cache_read_tokens), 0, MAX(pricing_digest), "
        "MAX(pricing_digest), '' FROM daily_usage WHERE archive_id = ? GROUP BY 1, 2, 3, 4",
        [archive_id],
    )


def remove(store: SqlStore, archive_id: str) -> None:
    """Removes an archive's rows and records but its histories, in a transaction of the caller's."""
    touch(store, archive_id)
    made = [contract for name, contract in CONTRACTS.items() if name not in HISTORIES]
    records = (PARTITIONS_TABLE, ARCHIVES_TABLE, EXPECTED_TABLE, LEFT_OUT_TABLE, READINGS_TABLE)
    for table in (*(contract.owners for contract in made), *records):
        store.execute(f"DELETE FROM {table} WHERE archive_id = ?", [archive_id])
    for contract in made:
        sharing.sweep(store, contract)
    # Who came before it was followed by who came after.
    later = [found for found in successions(store.look) if found.archive_id == archive_id]
    for found in later:
        store.execute(
            f"UPDATE {SUCCESSIONS_TABLE} SET succeeded_by = ? WHERE succeeded_by = ?",
            [found.succeeded_by, archive_id],
        )
    store.execute(f"DELETE FROM {SUCCESSIONS_TABLE} WHERE archive_id = ?", [archive_id])


def leave(store: SqlStore, leaving: Leaving) -> None:
    """Takes what an archive's successor holds too out of its ledger, in a transaction."""
    archive_id = leaving.archive_id
    delete_named(store, LEDGER.name, archive_id, "session_id", leaving.sessions)
    insert_rows(
        store, PENDING_TABLE, [("session", store.as_stored(name)) for name in leaving.sessions]
    )
    if leaving.events is not None:
        store.execute(
            f"UPDATE {LEDGER.name} SET days = ? WHERE archive_id = ? AND session_id = ''",
            [leaving.events.days, archive_id],
        )
    write_expected(store, archive_id, leaving.expected, leaving.days)
