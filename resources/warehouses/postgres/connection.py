"""Connections to PostgreSQL that notice a server which has stopped answering.

A connection that is lost is told by the operating system. A server that was stopped, or a way to it
that swallows what is sent, is silent for ever: whoever waits for it waits as long. A statement may
take its time, so that after some seconds the server is asked on a connection of its own whether
it is there. One that does not answer that either is given up, and so is one statement that takes
longer than any of ours can.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg2
import psycopg2.extensions

CONNECT_SECONDS = 10
"""How long a server is waited for when connecting, unless the URL says otherwise."""
QUIET_SECONDS = 10.0
"""How long a statement may take before the server is asked whether it is there."""
STATEMENT_SECONDS = 900.0
"""How long a single statement may take at all."""
_LOOK_SECONDS = 0.5
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class ServerSilentError(psycopg2.OperationalError):
    """The server did not answer in time; the connection is closed."""


class WatchedConnection(psycopg2.extensions.connection):
    """A connection whose statements do not wait for a silent server for ever."""

    def __init__(self, dsn: str, *args: Any, **kwargs: Any) -> None:
        self.waits_since: float | None = None
        self.asked_at = 0.0
        self.given_up = ""
        super().__init__(dsn, *args, **kwargs)
        self.cursor_factory = WatchedCursor
        _WATCH.add(self)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Watches the server while the block waits for its answer.

        Raises:
            ServerSilentError: It did not answer.
        """
        self.waits_since = time.monotonic()
        try:
            yield
        except psycopg2.Error as error:
            if self.given_up:
                raise ServerSilentError(self.given_up) from error
            raise
        finally:
            self.waits_since = None

    def commit(self) -> None:
        """Commits."""
        with self.waiting():
            super().commit()

    def rollback(self) -> None:
        """Rolls back."""
        with self.waiting():
            super().rollback()

    def give_up(self, why: str) -> None:
        """Has whoever waits for the server wait no longer."""
        self.given_up = why
        with (
            contextlib.suppress(OSError, psycopg2.Error),
            # A copy of the descriptor, so that nobody else's is closed.
            socket.socket(fileno=os.dup(self.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)


class WatchedCursor(psycopg2.extensions.cursor):
    """A cursor of a watched connection."""

    connection: WatchedConnection

    def execute(self, *args: Any, **kwargs: Any) -> None:
        """Runs a statement."""
        with self.connection.waiting():
            super().execute(*args, **kwargs)

    def copy_expert(self, *args: Any, **kwargs: Any) -> None:
        """Copies rows in or out."""
        with self.connection.waiting():
            super().copy_expert(*args, **kwargs)


class _Watch:
    """Looks after all connections of this process, in a thread of its own."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[WatchedConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._is_running = False

    def add(self, connection: WatchedConnection) -> None:
        with self._lock:
            self._connections.add(connection)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                connections = list(self._connections)
            for connection in connections:
                since = connection.waits_since
                if since is None or connection.given_up:
                    continue
                why = _silence(connection, time.monotonic() - since)
                if why and connection.waits_since == since:
                    connection.give_up(why)


_WATCH = _Watch()


def _silence(connection: WatchedConnection, waited: float) -> str:
    """Why a server is to be given up; '' while it is worth waiting."""
    if waited >= STATEMENT_SECONDS:
        return f"a statement was not answered for {STATEMENT_SECONDS:.0f} s"
    if waited < QUIET_SECONDS or time.monotonic() - connection.asked_at < QUIET_SECONDS:
        return ""
    if _answers(connection.info.dsn_parameters, connection.info.password):
        connection.asked_at = time.monotonic()
        return ""
    return (
        f"the server has stopped answering: not a word for {QUIET_SECONDS:.0f} s, and none to a "
        f"new connection for {CONNECT_SECONDS} s"
    )


def _answers(parameters: dict[str, str], password: str) -> bool:
    """Whether a server says anything to a new connection, be it a refusal."""
    given: dict[str, Any] = {**parameters, "connect_timeout": str(CONNECT_SECONDS)}
    try:
        psycopg2.connect(**given | ({"password": password} if password else {})).close()
    except psycopg2.Error as error:
        return "FATAL" in str(error)
    return True


def connect_watched(*dsn: str, **parameters: Any) -> WatchedConnection:
    """Connects to a server.

    Raises:
        psycopg2.Error: It cannot be reached in time, or refuses us.
    """
    given = {"connect_timeout": str(CONNECT_SECONDS), **_KEEPALIVE, **parameters}
    try:
        connection: WatchedConnection = psycopg2.connect(
            *dsn, **given, connection_factory=WatchedConnection
        )
    except psycopg2.OperationalError as error:
        if "timeout expired" not in str(error):
            raise
        seconds = given["connect_timeout"]
        raise ServerSilentError(
            str(error).replace("timeout expired", f"no answer within {seconds} s")
        ) from None
    return connection
