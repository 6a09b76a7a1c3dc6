"""Credentials of every form that is known, and ordinary texts that look a little like them."""

from __future__ import annotations

import random
import string
from pathlib import Path

import duckdb
import pytest

from agentsview_assets.rules.credentials.secrets import SUSPECT, clean, clean_identifier
from agentsview_assets.rules.remotes import (
    normalize_remote,
    portable_remote,
    presentable_remote,
)
from tests.hostile.made_up_keys import KEYS, drawn, left
from tests.hostile.told_inputs import TOLD

LETTERS = string.ascii_letters + string.digits
PLACES = (
    *("{}", "use {} please", "key `{}`", 'see "{}".', "({})", "above\n{}\nbelow", "/srv/{}/repo"),
    *("fix/{}", "key: {}, and", "a\\n{}\\nb", "[{}](x)", "x={}"),
)
AROUND = ("{}", "please fix: {}", "{}\nand the rest", "ok ({}) now")
ORDINARY = Path(__file__).with_name("ordinary_texts.txt").read_text(encoding="utf-8").splitlines()


def told(form: str, draws: random.Random) -> tuple[str, list[str]]:
    """A text with passwords and keys of its own, and these."""
    values = {
        "c": draws.choice("abcXYZ") + "".join(draws.choices(LETTERS, k=draws.randint(7, 14))) + "4"
        + draws.choice(("", "x", "!z", "&Q")),
        "w": "".join(draws.choices(string.ascii_letters, k=10)),
        "k": "wJ7" + "".join(draws.choices(LETTERS + "+/", k=37)),
        "h": "0a7" + "".join(draws.choices("0123456789abcdef", k=29)),
    }  # fmt: skip
    return form.format(**values), [v for name, v in values.items() if f"{{{name}}}" in form]


def suspects(texts: list[str]) -> int:
    """How many of the texts a database would look at."""
    [(found,)] = duckdb.execute(
        "SELECT count(*) FROM unnest(?) AS t(text) WHERE regexp_matches(text, ?, 'i')",
        [texts, SUSPECT],
    ).fetchall()
    return int(found)


@pytest.mark.parametrize("form", KEYS)
def test_a_key_is_taken_out_wherever_it_stands(form):
    draws = random.Random(form)
    texts = []
    for place in PLACES:
        key, pieces = drawn(form, draws)
        texts.append(place.format(key))
        cleaned = clean(texts[-1])
        assert left(pieces, cleaned) == [], texts[-1]
        assert "***" in cleaned
        assert clean(cleaned) == cleaned
        before, _, after = place.partition("{}")
        assert cleaned.startswith(before)
        # Base64 may go on over a slash.
        assert after[:1] in ("", "/", "\\") or cleaned.endswith(after)
    assert suspects(texts) == len(texts)


@pytest.mark.parametrize("form", TOLD)
def test_what_is_told_is_taken_out(form):
    draws = random.Random(form)
    texts = []
    for around in (*AROUND, *AROUND):
        text, values = told(form, draws)
        texts.append(around.replace("{}", text))
        cleaned = clean(texts[-1])
        assert left(values, cleaned) == [], texts[-1]
        assert "***" in cleaned
        assert clean(cleaned) == cleaned
        identifier = clean_identifier(texts[-1])
        assert clean_identifier(identifier) == identifier
    assert suspects(texts) == len(texts)


def test_there_are_enough_ordinary_texts():
    assert len(set(ORDINARY)) == len(ORDINARY) > 400


@pytest.mark.parametrize("around", [*AROUND, "feature/{}", "{}: {}", "{}; {}", "> {}"])
def test_an_ordinary_text_stays_as_it_is(around):
    for text in ORDINARY:
        whole = around.replace("{}", text)
        assert clean(whole) == whole


@pytest.mark.parametrize("form", KEYS)
def test_a_key_in_the_path_of_a_remote_is_taken_out(form):
    draws = random.Random(form)
    for remote in ("https://host.example/o/{}/r.git", "git@host.example:o/{}.git"):
        key, pieces = drawn(form, draws)
        raw = remote.format(key)
        shown = f"{portable_remote(raw)} {presentable_remote(raw)}"
        if " " not in key:  # what has one is no remote
            assert left([piece.lower() for piece in pieces], shown.lower()) == [], raw


@pytest.mark.parametrize(
    "path",
    [
        *("org/user-1234567890@x", "user-1234567890@x/r", "org/user-1234567890@x.example/r"),
        *("org/release-20261101123456@v1", "EAACampaign2026experiments/r", "org/tokens/list"),
        *("ATBBenchmark2026suite/r", "org/token/introspect", "secrets/manager-2026"),
    ],
)
def test_a_remote_with_ordinary_words_keeps_the_name_that_agentsview_gives_it(path):
    for raw in (f"https://host.example/{path}", f"git@host.example:{path}.git"):
        assert portable_remote(raw) == normalize_remote(raw)


REPEATED = (
    *("password is ", "the password for a b c ", "machine h login u ", "user: a, pass", "/token/a"),
    *("mysql -p", "mysql 'a", "curl -u a:", "echo a | ", 'echo "', "cookie: a=", "basic aaaaaaaa"),
    *("-----BEGIN PRIVATE KEY----- is it? ", "----BEGIN ", "PuTTY-User-Key-File-2", "MIIEpAIBAAKC"),
    *("a", "0", "aA0", "A3-", "$2y$10$", "token a", "X_KEY=", "jdbc:oracle:thin:a/", "'", '"'),
    *("glpat-kCSi2zX8Y1stxep_aerx ", "api/webhooks/", "AKIAIOSFODNN7ABCDEFG ", "1/", "|"),
)  # fmt: skip


@pytest.mark.hostile
@pytest.mark.parametrize("repeated", REPEATED)
def test_a_hundred_thousand_characters_take_no_longer_than_their_number(repeated):
    # What grows with the square takes minutes here, and is stopped as a hanging test.
    for end in ("", "@", " password=1"):
        clean(repeated * (100_000 // len(repeated)) + end)
