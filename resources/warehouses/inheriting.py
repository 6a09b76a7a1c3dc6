"""Rows that pass from an archive to the one that was found in its place.

They take its name at once and stay until its own slices are made, so that at no moment, and
whichever days are made first, anything is missing or there twice.

What belongs here: portable SQL over a store's own `execute` and `look`, in a transaction of the
caller's. What does not: which rows they are (`warehouses.succession`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses import ledger, sharing
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, SUCCESSIONS_TABLE
from agentsview_assets.rules.staleness import INHERITED_VERSION, OBSERVATIONS
from agentsview_assets.rules.succession import MOVED_SESSIONS
from agentsview_assets.schemas import CONTRACTS, HISTORIES, MADE_BY_KEY, TableContract

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.sql_store import SqlStore
    from agentsview_assets.resources.warehouses.store import Succession
    from agentsview_assets.resources.warehouses.succession import Leaving


def record_succession(store: SqlStore, found: Succession) -> None:
    """Records that one archive was found in another one's place."""
    store.execute(f"DELETE FROM {SUCCESSIONS_TABLE} WHERE archive_id = ?", [found.archive_id])
    store.execute_values(
        f"INSERT INTO {SUCCESSIONS_TABLE} (archive_id, path, succeeded_by, found_at)", [found]
    )


def shared_sessions(store: SqlStore, new: str, old: str) -> list[str]:
    """The sessions of an archive that its successor holds too."""
    return [name for (name,) in store.ask(MOVED_SESSIONS, [new, old])]


def pass_on_all(store: SqlStore, old: str, new: str) -> None:
    """Passes all rows of an archive on, and removes what is recorded of it."""
    ledger.touch(store, old)
    for table, contract in CONTRACTS.items():
        if table not in (*HISTORIES, *MADE_BY_KEY):
            _pass_on(store, contract, (old, new), ("", []))
    ledger.remove(store, old)


def pass_on(store: SqlStore, leaving: Leaving) -> None:
    """Passes some rows of an archive on, of which the others stay.

    Slices that were up to date stay so: what is expected of them, and what they have recorded,
    changes in the same transaction. Reports are then out of date, and made from what is left.
    """
    old = leaving.archive_id
    for column, names in (("session_id", leaving.sessions), ("row_id", leaving.rows)):
        for page in ledger.pages(store, names):
            rows = (f" AND {column} IN ({', '.join('?' * len(page))})", page)
            ledger.pend_keys(store, f"archive_id = ?{rows[0]}", [old, *page])
            for table in OBSERVATIONS:
                if column in CONTRACTS[table].column_names:
                    _pass_on(store, CONTRACTS[table], (old, leaving.successor), rows)
    ledger.leave(store, leaving)
    for table in OBSERVATIONS:
        # Slices that were out of date before have fewer rows now as well.
        store.execute(
            f"UPDATE {PARTITIONS_TABLE} SET row_count = (SELECT COUNT(*) FROM {table} r "
            "WHERE r.archive_id = ? AND CAST(r.partition_date AS VARCHAR(10)) = "
            f"{PARTITIONS_TABLE}.partition_date) WHERE asset = ? AND archive_id = ?",
            [old, table, old],
        )
        for day, before, after in leaving.versions:
            store.execute(
                f"UPDATE {PARTITIONS_TABLE} SET input_version = ? WHERE asset = ? "
                "AND archive_id = ? AND partition_date = ? AND input_version = ?",
                [after, table, old, day, before],
            )


_Rows = tuple[str, Sequence[object]]
"""A condition that is added to others, and its parameters."""


def _pass_on(store: SqlStore, contract: TableContract, who: tuple[str, str], rows: _Rows) -> None:
    """Passes rows on where their new owner has not made the slice, and removes the others.

    Args:
        store: The store.
        contract: The table.
        who: Identities of the archive before and of the one after.
        rows: Which rows.
    """
    old, new = who
    where, parameters = rows
    table, column = contract.name, contract.partition_column
    day = f"CAST({column} AS VARCHAR(10))" if column else "''"
    fresh = (
        f"{day} NOT IN (SELECT partition_date FROM {PARTITIONS_TABLE} "
        f"WHERE asset = '{table}' AND archive_id = ? AND input_version <> '{INHERITED_VERSION}')"
    )
    store.execute(
        f"UPDATE {contract.owners} SET archive_id = ? WHERE archive_id = ?{where} AND {fresh}",
        [new, old, *parameters, new],
    )
    store.execute(f"DELETE FROM {contract.owners} WHERE archive_id = ?{where}", [old, *parameters])
    sharing.sweep(store, contract)
    store.execute(
        f"DELETE FROM {PARTITIONS_TABLE} WHERE asset = ? AND archive_id = ? AND input_version = ?",
        [contract.name, new, INHERITED_VERSION],
    )
    store.execute(
        f"INSERT INTO {PARTITIONS_TABLE} (asset, archive_id, partition_date, row_count, "
        f"input_version, rates_version, run_id, rules_version, written_at) SELECT '{table}', "
        f"archive_id, {day}, COUNT(*), '{INHERITED_VERSION}', '', '', '', {store.now} "
        f"FROM {contract.relation} WHERE archive_id = ? AND {fresh} GROUP BY 2, 3",
        [new, new],
    )
