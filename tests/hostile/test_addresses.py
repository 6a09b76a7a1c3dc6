"""Addresses of warehouses and archives that were mistyped: no password of theirs goes anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsview_assets.archive_urls import parse_archive, split_archives
from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import load_settings
from agentsview_assets.warehouse_urls import parse_warehouses
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, SECOND = "Zqkv", "Xwjy"
"""Two halves of every password: neither may be seen, whatever stands between them."""
BETWEEN = ("", "@", "/", "?", "#", ":", "%", "%zz", "&", "=", ";", " ", "[", "]", "\\", "'", '"')
ODDER = ("\n", "\t", "\x01", "é", "\u202e", "\udcff", "@@", "://", " x://", "//", "%00", "%40", "+")
SERVER = "127.0.0.1:1"
SHAPES = (
    "postgresql://ada:{}@127.0.0.1:1/facts",
    "postgres://ada:{}@[::1]:1/facts",
    "postgresql://ada:{}@[::1/facts",
    "postgresql://ada:{}@127.0.0.1:port/facts",
    "postgresql://ada:{}@127.0.0.1:99999/facts",
    "postgresql://ada:{}@127.0.0.1:1",
    "postgresql://ada:{}@/facts",
    "postgresql://ada:{}@",
    "postgresql://:{}@127.0.0.1:1/facts",
    "postgresql://ada:{}@127.0.0.1:1/facts/more",
    "postgresql://ada:{}@127.0.0.1:1/facts?schema=no such",
    "postgresql://ada:{}@127.0.0.1:1/facts?unknown=1",
    "postgresql://127.0.0.1:1/facts?password={}",
    "postgresql://127.0.0.1:1/facts?sslpassword={}",
    "postgresql://127.0.0.1:1/facts?sslmode=require password={}",
    "postgresql://127.0.0.1:1/facts?Password={}",
    "postgresql:/ada:{}@127.0.0.1:1/facts",
    "postgresql:ada:{}@127.0.0.1:1/facts",
    "POSTGRESQL://ada:{}@127.0.0.1:1/facts",
    "postgresql+psycopg2://ada:{}@127.0.0.1:1/facts",
    "jdbc:postgresql://127.0.0.1:1/facts?user=ada&password={}",
    "mysql+pymysql://ada:{}@127.0.0.1:1/facts",
    "duckdb://ada:{}@127.0.0.1:1/facts",
    "duckdb:///ada:{}@127.0.0.1:1/facts",
    "sqlite:///ada:{}@127.0.0.1:1/facts",
    "made+up://ada:{}@host",
    "ada:{}@127.0.0.1:1/facts",
    "a_d.a:{}@127.0.0.1/facts",
    "ädä:{}@127.0.0.1/facts",
    "://ada:{}@127.0.0.1/facts",
    "//ada:{}@127.0.0.1:1/facts",
    "/ada:{}@127.0.0.1/facts",
    "md:facts?motherduck_token={}",
    "motherduck:facts?token={}",
    "host=127.0.0.1 port=1 user=ada password={} dbname=facts",
    "dbname=facts  password = '{}'",
    "password={}",
    "PGPASSWORD={} psql",
    "Server=127.0.0.1;Database=facts;User Id=ada;Password={};",
    '{{"host": "127.0.0.1", "password": "{}"}}',
    "facts?password={}",
    "ada/{}@127.0.0.1:1/facts",
    "postgresql//ada:{}@db.example/facts",
    "postgresql/ada:{}@db.example/facts",
    "postgres;//ada:{}@db.example/facts",
    "postgresql.//ada:{}@db.example/facts",
    "postgresql\uff1a//ada:{}@db.example/facts",
    "http//ada:{}@db.example/facts.duckdb",
    "/srv/../postgresql:/ada:{}@db.example/facts",
)
COMMANDS = (
    ("materialize",),
    ("materialize", "--json"),
    ("status",),
    ("usage", "daily"),
    ("usage", "statusline"),
    ("activity", "report"),
    ("export", "sessions"),
    ("reprice", "--dry-run"),
    ("ui", "--port", "1"),
)


def shows(text: str) -> bool:
    """Whether half a password is in a text."""
    return any(half.lower() in text.lower() for half in (FIRST, SECOND))


def files(folder: Path) -> list[str]:
    """Everything below a folder that tells of a password, in its name or contents."""
    return [
        str(path)
        for path in folder.rglob("*")
        if shows(str(path)) or (path.is_file() and shows(path.read_bytes().decode("latin-1")))
    ]


def addresses(between: tuple[str, ...]) -> Iterator[str]:
    for shape in SHAPES:
        for odd in between:
            yield shape.format(f"{FIRST}{odd}{SECOND}")
            yield shape.format(quote(f"{FIRST}{odd}{SECOND}", safe="", errors="surrogateescape"))


def said_of(address: str) -> str:
    """What is told of an address, by all that takes it apart."""
    said = []
    for read in (
        lambda: load_settings({"HOME": "/nowhere"}, archive="/a", warehouse=address),
        lambda: load_settings({"HOME": "/nowhere"}, archive=address, warehouse="/w"),
        lambda: load_settings(
            {"HOME": "/nowhere", "AGENTSVIEW_ASSETS_ARCHIVE": address}, warehouse="/w"
        ),
    ):
        try:
            said.append(repr(read()))
        except ConfigError as error:
            said.append(str(error))
    return "\n".join(said)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in a folder of its own, which is the current one."""
    place = tmp_path / "current"
    place.mkdir()
    monkeypatch.chdir(place)
    return Desk.with_sample(
        tmp_path / "desk", XDG_DATA_HOME=str(tmp_path / "data"), HOME=str(tmp_path / "home")
    )


