"""Archives that a file or a pattern lists: read again each time; new and lost ones are noticed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import load_settings
from tests.support.in_process import SAMPLE, Desk
from tests.support.reconciling import reconcile, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = "2026-10-29"


def _archive(folder: Path, name: str) -> Path:
    """A data folder of an archive of its own."""
    archive = folder / name
    archive.mkdir(parents=True)
    shutil.copy(SAMPLE, archive / "sessions.db")
    with closing(sqlite3.connect(archive / "sessions.db")) as database, database:
        database.execute("UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", [name])
    return archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two archives, and what is none."""
    for name in ("ada", "bob"):
        _archive(tmp_path / "all", name)
    (tmp_path / "all" / "notes").mkdir()
    (tmp_path / "all" / "readme.txt").touch()
    return tmp_path / "all"


def _shown(*texts: str, known: tuple[str, ...] = ()) -> list[str]:
    return [archive.shown for archive in parse_archives(texts, known)]


class TestWhatIsListed:
    def test_a_pattern_means_the_data_folders_that_match(self, folder):
        assert _shown(f"{folder}/*") == [f"{folder}/ada", f"{folder}/bob"]
        assert _shown(f"{folder}/a*") == [f"{folder}/ada"]
        assert _shown(f"{folder}/*/sessions.db") == [
            f"{folder}/{name}/sessions.db" for name in ("ada", "bob")
        ]

    def test_a_file_lists_them_line_by_line(self, folder):
        listing = folder / "archives.txt"
        listing.write_text(f"# the team\n{folder}/bob   # laptop\n\n{folder}/a*\n")
        assert _shown(f"@{listing}") == [f"{folder}/bob", f"{folder}/ada"]

    def test_an_archive_that_several_listings_mean_is_one(self, folder):
        assert _shown(f"{folder}/ada", f"{folder}/*") == [f"{folder}/ada", f"{folder}/bob"]

    def test_a_path_that_is_there_as_it_stands_is_no_pattern(self, tmp_path):
        odd = _archive(tmp_path, "what[is]*this?")
        assert _shown(str(odd)) == [str(odd)]

    def test_one_that_was_read_before_and_is_gone_is_still_meant(self, folder):
        known = (f"{folder}/gone/sessions.db", "/elsewhere/eve/sessions.db")
        assert _shown(f"{folder}/*", known=known) == [
            f"{folder}/{name}" for name in ("ada", "bob", "gone")
        ]

    @pytest.mark.parametrize(
        ("listing", "words"),
        [
            ("{}/nobody*", "matches no data folder"),
            ("@{}/missing.txt", "archive @"),
            ("@{}/readme.txt", "lists no archive"),
            ("@{}/nested.txt", "a list cannot name another list"),
            ("@{}", "archive @"),
        ],
    )
    def test_what_lists_nothing_is_told(self, folder, listing, words):
        (folder / "nested.txt").write_text("@other.txt\n")
        with pytest.raises(ConfigError, match=words):
            parse_archives([listing.format(folder)])

    def test_it_means_the_same_in_any_folder(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        settings = load_settings({"AGENTSVIEW_ASSETS_ARCHIVE": "*"})
        monkeypatch.chdir("/")
        assert [archive.shown for archive in settings.now().archives] == [
            f"{folder}/ada", f"{folder}/bob"
        ]  # fmt: skip


@pytest.fixture
def desk(folder: Path, tmp_path: Path) -> Desk:
    """A warehouse of all archives that match."""
    settings = {"AGENTSVIEW_ASSETS_ARCHIVE": f"{folder}/*"}
    desk = Desk(tmp_path / "desk", settings).starting(START)
    desk.folder.mkdir()
    assert desk.run("materialize").code == 0
    return desk


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    with desk.history() as found:
        yield found


def _held(desk: Desk) -> list[str]:
    return [name for (name,) in desk.rows("SELECT DISTINCT archive_id FROM sessions ORDER BY 1")]


def test_a_model_that_several_archives_cannot_price_is_named_once(desk):
    made = desk.run("materialize", "--force", "--select", "model_rates", "--json").json
    assert made["unpriced_models"] == ["kelp-coder-preview-3"]


class TestARunningDeployment:
    def test_a_new_archive_is_picked_up(self, desk, instance, folder):
        settings = settings_of(desk)
        assert _held(desk) == ["ada", "bob"]
        _archive(folder, "eve")
        ran, _ = reconcile(settings, instance)
        assert all(run.succeeded for run in ran)
        assert _held(desk) == ["ada", "bob", "eve"]
        assert reconcile(settings, instance)[0] == []

    def test_one_that_is_gone_is_looked_for_once_named_and_keeps_its_rows(
        self, desk, instance, folder
    ):
        settings = settings_of(desk)
        shutil.rmtree(folder / "bob")
        ran, _ = reconcile(settings, instance)
        assert [run.assets for run in ran] == [{"archive"}]
        assert _held(desk) == ["ada", "bob"]
        [(reason,)] = desk.rows(
            f"SELECT reason FROM warehouse_readings WHERE archive = '{folder}/bob'"
        )
        assert "no such file" in reason
        sources = desk.run("status", "--json").json["sources"]
        assert [source["state"] for source in sources] == ["observed", "missing"]
        assert reconcile(settings, instance)[0] == []
