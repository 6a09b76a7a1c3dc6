"""Which pattern a model name means."""

from __future__ import annotations

import itertools
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.rules.model_matching import ModelMatcher

if TYPE_CHECKING:
    import random

KEYS = (
    "claude-opus-4-7",
    "claude-opus-4-7-20260101",
    "gpt-5.5",
    "GPT-6",
    "openai/gpt-7",
    "azure/gpt-7",
    "openai/gpt-8",
    "gpt-8",
    "azure/gpt-9",
    "a-b",
    "a_b",
    "a.c",
    "x/a-c",
    "p/q/m1",
    "pq/m1",
    "/lead",
)


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("claude-opus-4.7", "claude-opus-4-7"),
        ("Claude-Opus-4.7", "claude-opus-4-7"),
        ("claude-opus-4-7[1m]", "claude-opus-4-7"),
        ("claude-opus-4-7 (High)", "claude-opus-4-7"),
        ("claude-opus-4-7-20251231", "claude-opus-4-7"),
        ("claude-opus-4-7-20260101[1m]", "claude-opus-4-7-20260101"),
        ("claude opus 4 7", "claude-opus-4-7"),
        ("claude-opus-4-7-thinking", None),
        ("anthropic/claude-opus-4-7", "claude-opus-4-7"),
        ("gpt-5-5", "gpt-5.5"),
        ("gpt5.5", "gpt-5.5"),
        ("GPT-5.5", "gpt-5.5"),
        ("gpt-5.5-codex", None),
        ("gpt-6", "GPT-6"),
        ("openai/GPT-6", "GPT-6"),
        ("gpt-7", None),
        ("openai/gpt.7", "openai/gpt-7"),
        ("foo/gpt-7", None),
        ("gpt-9", "azure/gpt-9"),
        ("x/gpt-9", None),
        ("foo/gpt-8", "gpt-8"),
        ("OpenAI/gpt_8", "openai/gpt-8"),
        ("ab", None),
        ("A-B", "a-b"),
        ("a-c", "a.c"),
        ("y/a-c", "a.c"),
        ("x/a.c", "x/a-c"),
        ("p.q/m1", None),
        ("m1", None),
        ("lead", "/lead"),
        ("x/lead", "/lead"),
        ("", None),
        ("/", None),
        ("(x)", None),
    ],
)
def test_a_name_means_the_first_rule_that_fits(model: str, pattern: str | None) -> None:
    assert ModelMatcher(KEYS).match(model) == pattern


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("m2", "m2"),
        ("m2 (x)", "m2"),
        ("m2(x)", "m2"),
        ("m2  [x]  ", "m2"),
        ("m2 ()", "m2"),
        ("m2 )", "m2"),
        ("m2 (a/b)", "m2"),
        ("m2-20260101 (x)", "m2"),
        ("m2-20260101", "m2"),
        ("x/m2-20260103[1m]", "m2"),
        ("m2 (x) (y)", None),
        ("m2 [1m] (x)", None),
        ("m2(x)-20260101", None),
        ("m2-20260101-20260101", None),
        ("m2-20260101 ", None),
        ("m2-2026010", None),
        ("m2_20260101", None),
        ("m2 (x)\t", None),
        ("-20260101", None),
    ],
)
def test_one_trailing_group_then_one_date_is_dropped(model: str, pattern: str | None) -> None:
    assert ModelMatcher(["m2"]).match(model) == pattern


@pytest.mark.parametrize(
    ("keys", "model", "pattern"),
    [
        (("é-x", "è-x"), "É-x", "é-x"),
        (("É-x", "è-x"), "é-x", "É-x"),
        (("é-x", "è-x"), "ê-x", None),
        (("aσ1", "aτ1"), "aΣ1", "aσ1"),
        (("1aσ", "1aτ"), "1AΣ", "1aσ"),
        (("aσ1", "aτ1"), "aς1", None),
        (("iz1", "i-z1"), "İz1", "iz1"),
        (("iz1", "i-z1"), "ız1", None),
        (("sz1", "s-z1"), "ſz1", None),
        (("kz1", "k-z1"), "\u212az1", "kz1"),
        (("ß1", "ss1"), "ẞ1", "ß1"),
        (("a-b-c", "A.B-C"), "A.b.c", "a-b-c"),
        (("a-b-c", "A.B-C"), "a.B-c", "A.B-C"),
    ],
)
def test_case_is_folded_letter_by_letter(
    keys: tuple[str, ...], model: str, pattern: str | None
) -> None:
    assert ModelMatcher(keys).match(model) == pattern


