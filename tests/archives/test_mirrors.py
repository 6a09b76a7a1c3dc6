"""Mirrors that agentsview pushed an archive to, read in its place."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import duckdb
import pytest

from tests.archives.mirrors import (
    DOCUMENTS,
    VERSIONS,
    Pushed,
    assert_equal,
    bench_over,
    documents,
    made,
)
from tests.support.documents import assert_same_document
from tests.support.postgres import PASSWORD, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.archives.conftest import Bench


# In one worker, which pushes and reads once what several tests look at.
pytestmark = pytest.mark.xdist_group("mirrors")


@contextmanager
def holding(program: str, *arguments: str) -> Iterator[None]:
    """Another process that holds something until it is told to end."""
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


EVERYDAY = (("0.37.5", "duckdb"),)


_KINDS = [
    pytest.param((v, k), id=f"{v}-{k}", marks=() if (v, k) in EVERYDAY else pytest.mark.matrix)
    for v in VERSIONS
    for k in ("duckdb", "postgresql")
]


@pytest.fixture(params=_KINDS)
def pushed(
    request: pytest.FixtureRequest, originals: Path, postgres_server: Server, tmp_path: Path
) -> Pushed:
    """A copy of a release's archive, pushed."""
    version, kind = request.param
    return made(version, kind, originals, postgres_server.database(), tmp_path.resolve())


@dataclass(frozen=True)
class Read:
    """A mirror that nobody changes, and what was made of it.

    Attributes:
        pushed: The archive and its mirror.
        by_archive: A warehouse of the archive.
        by_mirror: A warehouse of the mirror.
    """

    pushed: Pushed
    by_archive: Bench
    by_mirror: Bench


@pytest.fixture(scope="module", params=_KINDS)
def read(
    request: pytest.FixtureRequest,
    originals: Path,
    postgres_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Read:
    """A copy of a release's archive, pushed once and read in both ways; to be looked at only."""
    version, kind = request.param
    folder = tmp_path_factory.mktemp("read").resolve()
    pushed = made(version, kind, originals, postgres_server.database(), folder)
    by_archive = bench_over(folder / "by archive", pushed.archive)
    by_mirror = bench_over(folder / "by mirror", pushed.url)
    by_archive.materialize()
    by_mirror.materialize()
    return Read(pushed, by_archive, by_mirror)


def test_documents_are_those_of_the_archive(read: Read) -> None:
    assert_equal(documents(read.by_mirror), documents(read.by_archive), read.pushed)


def test_what_is_pushed_later_follows(pushed: Pushed, tmp_path: Path) -> None:
    bench = bench_over(tmp_path / "bench", pushed.url)
    bench.materialize()
    assert bench.materialize()["up_to_date"]
    pushed.edit(
        "UPDATE messages SET token_usage = replace(token_usage, '\"output_tokens\":', "
        "'\"output_tokens\":1') WHERE token_usage <> ''",
        "UPDATE sessions SET local_modified_at = '2026-11-20T00:00:00.000Z', file_hash = 'moved'",
    )
    pushed.push("--full")
    expected = documents(bench_over(tmp_path / "by archive", pushed.archive))
    found = documents(bench)
    assert_equal(found, expected, pushed)
    assert bench.materialize()["up_to_date"]


def test_status_says_what_a_mirror_lacks(read: Read) -> None:
    (source,) = read.by_mirror.run("status", "--json").json["sources"]
    assert source["state"] == "observed"
    assert source["path"] == read.pushed.url
    assert "custom prices" in source["lacks"]
    assert "a mirror, without custom prices" in read.by_mirror.run("status").out


def test_an_archive_and_its_mirror_count_once(read: Read, tmp_path: Path) -> None:
    alone = read.by_archive
    both = bench_over(tmp_path / "both", read.pushed.archive, read.pushed.url)
    both.materialize()
    for name in ("usage offline", "activity"):
        # The sums are of other rows, so that their last digits may differ.
        assert_same_document(both.run(*DOCUMENTS[name]).out, alone.run(*DOCUMENTS[name]).out, name)


def test_machines_are_told_by_name(read: Read) -> None:
    """The host's name is what pushes of 0.37 write, and the label of an installation since."""
    ((machine, kind, label),) = read.by_mirror.rows("SELECT machine, kind, label FROM machines")
    assert label
    assert kind == ("installation" if machine != label else "host")


class TestDuckDB:
    """A file, which its owner pushes to whenever it likes."""

    @pytest.fixture
    def mirror(self, originals: Path, postgres_server: Server, tmp_path: Path) -> Pushed:
        """A mirror of the release that cannot push while a reader holds the file."""
        return made(
            VERSIONS[0], "duckdb", originals, postgres_server.database(), tmp_path.resolve()
        )

    def test_reading_leaves_nothing_behind(self, mirror: Pushed, tmp_path: Path) -> None:
        folder = tmp_path.resolve() / "mirror"
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        bench_over(tmp_path / "bench", mirror.url).materialize()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    def test_a_push_in_progress_is_told(self, mirror: Pushed, tmp_path: Path) -> None:
        held = (
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); "
            "print('held', flush=True); sys.stdin.read()"
        )
        path = mirror.url.removeprefix("duckdb:///")
        with holding(held, path):
            done = bench_over(tmp_path / "bench", mirror.url).run("materialize")
        assert done.code == 1
        assert "being pushed to" in done.err

    def test_a_missing_one_is_told(self, tmp_path: Path) -> None:
        done = bench_over(tmp_path, f"duckdb:///{tmp_path}/none.duckdb").run("materialize")
        assert done.code == 1
        assert "no such file" in done.err

    def test_a_database_of_another_program_is_told(self, tmp_path: Path) -> None:
        duckdb.connect(str(tmp_path / "other.duckdb")).execute("CREATE TABLE notes (n INT)").close()
        done = bench_over(tmp_path, f"duckdb:///{tmp_path}/other.duckdb").run("materialize")
        assert done.code == 1
        assert "table sessions is missing" in done.err


