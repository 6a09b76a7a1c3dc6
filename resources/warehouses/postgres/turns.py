"""Turns of writers: a lock until the transaction ends, for which nobody waits silently or for ever.

What belongs here: taking one lock. What does not: what is locked (`warehouses.sql_store`).
"""

from __future__ import annotations

import os
import time

from agentsview_assets.resources.warehouses.postgres.reader import Connection
from agentsview_assets.resources.work import METER
from agentsview_assets.settings import lock_patience

_TRY_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_AT_ONCE = "SET LOCAL lock_timeout TO '1ms'; SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_PAUSE_SECONDS = 0.1
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
        cursor.execute(_TRY_TURN, (lock,))
        if cursor.fetchone() == (True,):
            return
        seconds = lock_patience(os.environ, is_writing=True)
        cursor.execute(_HOLDERS, (lock,))
        names = ", ".join(name or f"process {pid} of the server" for name, pid in cursor)
        names = names or "another process"
        METER.report(f"waiting up to {seconds:g} s for {names} to finish writing {shown}")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Asked now and then: whoever waits inside the server's answer hears no signal.
            time.sleep(_PAUSE_SECONDS)
            cursor.execute(_TRY_TURN, (lock,))
            if cursor.fetchone() == (True,):
                return
        cursor.execute(_AT_ONCE, (lock,))
