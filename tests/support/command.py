"""Our own command line with a pinned environment, in a process of its own or in the tests'."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.in_process import run_here
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHORT_WAIT = "0.5"
"""Seconds that a lock is waited for; what waits for longer says so itself."""


@dataclass(frozen=True)
class OurCommand:
    """`agentsview-assets` over one archive and one warehouse.

    Attributes:
        archive: Data folder that `materialize` reads.
        home: Folder for the home, Dagster's state and the warehouse.
        warehouse: Warehouse URL.
        settings: More environment for every run.
    """

    archive: Path
    home: Path
    warehouse: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def beside(cls, archive: Path, **settings: str) -> OurCommand:
        """Return a command whose home and DuckDB warehouse lie beside the archive."""
        home = archive.parent / f"{archive.name}-home"
        return cls(archive, home, f"duckdb:///{home / 'warehouse.duckdb'}", settings)

    def environment(self, zone: str = "UTC") -> dict[str, str]:
        """Return the whole environment of a run."""
        self.home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(self.home),
            "TZ": zone,
            "AGENTSVIEW_DATA_DIR": str(self.archive),
            "AGENTSVIEW_ASSETS_ARCHIVE": str(self.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": self.warehouse,
            "AGENTSVIEW_ASSETS_WAIT": SHORT_WAIT,
            **self.settings,
        }

    def run(
        self, *arguments: str, zone: str = "UTC", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, with `env` on top of the pinned environment."""
        return subprocess.run(
            [sys.executable, "-m", "agentsview_assets", *arguments],
            env={**self.environment(zone), **(env or {})},
            cwd=self.home,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )

    def here(
        self, *arguments: str, zone: str = "UTC", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this process: the same code without its start-up."""
        done = run_here(arguments, {**self.environment(zone), **(env or {})}, alone=True)
        return subprocess.CompletedProcess(list(arguments), done.code, done.out, done.err)

    def materialize(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Bring the warehouse up to date with the archive."""
        return self.run(*self._materialize(arguments))

    def materialize_here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Bring the warehouse up to date with the archive, in this process."""
        return self.here(*self._materialize(arguments))

    def _materialize(self, arguments: Sequence[str]) -> tuple[str, ...]:
        named = ("--archive", str(self.archive), "--warehouse", self.warehouse)
        return ("materialize", *named, *arguments)
