"""Rows that archives share, stored once: price tables, which most archives have in common.

What belongs here: taking in and letting go of shared rows, in a transaction of the caller's. What
does not: which tables are shared (`schemas`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agentsview_assets.schemas.contract import SHARED

if TYPE_CHECKING:
    import pyarrow as pa

    from agentsview_assets.resources.warehouses.row_store import RowStore
    from agentsview_assets.schemas import TableContract

_Row = dict[str, Any]


def insert(store: RowStore, contract: TableContract, rows: pa.Table) -> None:
    """Adds rows of archives: those that the warehouse lacks, and who uses which.

    Args:
        store: The store, in a transaction.
        contract: A table whose rows archives share.
        rows: All rows of each archive in them, with the contract's columns.
    """
    kept, users = contract.stored
    held = {digest for (digest,) in store.look(f"SELECT DISTINCT {SHARED} FROM {kept.name}")}
    tables, uses = _by_digest(contract, rows.to_pylist())
    new = [row for digest, table in tables.items() if digest not in held for row in table]
    if new:
        store.insert_table(kept, _arrow(kept, rows, new))
    store.insert_table(users, _arrow(users, rows, uses))


def sweep(store: RowStore, contract: TableContract) -> None:
    """Removes the rows that no archive uses any more, in a transaction."""
    if contract.shared_by is None:
        return
    kept, users = contract.stored
    store.execute(
        f"DELETE FROM {kept.name} WHERE {SHARED} NOT IN (SELECT {SHARED} FROM {users.name})"
    )


def _by_digest(
    contract: TableContract, rows: list[_Row]
) -> tuple[dict[str, list[_Row]], list[_Row]]:
    """The rows that are stored together, by their digest, and which archive uses which."""
    parts: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        place = (row.pop("archive_id"), *(row[name] for name in contract.shared_by or ()))
        parts.setdefault(place, []).append(row)
    tables: dict[str, list[_Row]] = {}
    uses = []
    for (archive_id, *_), table in parts.items():
        digest = _digest(table)
        tables[digest] = [{SHARED: digest, **row} for row in table]
        uses.append({"archive_id": archive_id, SHARED: digest})
    return tables, uses


def _digest(table: list[_Row]) -> str:
    """The same for equal rows in any order."""
    text = "\n".join(sorted(repr([*row.values()]) for row in table))
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def _arrow(contract: TableContract, like: pa.Table, rows: list[_Row]) -> pa.Table:
    return type(like).from_pylist(rows, schema=contract.arrow_schema)
