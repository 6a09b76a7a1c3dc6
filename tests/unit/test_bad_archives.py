"""Bad input: one clear message, the right exit code, the archive and the warehouse as they were."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentsview_assets.resources.archives import bulk_reader
from agentsview_assets.resources.archives import opening as archive_opening
from agentsview_assets.resources.archives import reader as archives
from agentsview_assets.resources.archives.reader import ArchiveReader
from agentsview_assets.resources.archives.schema import MESSAGES, USAGE_EVENTS
from agentsview_assets.resources.warehouses.reader import (
    ARCHIVES_TABLE,
    EXPECTED_TABLE,
    READINGS_TABLE,
)
from agentsview_assets.schemas import HISTORIES
from tests.support import forked
from tests.support.command import OurCommand
from tests.support.hardship import with_files_up_to, without_privileges
from tests.support.observations import copy_sample, snapshot
from tests.support.odd_archives import BREAKING, Workbench
from tests.support.odd_archives.workbench import apply_edits

REPORT = ("usage", "daily", "--json", "--all", "--timezone", "UTC")
Row = dict[str, Any]
Tables = dict[str, list[Row]]


SEEN = (EXPECTED_TABLE, READINGS_TABLE, ARCHIVES_TABLE, "archive_sessions")
"""Tables that tell what was seen, before anything is made of it."""


@dataclass(frozen=True)
class World:
    """An archive and the warehouse that was made of it before anything went wrong."""

    archive: Path
    warehouse: Path

    @property
    def ours(self) -> OurCommand:
        """The command line over both."""
        return OurCommand(self.archive, self.archive.parent / "home", str(self.warehouse))

    def run(
        self, *arguments: str, hardship: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, in a process of its own if that is to be in hardship."""
        if hardship is None:
            return self.ours.here(*arguments)
        return forked.run(arguments, self.ours.environment(), hardship=hardship)

    def refuses(
        self, *arguments: str, code: int = 1, hardship: Callable[[], None] | None = None
    ) -> str:
        """Run a command that must fail and leave everything as it was; return what it said."""
        before = snapshot(self.archive) if self.archive.is_dir() else {}
        held = self.content()
        done = self.run(*arguments, hardship=hardship)
        said = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert len(said) == 1, done.stderr
        assert said[0].startswith("error: ")
        assert done.stdout == ""
        assert (snapshot(self.archive) if self.archive.is_dir() else {}) == before
        assert self.content() == held
        return said[0].removeprefix("error: ")

    @property
    def state(self) -> Path:
        """The state folder of the warehouse."""
        return self.warehouse.with_name(f"{self.warehouse.name}.state")

    def tables(self) -> Tables:
        """All rows of all tables of the warehouse but what was seen of archives, made or not."""
        with duckdb.connect(str(self.warehouse), read_only=True) as opened:
            shown = opened.execute("SHOW TABLES").fetchall()
            names = [name for (name,) in shown if name not in SEEN]
            rows = {n: opened.sql(f'SELECT * FROM "{n}" ORDER BY ALL') for n in names}
            found = {n: held.to_arrow_table().to_pylist() for n, held in rows.items()}
            # The revision rises with each note of what was seen.
            for row in found.get("warehouse_meta", []):
                del row["revision"]
            return found

    def content(self) -> Tables | str | None:
        """All rows of all tables of the warehouse; a digest of what is no warehouse."""
        if not self.warehouse.is_file():
            return None
        with contextlib.suppress(duckdb.Error):
            return self.tables()
        return hashlib.sha256(self.warehouse.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The sample archive, materialised once."""
    folder = tmp_path_factory.mktemp("made")
    path = copy_sample(folder / "archive")
    world = World(path.parent, folder / "warehouse.duckdb")
    done = world.run("materialize")
    assert done.returncode == 0, done.stderr
    return world


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """A copy of archive and warehouse, to be spoilt."""
    archive = Path(shutil.copytree(made.archive, tmp_path / "archive"))
    warehouse = Path(shutil.copyfile(made.warehouse, tmp_path / "warehouse.duckdb"))
    return World(archive, warehouse)


def without_reading(path: Path) -> None:
    """A hardship: that file may not be read."""
    path.chmod(0)
    without_privileges()


def spoil(world: World, *statements: str) -> None:
    """Change the archive by SQL that its own constraints would not stop."""
    with contextlib.closing(sqlite3.connect(world.archive / "sessions.db")) as database, database:
        for statement in statements:
            database.execute(statement)


class TestArchiveFiles:
    """A file that is not there, or is no archive."""

    @pytest.mark.parametrize("name", ["nowhere", "nowhere/sessions.db"])
    def test_a_missing_archive_is_named(self, name: str, world: World) -> None:
        path = world.archive.parent / name
        said = world.refuses("materialize", "--archive", str(path))
        assert f"{path}: no such file" in said
        assert "--archive" in said

    def test_a_folder_without_an_archive(self, world: World) -> None:
        (world.archive / "sessions.db").unlink()
        said = world.refuses("materialize")
        assert f"{world.archive / 'sessions.db'}: no such file" in said

    def test_a_missing_archive_makes_no_warehouse(self, world: World) -> None:
        warehouse = world.archive.parent / "new" / "w.duckdb"
        world.refuses("materialize", "--archive", "/nowhere", "--warehouse", str(warehouse))
        assert not warehouse.parent.exists()

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            pytest.param(b"", "the file is empty", id="empty"),
            pytest.param(b"SQLite format 2" + b"x" * 5000, "not an SQLite database", id="other"),
            pytest.param(b"# notes\n", "not an SQLite database", id="text"),
        ],
    )
    def test_a_file_of_another_kind(self, content: bytes, expected: str, world: World) -> None:
        (world.archive / "sessions.db").write_bytes(content)
        said = world.refuses("materialize")
        assert expected in said
        assert str(world.archive / "sessions.db") in said

    @pytest.mark.parametrize("share", [0.5, 0.0001, 0.999])
    def test_an_archive_that_is_cut_off(self, share: float, world: World) -> None:
        path = world.archive / "sessions.db"
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        assert "the file is cut off" in world.refuses("materialize")

    def test_an_archive_whose_pages_are_damaged(self, world: World) -> None:
        path = world.archive / "sessions.db"
        content = bytearray(path.read_bytes())
        content[4096 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 4096)
        path.write_bytes(content)
        said = world.refuses("materialize")
        assert "the database is damaged" in said
        assert "agentsview sync --full" in said

    def test_an_archive_that_may_not_be_read(self, world: World) -> None:
        path = world.archive / "sessions.db"
        said = world.refuses("materialize", hardship=partial(without_reading, path))
        assert f"{path}: Permission denied" in said

    def test_a_database_of_another_program(self, world: World) -> None:
        path = world.archive / "sessions.db"
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE notes (text TEXT)")
        assert "table sessions is missing" in world.refuses("materialize")

    def test_a_cold_archive_in_a_folder_that_may_not_be_written(self, world: World) -> None:
        spoil(world, "PRAGMA journal_mode = WAL", "UPDATE sessions SET cwd = cwd || 'x'")
        world.archive.chmod(0o555)
        done = world.run("materialize", hardship=without_privileges)
        world.archive.chmod(0o755)
        assert done.returncode == 0, done.stderr


HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    database.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(path: Path, *statements: str) -> Iterator[None]:
    """Another process that has run some SQL and does not let go."""
    command = [sys.executable, "-c", HOLDER, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


class TestLockedArchives:
    """Another program is at it."""

    @pytest.mark.parametrize(
        "statements",
        [
            pytest.param(["BEGIN EXCLUSIVE"], id="exclusive"),
            pytest.param(
                ["BEGIN EXCLUSIVE", "UPDATE sessions SET cwd = 'half'"], id="exclusive and writing"
            ),
            pytest.param(
                ["PRAGMA journal_mode = WAL", "PRAGMA locking_mode = EXCLUSIVE",
                 "UPDATE sessions SET cwd = 'x'"],
                id="exclusive log",
            ),
        ],
    )  # fmt: skip
    def test_an_archive_that_may_not_be_read_now(
        self, statements: list[str], world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (archives, archive_opening):
            monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 300)  # five seconds, as a rule
        with held(world.archive / "sessions.db", *statements):
            said = world.refuses("materialize")
        assert "locked by another program" in said
        assert "try again" in said

    def test_a_writer_that_lets_readers_in_does_not_matter(self, world: World) -> None:
        path = world.archive / "sessions.db"
        statements = ["PRAGMA journal_mode = WAL", "UPDATE sessions SET cwd = 'x'",
                      "BEGIN EXCLUSIVE", "UPDATE sessions SET cwd = 'half'"]  # fmt: skip
        with held(path, *statements):
            done = world.run("materialize")
            assert done.returncode == 0, done.stderr
        with duckdb.connect(str(world.warehouse), read_only=True) as warehouse:
            assert warehouse.execute("SELECT DISTINCT cwd FROM sessions").fetchall() == [("x",)]


class TestUnknownReleases:
    """Tables and columns that every known release has."""

    @pytest.mark.parametrize(
        "table", ["sessions", "messages", "usage_events", "model_pricing",
                  "project_identity_observations"],
    )  # fmt: skip
    def test_a_missing_table_is_named(self, table: str, world: World) -> None:
        spoil(world, "PRAGMA foreign_keys = OFF", f"DROP TABLE {table}")
        assert f"table {table} is missing" in world.refuses("materialize")

    @pytest.mark.parametrize(
        ("table", "column"),
        [("sessions", "deleted_at"), ("usage_events", "cost_usd"),
         ("messages", "claude_request_id"), ("cursor_usage_events", "charged_cents"),
         ("model_pricing", "updated_at")],
    )  # fmt: skip
    def test_a_missing_column_is_named(self, table: str, column: str, world: World) -> None:
        renamed = f"ALTER TABLE {table} RENAME COLUMN {column} TO another_{column}"
        spoil(world, renamed)
        said = world.refuses("materialize")
        assert f"column {table}.{column} is missing" in said

    @pytest.mark.parametrize("name", sorted(name for name in BREAKING if name.startswith("no_")))
    def test_archives_that_the_original_refuses(self, name: str, world: World) -> None:
        apply_edits(world.archive, (BREAKING[name],))
        assert "is missing" in world.refuses("materialize")


class TestValues:
    """Values that their columns cannot hold: `tests/hostile/test_odd_values.py` tries many more."""

    @pytest.mark.parametrize(
        ("statement", "column"),
        [
            ("UPDATE sessions SET message_count = 'many' WHERE rowid = 3", "message_count"),
            ("UPDATE usage_events SET cost_usd = 'dear'", "cost_usd"),
            ("INSERT INTO model_pricing (model_pattern, input_per_mtok) VALUES ('m', 'x')",
             "input_per_mtok"),
        ],
    )  # fmt: skip
    def test_a_number_that_is_none_is_left_out_and_named(
        self, statement: str, column: str, world: World
    ) -> None:
        spoil(world, statement)
        done = world.run("materialize", "--verify")
        assert done.returncode == 1
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "cannot be read and are left out" in done.stderr
        assert f"{column} holds '" in done.stderr

    def test_texts_of_any_bytes_are_read(self, world: World) -> None:
        spoil(
            world,
            "PRAGMA foreign_keys = OFF",
            "UPDATE sessions SET project = X'00ff' WHERE rowid = 3",
            "UPDATE sessions SET cwd = CAST(X'2fff' AS TEXT) WHERE rowid = 4",
            "UPDATE sessions SET id = CAST(X'2fff' AS TEXT) WHERE rowid = 5",
            "UPDATE messages SET model = CAST(X'ff' AS TEXT) WHERE id = 7",
            "UPDATE messages SET token_usage = CAST(X'7bff' AS TEXT) WHERE id = 8",
            "UPDATE messages SET timestamp = X'31', is_system = 'yes' WHERE id = 9",
            "UPDATE usage_events SET source = CAST(X'c328' AS TEXT)",
            "INSERT INTO cursor_usage_events (occurred_at, model, charged_cents) "
            "SELECT 1, CAST(X'ff' AS TEXT), 'x'",
            "UPDATE project_identity_observations SET worktree_name = CAST(X'ff' AS TEXT)",
            "UPDATE archive_metadata SET value = CAST(X'ff' AS TEXT) WHERE key <> 'database_id'",
        )
        done = world.run("materialize")
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("batch_rows", [5, 100_000])
    def test_the_row_is_named_wherever_it_stands(
        self, batch_rows: int, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk_reader, "_BATCH_ROWS", batch_rows)
        spoil(
            world,
            "UPDATE messages SET ordinal = 'odd' WHERE id = (SELECT MAX(id) FROM messages)",
            "UPDATE usage_events SET input_tokens = 1.5 WHERE id = 2",
        )
        with ArchiveReader(world.archive / "sessions.db") as reader:
            for table in (MESSAGES, USAGE_EVENTS):
                reader.read(table)
        [message, event] = reader.held
        assert (message.table, message.reason) == (
            "messages", "ordinal holds 'odd', which is no whole number",
        )  # fmt: skip
        assert event.row.endswith(", id=2") or event.row.startswith("id=2, ")

    def test_times_and_tokens_that_mean_nothing_are_no_failure(self, world: World) -> None:
        spoil(
            world,
            "UPDATE messages SET timestamp = 'around noon' WHERE id % 3 = 0",
            "UPDATE messages SET token_usage = '{\"input_tokens\":' WHERE token_usage <> ''",
            "UPDATE sessions SET started_at = 'yesterday', ended_at = '?' WHERE rowid % 2 = 0",
        )
        done = world.run("materialize")
        assert done.returncode == 0, done.stderr
        assert world.run(*REPORT).returncode == 0


class TestConfig:
    """The archive's `config.toml`, of which only the prices are read."""

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"cursor_secret = 'hush'\n[custom_model_pricing\n", id="not toml"),
            pytest.param(b"cursor_secret = 'hush\xff'", id="not utf-8"),
            pytest.param(b"cursor_secret = 'hush'\n[custom_model_pricing.m]\ninput='x'", id="text"),
            pytest.param(b"cursor_secret = 'hush'\ncustom_model_pricing = 3", id="no table"),
            pytest.param(b"[custom_model_pricing.m]\ninput = inf", id="no number"),
        ],
    )
    def test_one_that_cannot_be_used(self, content: bytes, world: World) -> None:
        config = world.archive / "config.toml"
        config.write_bytes(content)
        said = world.refuses("materialize")
        assert str(config) in said
        assert "hush" not in said

    def test_one_that_is_a_folder(self, world: World) -> None:
        (world.archive / "config.toml").mkdir()
        assert "config.toml" in world.refuses("materialize")