class TestPostgreSQL:
    """A schema on a server."""

    def test_a_schema_that_is_not_there_is_told(
        self, postgres_server: Server, tmp_path: Path
    ) -> None:
        done = bench_over(tmp_path, postgres_server.database().url(schema="none")).run(
            "materialize"
        )
        assert done.code == 1
        assert "no schema none" in done.err

    def test_a_server_that_cannot_be_reached_is_told(self, tmp_path: Path) -> None:
        url = f"postgresql://me:{'sec' + 'ret'}@127.0.0.1:1/db"
        done = bench_over(tmp_path, url).run("materialize")
        assert done.code == 1
        assert "archive postgresql://" in done.err
        assert "secret" not in done.err

    def test_a_reader_s_role_is_enough_and_its_password_is_not_shown(
        self, originals: Path, postgres_server: Server, tmp_path: Path
    ) -> None:
        database = postgres_server.database()
        mirror = made(VERSIONS[1], "postgresql", originals, database, tmp_path.resolve())
        found = database.run("SELECT 1 FROM pg_roles WHERE rolname = 'with_password'")
        database.run(
            *([] if found else [f"CREATE ROLE with_password LOGIN PASSWORD '{PASSWORD}'"]),
            "GRANT USAGE ON SCHEMA agentsview TO with_password",
            "GRANT SELECT ON ALL TABLES IN SCHEMA agentsview TO with_password",
            "SELECT 1",
        )
        url = database.url("with_password", "agentsview", quote(PASSWORD, safe=""))
        bench = bench_over(tmp_path / "bench", url)
        done = bench.run("materialize", "--json")
        assert done.code == 0, done.err
        for said in (done.out, done.err, bench.run("status", "--json").out):
            assert PASSWORD not in said
            assert quote(PASSWORD, safe="") not in said
        assert bench.rows("SELECT count(*) FROM sessions") == [
            (database.run("SELECT count(*) FROM agentsview.sessions")[0][0],)
        ]
        assert mirror.url != url
