"""Reading while agentsview itself syncs, rebuilds and upgrades the archive."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.archives.asked import Needed, Options
from agentsview_assets.resources.archives.observing import observe
from agentsview_assets.resources.archives.scratch import Scratch
from agentsview_assets.resources.archives.sources import FileSource
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.rules.windows import DayWindow
from tests.support.releases import USER_VERSIONS, release
from tests.support.transactions import transactions_timed
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentsview_assets.resources.warehouses.store import Store
    from tests.support.oracle import Oracle

pytestmark = pytest.mark.matrix

OLD, NEW = "0.37.5", "0.46.1"
MOST_SECONDS = 3.0
LAST_DAY = dt.date(2026, 11, 10)
WINDOW = DayWindow("2020-01-01", "2026-12-31")
EVERYTHING = Needed(WINDOW.span([WINDOW.first, WINDOW.last]), WINDOW)
_STATE = """
SELECT session_id, row_kind, place, model, input_tokens, output_tokens, cache_read_tokens,
    timestamp_text, dedup_key FROM usage ORDER BY ALL
"""
_TORN = """
SELECT s.session_id FROM session s LEFT JOIN (
    SELECT session_id, max(ordinal) AS last FROM interval GROUP BY 1) i USING (session_id)
WHERE s.message_count = 0 AND i.last IS NOT NULL
"""


class Watcher:
    """Observes one archive again and again, and notes how long each transaction was held."""

    def __init__(self, path: Path, store: Store, held: list[float]) -> None:
        self.path = path
        self.held = held
        self.rounds = 0
        self._store = store
        self._state: list[tuple[object, ...]] = []

    def look(self) -> None:
        """Observes once, all of it; what is found must hang together."""
        with Scratch() as scratch:
            observe(
                FileSource(self.path),
                self._store,
                lambda: scratch,
                Options(),
                WINDOW,
                needed=EVERYTHING,
                must_open=True,
            )
            assert scratch.rows(_TORN) == []
            self._state = scratch.rows(_STATE)
        self.rounds += 1

    def beside(self, writer: subprocess.Popen[str]) -> None:
        """Observes until the writer has finished, and once more after that."""
        while writer.poll() is None:
            self.look()
        output = writer.communicate()[0]
        assert writer.returncode == 0, output
        self.look()

    def state(self) -> list[tuple[object, ...]]:
        """The usage rows that are known now."""
        return self._state


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each read transaction was held, in seconds."""
    return transactions_timed(monkeypatch)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The folder for the data; the transcripts lie beside it."""
    write_corpus(tmp_path / "corpus", corpus_settings(sessions=120))
    return tmp_path / "archive"


@pytest.fixture
def watcher(archive: Path, tmp_path: Path, held: list[float]) -> Iterator[Watcher]:
    with open_store(f"duckdb:///{tmp_path / 'warehouse.duckdb'}") as store:
        yield Watcher(archive / "sessions.db", store, held)


def corpus_settings(sessions: int) -> Settings:
    """A corpus of so many sessions; a larger one holds the smaller one's."""
    return Settings(sessions=sessions, days=12, seed=21, last_day=LAST_DAY)


def start(oracle: Oracle, archive: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a sync of the archive's corpus."""
    return subprocess.Popen(
        [oracle.program, "sync", *arguments],
        env=oracle.environment(archive, archive.parent / "corpus"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def fresh_state(archive: Path, folder: Path) -> list[tuple[object, ...]]:
    """What is observed of an archive by somebody who has never seen it."""
    with open_store(f"duckdb:///{folder / 'fresh.duckdb'}") as store:
        watcher = Watcher(archive / "sessions.db", store, [])
        watcher.look()
        return watcher.state()


def asked(archive: Path, sql: str) -> list[tuple[object, ...]]:
    """Asks the archive."""
    with closing(sqlite3.connect(f"file:{archive}/sessions.db?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_while_it_syncs_new_transcripts(
    version: str, archive: Path, watcher: Watcher, tmp_path: Path
) -> None:
    oracle = release(version, tmp_path / "homes")
    write_corpus(tmp_path / "small" / "corpus", corpus_settings(sessions=20))
    oracle.sync(archive, tmp_path / "small" / "corpus")
    watcher.look()
    watcher.beside(start(oracle, archive))
    assert watcher.state() == fresh_state(archive, tmp_path)
    assert max(watcher.held) < MOST_SECONDS


@pytest.mark.parametrize("version", [OLD, NEW])
def test_while_it_rebuilds_the_archive(
    version: str, archive: Path, watcher: Watcher, tmp_path: Path
) -> None:
    """Newer releases give up silently when a reader holds a transaction for too long."""
    oracle = release(version, tmp_path / "homes")
    oracle.sync(archive, tmp_path / "corpus")
    watcher.look()
    before, inode = watcher.state(), watcher.path.stat().st_ino
    watcher.beside(start(oracle, archive, "--full"))
    assert watcher.path.stat().st_ino != inode, "the rebuild was dropped"
    assert watcher.state() == before == fresh_state(archive, tmp_path)
    assert max(watcher.held) < MOST_SECONDS


def test_while_a_newer_release_upgrades_it(archive: Path, watcher: Watcher, tmp_path: Path) -> None:
    release(OLD, tmp_path / "homes").sync(archive, tmp_path / "corpus")
    watcher.look()
    before = watcher.state()
    watcher.beside(start(release(NEW, tmp_path / "homes"), archive))
    assert asked(archive, "PRAGMA user_version") == [(USER_VERSIONS[NEW],)]
    assert watcher.state() == before == fresh_state(archive, tmp_path)
    assert max(watcher.held) < MOST_SECONDS


@pytest.mark.parametrize("version", [OLD, NEW])
def test_nothing_is_left_beside_an_archive_at_rest(
    version: str, archive: Path, watcher: Watcher, tmp_path: Path
) -> None:
    release(version, tmp_path / "homes").sync(archive, tmp_path / "corpus")
    before = {path.name: path.read_bytes() for path in archive.iterdir() if path.is_file()}
    watcher.look()
    after = {path.name: path.read_bytes() for path in archive.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_original_writes_on_after_we_have_read(
    version: str, archive: Path, watcher: Watcher, tmp_path: Path
) -> None:
    oracle = release(version, tmp_path / "homes")
    write_corpus(tmp_path / "small" / "corpus", corpus_settings(sessions=20))
    oracle.sync(archive, tmp_path / "small" / "corpus")
    watcher.look()
    oracle.sync(archive, tmp_path / "corpus")
    watcher.look()
    untouched = tmp_path / "untouched"
    shutil.rmtree(untouched, ignore_errors=True)
    oracle.sync(untouched, tmp_path / "small" / "corpus")
    oracle.sync(untouched, tmp_path / "corpus")
    said = "SELECT session_id, ordinal, token_usage, timestamp FROM messages ORDER BY 1, 2"
    assert asked(archive, said) == asked(untouched, said)
    assert asked(archive, "PRAGMA integrity_check") == [("ok",)]