def test_no_password_is_told_by_whoever_reads_an_address() -> None:
    told = [address for address in addresses(BETWEEN + ODDER) if shows(said_of(address))]
    assert told == []


@pytest.mark.parametrize("tail", ["\n", "\r\n", "\x1e", "\u2028", "\nx", "\n\n", "\nx\n"])
def test_no_password_is_told_whose_end_is_on_another_line(tail: str) -> None:
    odd = [f"{FIRST}{pattern}{SECOND}{tail}" for pattern in "?*["]
    told = [s for s in SHAPES for password in odd if shows(said_of(s.format(password)))]
    assert told == []


@given(st.sampled_from(SHAPES), st.text(max_size=8), st.text(max_size=8))
@settings(max_examples=150)
def test_no_password_is_told_whatever_is_in_it(shape: str, odd: str, tail: str) -> None:
    assert not shows(said_of(shape.format(f"{FIRST}{odd}{SECOND}{tail}")))


@pytest.mark.parametrize("command", [("materialize",), ("usage", "daily")], ids=" ".join)
def test_commands_tell_no_password_and_make_no_file(
    command: tuple[str, ...], desk: Desk, tmp_path: Path
) -> None:
    for shape in SHAPES[:: 1 if command[0] == "usage" else 9]:
        refuses(desk, command, "--warehouse", shape.format(f"{FIRST}@/{SECOND}"))
    assert files(tmp_path) == []
    assert list((tmp_path / "current").iterdir()) == []


def refuses(desk: Desk, command: tuple[str, ...], option: str, address: str) -> None:
    """One message without the password; a traceback would come out of `run`."""
    done = desk.run(*command, option, address)
    assert done.code in (1, 2), address
    assert not shows(done.out + done.err), address
    assert "Traceback" not in done.err
    errors = [line for line in done.err.splitlines() if not line.startswith("  ")]
    assert len(errors) == 1, done.err


def is_understood(address: str) -> bool:
    """Whether an address can be taken apart, so that it is connected to."""
    for read in (parse_warehouses, parse_archive):
        try:
            read(address)
        except ConfigError:
            continue
        return True
    return False


@pytest.mark.hostile
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["--warehouse", "--archive"])
def test_every_command_refuses_every_address(
    command: tuple[str, ...], option: str, desk: Desk, tmp_path: Path
) -> None:
    if option == "--archive" and command[0] not in ("materialize", "reprice", "status", "ui"):
        option = "--warehouse"
    for shape in SHAPES:
        for odd in ("@", "/", "%zz"):
            address = shape.format(f"{FIRST}{odd}{SECOND}")
            if command[0] == "ui" and is_understood(address):
                continue  # it would become the server
            done = desk.run(*command, option, address)
            assert not shows(done.out + done.err), address
            assert "Traceback" not in done.err
    assert files(tmp_path) == []
    assert list((tmp_path / "current").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("host=db password=x", "looks like the address of a server"),
        ("ada@db.example/facts", "looks like the address of a server"),
        ("db.example:5432/facts", "is of a kind that is not known"),
        ("md:facts", "the kind 'md' is not supported"),
        ("mysql+pymysql://h/d", "mysql"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("duckdb:///", "names no file"),
        ("~nobody-of-that-name/w", "nobody-of-that-name"),
    ],
)
def test_what_is_refused_says_what_may_be_given(text: str, said: str) -> None:
    for option in ("archive", "warehouse"):
        if option == "archive" and text.startswith("duckdb:///"):
            continue
        given_options = {"archive": "/a", "warehouse": "/w"} | {option: text}
        with pytest.raises(ConfigError) as caught:
            load_settings({}, **given_options)
        assert said in str(caught.value)
        assert str(caught.value).startswith(option)


