"""Warehouse URLs: what they name, what is shown of them, and where state lives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import load_settings, state_dir, warehouse_path
from agentsview_assets.warehouse_urls import (
    DEFAULT_SCHEMA,
    parse_warehouses,
    without_credentials,
)

SERVER = "postgresql://ada@db.example:5433/facts?schema=agents"
SECRET = "s3cret p@ss/word:#?%"  # noqa: S105
ESCAPED = "s3cret%20p%40ss%2Fword%3A%23%3F%25"


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "kind", "path"),
        [
            ("duckdb:////srv/agents.duckdb", "duckdb", "/srv/agents.duckdb"),
            ("/srv/agents.duckdb", "duckdb", "/srv/agents.duckdb"),
            ("/srv/my agents/a b.duckdb", "duckdb", "/srv/my agents/a b.duckdb"),
            ("sqlite:////srv/agents.sqlite", "sqlite", "/srv/agents.sqlite"),
            ("  sqlite:////srv/agents.sqlite ", "sqlite", "/srv/agents.sqlite"),
        ],
    )
    def test_a_path_may_be_plain_or_a_url(self, text, kind, path):
        (found,) = parse_warehouses(text)
        assert (found.kind, found.file, found.shown) == (kind, Path(path), text.strip())

    def test_relative_paths_and_home_are_made_absolute(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", "/home/ada")
        assert warehouse_path("sqlite:///w.sqlite") == tmp_path / "w.sqlite"
        assert warehouse_path("duckdb:///~/w.duckdb") == Path("/home/ada/w.duckdb")

    @pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
    def test_state_lives_beside_the_file(self, scheme):
        assert state_dir(f"{scheme}:////srv/agents.db") == Path("/srv/agents.db.state")


class TestServers:
    def test_a_server_has_parameters_and_a_schema(self):
        (found,) = parse_warehouses(SERVER)
        assert found.kind == "postgresql"
        assert found.schema == "agents"
        assert found.connection_parameters() == {
            "user": "ada",
            "host": "db.example",
            "port": "5433",
            "dbname": "facts",
        }
        assert found.shown == SERVER

    def test_what_is_left_out_has_a_default(self):
        (found,) = parse_warehouses("postgres:///facts")
        assert found.connection_parameters() == {"dbname": "facts"}
        assert found.schema == DEFAULT_SCHEMA
        assert found.shown == f"postgresql:///facts?schema={DEFAULT_SCHEMA}"

    def test_a_socket_and_encryption_can_be_asked_for(self):
        (found,) = parse_warehouses("postgresql:///facts?host=/run/pg&sslmode=verify-full")
        assert found.connection_parameters() == {
            "host": "/run/pg",
            "sslmode": "verify-full",
            "dbname": "facts",
        }

    def test_it_is_no_file(self):
        with pytest.raises(ConfigError, match="is a server, not a file"):
            warehouse_path(SERVER)

    def test_state_lives_in_the_users_data_folder_whoever_connects(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        found = state_dir(SERVER)
        assert found.parent == tmp_path / "agentsview-assets" / "warehouses"
        same = ("bob", f"ada:{ESCAPED}")
        assert {state_dir(SERVER.replace("ada", user)) for user in same} == {found}
        others = [
            SERVER.replace("5433", "5434"),
            SERVER.replace("=agents", "=other"),
            SERVER.replace("/facts", "/fakts"),
            SERVER.replace("db.", "dc."),
        ]
        assert found not in {state_dir(other) for other in others}


class TestPasswords:
    def test_a_password_is_used_and_never_shown(self, monkeypatch):
        given_url = SERVER.replace("ada@", f"ada:{ESCAPED}@")
        (found,) = parse_warehouses(given_url)
        assert found.connection_parameters()["password"] == SECRET
        monkeypatch.setenv("AGENTSVIEW_ASSETS_WAREHOUSE", given_url)
        settings = load_settings()
        for shown in (found.shown, repr(found), repr(settings), settings.warehouse):
            assert "s3cret" not in shown
        assert "s3cret" not in json.dumps(vars(settings), default=str)

    def test_the_shown_url_is_enough_for_the_rest_of_the_process(self):
        (found,) = parse_warehouses(SERVER.replace("ada@", f"eve:{ESCAPED}@"))
        (again,) = parse_warehouses(found.shown)
        assert again.connection_parameters()["password"] == SECRET

    def test_a_process_that_takes_over_is_told(self):
        (found,) = parse_warehouses(SERVER.replace("ada@", f"kim:{ESCAPED}@"))
        assert found.with_password() == SERVER.replace("ada@", f"kim:{ESCAPED}@")
        (other,) = parse_warehouses(SERVER.replace("ada", "nopassword"))
        assert other.with_password() == other.shown

    @pytest.mark.parametrize(
        "text",
        [
            "postgresql://ada:s3cret@db:port/facts",
            "postgresql://ada:s3cret@db",
            "postgresql://ada:s3cret/more@db/facts",
            "postgresql://ada:s3#cret@db/facts",
            "postgresql://ada:12/s3cret@db/facts",
            "postgresql://ada:s3cret@db/facts?schema=no;drop",
            "postgresql://ada:s3cret@db/facts?unknown=1",
            "postgresql://db:port/facts?password=s3cret",
            "postgresql://db/facts?password=s3cret",
            "mysql://ada:s3cret@db/facts",
            "postgresql://ada:s3cret@db/facts postgresql://ada:s3cret@db/facts",
        ],
    )
    def test_what_is_refused_is_told_without_the_password(self, text):
        with pytest.raises(ConfigError) as caught:
            parse_warehouses(text)
        assert "s3" not in str(caught.value)
        assert "s3" not in repr(caught.value.__cause__)

    @given(st.text(min_size=1), st.text(min_size=1))
    def test_no_text_shows_what_stands_before_the_host(self, user, password):
        hidden = without_credentials(f"postgresql://{user}:{password}@host/db")
        assert hidden == "postgresql://***@host/db"


class TestSeveral:
    def test_urls_are_separated_by_spaces_and_keep_their_order(self):
        found = parse_warehouses(f"duckdb:////srv/a b.duckdb  {SERVER}\nsqlite:////srv/c.sqlite")
        assert [url.kind for url in found] == ["duckdb", "postgresql", "sqlite"]
        assert found[0].file == Path("/srv/a b.duckdb")

    def test_a_plain_path_may_come_first(self):
        found = parse_warehouses("/srv/a b.duckdb sqlite:////srv/c.sqlite")
        assert [url.file.name for url in found] == ["a b.duckdb", "c.sqlite"]

    def test_state_is_that_of_the_first(self):
        assert state_dir(f"/srv/a.duckdb {SERVER}") == Path("/srv/a.duckdb.state")

    @pytest.mark.parametrize(
        "text",
        [
            "duckdb:////srv/a duckdb:////srv/a",
            "/srv/a sqlite:////srv/a",
            f"{SERVER} {SERVER.replace('ada', 'bob')}",
        ],
    )
    def test_one_warehouse_named_twice_is_refused(self, text):
        with pytest.raises(ConfigError, match="named twice"):
            parse_warehouses(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oracle://host/db", "the kind 'oracle' is not supported"),
        ("duckdb:relative.duckdb", "cannot be understood"),
        ("postgresql:facts", "cannot be understood"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://db", "names no database"),
        ("postgresql://db/facts?schema=two words", "is no plain name"),
        ("postgresql://db/facts?sslmod=require", "unknown option 'sslmod'"),
        ("postgresql://db:99999/facts", "host or port cannot be understood"),
    ],
)
def test_what_cannot_be_used_is_told_in_words(text, said):
    with pytest.raises(ConfigError) as caught:
        parse_warehouses(text)
    assert said in str(caught.value)
