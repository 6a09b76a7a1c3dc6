"""Observing archives: exact against a plain model, incremental as if fresh, and without a trace."""

from __future__ import annotations

import itertools
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentsview_assets.errors import ArchiveError
from agentsview_assets.resources.archives import content
from agentsview_assets.resources.archives.files import find_archive
from agentsview_assets.rules.entries import SESSION_FACTS
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.schemas import CONTRACTS
from tests.support.archive_edits import KINDS, Editor
from tests.support.further import further
from tests.support.naive_observation import NaiveArchive
from tests.support.observations import (
    DAILY,
    SAMPLE_ID,
    WINDOW,
    Observation,
    Watch,
    content_of_days,
    copy_sample,
    fresh,
    snapshot,
)
from tests.support.odd_archives import THEMES, Workbench, scramble
from tests.support.odd_archives.workbench import Edit, apply_edits
from tests.support.transactions import transactions_timed

Row = dict[str, Any]


def _assert_lands_exactly(path: Path, scratch: Path) -> None:
    found = fresh(path, scratch).tables
    naive = NaiveArchive(path, WINDOW.first)
    _assert_same_rows(found["sessions"], naive.sessions(), ("session_id",))
    rows = naive.usage_rows()
    _assert_same_rows(found["usage_rows"], rows, ("row_id",))
    counting = {row["row_id"]: row["counting_row_id"] for row in found["duplicates"]}
    assert counting == naive.duplicates(rows)
    _assert_same_rows(found["activity_intervals"], naive.intervals(), ("session_id", "ordinal"))


def _assert_same_rows(found: list[Row], expected: list[Row], key: tuple[str, ...]) -> None:
    ours = {tuple(row[name] for name in key): row for row in found}
    theirs = {tuple(row[name] for name in key): row for row in expected}
    assert len(ours) == len(found)
    assert ours.keys() == theirs.keys()
    wrong = {
        at: {
            name: (ours[at][name], value) for name, value in row.items() if ours[at][name] != value
        }
        for at, row in theirs.items()
    }
    assert {at: columns for at, columns in wrong.items() if columns} == {}


