"""Machines that share a warehouse: each with archives and a state folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import dagster as dg

from agentsview_assets.build import build_definitions
from agentsview_assets.connections import build_resources
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from agentsview_assets.settings import load_settings
from tests.support.in_process import Finished, run_here
from tests.support.oracle import REPOSITORY
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START = "2026-10-29"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Rows = dict[str, list[str]]


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        folder: Its home.
        warehouse: URL of a warehouse, or several.
        archives: Data folders that it names.
        settings: More environment for every run.
    """

    folder: Path
    warehouse: str
    archives: tuple[Path, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its runs."""
        return {
            "AGENTSVIEW_ASSETS_ARCHIVE": "\n".join(map(str, self.archives)),
            "AGENTSVIEW_ASSETS_WAREHOUSE": self.warehouse,
            "AGENTSVIEW_ASSETS_START_DATE": START,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "DAGSTER_HOME": "",
            "TZ": "UTC",
            **self.settings,
        }

    def run(self, *arguments: str) -> Finished:
        """Runs a command."""
        return run_here(arguments, self.environ)

    def start(self, *assets: str, day: str | None = None) -> Finished:
        """Materialises assets as the UI, a backfill or a worker does; of one day, if given."""
        with mock.patch.dict(os.environ, self.environ):
            settings = load_settings()
            try:
                dg.materialize(
                    [*(build_definitions(settings).assets or ())],
                    selection=[*assets] if assets else None,
                    partition_key=day,
                    resources=build_resources(settings),
                    instance=dg.DagsterInstance.ephemeral(),
                    run_config=QUIET,
                )
            except Exception as error:  # noqa: BLE001 - whatever a run ends with is looked at
                return Finished(1, "", _chain(error))
        return Finished(0, "", "")

    def dagster(self, selection: str, day: str) -> subprocess.CompletedProcess[str]:
        """Materialises with Dagster's own command line, in a process of its own."""
        home = self.folder / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [
                *(sys.executable, "-m", "dagster", "asset", "materialize"),
                *("-m", "agentsview_assets.definitions"),
                *("--select", selection, "--partition", day),
            ],
            env={
                **os.environ,
                **self.environ,
                "DAGSTER_HOME": str(home),
                "PYTHONPATH": str(REPOSITORY),
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def lose_state(self) -> None:
        """Deletes what was observed here, as people do who read that it may be deleted."""
        for found in [*self.folder.rglob("observations.duckdb*")]:
            found.unlink()
        for part in self.warehouse.split():
            if not part.startswith("postgresql"):
                state = Path(f"/{part.split('///', 1)[1].lstrip('/')}.state")
                shutil.rmtree(state, ignore_errors=True)


def _chain(error: BaseException | None) -> str:
    """The messages of an error and of what caused it, with their kinds."""
    found: list[str] = []
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        found.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(found)


def archive(folder: Path, identity: str, sessions: Iterable[tuple[str, str]]) -> Path:
    """Makes an archive of sessions, each given by id and day, and returns its data folder."""
    shutil.rmtree(folder, ignore_errors=True)
    with TinyArchive(folder, identity) as made:
        for name, day in sessions:
            made.session(name, day)
            made.message(name, 0, f"{day}T10:10:00Z")
            made.message(name, 1, f"{day}T10:12:00Z")
        made.insert("model_pricing", **PRICE, model_pattern=f"of-{identity}")
    return folder


PRICE: dict[str, Any] = {
    "input_per_mtok": 1.0, "output_per_mtok": 2.0, "cache_creation_per_mtok": 0.0,
    "cache_read_per_mtok": 0.0, "updated_at": "2026-11-01T00:00:00Z",
}  # fmt: skip


def everything(warehouse: str) -> Rows:
    """Every row of every table but the histories, by archive."""
    found: Rows = {}
    for url in warehouse.split():
        with open_reader(url) as reader:
            for name in sorted(set(CONTRACTS) - set(HISTORIES)):
                contract = CONTRACTS[name]
                columns = ", ".join(contract.column_names)
                found_rows = reader.rows(f"SELECT archive_id, {columns} FROM {contract.relation}")
                for archive_id, *row in found_rows:
                    found.setdefault(str(archive_id), []).append(f"{url} {name} {row}")
    return {archive_id: sorted(rows) for archive_id, rows in sorted(found.items())}
