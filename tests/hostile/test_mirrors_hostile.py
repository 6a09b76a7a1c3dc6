"""Mirrors and other files that somebody else made: what is in them does nothing here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from agentsview_assets.archive_urls import parse_archive
from agentsview_assets.errors import ArchiveError, ConfigError
from agentsview_assets.files import trouble
from agentsview_assets.resources.archives.bounded_files import (
    MOST_BYTES,
    NotReadableError,
    read_small,
)
from agentsview_assets.resources.archives.checkouts import LocalDisk
from agentsview_assets.resources.archives.price_tables import custom_prices
from agentsview_assets.resources.archives.private_copy import (
    PREFIX,
    private_folder,
    remove_left_copies,
)
from agentsview_assets.resources.archives.schema import SESSIONS
from agentsview_assets.resources.archives.sources import open_source
from agentsview_assets.resources.cursor_secret import archive_secret
from tests.support.in_process import Desk
from tests.support.other_user import OTHER_USER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.postgres import Database

SECRET = "words of the user alone"  # noqa: S105
COLUMNS = {
    "sessions": {column.name: column.type for column in SESSIONS.columns},
    "messages": {"session_id": "text"},
    "usage_events": {"session_id": "text"},
    "model_pricing": {"model_pattern": "text"},
}
TYPES = {"text": "VARCHAR", "integer": "BIGINT", "real": "DOUBLE"}
PLAIN_SESSION = ", ".join(
    {"id": "'plain'", "data_version": "1"}.get(
        name, {"text": "''", "integer": "0", "real": "0.0"}[kind]
    )
    + f" AS {name}"
    for name, kind in COLUMNS["sessions"].items()
)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that nobody wants to have read."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    return path


def mirror(tmp_path: Path, *statements: str) -> Path:
    """A DuckDB file with plain tables, and what a hostile one has done to it."""
    path = tmp_path / "mirror.duckdb"
    with duckdb.connect(str(path)) as made:
        for table, columns in COLUMNS.items():
            declared = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
            made.execute(f"CREATE TABLE {table} ({declared})")
        made.execute(f"INSERT INTO sessions SELECT {PLAIN_SESSION}")
        for statement in statements:
            made.execute(statement)
    return path


def sessions(path: Path) -> str:
    """All texts of the sessions that are read, or why they are not."""
    source = open_source(parse_archive(f"duckdb:///{path}"))
    try:
        with source.open() as reader, reader.transaction():
            rows = reader.read(SESSIONS, reader.among(["plain"]).replace("session_id", "id"))
            return f"{rows.num_rows} {rows.to_pylist()}"
    except ArchiveError as error:
        return f"refused: {error}"


def instead(selected: str) -> tuple[str, ...]:
    """A view in the place of the sessions."""
    text = f"({selected})"
    columns = PLAIN_SESSION.replace("'' AS project", f"{text} AS project")
    return ("DROP TABLE sessions", f"CREATE VIEW sessions AS SELECT {columns}")


VIEWS = {
    "text": "SELECT content FROM read_text('{}')",
    "bytes": "SELECT content::VARCHAR FROM read_blob('{}')",
    "lines": "SELECT c FROM read_csv('{}', header = false, columns = {{'c': 'VARCHAR'}})",
    "names": "SELECT string_agg(file, ',') FROM glob('{}*')",
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_reads_no_file(view: str, secret: Path, tmp_path: Path) -> None:
    source = VIEWS[view].format(secret)
    path = mirror(tmp_path, *instead(source))
    with duckdb.connect(str(path), read_only=True) as open_to_all:
        told = open_to_all.execute("SELECT project FROM sessions").fetchall()[0][0]
        assert SECRET in told or "secret" in told  # the attack is one
    said = sessions(path)
    assert said.startswith("refused: ")
    assert "table sessions is missing" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "function", ["decode(x)", "from_hex(x)", "strftime(a, b)", "coalesce(a, b)", "substr(a, b, c)"]
)
def test_a_macro_stands_in_for_no_function(function: str, tmp_path: Path) -> None:
    path = mirror(tmp_path, f"CREATE MACRO {function.replace('coalesce', 'ifnull')} AS 'evil'")
    assert sessions(path).startswith("1 ")


def test_computed_columns_count_as_absent(tmp_path: Path) -> None:
    path = mirror(
        tmp_path,
        "DROP TABLE sessions",
        "CREATE TABLE sessions (id VARCHAR, data_version BIGINT GENERATED ALWAYS AS (1))",
    )
    assert sessions(path).startswith("refused: ")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE SCHEMA other; CREATE TABLE other.messages (x INT); DROP TABLE messages",
        "ALTER TABLE sessions ALTER data_version TYPE VARCHAR USING 'x'",
        "CREATE TYPE mood AS ENUM ('a'); ALTER TABLE sessions ADD COLUMN m mood",
        "CREATE SEQUENCE s; ALTER TABLE sessions ADD COLUMN n BIGINT DEFAULT nextval('s')",
        "DROP TABLE usage_events; CREATE VIEW usage_events AS SELECT error('boom') AS session_id",
    ],
)
def test_odd_objects_are_told_or_do_nothing(statement: str, tmp_path: Path) -> None:
    assert sessions(mirror(tmp_path, statement)).startswith(("1 ", "refused: archive duckdb:"))


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "text", "empty"])
def test_what_is_no_mirror_is_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    if kind == "link":
        path.symlink_to(mirror(tmp_path))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("no database" if kind == "text" else "")
    assert sessions(path).startswith("1 " if kind == "link" else "refused: archive duckdb:")


@pytest.mark.hostile
def test_a_warehouse_that_somebody_sent_reads_no_file(secret: Path, tmp_path: Path) -> None:
    desk = Desk.with_sample(tmp_path / "desk", AGENTSVIEW_ASSETS_START_DATE="2026-11-10")
    desk.materialize()
    with duckdb.connect(str(desk.warehouse)) as changed:
        names = [row[0] for row in changed.execute("DESCRIBE usage_rows").fetchall()]
        columns = ", ".join(
            f"(SELECT content FROM read_text('{secret}')) AS model" if name == "model" else name
            for name in names
        )
        changed.execute("ALTER TABLE usage_rows RENAME TO kept")
        changed.execute(f"CREATE VIEW usage_rows AS SELECT {columns} FROM kept")
    for command in (("usage", "daily", "--json", "--all"), ("status",), ("export", "sessions")):
        done = desk.run(*command)
        assert SECRET not in done.out + done.err


# --- private copies -------------------------------------------------------------------------------

_COPYING = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from agentsview_assets.resources.archives.private_copy import private_folder
with private_folder() as folder:
    (folder / "mirror.duckdb").write_text("a copy of everything")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_copy_that_a_kill_left_behind_goes_with_the_next_run_and_a_live_one_stays(
    scratch: Path, tmp_path: Path
) -> None:
    def copying() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _COPYING, str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    with copying() as killed, copying() as alive:
        assert len(list(scratch.iterdir())) == 2
        killed.kill()
        killed.wait()
        assert sessions(mirror(tmp_path)).startswith("1 ")
        assert len(list(scratch.iterdir())) == 1
        assert alive.stdin is not None
        alive.stdin.close()
    assert list(scratch.iterdir()) == []


@pytest.mark.hostile
def test_a_run_that_reads_no_mirror_clears_up_as_well(scratch: Path, tmp_path: Path) -> None:
    left = scratch / f"{PREFIX}left"
    left.mkdir()
    (left / ".agentsview-assets-copy.lock").touch()
    (left / "mirror.duckdb").write_text("a copy of everything")
    desk = Desk.with_sample(tmp_path / "desk", AGENTSVIEW_ASSETS_START_DATE="2026-11-10")
    assert desk.run("materialize").code == 0
    assert list(scratch.iterdir()) == []


def test_nothing_of_anybody_else_s_is_removed(scratch: Path) -> None:
    kept = [scratch / name for name in (f"{PREFIX}full", f"{PREFIX}link", "other", f"{PREFIX}file")]
    kept[0].mkdir()
    (kept[0] / "precious").touch()
    kept[2].mkdir()
    (kept[2] / ".agentsview-assets-copy.lock").touch()
    kept[1].symlink_to(kept[2])
    kept[3].touch()
    if os.geteuid() == 0:
        theirs = scratch / f"{PREFIX}theirs"
        theirs.mkdir()
        (theirs / ".agentsview-assets-copy.lock").touch()
        os.chown(theirs, OTHER_USER, OTHER_USER)
        kept.append(theirs)
    remove_left_copies()
    assert sorted(scratch.iterdir()) == sorted(kept)
    assert (kept[2] / ".agentsview-assets-copy.lock").exists()


def test_a_private_folder_is_private(scratch: Path) -> None:
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        remove_left_copies()
        assert folder.is_dir()
    assert list(scratch.iterdir()) == []


# --- small files ----------------------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def endless(path: Path) -> None:
    path.symlink_to(f"/proc/{os.getpid()}/mem")


def loop(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(160_000_000)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the names of sockets are short
        server.bind(path.name)
        os.chdir(here)


ODD = (pipe, device, terminal, endless, loop, folder, huge, listening)


@pytest.mark.parametrize("make", ODD)
def test_a_configuration_that_is_no_small_file_is_told_at_once(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "config.toml")
    for read in (custom_prices, archive_secret):
        with pytest.raises(ConfigError, match=r"config\.toml"):
            read(tmp_path)


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("name", [".git", ".git/config", ".git/commondir"])
def test_a_checkout_whose_configuration_is_no_small_file_has_no_remote(
    make: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    make(place)
    found = LocalDisk().checkout(str(tmp_path))
    assert found is None or found[1] == ""


def test_the_limit_is_exact_and_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * MOST_BYTES)
    assert len(read_small(path)) == MOST_BYTES
    path.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(NotReadableError, match="larger than 1,048,576 bytes") as caught:
        read_small(path)
    assert trouble(caught.value, path).endswith("put an ordinary, small file there")


PATHOLOGICAL = {
    "one long line": '[remote "origin"]\nurl = https://h/' + "a/" * 400_000,
    "brackets": "[" * 900_000,
    "sections": '[remote "o"]\n' * 70_000,
    "equal signs": '[remote "o"]\nurl' + "=" * 900_000,
    "spaces": '[remote "o"]\nurl = ' + " " * 900_000 + "x",
    "credentials": '[remote "o"]\nurl = ' + "u:p@" * 200_000 + "h",
    "remotes": "".join(f'[remote "r{n}"]\nurl = x{n}\n' for n in range(25_000)),
}


@pytest.mark.hostile
@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_configuration_within_the_limit_takes_time_like_its_length(
    name: str, tmp_path: Path
) -> None:
    """No clock: the processor time that may be used is limited, and a slow one is killed."""
    text = PATHOLOGICAL[name]
    assert len(text) <= MOST_BYTES
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(text)
    program = (
        "import resource, sys; "
        "from agentsview_assets.resources.archives.checkouts import LocalDisk; "
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20)); LocalDisk().checkout(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == 0


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture
def schema(database: Database) -> Database:
    """A schema of plain tables, as a mirror has them."""
    declared = {"text": "TEXT", "integer": "BIGINT", "real": "DOUBLE PRECISION"}
    database.run("CREATE SCHEMA agentsview", "SELECT 1")
    for table, columns in COLUMNS.items():
        listed = ", ".join(f"{name} {declared[kind]}" for name, kind in columns.items())
        database.run(f"CREATE TABLE agentsview.{table} ({listed})", "SELECT 1")
    database.run(f"INSERT INTO agentsview.sessions SELECT {PLAIN_SESSION}", "SELECT 1")
    database.run(
        "CREATE FUNCTION agentsview.evil() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'it ran'; END $$",
        "SELECT 1",
    )
    return database


ATTACKS = {
    "view": """
        ALTER TABLE sessions RENAME TO kept;
        CREATE VIEW sessions AS SELECT k.*, evil() AS more FROM kept k
    """,
    "a function that fits better": """
        CREATE FUNCTION convert_from(bytea, text) RETURNS text LANGUAGE sql AS 'SELECT evil()';
        CREATE FUNCTION decode(varchar, varchar) RETURNS bytea LANGUAGE sql
            AS 'SELECT evil()::bytea';
        CREATE FUNCTION max(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT evil()::bigint'
    """,
    "an operator": """
        CREATE FUNCTION same(text, varchar) RETURNS boolean LANGUAGE sql
            AS 'SELECT evil() IS NULL';
        CREATE OPERATOR agentsview.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = same)
    """,
    "a policy": """
        ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
        ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
        CREATE POLICY p ON sessions USING (evil() IS NULL)
    """,
    "a cast of rows": """
        CREATE FUNCTION told(model_pricing) RETURNS text LANGUAGE sql AS 'SELECT evil()';
        CREATE CAST (model_pricing AS text) WITH FUNCTION told(model_pricing)
    """,
    "a type of its own": """
        CREATE TYPE words AS ENUM ('x');
        ALTER TABLE sessions DROP COLUMN project;
        ALTER TABLE sessions ADD COLUMN project words
    """,
}


@pytest.mark.hostile
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_postgresql_mirror_runs(attack: str, schema: Database) -> None:
    schema.run(f"SET search_path TO agentsview; {ATTACKS[attack]}; SELECT 1")
    source = open_source(parse_archive(schema.url(schema="agentsview")))
    try:
        with source.open() as reader, reader.transaction():
            rows = reader.read(SESSIONS, reader.among(["plain"]).replace("session_id", "id"))
            said = f"{rows.num_rows}"
    except ArchiveError as error:
        said = f"refused: {error}"
    assert "it ran" not in said
    assert said == "1" or said.startswith("refused: archive postgresql://")


def test_the_lock_of_a_push_is_seen(tmp_path: Path) -> None:
    path = mirror(tmp_path)
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as push:
        assert push.stdout is not None
        assert push.stdin is not None
        assert push.stdout.readline() == b"held\n"
        assert "is being pushed to" in sessions(path)
        push.stdin.close()
    assert sessions(path).startswith("1 ")