@pytest.mark.parametrize(
    "path",
    [
        "warehouse.duckdb",
        "./md:facts",
        "./host:5432/w",
        "./a:b@c",
        "~/x/w",
        "../w",
        "folder/a@b/w.duckdb",
        "folder/a:b",
        "per%20cent/w%zz.duckdb",
        "sp ace/#;'\"$&.duckdb",
        "new\nline/w",
        "compass=1/w",
    ],
)
def test_plain_paths_stay_paths(path: str) -> None:
    (found,) = parse_warehouses(path)
    assert found.file == Path(path).expanduser().absolute()
    assert parse_warehouses(found.shown) == (found,)
    assert parse_archive(path).path == found.file


def test_a_user_s_name_may_hold_anything_and_the_password_finds_its_way_back() -> None:
    (found,) = parse_warehouses("postgresql://a%40b%3Ac:p%40%2Fw@h/d")
    assert found.connection_parameters()["user"] == "a@b:c"
    (again,) = parse_warehouses(found.with_password())
    assert again == found
    assert again.connection_parameters()["password"] == "p@/w"  # noqa: S105


def test_a_list_that_cuts_a_password_in_two_is_refused() -> None:
    cut = f"/a{os.pathsep}postgresql://ada:{FIRST}{os.pathsep}/{SECOND}@db/facts"
    with pytest.raises(ConfigError) as caught:
        split_archives(cut)
    assert not shows(str(caught.value))


@pytest.mark.parametrize("odd", ["?", "\\", "*", "["])
@pytest.mark.parametrize("kind", ["", "duckdb:///", "sqlite:///"])
@pytest.mark.parametrize("where", ["folder", "name"])
def test_a_character_that_cannot_be_in_a_path_is_named(
    odd: str, kind: str, where: str, desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / (f"a{odd}b/w.db" if where == "folder" else f"w.db{odd}x=y")
    before = sorted(tmp_path.rglob("*"))
    done = desk.run("materialize", "--warehouse", f"{kind}{path}")
    assert done.code == 1
    assert f"the character {odd} in its path" in done.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 250, "too long"),
        ("/".join(["deep" * 20] * 8), "too long"),
        ("w\udcff.duckdb", "0xff in its path is no UTF-8"),
        ("w.duckdb/", "ends with /"),
        ("", "names a folder"),
    ],
)
def test_a_path_that_cannot_be_used_is_told(
    name: str, said: str, desk: Desk, tmp_path: Path
) -> None:
    for command in (("materialize",), ("usage", "daily")):
        done = desk.run(*command, "--warehouse", f"{tmp_path}/{name}")
        assert done.code == 1
        assert said in done.err


@pytest.mark.parametrize("name", ["empty", "pipe"])
@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_what_stands_there_already_and_is_no_warehouse(
    name: str, kind: str, desk: Desk, tmp_path: Path
) -> None:
    place = tmp_path / "w"
    if name == "pipe":
        os.mkfifo(place)
    else:
        place.touch()
    done = desk.run("usage", "daily", "--warehouse", f"{kind}:///{place}")
    assert done.code == 1
    words = {"pipe": "no regular file", "empty": "empty" if kind == "duckdb" else "no tables yet"}
    assert words[name] in done.err


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_path_is_a_path_whatever_is_in_it(kind: str, tmp_path: Path) -> None:
    desk = Desk.with_sample(tmp_path / "desk", AGENTSVIEW_ASSETS_START_DATE="2026-11-08")
    folder = tmp_path / "per%20cent #;'\"\n&$ é"
    named = ("--warehouse", f"{kind}:///{folder}/w%20.{kind}")
    done = desk.run("materialize", "--json", *named)
    assert done.code == 0, done.err
    assert desk.run("usage", "daily", "--json", *named).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"desk", folder.name}
    assert {path.name for path in folder.iterdir()} == {
        f"w%20.{kind}{state}" for state in ("", ".state")
    }