@pytest.mark.parametrize(
    "theme", ["eligibility", "times", "tokens", "money", "duplicates", "sessions"]
)
def test_odd_rows_land_as_the_contract_says(theme: str, tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(path.parent, THEMES[theme])
    _assert_lands_exactly(path, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_scrambled_rows_land_as_the_contract_says(seed: int, tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive")

    def mix(bench: Workbench) -> None:
        scramble(bench.database, seed, 400)

    apply_edits(path.parent, (mix,))
    _assert_lands_exactly(path, tmp_path)


def talk(*messages: tuple[str, str, str | None]) -> Edit:
    """An edit: one session that holds messages of role, model and time, in this order."""

    def edit(bench: Workbench) -> None:
        session = bench.session("talk", "talk", started_at="2026-07-01T09:00:00Z", ended_at=None)
        for role, model, at in messages:
            when = f"2026-07-01T{at}Z" if at and at[0].isdigit() else at
            bench.message(session, "", role=role, model=model, timestamp=when)

    return edit


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(
            [("assistant", "m1", "10:00:00"), ("user", "", "10:01:00"),
             ("assistant", "m2", "10:02:00")],
            [("10:00:00", 60, "unknown"), ("10:01:00", 60, "m2")],
            id="the first message's model is never used",
        ),
        pytest.param(
            [("user", "", "10:00:00"), ("assistant", "m1", "10:01:00"),
             ("assistant", "m2", "10:01:00"), ("user", "", "10:02:00")],
            [("10:00:00", 60, "m1"), ("10:01:00", 60, "m1")],
            id="a pair without length sets no model",
        ),
        pytest.param(
            [("user", "", "10:00:00"), ("user", "", "garbage"), ("assistant", "m1", "10:02:00")],
            [],
            id="a time that cannot be read is a hole on both sides",
        ),
        pytest.param(
            [("user", "", "10:00:00"), ("user", "", None), ("user", "", ""),
             ("assistant", "m1", "10:02:00")],
            [("10:00:00", 120, "m1")],
            id="missing times are bridged",
        ),
        pytest.param(
            [("user", "", at) for at in ("10:00:00", "10:05:00", "10:01:00", "10:06:00")],
            [("10:00:00", 300, "unknown"), ("10:01:00", 300, "unknown")],
            id="a session may overlap itself",
        ),
        pytest.param(
            [("user", "", "10:00:00"), ("assistant", "<synthetic>", "10:40:00.5")],
            [("10:00:00", 300, "<synthetic>")],
            id="a gap counts the five minutes after its start",
        ),
        pytest.param(
            [("user", "", "10:00:00.25"), ("Assistant", "m1", "10:00:00.5"),
             ("assistant", "", "10:00:01")],
            [("10:00:00", 0.25, "unknown"), ("10:00:00", 0.5, "unknown")],
            id="only the role assistant with a model counts",
        ),
    ],
)  # fmt: skip
def test_spans_of_activity(
    messages: list[tuple[str, str, str | None]],
    expected: list[tuple[str, float, str]],
    tmp_path: Path,
) -> None:
    path = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(path.parent, (talk(*messages),))
    found = fresh(path, tmp_path).tables["activity_intervals"]
    spans = sorted(found, key=lambda row: (row["epoch_seconds"], row["ordinal"]))
    assert [
        (clock(row["epoch_seconds"]), row["duration_ns"] / 1e9, row["model"]) for row in spans
    ] == expected


def clock(seconds: int) -> str:
    return f"{seconds % 86_400 // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@pytest.mark.parametrize(
    ("session", "times", "text", "moment"),
    [
        (
            {"ended_at": None},
            ["09:30:00Z", "18:31:00+09:00", "09:31:00.000Z", "zzz"],
            "18:31:00+09:00",
            "09:31:00",
        ),
        ({"ended_at": "garbage"}, ["09:00:00Z"], "garbage", "09:00:00"),
        ({"ended_at": "garbage"}, [], "garbage", "08:00:00"),
        ({"ended_at": "", "started_at": ""}, [], "07:00:00Z", "07:00:00"),
        ({"ended_at": "10:10:00Z"}, ["10:30:00Z"], "10:10:00Z", "10:10:00"),
    ],
)
def test_the_last_activity_of_a_session(
    session: dict[str, str | None], times: list[str], text: str, moment: str, tmp_path: Path
) -> None:
    def dated(value: str | None) -> str | None:
        return f"2026-07-01T{value}" if value and value[0].isdigit() else value

    def edit(bench: Workbench) -> None:
        columns = {"started_at": "08:00:00Z", "created_at": "07:00:00Z", **session}
        bench.session("s", "p", **{name: dated(value) for name, value in columns.items()})
        for time_text in times:
            bench.message("s", timestamp=dated(time_text))

    path = copy_sample(tmp_path / "archive", is_empty=True)
    apply_edits(path.parent, (edit,))
    (found,) = fresh(path, tmp_path).tables["sessions"]
    hours, minutes, seconds = map(int, moment.split(":"))
    assert found["last_activity_text"] == dated(text)
    since_noon = (hours - 12) * 3600 + minutes * 60 + seconds
    assert found["last_activity_julian"] == (2_461_223 * 86_400 + since_noon) / 86_400


