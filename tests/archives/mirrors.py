"""Archives and the mirrors that agentsview pushes them to, and the documents of either."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.archives.conftest import START, Bench
from tests.support.releases import release, release_archive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle
    from tests.support.postgres import Database

VERSIONS = ("0.37.5", "0.46.1")
PLACELESS_PROJECT = "peatworks"
"""Its sessions have no working directory: only where their transcripts lie places it."""
DOCUMENTS = {
    "usage": ("usage", "daily", "--json", "--breakdown", "--all", "--timezone", "UTC"),
    "usage offline": (
        *("usage", "daily", "--json", "--breakdown", "--all", "--timezone", "UTC"),
        "--offline",
    ),
    "activity": (
        *("activity", "report", "--json", "--preset", "month", "--date", "2026-11-05"),
        *("--timezone", "UTC", "--as-of", "2026-11-20T00:00:00Z", "--bucket", "1d"),
    ),
    "export": ("export", "sessions", "--format", "json"),
}


@dataclass(frozen=True)
class Pushed:
    """An archive and a mirror of it.

    Attributes:
        archive: The data folder.
        oracle: The release that keeps it.
        url: What we name the mirror by.
        settings: What tells the release where to push.
    """

    archive: Path
    oracle: Oracle
    url: str
    settings: dict[str, str]

    @property
    def has_transcript_paths(self) -> bool:
        """Whether the mirror tells where transcripts lie."""
        return self.url.startswith("duckdb:") or "0.37" not in str(self.oracle.program)

    def push(self, *arguments: str) -> None:
        """Pushes what changed."""
        kind = "duckdb" if self.url.startswith("duckdb:") else "pg"
        done = self.oracle.run(self.archive, kind, "push", *arguments, env=self.settings)
        assert done.returncode == 0, done.stderr

    def edit(self, *statements: str) -> None:
        """Changes the archive, as another program would."""
        with closing(sqlite3.connect(self.archive / "sessions.db")) as database, database:
            for statement in statements:
                database.execute(statement)


def made(version: str, kind: str, originals: Path, database: Database, folder: Path) -> Pushed:
    """Copies a release's archive and pushes it."""
    archive = folder / "pushed"
    shutil.copytree(release_archive(originals, version), archive)
    file = folder / "mirror" / "sessions.duckdb"
    file.parent.mkdir()
    if kind == "duckdb":
        url, settings = f"duckdb:///{file}", {"AGENTSVIEW_DUCKDB_PATH": str(file)}
    else:
        url = database.url(schema="agentsview")
        target = url.replace("?schema=agentsview", "?sslmode=disable")
        settings = {"AGENTSVIEW_PG_URL": target}
    found = Pushed(archive, release(version, folder / "homes"), url, settings)
    found.push()
    return found


def bench_over(folder: Path, *archives: object, **settings: str) -> Bench:
    """A warehouse of its own over some archives."""
    listed = "\n".join(map(str, archives))
    named = {"AGENTSVIEW_ASSETS_START_DATE": START, "AGENTSVIEW_ASSETS_ARCHIVE": listed}
    folder.mkdir(exist_ok=True)
    return Bench(folder, named | settings)


def documents(bench: Bench) -> dict[str, Any]:
    """Materialises and returns the documents, without what names machine and archive."""
    bench.materialize()
    found = {name: bench.run(*arguments).json for name, arguments in DOCUMENTS.items()}
    del found["export"]["database_id"]
    for session in found["export"]["sessions"]:
        del session["machine"]
    return found


def assert_equal(found: dict[str, Any], expected: dict[str, Any], pushed: Pushed) -> None:
    """Compare documents, but for what the mirror lacks."""
    for name, document in expected.items():
        if not pushed.has_transcript_paths:
            lost = found[name]["projects"].pop(PLACELESS_PROJECT)
            assert lost["resolution"] == "unknown"
            del document["projects"][PLACELESS_PROJECT]
        assert found[name] == document, name