def test_an_exact_name_beats_a_rewritten_one_and_only_the_model_is_rewritten() -> None:
    assert ModelMatcher(["m-1.5", "m-1-5"]).match("m-1.5") == "m-1.5"
    assert ModelMatcher(["m-1.5", "m-1-5"]).match("m.1.5") == "m-1-5"
    assert ModelMatcher(["m-1.5", "m.1-5"]).match("m-1-5") is None


def test_of_patterns_that_differ_in_case_only_the_smallest_by_bytes_is_taken() -> None:
    keys = ["Together/Bge", "together/bge", "TOGETHER/BGE"]
    for order in itertools.permutations(keys):
        assert ModelMatcher(order).match("toGether/bge") == "TOGETHER/BGE"


def test_the_empty_pattern_matches_nothing() -> None:
    matcher = ModelMatcher(["", "/", "-"])
    assert matcher.match("") is None
    assert matcher.match("[]") is None
    assert matcher.match("/") == "/"


def test_names_that_are_no_utf8_match_by_what_can_be_read() -> None:
    broken = b"q\xff-z1".decode("utf-8", "surrogateescape")
    assert ModelMatcher([broken, "other"]).match(broken) == broken
    assert ModelMatcher(["q-z1", "other"]).match(broken) == "q-z1"


# The rules once more, written for reading: no index, one pass over the keys a step.

KEPT = set(string.ascii_lowercase + string.digits)
NAMES = st.text("abAB12-._/ ()[]0", max_size=14)
DATED = st.builds("{}-{}".format, NAMES, st.sampled_from(["20260101", "2026010"]))


def _kept(text: str) -> str:
    return "".join(c for c in text.lower() if c in KEPT)


def _provider(name: str) -> str:
    return _kept(name[: name.rfind("/")]) if name.rfind("/") > 0 else ""


def _canon(name: str) -> str:
    return _kept(name[name.rfind("/") + 1 :])


def _stripped(model: str) -> tuple[str, str]:
    group, text = model, model.rstrip(" ")
    for closer, opener in ((")", "("), ("]", "[")):
        if text.endswith(closer) and text.rfind(opener) > 0:
            group = text[: text.rfind(opener)].rstrip(" ")
            break
    head, dash, tail = group.rpartition("-")
    dated = bool(head and dash) and len(tail) == 8 and all(c in string.digits for c in tail)
    return group, head if dated else group


def _reference(keys: list[str], model: str) -> str | None:
    dashed = model.replace(".", "-")
    tests = (
        lambda key: key == model,
        lambda key: key == dashed,
        lambda key: key.lower() == model.lower(),
        lambda key: key.lower() == dashed.lower(),
    )
    for test in tests:
        hits = sorted(filter(test, keys))
        if hits:
            return hits[0]
    mine = _provider(model)
    for candidate in (model, *_stripped(model)):
        canon = _canon(candidate)
        if not canon:
            continue
        same = [key for key in keys if _canon(key) == canon]
        ranks = (
            [key for key in same if mine and _provider(key) == mine],
            [key for key in same if not _provider(key)],
            [key for key in same if not mine and _provider(key)],
        )
        for hits in ranks:
            if hits:
                return hits[0] if len(hits) == 1 else None
    return None


@given(st.lists(NAMES.filter(bool) | DATED, unique=True), NAMES | DATED)
def test_any_name_and_any_keys_follow_the_rules(keys: list[str], model: str) -> None:
    assert ModelMatcher(keys).match(model) == _reference(keys, model)


@given(st.lists(NAMES.filter(bool), min_size=1, unique=True), st.data())
def test_variants_of_a_key_follow_the_rules(keys: list[str], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(keys))
    model = data.draw(
        st.sampled_from(
            [key, key.upper(), key.replace("-", "."), f"{key} (x)", f"{key}[1m]", f"a/{key}"]
        )
    )
    assert ModelMatcher(keys).match(model) == _reference(keys, model)


@given(st.lists(NAMES, unique=True), NAMES, st.randoms())
def test_the_order_of_keys_does_not_matter(
    keys: list[str], model: str, shuffler: random.Random
) -> None:
    shuffled = list(keys)
    shuffler.shuffle(shuffled)
    assert ModelMatcher(shuffled).match(model) == ModelMatcher(keys).match(model)
