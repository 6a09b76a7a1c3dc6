"""Turns of writers: a lock until the transaction ends, for which nobody waits silently or for ever.

What belongs here: taking one lock. What does not: what is locked (`warehouses.sql_store`).
"""

from __future__ import annotations

from agentsview_assets.resources.warehouses.patience import patiently
from agentsview_assets.resources.warehouses.postgres.reader import Connection

_TRY_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_AT_ONCE = "SET LOCAL lock_timeout TO '1ms'; SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_HOLDERS = """
SELECT DISTINCT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid()
    AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(%s, 0)
"""


def take_turn(connection: Connection, lock: str, shown: str) -> None:
    """Takes a lock of a transaction; says for whom it waits.

    Args:
        connection: Where the transaction is.
        lock: Its name.
        shown: How messages name the warehouse.

    Raises:
        psycopg2.errors.LockNotAvailable: Others had it for too long.
    """
    with connection.cursor() as cursor:

        def attempt() -> bool | None:
            cursor.execute(_TRY_TURN, (lock,))
            return cursor.fetchone() == (True,) or None

        def holders() -> str:
            cursor.execute(_HOLDERS, (lock,))
            names = ", ".join(name or f"process {pid} of the server" for name, pid in cursor)
            return f"{names or 'another process'} to finish writing {shown}"

        # Asked now and then: whoever waits inside the server's answer hears no signal.
        if patiently(attempt, holders, is_writing=True) is None:
            cursor.execute(_AT_ONCE, (lock,))  # which says why not
