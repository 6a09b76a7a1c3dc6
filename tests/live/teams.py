"""Deployments with workers: their archives, their databases, and what all parts share."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentsview_assets.rules.staleness import DAILY_TABLES
from tests.live.conftest import Live, LiveRun, living
from tests.live.workers import Worker, home
from tests.support.everything import everything
from tests.support.in_process import SAMPLE, Desk, run_here

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.support.postgres import Database, Server

START, DAY = "2026-10-29", "2026-11-10"
WORKER_TAG = "agentsview_assets/worker"


@dataclass(frozen=True)
class Databases:
    """The three databases of a deployment.

    Attributes:
        storage: Dagster's.
        broker: Celery's messages.
        warehouse: The warehouse.
    """

    storage: Database
    broker: Database
    warehouse: Database

    @classmethod
    def on(cls, server: Server) -> Databases:
        """Makes them."""
        return cls(server.database(), server.database(), server.database())

    def environ(self, archives: Iterable[object], login: str = "owner") -> dict[str, str]:
        """What all parts of the deployment have in their environment.

        Args:
            archives: Archives and listings.
            login: User of the databases, with a password as URLs have it.
        """
        storage, broker = (
            f"postgresql+psycopg2://{login}@127.0.0.1:{database.port}/{database.name}"
            for database in (self.storage, self.broker)
        )
        return {
            "DAGSTER_STORAGE_URL": storage,
            "AGENTSVIEW_ASSETS_BROKER": f"sqla+{broker}",
            "AGENTSVIEW_ASSETS_BACKEND": f"db+{broker}",
            "AGENTSVIEW_ASSETS_ARCHIVE": "\n".join(map(str, archives)),
            "AGENTSVIEW_ASSETS_WAREHOUSE": self.warehouse.url(login.partition(":")[0]),
            "AGENTSVIEW_ASSETS_START_DATE": START,
            "AGENTSVIEW_ASSETS_WAIT": "300",
        }


def sample_as(archive: Path) -> Path:
    """A data folder with the sample, whose identity is the folder's name."""
    archive.mkdir(parents=True)
    shutil.copy(SAMPLE, archive / "sessions.db")
    with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
        database.execute(
            "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", (archive.name,)
        )
    return archive


@contextlib.contextmanager
def daemon(folder: Path, environ: Mapping[str, str]) -> Iterator[Live]:
    """The web server and the daemon of a deployment with workers."""
    own = {"DAGSTER_HOME": home(folder / "ui" / "dagster"), "XDG_DATA_HOME": str(folder / "ui")}
    with living(Desk(folder / "ui", {}), **environ, **own) as live:
        yield live


def worker(name: str, folder: Path, environ: Mapping[str, str], queues: str = "dagster") -> Worker:
    """A worker in a folder of its own; use as a context manager."""
    (folder / name).mkdir(exist_ok=True)
    return Worker(name, folder / name, environ, queues)


def of_days(runs: Iterable[LiveRun]) -> list[LiveRun]:
    """The runs that made days."""
    return [run for run in runs if run.assets & {*DAILY_TABLES}]


def alone(environ: Mapping[str, str], server: Server, folder: Path, *without: str) -> set[str]:
    """The tables that differ from those that a single process makes.

    Args:
        environ: The deployment's.
        server: Where the single process has its warehouse.
        folder: For its history.
        without: Columns that are not compared.
    """
    url = server.database().url()
    here = {
        "AGENTSVIEW_ASSETS_WAREHOUSE": url, "AGENTSVIEW_ASSETS_QUEUES": "", "DAGSTER_HOME": "",
        "XDG_DATA_HOME": str(folder),
    }  # fmt: skip
    done = run_here(["materialize", "--json"], {**environ, **here})
    assert done.code == 0, done.err
    made = environ["AGENTSVIEW_ASSETS_WAREHOUSE"].replace("with_password@", "owner@")
    found, wanted = everything(made, *without), everything(url, *without)
    return {table for table in wanted if found[table] != wanted[table]}
