"""Our own command line inside the process of the tests: the same code, without its start-up.

Dagster takes seconds to import, which a test that runs the command five times would pay five times.
What depends on a process of its own is tested with `tests.support.command`.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from agentsview_assets.cli.main import run as run_command
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, open_reader
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import dagster as dg

SAMPLE = REPOSITORY / "agentsview_assets" / "data" / "sample" / "sessions.db"


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def run_here(
    arguments: Sequence[str], environ: Mapping[str, str], *, alone: bool = False
) -> Finished:
    """Runs a command as the program does, up to its exit code.

    Args:
        arguments: What follows the program's name.
        environ: Environment on top of the tests' own.
        alone: Whether it is the whole environment.
    """
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace")
    code = 0
    with (
        mock.patch.dict(os.environ, environ, clear=alone),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            run_command(list(arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Finished(code, _text(out), _text(err))


@dataclass(frozen=True)
class Desk:
    """A copy of the sample archive, a warehouse, and the command line over both.

    Attributes:
        folder: Where everything lies.
        settings: More environment for every run.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def with_sample(cls, folder: Path, **settings: str) -> Desk:
        """Copies the sample archive into a folder of its own."""
        desk = cls(folder, settings)
        desk.archive.mkdir(parents=True)
        shutil.copy(SAMPLE, desk.archive / "sessions.db")
        return desk

    def starting(self, day: str) -> Desk:
        """The same with another first day of the window."""
        return replace(self, settings={**self.settings, "AGENTSVIEW_ASSETS_START_DATE": day})

    @classmethod
    def finished(cls, folder: Path, start: str) -> Desk:
        """One with the sample, materialised from a first day on."""
        desk = cls.with_sample(folder).starting(start)
        desk.materialize()
        return desk

    def observed_at(self, folder: Path) -> Desk:
        """A copy with a history of its own, observed where it lies."""
        desk = self.copied(folder, with_history=False)
        desk.materialize()
        return desk

    def copied(self, folder: Path, *, with_history: bool = True) -> Desk:
        """The same in another folder, with the history of its runs or without."""
        left = shutil.ignore_patterns() if with_history else shutil.ignore_patterns("dagster")
        shutil.copytree(self.folder, folder, ignore=left)
        return Desk(folder, self.settings)

    @contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        """The instance that keeps the history of its runs."""
        import dagster as dg  # noqa: PLC0415 - most tests do without it

        from agentsview_assets.resources.dagster_home.history import prepare_home  # noqa: PLC0415

        with mock.patch.dict(os.environ, {"DAGSTER_HOME": ""}):
            prepare_home(self.warehouse.with_name(f"{self.warehouse.name}.state"))
            with dg.DagsterInstance.get() as found:
                yield found

    @property
    def archive(self) -> Path:
        """The data folder."""
        return self.folder / "archive"

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.folder / "warehouse.duckdb"

    def run(self, *arguments: str) -> Finished:
        """Runs a command as the program does, up to its exit code."""
        environ = {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(self.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(self.warehouse),
            "DAGSTER_HOME": "",
            "TZ": "UTC",
            **self.settings,
        }
        return run_here(arguments, environ)

    def materialize(self, *arguments: str) -> dict[str, Any]:
        """Brings the warehouse up to date and returns the summary."""
        summary: dict[str, Any] = self.run("materialize", "--json", *arguments).json
        return summary

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the warehouse."""
        with open_reader(str(self.warehouse)) as reader:
            return reader.rows(sql)

    def dicts(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table by column name."""
        names = [row[0] for row in self.rows(f"SELECT column_name FROM (DESCRIBE {table})")]
        return [dict(zip(names, row, strict=True)) for row in self.rows(f"SELECT * FROM {table}")]

    def noted(self, table: str) -> dict[str, tuple[Any, ...]]:
        """Who wrote each partition of a table, and when."""
        found = self.rows(
            "SELECT partition_date, run_id, written_at, input_version, rates_version "
            f"FROM {PARTITIONS_TABLE} WHERE asset = '{table}'"
        )
        return {day: tuple(rest) for day, *rest in found}

    def edit(self, *statements: str) -> None:
        """Changes the archive, as another program would."""
        with closing(sqlite3.connect(self.archive / "sessions.db")) as archive, archive:
            for statement in statements:
                archive.execute(statement)

    def ask_archive(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the archive."""
        with closing(sqlite3.connect(self.archive / "sessions.db")) as archive:
            return archive.execute(sql).fetchall()


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "surrogateescape")
