"""Remotes and texts with a credential of their own each, and looking for these everywhere."""

from __future__ import annotations

import json
import random
import re
import string
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.schemas import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.tiny_archives import TinyArchive

EVERYTHING = ("--all", "--include-one-shot", "--include-automated", "--include-children")
DOCUMENTS = (
    ("usage", "daily", "--offline", "--since", "2026-11-01", "--until", "2026-11-02", "--json"),
    ("usage", "daily", "--offline", "--since", "2026-11-01", "--until", "2026-11-02"),
    ("activity", "report", "--date", "2026-11-01", "--json"),
    ("activity", "report", "--date", "2026-11-01"),
    ("export", "sessions", *EVERYTHING),
    ("export", "sessions", *EVERYTHING, "--format", "ndjson"),
    ("status",),
    ("status", "--json"),
)

# agentsview itself leaves the credential in, or, for the first few, takes it out.
REMOTE_FORMS = (
    "{s}://ada:{c}@{h}/o/r{n}.git",
    "{s}://{c}@{h}/o/r{n}.git",
    "{s}://x-access-token:{c}@{h}/o/r{n}.git",
    "{s}://ada:{c}@{h}:8443/o/r{n}?token={c}#{c}",
    "ada:{c}@{h}:o/r{n}.git",
    "{s}://ada:12/{c}@{h}/o/r{n}.git",
    "{s}://ada:/{c}@{h}/o/r{n}.git",
    "{s}://ada:12/x@y/{c}@{h}:7999/o/r{n}.git",
    "{s}://ada:p%2F{c}@{h}/o/r{n}.git",
    "{s}://ada:12/{c}%40{h}/o/r{n}.git",
    "{s}://{c}/tail@{h}/o/r{n}.git",
    "git@{h}:o/r{n}.git?token={c}",
    "git@{h}:o/r{n}.git?ref=main&private_token={c}",
    "{h}:o/r{n}?{c}",
    "{h}:o/r{n}.git#{c}",
    "{h}:o/r{n}.git#token={c}",
    "{h}:o/r{n}.git;token={c}",
    "{s}://{h}/o/r{n}.git;token={c}",
    "{s}://{h}/o;jwt={c}/r{n}.git",
    "{s}://{h}/o/r{n}.git%3Ftoken={c}",
    "{s}://{h}/o/r{n}.git%23{c}",
    "{s}://{h}/o/r{n}&access_token={c}",
    "{s}://proxy.example/https://ada:{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/https://{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/https:/ada:{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/https%3A%2F%2Fada%3A{c}%40{h}%2Fo%2Fr{n}.git",
    "{s}://proxy.example/https%253A%252F%252Fada%253A{c}%2540{h}%252Fo%252Fr{n}",
    "{s}://proxy.example/ada:{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/oauth2:{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/https://ada:12/{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/https://ada:p/{c}@{h}/o/r{n}.git",
    "{s}://proxy.example/ssh://git:{c}@{h}:22/o/r{n}.git",
    "{s}://proxy.example/git+https://ada:{c}@{h}/o/r{n}.git",
    "{s}://a.example/https://b.example/https://ada:{c}@{h}/o/r{n}",
    "{s}://proxy.example/https:%2F%2Fada:{c}@{h}/o/r{n}",
    "{s}://proxy.example/x?url=https://ada:{c}@{h}/o/r{n}",
    "{s}://{h}/ghp_{c}{c}/o/r{n}.git",
    "{h}:glpat-{c}{c}/o/r{n}.git",
    "{s}://{h}\\ada:{c}@{h}\\o\\r{n}",
    "{s}://ada:{c}@[2001:db8::1]:8443/o/r{n}",
    "ext::curl -u ada:{c} {h} r{n}",
    "git+https://ada:{c}@{h}/o/r{n}",
    "persistent-https://ada:{c}@{h}/o/r{n}",
    "s3://AKIA:{c}@bucket/r{n}",
    "file://ada:{c}@{h}/o/r{n}",
    "codecommit::eu-west-1://ada:{c}@r{n}",
    "https:ada:{c}@{h}:o/r{n}",
    "{s}://ada:{c}\t@{h}/o/r{n}",
    "{h}:o/r{n}\n?token={c}",
)
SCHEMES = ("https", "http", "ssh", "git", "HTTPS")
HOSTS = ("host.example", "git.corp.example", "localhost", "deep.er.host.example", "GitLab.Example")

