"""Names that begin as keys do stay as they are; keys with the same start do not."""

from __future__ import annotations

import random
import string

import duckdb
import pyarrow as pa
import pytest

from agentsview_assets.resources.archives.cleaning import cleaned
from agentsview_assets.rules.credentials.secrets import SUSPECT, clean, clean_identifier
from agentsview_assets.rules.remotes import normalize_remote, portable_remote

STARTS = (
    *("sk-ant-", "sk-admin-", "sk-service-", "sk-proj-", "sk-or-", "sk-lf-", "xapp-", "xoxb-"),
    *("glrt-", "gldt-", "glft-", "lin_api_", "lin_oauth_", "highs_", "ghs_", "ghp_", "highp_"),
    *("github_pat_", "pk_test_", "sk_test_", "rk_live_", "whsec_", "glsa_", "sntrys_", "figd_"),
    *("dop_v1_", "shpat_", "PMAK-", "tskey-auth-", "dckr_pat_", "NRAK-", "sb_secret_", "HRKU-"),
    *("pscale_pw_", "hvs.", "dp.train.", "ya29.", "SG.", "key-", "AIza-", "pypi-AgEnt-"),
)
WORDS = (
    *("design", "dashboard", "redesign", "overview", "catalog", "detector", "implementation"),
    *("optimization", "classification", "constraints", "rotation", "frame", "cpp", "onboarding"),
    *("client", "refactor", "pipeline", "fixtures", "v2", "q4", "2026", "20261126", "k8s", "s3"),
)
ALONE = (
    *("ASIAPACIFICDEVELOPMENT", "ASIAPACIFICOPERATIONS", "AIDAINTERNATIONALCRUISES"),
    *("AROAMINGPROFILESERVICE", "asiapacificdashboard2026", "asiapacific2026region01"),
    *("AIzawaProject", "SG.Platform.Services.V2", "eyJupyterNotebook-2", "key-20261126"),
    "run docker://alpine:3.20@sha256:9f86d081884c7d65 here",
    "Authorization: Bearer <token>",
    "curl -u $USER:$PASS https://x.example",
    "GET /?code=404 and /list?key=name&order=asc",
    "http://{host}:{port}/users/@me",
    "tokens.map(token => token.id)",
    "const [token, setToken] = useState('')",
    "Client(api_key=config.api_key, token=self.token)",
    "secret_key = settings.SECRET_KEY",
    "generate --max-token 2000000",
)
PATHS = (
    *("org/my-plugin-v2@main", "org/myrepo-2026@v1", "org/pkg2026-tools@latest"),
    *(
        "whsec_refactor/r",
        "org/claude-sonnet-4@20250514",
        "org/C#Programming",
        "org/C#Exercises",
        "org/F#Compiler",
    ),
)


def names(count: int) -> list[str]:
    """Starts of keys with a few words behind each."""
    draws = random.Random(7)
    return [
        STARTS[number % len(STARTS)]
        + draws.choice("-_" if "_" in STARTS[number % len(STARTS)] else "-").join(
            draws.choices(WORDS, k=draws.randint(1, 4))
        )
        for number in range(count)
    ]


def test_a_start_with_words_behind_it_is_a_name():
    for name in names(2000):
        for text in (name, f"feature/{name}", f"try {name} now"):
            assert clean(text) == text


@pytest.mark.parametrize("text", ALONE)
def test_what_only_looks_like_a_credential_stays(text):
    assert clean(text) == text


def test_remotes_of_such_names_have_the_name_that_agentsview_gives_them():
    for path in (*PATHS, *(f"org/{name}" for name in names(400))):
        for form in (
            "git@host.example:{}.git",
            "ssh://git@host.example:7999/{}",
            "http://host/{}/r",
        ):
            remote = form.format(path)
            assert portable_remote(remote) == normalize_remote(remote)


def test_random_characters_behind_a_start_are_a_key():
    draws = random.Random(8)
    for number in range(2000):
        start = ("sk-ant-", "sk-proj-", "ghp_", "glpat-", "github_pat_", "sk_live_")[number % 6]
        key = "".join(draws.choices(string.ascii_letters + string.digits, k=36))
        assert key[:8] not in clean(f"use {start}{key} now")
        assert key.lower()[:8] not in str(portable_remote(f"https://host.example/{start}{key}/r"))
    for made_up in ("sk-ant-api03-made-up", "ghp_" + "madeup" * 6, "glpat-" + "MADEUP" * 3):
        assert "***" in clean(made_up)


KEYS = (
    *("key-{h}", "SK{h}", "dapi{h}", "AKIA{u}", "akia{u}", "1//0{c}{c}", "SG.{c}.{c}", "EAAC{c}"),
    *("ATBB{c}", "HRKU-{c}", "PMAK-{h}-{h}", "lin_api_{c}", "dp.pt.{c}", "hvs.{c}", "tvly-{c}"),
    *("123456789:AA{c}{c}", "glsoat-{c}", "GR1348941{c}", "ops_eyJ{c}", "AGE-SECRET-KEY-1{u}{u}"),
    *("xapp-1-A0{u}-{h}", "https://hooks.slack.com/services/T0/B0/{c}", "fw_{c}", "co.{c}"),
    *("credentials: {c}", "session credentials: {c}", "https://ada:{c}", "bearer {c}", "a={c}"),
)


def keys(count: int) -> list[str]:
    """Keys of many forms with random characters."""
    draws = random.Random(9)
    return [
        KEYS[number % len(KEYS)].format(
            c="q7" + "".join(draws.choices(string.ascii_letters + string.digits, k=26)),
            u="7" + "".join(draws.choices(string.ascii_uppercase + "234567", k=15)),
            h="".join(draws.choices("0123456789abcdef", k=32)),
        )
        for number in range(count)
    ]


def test_what_is_taken_out_is_a_suspect_for_every_reader():
    texts = [text for text in keys(600) if clean(text) != text]
    assert len(texts) > len(keys(600)) * 0.8
    table = pa.table({"title": texts, "session_id": texts})
    assert cleaned(table).texts == 2 * len(texts)
    [(found,)] = duckdb.execute(
        "SELECT count(*) FROM unnest(?) AS t(text) WHERE regexp_matches(text, ?, 'i')",
        [texts, SUSPECT],
    ).fetchall()
    assert found == len(texts)


def test_an_identifier_that_was_cleaned_stays_as_it_is():
    for text in keys(600):
        identifier = clean_identifier(text)
        assert clean_identifier(identifier) == identifier
        assert clean(identifier) == identifier
        assert clean(f"{identifier}:12") == f"{identifier}:12"  # the id of a row of it
