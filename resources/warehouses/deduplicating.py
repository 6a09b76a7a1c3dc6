"""Settling: deciding anew what counts, for the keys and sessions that replaced slices touched.

Replacing a slice records them as pending in its own transaction, so that nothing is forgotten
whoever dies; this takes one lock for the warehouse, decides and clears them in one transaction.

What belongs here: the steps, over a store's own `execute` and `ask`. What does not: which row of
several counts (`rules.duplicates`).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.warehouses.ledger import (
    delete_named,
    insert_expected,
    pend_keys,
    pend_sessions,
)
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    EXPECTED_TABLE,
    PENDING_TABLE,
)
from agentsview_assets.rules import duplicates
from agentsview_assets.rules.staleness import VERDICTS, ExpectedRow, Slice
from agentsview_assets.rules.versions import rules

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.records import Records
    from agentsview_assets.resources.warehouses.row_store import RowStore
    from agentsview_assets.resources.warehouses.sql_store import SqlStore

DECIDED_BY = "decided_by"
"""Rule of a warehouse: the rules by which it was decided what counts."""
_TAKEN = "deduplicating_now"
_FEW_DAYS = 60
_FACTS = (
    "archive_id, row_id, row_kind, session_id, ordinal, timestamp_text, session_date, dedup_key"
)
"""What verdicts depend on; a row that is replaced by an equal one touches nothing."""

_BY_SESSION = "dedup_key IS NULL OR row_kind = 'usage_event'"


class Deduplicated(NamedTuple):
    """What was decided.

    Attributes:
        keys: Keys and sessions that were pending.
        duplicates: Rows of `duplicates` afterwards.
        copies: Rows of `session_copies` afterwards.
    """

    keys: int
    duplicates: int
    copies: int


def decided_by() -> str:
    """The rules by which this release decides what counts."""
    digests = rules().digests
    return f"{digests['duplicates']} {digests['session_copies']}"


def is_deduplicated(store: Records) -> bool:
    """Whether nothing is pending, and what was decided was decided by the rules of this release."""
    return not _is_decided_otherwise(store) and not store.ask(
        f"SELECT 1 FROM {PENDING_TABLE} LIMIT 1"
    )


def _is_decided_otherwise(store: Records) -> bool:
    return store.rules().get(DECIDED_BY) != decided_by()


def _pend_all(store: SqlStore) -> None:
    """Has it decided anew what counts of all keys and sessions."""
    pend_keys(store, "1 = 1")
    pend_sessions(store, "1 = 1")
    # Rows of a warehouse that was upgraded may be of sessions that no ledger has yet.
    store.execute(
        f"INSERT INTO {PENDING_TABLE} SELECT DISTINCT 'session', session_id FROM usage_rows "
        "WHERE session_id <> ''"
    )


@contextlib.contextmanager
def touching(store: RowStore, where: str, parameters: Sequence[object]) -> Iterator[None]:
    """Records which keys and sessions the block touches in `usage_rows`, in its transaction.

    Args:
        store: The store.
        where: SQL condition of the rows that the block replaces.
        parameters: Of the condition.
    """
    rows = f"SELECT {_FACTS} FROM usage_rows WHERE {where}"
    had_rows = bool(store.look(f"SELECT 1 FROM usage_rows WHERE {where} LIMIT 1", parameters))
    if had_rows:
        store.execute(f"CREATE TEMP TABLE replaced_rows AS {rows}", parameters)
    yield
    source, values = rows, list(parameters)
    if had_rows:
        source = (
            f"SELECT * FROM (SELECT * FROM replaced_rows EXCEPT {rows}) AS gone UNION "
            f"SELECT * FROM ({rows} EXCEPT SELECT * FROM replaced_rows) AS come"
        )
        values = [*parameters, *parameters]
    for kind, column, condition in (
        ("key", "dedup_key", "dedup_key IS NOT NULL"),
        # Rows without a key, and those whose key is a number, are told by their session.
        ("session", "session_id", f"({_BY_SESSION}) AND session_id <> ''"),
    ):
        store.execute(
            f"INSERT INTO {PENDING_TABLE} SELECT DISTINCT '{kind}', {column} "
            f"FROM ({source}) AS touched WHERE {condition}",
            values,
        )
    if had_rows:
        store.execute("DROP TABLE replaced_rows")


def deduplicate(store: SqlStore) -> Deduplicated:
    """Decides anew what counts where keys or sessions are pending."""
    if is_deduplicated(store):
        return _deduplicated(store, 0)
    is_new = _is_decided_otherwise(store)
    with store.transaction("deduplicating"):
        if is_new:
            _pend_all(store)
            store.keep_rule(DECIDED_BY, decided_by())
        store.take_pending(_TAKEN)
        pending = int(store.look(f"SELECT COUNT(*) FROM {_TAKEN}")[0][0])
        _decide_copies(store)
        places = _places(store)
        _forget(store)
        store.execute(duplicates.OWN_VERDICTS.format(pending=_TAKEN))
        if _has_several(store):
            store.execute(duplicates.ALL_VERDICTS.format(pending=_TAKEN))
        _say_versions(store, places | _places(store))
        store.execute(f"DROP TABLE {_TAKEN}")
    return _deduplicated(store, pending)


def _deduplicated(store: SqlStore, pending: int) -> Deduplicated:
    rows, copies = (
        int(store.ask(f"SELECT COUNT(*) FROM {table}")[0][0])
        for table in ("duplicates", "session_copies")
    )
    return Deduplicated(pending, rows, copies)


def _has_several(store: SqlStore) -> bool:
    return int(store.look(f"SELECT COUNT(*) FROM {ARCHIVES_TABLE}")[0][0]) > 1


def _decide_copies(store: SqlStore) -> None:
    sessions = f"SELECT name FROM {_TAKEN} WHERE kind = 'session'"
    store.execute(f"DELETE FROM session_copies WHERE session_id IN ({sessions})")
    if _has_several(store):
        store.execute(duplicates.COPIES.format(pending=_TAKEN))


def _forget(store: SqlStore) -> None:
    """Removes the verdicts that are decided anew."""
    store.execute(
        f"DELETE FROM duplicates WHERE dedup_key IN (SELECT name FROM {_TAKEN} WHERE kind = 'key')"
    )
    store.execute(
        "DELETE FROM duplicates WHERE dedup_key LIKE 'row:%' "
        f"AND session_id IN (SELECT name FROM {_TAKEN} WHERE kind = 'session')"
    )


def _places(store: SqlStore) -> set[Slice]:
    """The archives and days that verdicts on pending keys are about."""
    found = store.look(
        "SELECT DISTINCT archive_id, CAST(partition_date AS VARCHAR(10)), "
        "CAST(session_date AS VARCHAR(10)) FROM duplicates "
        f"WHERE scope = '{duplicates.OWN}' "
        f"AND dedup_key IN (SELECT name FROM {_TAKEN} WHERE kind = 'key')"
    )
    return {(archive, day) for archive, *days in found for day in days if day is not None}


def _say_versions(store: SqlStore, places: Iterable[Slice]) -> None:
    """Writes what is expected of the days where verdicts may have changed.

    A session's report reads what the session spent on any day, so that a verdict concerns the day
    of its row and that of its session.
    """
    by_archive: dict[str, set[str]] = defaultdict(set)
    for archive, day in places:
        by_archive[archive].add(day)
    for archive, days in by_archive.items():
        delete_named(store, f"{EXPECTED_TABLE}", archive, _VERDICT_DAY, sorted(days))
        said = _verdicts(store, archive, days)
        insert_expected(
            store,
            [ExpectedRow(archive, VERDICTS, day, _digest(rows)) for day, rows in said.items()],
        )


_VERDICT_DAY = f"part = '{VERDICTS}' AND partition_date"


def _verdicts(store: SqlStore, archive: str, days: set[str]) -> dict[str, set[str]]:
    where, parameters = "", list[object]()
    if len(days) <= _FEW_DAYS:
        marks = ", ".join("?" * len(days))
        where = (
            f" AND (CAST(partition_date AS VARCHAR(10)) IN ({marks}) "
            f"OR CAST(session_date AS VARCHAR(10)) IN ({marks}))"
        )
        parameters = [*sorted(days), *sorted(days)]
    found: dict[str, set[str]] = defaultdict(set)
    for row, counting, *on in store.look(
        "SELECT row_id, counting_row_id, CAST(partition_date AS VARCHAR(10)), "
        "CAST(session_date AS VARCHAR(10)) FROM duplicates "
        f"WHERE rule = '{duplicates.RULE}' AND scope = '{duplicates.OWN}' "
        f"AND archive_id = ?{where}",
        [archive, *parameters],
    ):
        for day in on:
            if day in days:
                found[day].add(f"{row}>{counting}")
    return found


def _digest(rows: Iterable[str]) -> str:
    return hashlib.md5("\n".join(sorted(rows)).encode(), usedforsecurity=False).hexdigest()
