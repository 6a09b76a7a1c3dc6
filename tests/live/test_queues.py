"""Two workers of which each sees an archive that nobody else does, and a password that nobody sees.

Archives are named by a path that leads elsewhere in every process, as mounts do on machines.
The tests are steps of one story and run in this order.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import yaml

from agentsview_assets.resources.warehouses.reader import READINGS_TABLE, open_reader
from tests.live.teams import DAY, WORKER_TAG, Databases, alone, daemon, of_days, sample_as, worker
from tests.support.oracle import REPOSITORY
from tests.support.postgres import PASSWORD
from tests.support.served_ui import PATIENCE_SECONDS
from tests.support.turns import FIRST, add_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.conftest import Live
    from tests.live.workers import Worker
    from tests.support.postgres import Database, Server

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("queues")]

HERE = "/proc/self/cwd"
QUEUES = ("east", "west")
_QUEUE_TAG = "dagster-celery/queue"


@dataclass
class Team:
    """A deployment of two machines with archives, and a third with neither."""

    live: Live
    databases: Databases
    environ: dict[str, str]
    folder: Path
    workers: dict[str, Worker]
    archives: dict[str, Path]


@pytest.fixture(scope="module")
def team(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    databases = Databases.on(postgres_server)
    databases.warehouse.url_with_password()  # makes the role
    for database in (databases.storage, databases.broker, databases.warehouse):
        database.run(f"ALTER DATABASE {database.name} OWNER TO with_password")
    (folder / "pgpass").write_text(f"*:*:*:with_password:{PASSWORD}\n")
    (folder / "pgpass").chmod(0o600)
    login = f"with_password:{quote(PASSWORD, safe='')}"
    environ = {
        **databases.environ((f"{HERE}/{queue}/*" for queue in QUEUES), login),
        "AGENTSVIEW_ASSETS_QUEUES": "\n".join(f"{queue}={HERE}/{queue}" for queue in QUEUES),
        "AGENTSVIEW_ASSETS_LOOK_MINUTES": "2",
        "PGPASSFILE": str(folder / "pgpass"),
    }
    archives = {
        queue: sample_as(folder / f"{queue}@here" / queue / f"of-{queue}") for queue in QUEUES
    }
    with contextlib.ExitStack() as started:
        live = started.enter_context(daemon(folder, environ))
        workers = {
            queue: started.enter_context(
                worker(f"{queue}@here", folder, environ, f"{queue},dagster")
            )
            for queue in QUEUES
        }
        yield Team(live, databases, environ, folder, workers, archives)


def test_what_reads_an_archive_is_carried_out_where_it_is_seen(team):
    runs = team.live.until_quiet()
    assert {run.status for run in runs} == {"SUCCESS"}
    reading = [run for run in runs if "usage_rows" in run.assets or run.assets == {"archive"}]
    assert {run.tags[_QUEUE_TAG] for run in reading} == {*QUEUES}
    assert all(run.tags[WORKER_TAG] == f"{run.tags[_QUEUE_TAG]}@here" for run in reading)
    for run in of_days(reading):
        assert run.tags["agentsview_assets/archives"] == f"of-{run.tags[_QUEUE_TAG]}"
    with open_reader(team.databases.warehouse.url()) as reader:
        read = reader.rows(f"SELECT archive, reason FROM {READINGS_TABLE} ORDER BY 1")
    assert read == [(f"{HERE}/{queue}/of-{queue}", "") for queue in QUEUES]


def test_what_changes_there_is_found_and_made_though_the_daemon_cannot_see_it(team):
    add_turn(team.archives["west"], f"{DAY}T22:00:00Z", "late", FIRST)

    def is_made(live: Live) -> bool:
        return any("usage_rows" in run.assets and run.has_ended for run in live.runs())

    team.live.until(is_made, "nobody looks", 2 * PATIENCE_SECONDS)
    runs = team.live.until_quiet()
    [made] = [run for run in runs if "usage_rows" in run.assets]
    assert (made.status, made.tags[WORKER_TAG]) == ("SUCCESS", "west@here")
    assert made.days is not None
    assert made.days[1] == DAY


def test_it_is_what_one_process_over_both_makes(team, postgres_server, tmp_path, monkeypatch):
    for queue in QUEUES:
        (tmp_path / queue).symlink_to(team.archives[queue].parent)
    monkeypatch.chdir(tmp_path)
    # A day whose rates did not move keeps the digest of the price table that it was priced with;
    # what was published before is restated.
    differ = alone(team.environ, postgres_server, tmp_path / "alone", "pricing_digest")
    assert differ <= {"restatements", "price_changes"}


def test_the_password_stands_in_no_byte_of_storage_broker_warehouse_log_or_home(team):
    canary = PASSWORD.split()[0]
    team.live.until_quiet()
    for database in (team.databases.storage, team.databases.broker, team.databases.warehouse):
        assert _tables_with(database, canary) == []
    logs = {name: "".join(worker.log) for name, worker in team.workers.items()}
    logs["ui"] = "".join(team.live.ui.log)
    assert [name for name, log in logs.items() if canary in log] == []
    files = [path for path in team.folder.rglob("*") if path.is_file() and path.name != "pgpass"]
    assert any("dagster" in path.parts for path in files)
    assert [path for path in files if canary.encode() in path.read_bytes()] == []


def test_the_health_that_compose_asks_for_is_answered(team):
    compose = yaml.safe_load((REPOSITORY / "deploy" / "docker" / "compose.yaml").read_text())
    _, program, *words = compose["services"]["ui"]["healthcheck"]["test"]
    here = [word.replace("127.0.0.1:3000", f"127.0.0.1:{team.live.ui.port}") for word in words]
    assert (program, here != words) == ("python", True)
    assert subprocess.run([sys.executable, *here], check=False).returncode == 0


def _tables_with(database: Database, text: str) -> list[str]:
    """The tables of a database that hold a text, in any column, packed or not."""
    tables = database.run(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert tables
    found = []
    for (table,) in tables:
        values = [value for row in database.run(f"SELECT * FROM {table}") for value in row]
        if any(text.encode() in part for value in values for part in _bytes(value)):
            found.append(table)
    return found


def _bytes(value: object) -> list[bytes]:
    """A value as it is kept, and as it is once it is unpacked."""
    if not isinstance(value, memoryview):
        return [str(value).encode()]
    with contextlib.suppress(zlib.error):
        return [bytes(value), zlib.decompress(value)]
    return [bytes(value)]


@pytest.mark.parametrize("value", ["a canary", memoryview(b"a canary"), {"a": ["canary"]}])
def test_a_text_that_is_kept_is_found(value):
    packed = memoryview(zlib.compress(b"a canary"))
    assert any(b"canary" in part for part in _bytes(value))
    assert any(b"canary" in part for part in _bytes(packed))
