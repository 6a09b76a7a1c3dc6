"""The same transcripts, the archives of many releases, the same v1 documents.

What may differ is what the release itself recorded differently: how it names the machine and the
archive, which checkouts with several remotes it still gives a remote, which Codex sessions it
counts as subagents, and whether it knows their branch.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.in_process import Desk
from tests.support.releases import (
    REFERENCE,
    RELEASES,
    USER_VERSIONS,
    half_migrated,
    release,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.releases.conftest import ArchiveOf

# In one worker, so that each warehouse that several tests look at is made once.
pytestmark = pytest.mark.xdist_group("releases")

USAGE = ("usage", "daily", "--json", "--breakdown", "--all", "--timezone", "UTC")
ACTIVITY = (
    *("activity", "report", "--json", "--preset", "month", "--date", "2026-11-05"),
    *("--timezone", "UTC", "--as-of", "2026-11-20T00:00:00Z", "--bucket", "1d"),
)
EXPORT = ("export", "sessions", "--format", "json", "--include-children")
# Two remotes, of which 0.37 takes the first and later releases none.
UNDECIDED_PROJECT = "quillbox.web"
FORKED_ANSWERS = 2
NEWEST = RELEASES[-1]
IN_DEFAULT_RUN = {RELEASES[0], "0.40.1", NEWEST}


def every_release() -> list[Any]:
    """The releases to compare with the reference; the default run takes a part of them."""
    return [
        pytest.param(version, marks=() if version in IN_DEFAULT_RUN else pytest.mark.matrix)
        for version in RELEASES
        if version != REFERENCE
    ]


class Reading:
    """Our warehouse of a copy of an archive."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.desk = Desk(folder, {"AGENTSVIEW_ASSETS_START_DATE": "2026-10-20"})
        shutil.copytree(archive, self.desk.archive)

    def documents(self) -> dict[str, Any]:
        """Materialises the archive and returns its documents, offline and with its own prices."""
        before = self.digest()
        self.desk.materialize()
        assert self.digest() == before
        return {
            "usage": self.desk.run(*USAGE).json,
            "usage offline": self.desk.run(*USAGE, "--offline").json,
            "activity": self.desk.run(*ACTIVITY).json,
            "export": self.desk.run(*EXPORT).json,
        }

    def digest(self) -> str:
        """What the bytes of the archive come to."""
        return hashlib.sha256((self.desk.archive / "sessions.db").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def reading_of(
    archive_of: ArchiveOf, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Reading]:
    """Return our warehouse of a release's archive; made once, to be looked at only."""

    @functools.cache
    def get(version: str) -> Reading:
        return Reading(tmp_path_factory.mktemp(version).resolve(), archive_of(version))

    return get


@pytest.fixture(scope="module")
def reference(reading_of: Callable[[str], Reading]) -> dict[str, Any]:
    """The documents of the reference release."""
    return comparable(reading_of(REFERENCE).documents())


def comparable(documents: dict[str, Any]) -> dict[str, Any]:
    """The documents without what releases record differently."""
    found: dict[str, Any] = json.loads(json.dumps(documents))
    for document in found.values():
        identity = document["projects"].pop(UNDECIDED_PROJECT)
        assert identity["resolution"] == "resolved"
    export = found["export"]
    del export["database_id"]
    export["sessions"] = [
        session for session in export["sessions"] if not _is_forked_codex(session)
    ]
    for session in export["sessions"]:
        machine = session.pop("machine")
        assert machine
        if session["project"] == UNDECIDED_PROJECT:
            del session["worktree"]
        if session["agent"] == "codex":
            session.pop("git_branch", None)
    return found


def _is_forked_codex(session: dict[str, Any]) -> bool:
    """Whether it is the one that releases since 0.46 take for a subagent of none.

    It is the corpus's only Codex session with two answers; usage and activity hold it all the same.
    """
    return session["agent"] == "codex" and session["assistant_message_count"] == FORKED_ANSWERS


@pytest.mark.parametrize("version", every_release())
def test_documents_are_those_of_the_reference(
    version: str,
    archive_of: ArchiveOf,
    reading_of: Callable[[str], Reading],
    reference: dict[str, Any],
) -> None:
    archive = archive_of(version)
    with closing(sqlite3.connect(f"file:{archive}/sessions.db?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (USER_VERSIONS[version],)
    found = comparable(reading_of(version).documents())
    assert found.keys() == reference.keys()
    for name, document in found.items():
        assert document == reference[name], f"{name} of {version}"


def test_reported_costs_are_exact_in_every_form(reading_of: Callable[[str], Reading]) -> None:
    """Dollars, cents and microdollars give the same numbers."""
    found = []
    for version in (REFERENCE, NEWEST):
        reading = reading_of(version)
        reading.desk.materialize()
        costs = reading.desk.rows(
            "SELECT row_kind, reported_cost_usd FROM usage_rows WHERE source IN "
            "('provider', 'cursor') ORDER BY row_kind, dedup_key, row_id"
        )
        prices = reading.desk.rows(
            "SELECT model_pattern, input_usd_per_mtok, output_usd_per_mtok, "
            "cache_write_usd_per_mtok, cache_read_usd_per_mtok FROM model_pricing "
            "WHERE layer = 'stored' AND model_pattern NOT LIKE '\\_%' ESCAPE '\\'"
        )
        found.append((costs, prices))
    assert sorted(map(str, found[0][0])) == [
        "('cursor_event', 0.1234)",
        "('usage_event', 0.0)",
        "('usage_event', 0.0175)",
        "('usage_event', None)",
    ]
    assert found[0][1] == [("gpt-5.1", 1.25, 10.5, 0.0, 0.125)]
    assert found[0] == found[1]


def test_an_archive_that_a_newer_release_began_to_upgrade(
    archive_of: ArchiveOf, reference: dict[str, Any], tmp_path: Path
) -> None:
    """It has the newer columns and the older data version, until the next sync by that release."""
    reading = Reading(tmp_path.resolve() / "ours", archive_of(REFERENCE))
    half_migrated(reading.desk.archive, release(NEWEST, tmp_path / "homes"))
    with closing(sqlite3.connect(reading.desk.archive / "sessions.db")) as database:
        columns = {row[1] for row in database.execute("PRAGMA table_info(usage_events)")}
        assert "cost_microdollars" in columns
        version = database.execute("PRAGMA user_version").fetchone()
    assert version == (USER_VERSIONS[REFERENCE],)
    assert comparable(reading.documents()) == reference


def test_an_upgrade_in_place_keeps_one_archive_in_the_warehouse(
    archive_of: ArchiveOf, reference: dict[str, Any], tmp_path: Path
) -> None:
    """The newer release gives the archive another identity; the rows of the old one go."""
    reading = Reading(tmp_path.resolve() / "ours", archive_of(REFERENCE))
    reading.documents()
    old = reading.desk.rows("SELECT DISTINCT archive_id FROM usage_rows")
    half_migrated(reading.desk.archive, release(NEWEST, tmp_path / "homes"))
    assert comparable(reading.documents()) == reference
    new = reading.desk.rows("SELECT DISTINCT archive_id FROM usage_rows")
    assert len(old) == len(new) == 1
    assert old != new


def test_an_interrupted_conversion_of_money_is_refused(
    archive_of: ArchiveOf, tmp_path: Path
) -> None:
    reading = Reading(tmp_path.resolve(), archive_of(REFERENCE))
    reading.desk.edit("ALTER TABLE usage_events ADD COLUMN cost_microdollars INTEGER")
    done = reading.desk.run("materialize")
    assert done.code == 1
    assert "table usage_events has its money in two forms" in done.err