class Follower:
    """A store that follows an archive, checked after every change against one made anew."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = copy_sample(folder / "archive")
        self.editor = Editor(self.path, random.Random(seed))
        self._folder = folder
        self._place = folder / "store.duckdb"
        self._last = self._look()

    def after(self, kind: str) -> None:
        """Change the archive, look again, and compare with a first look."""
        self.editor.apply(kind)
        found = self._look()
        assert_same_observation(found, fresh(self.path, self._folder), kind)
        assert _days_that_differ(self._last.versions, found.versions) == _days_that_differ(
            content_of_days(self._last.tables), content_of_days(found.tables)
        ), f"{kind}: versions of days have to move with their content, and only then"
        self._last = found

    def _look(self) -> Observation:
        with Watch(self._place) as watch:
            watch.observe(self.path, is_verified=True)
            return watch.said()


def assert_same_observation(found: Observation, expected: Observation, what: str) -> None:
    for name, rows in expected.tables.items():
        assert found.tables[name] == rows, f"{what}: {name}"
    assert found == expected, what


def _days_that_differ(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {day for day in before.keys() | after.keys() if before.get(day) != after.get(day)}


CHAINS = 4


@pytest.mark.parametrize("chain", range(CHAINS))
def test_changes_are_followed_as_if_everything_were_read_anew(chain: int, tmp_path: Path) -> None:
    """Each kind of change twice in a row, on top of all before it."""
    follower = Follower(tmp_path, seed=chain)
    for kind in KINDS[chain::CHAINS]:
        follower.after(kind)
        follower.after(kind)


@pytest.mark.parametrize("seed", [0, *further(*range(1, 6))])
def test_changes_in_any_order_are_followed_as_well(seed: int, tmp_path: Path) -> None:
    follower = Follower(tmp_path, seed=seed)
    for kind in follower.editor.draws.choices(KINDS, k=8):
        follower.after(kind)


@pytest.mark.parametrize("seed", range(3))
def test_versions_move_with_a_window_that_moves(seed: int, tmp_path: Path) -> None:
    path = copy_sample(tmp_path / "archive")
    editor = Editor(path, random.Random(seed))
    for _ in range(12):
        editor.apply("session_starts_elsewhen")
    windows = [("2026-06-25", "2026-11-20"), ("2026-11-03", "2026-11-20"),
               ("2026-11-03", "2026-11-09"), ("2025-01-01", "2026-11-10")]  # fmt: skip
    seen = []
    with Watch(tmp_path / "store.duckdb") as watch:
        watch.observe(path)
        for window in itertools.starmap(DayWindow, windows):
            found = watch.said(window)
            seen.append((found.versions, content_of_days(found.tables, window)))
    for (versions, contents), (other_versions, other_contents) in itertools.combinations(seen, 2):
        for day in contents.keys() & other_contents.keys():
            same_version = versions[day] == other_versions[day]
            assert same_version == (contents[day] == other_contents[day]), day


def test_every_column_of_sessions_moves_the_version_of_its_day() -> None:
    placed = {"archive_id", "partition_date", "started_at", "ended_at"}
    joined = {"worktree_name", "worktree_root_path", "starred_at_text"}
    assert set(CONTRACTS["sessions"].column_names) == placed | joined | set(SESSION_FACTS)


class TestSeveralArchives:
    """Archives share a warehouse but nothing else."""

    def test_each_is_observed_as_if_it_were_alone(self, tmp_path: Path) -> None:
        one, other = (copy_sample(tmp_path / name) for name in ("one", "other"))
        rename_archive(other, "another-id")
        editor = Editor(other, random.Random(1))
        with Watch(tmp_path / "store.duckdb") as watch:
            for path in (one, other):
                watch.observe(path)
            for kind in ("duplicates_move", "session_is_deleted", "cursor_rows_change"):
                editor.apply(kind)
                watch.observe(other, is_verified=True)
            found = watch.said().tables
        alone = [fresh(path, tmp_path).tables for path in (one, other)]
        for name in DAILY:
            assert found[name] == sorted(
                (row for tables in alone for row in tables[name]), key=lambda row: row["archive_id"]
            )

    def test_a_copy_of_an_archive_takes_its_place(self, tmp_path: Path) -> None:
        original = copy_sample(tmp_path / "original")
        copied = copy_sample(tmp_path / "copy")
        Editor(copied, random.Random(2)).apply("session_is_deleted")
        with Watch(tmp_path / "store.duckdb") as watch:
            for path in (original, copied, original):
                watch.observe(path)
                assert_same_observation(watch.said(), fresh(path, tmp_path), str(path))

    def test_an_archive_that_took_the_place_of_another_is_alone(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        with Watch(tmp_path / "store.duckdb") as watch:
            before = watch.observe(path)
            rename_archive(path, "another-id")
            after = watch.observe(path)
            found = watch.said()
            assert [archive.archive_id for archive in watch.store.archives()] == ["another-id"]
        assert (before.archive_id, after.archive_id) == (SAMPLE_ID, "another-id")
        assert_same_observation(found, fresh(path, tmp_path), "replaced")


def rename_archive(path: Path, database_id: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE archive_metadata SET value = ? WHERE key = 'database_id'", (database_id,)
        )


def test_a_log_beside_the_target_of_a_link_is_noticed(tmp_path: Path) -> None:
    target = copy_sample(tmp_path / "elsewhere")
    linked = tmp_path / "data" / "sessions.db"
    linked.parent.mkdir()
    linked.symlink_to(target)
    with (
        closing(sqlite3.connect(target, isolation_level=None)) as database,
        Watch(tmp_path / "store.duckdb") as watch,
    ):
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE sessions SET project = 'first'")
        watch.observe(linked)
        database.execute("UPDATE sessions SET project = 'second'")
        assert not watch.observe(linked).is_unchanged
        assert {row["project"] for row in watch.said().tables["sessions"]} == {"second"}


def test_an_archive_is_known_by_whatever_path_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy_sample(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    assert find_archive(Path("archive")) == find_archive(Path("archive/sessions.db")) == path


class TestWithoutATrace:
    """Reading leaves the archive and the folder it lies in as they were."""

    @pytest.mark.parametrize("journal", ["DELETE", "WAL", "WAL with an empty log"])
    def test_of_a_cold_archive(self, journal: str, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"PRAGMA journal_mode = {journal.split(maxsplit=1)[0]}")
        if journal.endswith("log"):
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).touch()
        before = snapshot(path.parent)
        with Watch(tmp_path / "store.duckdb") as watch:
            watch.observe(path)
        assert snapshot(path.parent) == before

    def test_of_an_archive_that_is_open_elsewhere(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("UPDATE sessions SET project = 'in the log'")
            before = snapshot(path.parent)
            found = fresh(path, tmp_path)
            after = snapshot(path.parent)
        assert {row["project"] for row in found.tables["sessions"]} == {"in the log"}
        for name in ("sessions.db", "sessions.db-wal"):
            assert after[name] == before[name]
        assert after.keys() == before.keys()


class TestTitles:
    """Titles fall back to what was said first, unless that is switched off."""

    def test_no_first_message_lands_when_they_are_switched_off(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        assert first_messages(path)
        with Watch(tmp_path / "store.duckdb") as watch:
            for with_titles in (True, False, True):
                found = watch.observe(path, with_titles=with_titles)
                assert not found.is_unchanged
                said = watch.said(with_titles=with_titles)
                titles = {row["title"] for row in said.tables["sessions"]}
                assert bool(titles & first_messages(path)) == with_titles

    def test_the_ledger_holds_none_in_any_case(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        place = tmp_path / "store.duckdb"
        with Watch(place) as watch:
            watch.observe(path)
        messages, stored = first_messages(path), place.read_bytes()
        assert not messages & texts_in(place)
        assert not [text for text in messages if text.encode() in stored]


def first_messages(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT first_message FROM sessions WHERE first_message <> ''")
        return {text for (text,) in found}


def texts_in(place: Path) -> set[str]:
    """Every text in every column of a DuckDB file."""
    with duckdb.connect(str(place), read_only=True) as opened:
        columns = opened.execute(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE data_type = 'VARCHAR' AND NOT internal"
        ).fetchall()
        return {
            text
            for table, column in columns
            for (text,) in opened.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall()
        }


class TestTheLedger:
    """What is known of an archive: all that was read, or what was known before."""

    def test_a_failed_reading_leaves_it_as_it_was(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        with Watch(tmp_path / "store.duckdb") as watch:
            watch.observe(path)
            before = known_by(watch)
            Editor(path, random.Random(3)).apply("session_is_deleted")
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("ALTER TABLE model_pricing RENAME COLUMN updated_at TO later")
            with pytest.raises(ArchiveError, match=r"model_pricing\.updated_at is missing"):
                watch.observe(path)
            assert known_by(watch) == before

    def test_a_session_whose_row_did_not_move_is_not_read(self, tmp_path: Path) -> None:
        path = copy_sample(tmp_path / "archive")
        with Watch(tmp_path / "store.duckdb") as watch:
            first = watch.observe(path)
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("UPDATE sessions SET project = 'moved' WHERE id = ?", [one(path)])
            second = watch.observe(path)
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("UPDATE messages SET model = 'behind its back'")
            third, verified = watch.observe(path), watch.observe(path, is_verified=True)
        assert first.sessions == len(first_sessions(path))
        assert (second.sessions, third.sessions) == (1, 0)
        assert verified.sessions > 1


def one(path: Path) -> str:
    return first_sessions(path)[0]


def first_sessions(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT id FROM sessions ORDER BY id")]


def known_by(watch: Watch) -> tuple[object, ...]:
    (archive,) = watch.store.archives()
    return (
        archive,
        sorted(watch.store.ledger(archive.archive_id)),
        sorted(watch.store.expected(), key=repr),
    )


WRITER = """
import sqlite3, sys
path, commits = sys.argv[1], int(sys.argv[2])
database = sqlite3.connect(path, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
sys.stdin.readline()
for number in range(commits):
    tokens = number % 1000
    database.execute("BEGIN IMMEDIATE")
    for session, count in (("left", tokens), ("right", 1000 - tokens)):
        database.execute("UPDATE messages SET token_usage = ? WHERE session_id = ?",
                         ('{"input_tokens":%d}' % count, session))
        database.execute("UPDATE sessions SET local_modified_at = ? WHERE id = ?",
                         ("2026-11-20T00:00:00.%09dZ" % number, session))
    database.execute("INSERT INTO messages (session_id, ordinal, role, content, timestamp)"
                     " VALUES ('left', ?, 'user', '', '2026-11-05T10:00:00Z')", (number + 1,))
    database.execute("COMMIT")
database.close()
"""
MOST_SECONDS = 3.0
"""A reader that holds a transaction longer keeps agentsview from swapping in a resync."""


@pytest.mark.parametrize("batch_messages", [240_000, 50])
def test_beside_a_busy_writer_every_observation_is_of_one_moment(
    batch_messages: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    path = copy_sample(tmp_path / "archive")

    def pair(bench: Workbench) -> None:
        for session, tokens in (("left", 0), ("right", 1000)):
            bench.session(session, session)
            bench.message(session, usage={"input_tokens": tokens}, model="balanced")

    apply_edits(path.parent, (pair,))
    held = transactions_timed(monkeypatch)
    monkeypatch.setattr(content, "BATCH_MESSAGES", batch_messages)
    sums = []
    with (
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), "800"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as writer,
        Watch(tmp_path / "store.duckdb") as watch,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
        while writer.poll() is None:
            rows = watch.said_of(path).tables["usage_rows"]
            sums.append(sum(r["input_tokens"] for r in rows if r["model"] == "balanced"))
        at_the_end = watch.said_of(path)
    assert writer.returncode == 0
    assert sums
    assert set(sums) == {1000}
    assert_same_observation(at_the_end, fresh(path, tmp_path), "at the end")
    record_property("longest_transaction_seconds", max(held))
    assert max(held) < MOST_SECONDS
