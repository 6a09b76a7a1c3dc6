"""Credentials in archives: they reach no table, file, document or terminal of ours."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import duckdb
import pytest

from agentsview_assets.resources.archives.price_tables import embedded_table
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.credentials.secrets import SUSPECT, clean
from agentsview_assets.rules.remotes import (
    normalize_remote,
    portable_remote,
    presentable_remote,
)
from tests.hostile.secret_inputs import (
    DOCUMENTS,
    EVERYTHING,
    HOSTS,
    REMOTE_FORMS,
    SCHEMES,
    TEXT_FORMS,
    Secret,
    fill,
    found_in_files,
    found_in_tables,
    found_in_text,
    secrets_in,
)
from tests.support import oracle as original
from tests.support.command import OurCommand
from tests.support.odd_archives.remotes import REMOTES
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


START = {"AGENTSVIEW_ASSETS_START_DATE": "2026-10-25"}


def everything_said(ours: OurCommand, *arguments: str) -> str:
    """Materialise and print every document; all that appeared on the two streams."""
    made = ours.materialize_here(*arguments)
    assert made.returncode == 0, made.stderr
    said = made.stdout + made.stderr
    for document in DOCUMENTS:
        done = ours.here(*document)
        assert done.returncode == 0, (document, done.stderr)
        said += done.stdout + done.stderr
    return said


def leaks(ours: OurCommand, said: str, secrets: list[Secret]) -> list[str]:
    """Every place outside of the archive where a credential turned up."""
    return [
        *found_in_text("output", said, secrets),
        *found_in_tables(ours.warehouse, secrets),
        *found_in_files(ours.home, secrets),
    ]


class TestTexts:
    @pytest.mark.parametrize("secret", secrets_in(TEXT_FORMS, 2 * len(TEXT_FORMS), 1), ids=str)
    def test_a_credential_is_taken_out_and_the_rest_stays(self, secret):
        cleaned = clean(secret.text)
        assert secret.canary not in cleaned
        assert "***" in cleaned
        assert clean(cleaned) == cleaned
        [(is_suspect,)] = duckdb.execute(
            "SELECT regexp_matches(?, ?, 'i')", [secret.text, SUSPECT]
        ).fetchall()
        assert is_suspect

    @pytest.mark.parametrize("secret", secrets_in(TEXT_FORMS, len(TEXT_FORMS), 2), ids=str)
    def test_what_a_limit_cut_off_is_a_credential_still(self, secret):
        end = secret.text.index(secret.canary) + 9
        for limit in ("", "...", "…"):
            if secret.text.startswith(("deploy ada", "see https%3A", "password: ")):
                continue  # cut here, nothing tells them from other texts any more
            assert secret.canary[:9] not in clean(secret.text[:end] + limit), secret.text[:end]

    @pytest.mark.parametrize(
        "text",
        [
            *("co_10", "fw_2", "xai-grok-4-fast-20250901", "pplx-7b-chat", "secret_santa2024gift"),
            *("key-1", "SK1", "sk-1", "fix/sk-12345", "jina_embeddings_v3_small", "rnd_2"),
            *("vercel_deployment_2024_config", "hf_hub_download_2024_cache", "glsa_dashboards"),
            *("nvapi-nemotron-340b-instruct", "tvly-search-integration2", "key-value-store-2024"),
            *("feature/xai-integration-phase-2-2024", "my/secret_manager_v2_client"),
            "the token counts of a 16-token window: 2048",
            "max_tokens=4096, temperature=0",
            "git@github.com:Org/Repo.git",
            "ssh://git@github.com/Org/Repo.git",
            "write to ada@example.org, cc:bob@example.org",
            "http://localhost:8080/users/ada@example.org",
            "http://[::1]:3000/x@y",
            "https://example.org/@scope/pkg@1.2.3",
            "nginx:1.25@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "feature/sk-admin-panel-rewrite",
            "task-1234567890abcdef123456",
            "fix/password-reset-token",
            "hf_hub_download and npm_config_registry",
            "Bearer of bad news: basic auth is off",
            "password: how do I reset it?",
            "set password=$PASSWORD and token=${TOKEN}",
            "if token == None: return",
            "add a --token flag",
            "a key=value store",
            "claude-opus-4-6",
            "/home/ada/src/secrets/token.py",
            "C:\\Users\\ada\\secret",
            "msg_01AbCdEfGhIjKlMnOpQrStUv",
            "-----BEGIN CERTIFICATE----- is what it says",
            "Ünïcödé: 密码 is the word",
            "2026-11-01T10:00:00.123Z",
            "FLIGHTS FROM ASIAN",
            "fix hf_hub",
            "what is npm_config",
            "back to SG.",
        ],
    )
    def test_what_holds_none_stays_as_it_is(self, text):
        assert clean(text) == text

    def test_no_model_of_the_price_table_looks_like_a_credential(self):
        assert [row[0] for row in embedded_table().rows if clean(row[0]) != row[0]] == []

    @pytest.mark.parametrize(
        "repeated",
        [
            *("://a:b", "sk-", "password", "token=", "%3A%2F%2F", "x:y@", "--a-", "&a", "a:b@c."),
            "-----BEGIN RSA PRIVATE KEY-----",
        ],
    )
    def test_time_grows_with_the_length_and_no_faster(self, repeated):
        # What grows with the square takes minutes here, and is stopped as a hanging test.
        for end in ("", "@", " password=1"):
            clean(repeated * (50_000 // len(repeated)) + end)


class TestRemotes:
    @pytest.mark.parametrize("form", REMOTE_FORMS)
    def test_remotes_that_differ_in_a_credential_alone_are_one(self, form):
        one, other = (
            form.format(c=canary, s="https", h="host.example", n=1)
            for canary in ("Tk9nWq2xLm4p7", "c4n4ryB0bR3d8")
        )
        assert portable_remote(one) == portable_remote(other)
        assert presentable_remote(one) == presentable_remote(other)
        shown = presentable_remote(one)
        assert "tk9nwq2xlm4p7" not in f"{portable_remote(one)} {shown}".lower()
        assert presentable_remote(shown) == shown
        assert portable_remote(shown) == (None if shown == "?" else portable_remote(one))

    @pytest.mark.parametrize("remote", [r for r in REMOTES if "12/34@" not in r])
    def test_what_holds_none_has_the_name_that_agentsview_gives_it(self, remote):
        assert portable_remote(remote) == normalize_remote(remote)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "data"


class TestEverywhere:
    @pytest.mark.hostile
    def test_a_hundred_remotes_and_texts_leave_nothing(self, archive):
        remotes = secrets_in(REMOTE_FORMS, 60, 3)
        texts = secrets_in(TEXT_FORMS, 60, 4)
        with TinyArchive(archive) as tiny:
            fill(tiny, remotes, texts)
        ours = OurCommand.beside(archive, **START)
        said = everything_said(ours)
        assert leaks(ours, said, [*remotes, *texts]) == []
        assert "kept credentials out" in said

    @pytest.mark.hostile
    @pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgresql"])
    def test_a_thousand_remotes_leave_nothing_on_any_backend(
        self, archive, kind, warehouse_url: Callable[[str], str]
    ):
        remotes = secrets_in(REMOTE_FORMS, 1_225, 5)
        texts = secrets_in(TEXT_FORMS, 680, 6)
        with TinyArchive(archive) as tiny:
            fill(tiny, remotes, texts)
        ours = OurCommand(archive, archive.parent / "home", warehouse_url(kind), START)
        said = everything_said(ours)
        secrets = [*remotes, *texts]
        assert leaks(ours, said, secrets) == []
        if kind != "postgresql":
            files = archive.parent
            assert [
                found
                for found in found_in_files(files, secrets)
                if not found.startswith(str(archive))
            ] == []


def plain_remotes(count: int, seed: int) -> list[str]:
    """Make remotes that hold no credential, of as many forms as there are."""
    draws = random.Random(seed)
    hosts = (*HOSTS, "h", "[2001:db8::1]", "b\u00fccher.example", "host.example.")
    paths = ("o/r", "o/r.git", "/o//r.git/", "~o/r", "o/%20r", "o/r@v1", "@scope/pkg", "o;a/r",
             "o/r.git?ref=main", "o/r#readme", "o/r?depth=1", "v3/o/p/r", "o\\r", "a/../b/c",
             "o/r%2Fx", "o/r&b", "o/r=1", "o:r", "o/(r)", "o/\u00d6rg", "o/r.git#v1.2",
             "x/https:/y", "proxy/https://host.example/o/r", "o,r/~x!", "o/r.GIT",
             "8080/o/r")  # fmt: skip
    found = []
    for number in range(count):
        host, path = draws.choice(hosts), draws.choice(paths)
        user = draws.choice(("", "", "git@", "ada@"))
        port = draws.choice(("", "", ":22", ":8443"))
        scheme = draws.choice((*SCHEMES, "ftp", "git+ssh"))
        scp, url = f"{user}{host}:{path}", f"{scheme}://{user}{host}{port}/{path}"
        found.append(scp if number % 3 == 0 else url)
    return found


@pytest.mark.hostile
class TestBesideAgentsview:
    def test_only_credentials_differ(self, archive, tmp_path):
        secrets = secrets_in(REMOTE_FORMS, 3 * len(REMOTE_FORMS), 7)
        remotes = [*(s.text for s in secrets), *plain_remotes(600, 8), *REMOTES]
        with TinyArchive(archive) as tiny:
            fill(tiny, [Secret("", remote) for remote in remotes], [])
        ours = OurCommand.beside(archive, **START)
        assert ours.materialize_here().returncode == 0
        arguments = ("export", "sessions", *EVERYTHING)
        theirs = json.loads(original.install(tmp_path / "oracle").run(archive, *arguments).stdout)
        mine = json.loads(ours.here(*arguments).stdout)
        left_in = []
        for number, remote in enumerate(remotes):
            label = f"remote-{number}"
            wanted, got = theirs["projects"][label], mine["projects"][label]
            canary = secrets[number].canary.lower() if number < len(secrets) else "\0"
            assert canary not in json.dumps(got).lower(), remote
            # Their name of a host is lower-cased, and a credential in it with it.
            if canary in json.dumps(wanted).lower():
                left_in.append(remote)
            else:
                assert got == wanted, remote
        assert len(left_in) > len(REMOTE_FORMS)
        for document in (theirs, mine):
            del document["projects"]
        assert mine["sessions"] == theirs["sessions"]


def labelled(archive: Path, titles: dict[str, str]) -> None:
    with TinyArchive(archive) as tiny:
        for n, (name, title) in enumerate(titles.items()):
            tiny.session(name, first_message=title)
            tiny.message(name, 0, f"2026-11-01T10:{n:02}:00Z")


@pytest.mark.hostile
class TestTitlesTurnedToLabels:
    @pytest.mark.parametrize("kind", ["duckdb", pytest.param("sqlite", marks=pytest.mark.hostile)])
    def test_no_byte_of_a_title_is_left(self, archive, tmp_path, kind):
        titles = {f"s{n}": f"Qx{n}jz7 " * 8 for n in range(40)}
        labelled(archive, titles)
        url = f"{kind}:///{tmp_path / 'w' / f'warehouse.{kind}'}"
        full = OurCommand(archive, tmp_path / "home", url, START)
        assert full.materialize_here().returncode == 0
        file = tmp_path / "w" / f"warehouse.{kind}"
        file.chmod(0o640)
        labels = OurCommand(
            archive, tmp_path / "home", url, {**START, "AGENTSVIEW_ASSETS_TITLES": "labels"}
        )
        refused = labels.materialize_here()
        assert refused.returncode == 1
        assert "AGENTSVIEW_ASSETS_TITLES=full (here: labels)" in refused.stderr
        done = labels.materialize_here("--new-settings")
        assert done.returncode == 0, done.stderr
        assert "anew, because titles were replaced by labels" in done.stderr
        for path in tmp_path.rglob("*"):
            if path.is_file() and archive not in path.parents:
                data = path.read_bytes()
                assert [t for t in titles.values() if t[:6].encode() in data] == [], path
        assert file.stat().st_mode & 0o777 == 0o640
        with open_reader(url) as reader:
            assert reader.rows("SELECT DISTINCT title FROM sessions") == [("demo",)]
        again = labels.materialize_here()
        assert "Nothing to do" in again.stdout
        assert "anew" not in again.stderr


@pytest.mark.hostile
class TestAWarehouseThatHoldsSome:
    @pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
    def test_what_another_program_wrote_is_taken_out_by_the_next_run(self, archive, tmp_path, kind):
        labelled(archive, {"a": "one", "b": "two"})
        url = f"{kind}:///{tmp_path / f'warehouse.{kind}'}"
        ours = OurCommand(archive, tmp_path / "home", url, START)
        assert ours.materialize_here().returncode == 0
        with open_store(url) as store, store.transaction():
            store.execute("UPDATE sessions SET title = 'key ghp_Cc9Aa8Bb7Dd6Ee5Ff4Gg3'")
            store.execute("UPDATE usage_rows SET project = 'https://u:Hh2Ii3Jj4Kk@h.example/x'")
            store.execute("INSERT INTO project_observations VALUES ('a', 'observation', 'p', 'm', "
                          "'/x', 'https://u:12/Ll5Mm6Nn7@h.example/o/r', '', '', '')")  # fmt: skip
        with TinyArchive(archive) as tiny:  # something new, so that checks are asked
            tiny.session("c", day="2026-11-02")
            tiny.message("c", 0, "2026-11-02T10:00:00Z")
        done = ours.materialize_here()
        assert done.returncode == 0 or "contract" in done.stderr
        assert "note: session_summaries, content_free" in done.stderr
        assert "took credentials out of" in done.stderr
        data = (tmp_path / f"warehouse.{kind}").read_bytes()
        for canary in ("Cc9Aa8Bb7Dd6", "Hh2Ii3Jj4Kk", "Ll5Mm6Nn7"):
            assert canary not in done.stdout + done.stderr
            assert canary.encode() not in data
        with open_reader(url) as reader:
            assert reader.rows("SELECT title FROM sessions WHERE session_id = 'a'") == [
                ("key ***",)
            ]

    def test_rows_of_an_earlier_version_are_mended_while_nothing_is_out_of_date(self, archive):
        labelled(archive, {"a": "one"})
        ours = OurCommand.beside(archive, **START)
        assert ours.materialize_here().returncode == 0
        with open_store(ours.warehouse) as store:
            with store.transaction():
                store.execute("UPDATE sessions SET title = 'key ghp_Cc9Aa8Bb7Dd6Ee5Ff4Gg3'")
            store.record_rules({"credentials": None})
        done = ours.materialize_here()
        assert done.returncode == 0, done.stderr
        assert "took credentials out of 1 texts" in done.stderr
        assert b"Cc9Aa8Bb7Dd6" not in (ours.home / "warehouse.duckdb").read_bytes()