TEXT_FORMS = (
    "clone https://ada:{c}@git.example/o/r.git now",
    "look into postgresql://ada:{c}@db.example:5432/x?sslmode=require",
    "redis://:{c}@cache.example/0 is slow",
    "https://ada:pa/{c}@git.example/o/r.git fails",
    "see https%3A%2F%2Fada%3A{c}%40git.example%2Fx",
    "use sk-ant-api03-{c}{c}{c} please",
    "sk-proj-{c}{c}_x",
    "token ghp_{c}{c}12345678 here",
    "github_pat_{c}_{c}",
    "glpat-{c}{c}",
    "AIzaSy{c}{c}1234",
    "xoxb-123456789012-{c}",
    "sk_live_{c}{c}",
    "npm_{c}{c}12345678",
    "hf_{c}{c}1234",
    "SG.{c}{c}.{c}{c}",
    "jwt eyJhbGciOiJIUzI1NiJ9.eyJ{c}.{c}",
    "-----BEGIN RSA PRIVATE KEY-----\n{c}\n-----END RSA PRIVATE KEY-----\nwhat is this",
    "-----BEGIN OPENSSH PRIVATE KEY----- {c}",
    "curl -H 'Authorization: Bearer {c}' https://x.example",
    "Authorization: Basic {c}==",
    "connect with host=db.example password={c} user=ada",
    "PGPASSWORD={c} psql",
    'set api_key="{c}" in the file',
    "export CLIENT_SECRET='{c}'",
    '{{"password": "{c}"}}',
    "password: {c}",
    "curl -u ada:{c} https://x.example",
    "login --password {c} --verbose",
    "https://x.example/a?access_token={c}&b=1",
    "deploy ada:{c}@git.example:o/r.git",
    "it was cut off at https://ada:x{c}",
    "it was cut off at ghp_{c}",
    "{long} then sk-ant-api03-{c}",
)


_DRAWN = 12
_CANARY = re.compile(f"q7(?=([0-9a-z]{{{_DRAWN}}}))")
"""What was drawn of every credential, without its case and wherever it begins."""


class Secret(NamedTuple):
    """A credential and the text that it is in."""

    canary: str
    text: str


def secrets_in(forms: Sequence[str], count: int, seed: int) -> list[Secret]:
    """Make texts, each with a credential of its own."""
    draws = random.Random(seed)
    found = []
    for number in range(count):
        canary = "q7" + "".join(draws.choices(string.ascii_letters + string.digits, k=_DRAWN))
        text = forms[number % len(forms)].format(
            c=canary,
            n=number,
            s=SCHEMES[number // len(forms) % len(SCHEMES)],
            h=HOSTS[number // len(forms) // len(SCHEMES) % len(HOSTS)],
            long="lorem ipsum " * 40,
        )
        found.append(Secret(canary, text))
    return found


def fill(tiny: TinyArchive, remotes: Sequence[Secret], texts: Sequence[Secret]) -> None:
    """Put remotes into observations, and each text into one of the places of a session."""
    places = ("first_message", "git_branch", "project", "cwd", "session_name", "display_name",
              "machine", "file_path", "id", "model")  # fmt: skip
    for number, secret in enumerate(remotes):
        tiny.session(f"remote-{number}", project=f"remote-{number}")
        tiny.message(f"remote-{number}", 0, f"2026-11-01T10:00:{number % 60:02}Z")
        tiny.insert(
            "project_identity_observations", project=f"remote-{number}", machine="local",
            root_path=f"/srv/{number}", git_remote=secret.text, git_remote_name="origin",
            worktree_name="", worktree_root_path="", observed_at="2026-11-01T10:00:00Z",
            normalized_remote="", key_source="", key="",
        )  # fmt: skip
    for number, secret in enumerate(texts):
        # Forms and places take turns at different speeds, so that each form gets everywhere.
        place = places[(number + number // len(TEXT_FORMS)) % len(places)]
        text = f"/srv/{secret.text}" if place in ("cwd", "file_path") else secret.text
        more: dict[str, Any] = {place: text} if place not in ("id", "model") else {}
        name = text if place == "id" else f"text-{number}"
        tiny.session(name, **({"project": f"text-{number}"} | more))
        model = {"model": text} if place == "model" else {}
        tiny.message(name, 0, f"2026-11-01T11:00:{number % 60:02}Z", **model)


def found_in_files(folder: Path, secrets: Sequence[Secret]) -> Iterator[str]:
    """Name the files below a folder that hold one of the credentials, and which."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield from found_in_text(str(path), path.read_bytes().decode("latin-1"), secrets)


def found_in_tables(url: str, secrets: Sequence[Secret]) -> Iterator[str]:
    """Name the tables of a warehouse that hold one of the credentials, and which."""
    with open_reader(url) as reader:
        for name, contract in STORED.items():
            columns = [c.name for c in contract.columns if c.kind == "text"]
            rows = reader.rows(f"SELECT {', '.join(columns)} FROM {name}")
            yield from found_in_text(name, json.dumps(rows, ensure_ascii=False), secrets)
        for name in ("warehouse_archives", "warehouse_rules", "warehouse_checks"):
            rows = reader.rows(f"SELECT * FROM {name}")
            yield from found_in_text(name, repr(rows), secrets)


def found_in_text(name: str, text: str, secrets: Sequence[Secret]) -> Iterator[str]:
    """Name the credentials that a text holds."""
    # One pass for all of them: there are thousands, and megabytes to look through.
    found = set(_CANARY.findall(text.lower()))
    for secret in secrets:
        canary = secret.canary.lower()
        assert _CANARY.findall(canary)[:1] == [canary[2:]]
        if canary[2:] in found:
            yield f"{name}: {secret.text}"