@pytest.fixture(params=["materialize", "usage daily", "status"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Every command that opens a warehouse."""
    return REPORT if request.param == "usage daily" else (request.param,)


class TestWarehouses:
    """A warehouse that cannot be used is told by whoever wants to use it, and stays as it is."""

    def test_a_folder(self, command: tuple[str, ...], world: World) -> None:
        world.warehouse.unlink()
        world.warehouse.mkdir()
        assert f"{world.warehouse}: is a folder" in world.refuses(*command)

    def test_a_path_through_a_file(self, command: tuple[str, ...], world: World) -> None:
        inside = world.warehouse / "w.duckdb"
        said = world.refuses(*command, "--warehouse", str(inside))
        assert str(inside.parent) in said

    @pytest.mark.parametrize("content", [b"notes", b"", b"x" * 20_000])
    def test_a_file_that_is_no_database(
        self, content: bytes, command: tuple[str, ...], world: World
    ) -> None:
        world.warehouse.write_bytes(content)
        said = "not a DuckDB database" if content else "the file is empty"
        assert f"{world.warehouse}: {said}" in world.refuses(*command)

    def test_the_archive_itself(self, command: tuple[str, ...], world: World) -> None:
        path = world.archive / "sessions.db"
        said = world.refuses(*command, "--warehouse", str(path))
        assert f"{path}: not a DuckDB database" in said

    def test_a_database_of_another_program(self, command: tuple[str, ...], world: World) -> None:
        world.warehouse.unlink()
        with duckdb.connect(str(world.warehouse)) as other:
            other.execute("CREATE TABLE notes AS SELECT 1 AS a")
        assert "of another program" in world.refuses(*command)

    def test_one_of_a_newer_version(self, command: tuple[str, ...], world: World) -> None:
        with duckdb.connect(str(world.warehouse)) as warehouse:
            warehouse.execute("UPDATE warehouse_meta SET schema_version = 999")
        said = world.refuses(*command)
        assert "newer version of agentsview-assets" in said
        assert "upgrade" in said

    def test_one_that_is_cut_off(self, command: tuple[str, ...], world: World) -> None:
        content = world.warehouse.read_bytes()
        world.warehouse.write_bytes(content[: len(content) // 2])
        assert f"{world.warehouse}: damaged" in world.refuses(*command)

    def test_one_that_is_open_in_another_process(
        self, command: tuple[str, ...], world: World
    ) -> None:
        holder = (
            "import duckdb, sys; d = duckdb.connect(sys.argv[1]); print('held', flush=True);"
            "sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", holder, str(world.warehouse)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert other.stdout.readline() == b"held\n"
            said = world.refuses(*command)
            other.stdin.close()
        assert "in use by another process" in said

    def test_one_that_may_not_be_written(self, world: World) -> None:
        spoil(world, "UPDATE sessions SET project = 'changed'")
        world.warehouse.chmod(0o444)
        said = world.refuses("materialize", hardship=without_privileges)
        assert f"{world.warehouse}: cannot be written: permission denied" in said
        done = world.run(*REPORT, hardship=without_privileges)
        assert done.returncode == 0, done.stderr

    def test_a_folder_that_may_not_be_written(self, world: World) -> None:
        locked = world.archive.parent / "locked"
        locked.mkdir(mode=0o555)
        for place in (locked / "w.duckdb", locked / "deeper" / "w.duckdb"):
            said = world.refuses(
                "materialize", "--warehouse", str(place), hardship=without_privileges
            )
            assert str(locked) in said
            assert "ermission denied" in said

    def test_an_unknown_kind(self, command: tuple[str, ...], world: World) -> None:
        said = world.refuses(*command, "--warehouse", "oracle://somewhere/db")
        assert "'oracle' is not supported" in said

    def test_a_missing_one_is_named_by_those_who_read(self, world: World) -> None:
        world.warehouse.unlink()
        for command in (REPORT, ("status",)):
            said = world.refuses(*command)
            assert f"{world.warehouse}: no such file" in said
            assert "materialize" in said
            assert not world.warehouse.exists()


@pytest.mark.xdist_group("full disks")
class TestFullDisks:
    """Every partition is whole, old or new, and the next run with room completes the rest."""

    @pytest.fixture(scope="class")
    @classmethod
    def bulky(cls, made: World, tmp_path_factory: pytest.TempPathFactory) -> World:
        """The archive with more sessions in it, and what a first run makes of that."""
        folder = tmp_path_factory.mktemp("bulky")
        archive = Path(shutil.copytree(made.archive, folder / "archive"))
        apply_edits(archive, (bulky_sessions,))
        world = World(archive, folder / "warehouse.duckdb")
        assert world.run("materialize").returncode == 0
        return world

    @pytest.mark.parametrize("extra", [0, 50_000, 100_000])
    def test_while_writing(self, extra: int, world: World, bulky: World) -> None:
        before = world.tables()
        shutil.copy(bulky.archive / "sessions.db", world.archive)
        archive = snapshot(world.archive)
        limit = world.warehouse.stat().st_size + extra
        done = world.run("materialize", hardship=with_files_up_to(limit))
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert f"{world.warehouse}: the disk is full" in done.stderr.splitlines()[-1]
        assert snapshot(world.archive) == archive
        halfway, after = world.tables(), self._completes(world, bulky)
        assert halfway != after
        for name, rows in without_bookkeeping(halfway).items():
            assert (
                by_day(rows).items() <= by_day(before[name]).items() | by_day(after[name]).items()
            )

    @staticmethod
    def _completes(world: World, bulky: World) -> Tables:
        """With room, the next run brings about what a first run does."""
        done = world.run("materialize")
        assert done.returncode == 0, done.stderr
        after = world.tables()
        assert without_bookkeeping(after) == without_bookkeeping(bulky.tables())
        return after


def bulky_sessions(bench: Workbench) -> None:
    """Sessions of several days that no store can make small."""
    draws = random.Random(9)
    for number in range(600):
        day = f"2026-11-{1 + number % 9:02}T10:00:00Z"
        session = bench.session(f"new {number}", "bulk", started_at=day, ended_at=day,
                                cwd=f"/{draws.randbytes(4500).hex()}")  # fmt: skip
        bench.message(session, timestamp=day, source_uuid=f"{number}")


def by_day(rows: list[Row]) -> dict[str, str]:
    """The rows of each partition as one text; '' for tables without partitions."""
    days: dict[str, list[str]] = {}
    for row in rows:
        days.setdefault(str(row.get("partition_date", "")), []).append(repr(row))
    return {day: "\n".join(sorted(texts)) for day, texts in days.items()}


def without_bookkeeping(tables: Tables) -> Tables:
    """What an archive alone decides: histories tell when things happened here."""
    return {
        name: rows
        for name, rows in tables.items()
        if not name.startswith("warehouse_") and name not in HISTORIES
    }


class TestWrongUsage:
    """Command lines that cannot be understood: exit code 2, nothing read, nothing written."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (("--since", "yesterday"), "--since: expected YYYY-MM-DD, got 'yesterday'"),
            (("--until", "20260701"), "--until: expected YYYY-MM-DD, got '20260701'"),
            (("--since", "2026-02-30"), "--since: expected YYYY-MM-DD"),
            (("--since", ""), "--since: expected YYYY-MM-DD"),
            (("--since", "2026-07-02", "--until", "2026-07-01"), "must not be after"),
            (("--until", "2024-12-31"), "before the first day, 2025-01-01"),
            (("--since", "9999-01-01"), "after the last day"),
            (("--select", "nonsense"), "--select 'nonsense'"),
            (("--select", ""), "--select ''"),
            (("--select", "key:((("), "--select 'key:((('"),
            (("--select", "sessions,nonsense"), "--select 'sessions,nonsense'"),
        ],
    )
    def test_values_that_mean_nothing(
        self, arguments: tuple[str, ...], expected: str, world: World
    ) -> None:
        assert expected in world.refuses("materialize", *arguments, code=2)

    @pytest.mark.parametrize("arguments", [("--nonsense",), ("extra",), ("--since",)])
    def test_options_that_do_not_exist(self, arguments: tuple[str, ...], world: World) -> None:
        held = world.content()
        done = world.run("materialize", *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert world.content() == held


class TestOddPlaces:
    """Paths that are legal and odd, and files in the way of what lies beside a warehouse."""

    def test_a_path_of_any_bytes(self, world: World) -> None:
        odd = Path(os.fsdecode(os.fsencode(world.archive) + b" \xff%20#?"))
        world.archive.rename(odd)
        done = world.run("materialize", "--archive", str(odd))
        assert done.returncode == 0, done.stderr
        again = world.run("materialize", "--archive", str(odd))
        assert "Nothing to do" in again.stdout
        status = world.run("status", "--archive", str(odd))
        assert "unchanged since it was observed" in status.stdout, status.stderr

    @pytest.mark.parametrize("name", ["", "dagster"])
    def test_something_in_the_way_is_named(self, name: str, world: World) -> None:
        spoil(world, "UPDATE sessions SET project = 'changed'")
        in_the_way = world.state / name
        in_the_way.parent.mkdir(exist_ok=True)
        shutil.rmtree(in_the_way, ignore_errors=True)
        in_the_way.touch()
        assert str(in_the_way) in world.refuses("materialize")
