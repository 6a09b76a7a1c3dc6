"""Token counters out of usage texts, well-formed or not."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsview_assets.rules.token_usage import (
    JSON_KEYS,
    MAX_TOKENS,
    TokenCounts,
    clamp_message_tokens,
    counter_sql,
    parse_token_usage,
    plain_usage_predicate_sql,
)

INT64_MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("5", 5),
        ("-5", -5),
        ('"5"', 5),
        ('" 5 "', 5),
        ('"+5"', 5),
        ('"-5"', -5),
        ('"007"', 7),
        ('"\\u0035"', 5),
        ('"\\u00a05\\u3000"', 5),
        ('"\\u001c5"', 0),
        ('"\\ufeff5"', 0),
        ('"5.9"', 0),
        ('"0x10"', 0),
        ('"1_000"', 0),
        ('""', 0),
        ('"\u0665"', 0),
        ("5.9", 5),
        ("1e3", 1),
        ("1.5e3", 1),
        ("007", 7),
        ("+5", 0),
        ("null", 0),
        ("true", 0),
        ("[5]", 0),
        ("9223372036854775808", INT64_MAX),
        ("-9223372036854775809", -INT64_MAX - 1),
        ("9" * 5000, INT64_MAX),
        ("0" * 5000 + "7", 7),
    ],
)
def test_values_of_a_counter(value: str, count: int) -> None:
    assert parse_token_usage(f'{{"input_tokens":{value}}}') == TokenCounts(input_tokens=count)


@pytest.mark.parametrize(
    ("text", "input_tokens", "output_tokens"),
    [
        ('{"input_tokens":5,"input_tokens":9}', 9, 0),
        ('{"input_tokens":5,"input_tokens":null}', 5, 0),
        ('{"input_tokens":5,"output_tokens":6', 5, 6),
        ('{"input_tokens":5 "output_tokens":6}', 5, 6),
        ('{"input_tokens" 5,"output_tokens":6}', 0, 6),
        ('{"x":bad,"output_tokens":6}', 0, 0),
        ('{"x":{bad},"output_tokens":6}', 0, 6),
        ('{bad:1,"output_tokens":6}', 0, 6),
        ('{"input_tokens":bad,"output_tokens":6}', 0, 6),
        ('{"x":{"a":1],"output_tokens":6}', 0, 0),
        ('{"x":{"input_tokens":5}}', 0, 0),
        ('{"input_tokens":5}{"input_tokens":6}', 5, 0),
        ('{,,"input_tokens":5,,,"output_tokens":6}', 5, 6),
        ('{"x":"\\q","output_tokens":6}', 0, 0),
        ('{"\\q":1,"output_tokens":6}', 0, 0),
        ('{"input_tokens":"\\q","output_tokens":6}', 0, 6),
        ('{"x":"a\tb","output_tokens":6}', 0, 0),
        ('{"x":nul,"output_tokens":6}', 0, 0),
        ('{"x":nullable,"output_tokens":6}', 0, 6),
        ('{"x":5.,"output_tokens":6}', 0, 0),
        ('{"x":5e,"output_tokens":6}', 0, 0),
        ('{"x":5e+1,"output_tokens":6}', 0, 6),
        ('{"x":NaN,"output_tokens":6}', 0, 0),
        ('{"x":{"}":"]"},"output_tokens":6}', 0, 6),
        ('{"input\\u005ftokens":5}', 5, 0),
        ('{"Input_tokens":5}', 0, 0),
        (' \n\r\t{"input_tokens":5}', 5, 0),
        ('\v{"input_tokens":5}', 0, 0),
        ('\ufeff{"input_tokens":5}', 0, 0),
        ('[{"input_tokens":5}]', 0, 0),
        ("not json", 0, 0),
        ("null", 0, 0),
        ("{}", 0, 0),
        ("{", 0, 0),
        (" ", 0, 0),
        ("", 0, 0),
    ],
)
def test_lenient_scan(text: str, input_tokens: int, output_tokens: int) -> None:
    assert parse_token_usage(text) == TokenCounts(input_tokens, output_tokens)


def test_every_counter_has_its_key() -> None:
    text = (
        '{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":3,'
        '"cache_read_input_tokens":4,"reasoning_tokens":5}'
    )
    assert parse_token_usage(text) == TokenCounts(1, 2, 3, 4, 5)


def test_message_counters_are_clamped() -> None:
    counts = TokenCounts(-1, MAX_TOKENS, MAX_TOKENS + 1, 0, INT64_MAX)
    assert clamp_message_tokens(counts) == TokenCounts(0, MAX_TOKENS, MAX_TOKENS, 0, MAX_TOKENS)


@pytest.mark.parametrize("unit", ["[", '[{"', "[1][", '{"a":', '["\\q"', '"', '"x":["\\q"]{'])
def test_unclosed_structure_takes_linear_steps(unit: str) -> None:
    # A quadratic scan of these would run for many minutes.
    assert parse_token_usage("{" + unit * 60_000) == TokenCounts()


integers = st.integers(-10, 3_000_000).map(str)
odd_values = st.sampled_from(
    [
        *("1e3", "5.0", "-0", "1E400", "+1", "99999999999999999999", "9223372036854775808"),
        *("null", "true", "NaN", "-inf", "bad", "", "{}", "[1,]", "[NaN]", '{"a":1,}'),
        *('"5"', '"05"', '" 5"', '"-7"', '"1e3"', '"nan"', '""', '"\u0665"', '"a\\"b"'),
        *('"input_tokens"', '{"input_tokens":3}'),
    ]
)
keys = st.sampled_from(
    [*JSON_KEYS.values(), *JSON_KEYS.values(), "x", "input\\u005ftokens", "Input_tokens", "é", ""]
)
members = st.builds(
    '{1}"{0}"{1}:{1}{2}'.format,
    keys,
    st.sampled_from(["", "", "", " ", "\n", "\v"]),
    integers | integers | odd_values,
)
object_like = st.builds(
    lambda parts, separator, tail: "{" + separator.join(parts) + tail,
    st.lists(members, max_size=6),
    st.sampled_from([",", ",", ",", ", ", ",,", " "]),
    st.sampled_from(["}", "}", "}", ",}", "", "} ", "}x"]),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """An object text with a few characters put in, taken out or cut off."""
    text: str = draw(object_like)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        inserted = draw(st.sampled_from([*'{}[]",:\\ 059-+.eEtfnN\t\x00', ""]))
        removed = draw(st.integers(0, 2))
        text = text[:at] + inserted + text[at + removed :]
    return text


def read_by_sql(texts: list[str | None]) -> list[tuple[str, bool, TokenCounts]]:
    counters = ", ".join(counter_sql("text", name) for name in TokenCounts._fields)
    rows = duckdb.execute(
        f"SELECT text, {plain_usage_predicate_sql('text')}, {counters} "
        "FROM (SELECT unnest(?::VARCHAR[]) AS text)",
        [texts],
    ).fetchall()
    return [(text, plain, TokenCounts(*counts)) for text, plain, *counts in rows]


@settings(max_examples=300)
@given(st.lists(st.none() | object_like | mutated() | st.text(max_size=12), max_size=20))
def test_sql_equals_the_scanner_wherever_it_claims_to(texts: list[str | None]) -> None:
    for text, plain, counts in read_by_sql(texts):
        assert plain in (True, False)
        if plain:
            assert counts == clamp_message_tokens(parse_token_usage(text))


@given(st.dictionaries(st.sampled_from([*JSON_KEYS.values(), "x", "é"]), st.integers(0, 2**62)))
def test_sql_reads_every_well_formed_text(counters: dict[str, int]) -> None:
    usage = {**counters, "service_tier": "standard", "cache_creation": {"ephemeral_5m": 1}}
    ((_, plain, counts),) = read_by_sql([json.dumps(usage, ensure_ascii=False)])
    assert plain
    expected = (min(counters.get(key, 0), MAX_TOKENS) for key in JSON_KEYS.values())
    assert counts == TokenCounts(*expected)


@given(mutated() | st.text())
def test_every_text_has_counters_within_64_bits(text: str) -> None:
    assert all(-INT64_MAX - 1 <= count <= INT64_MAX for count in parse_token_usage(text))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "not json",
        '{"input_tokens":5,"input_tokens":9}',
        '{"input\\u005ftokens":5}',
        '{"x":NaN,"output_tokens":6}',
        '{"x": -Infinity,"output_tokens":6}',
        '{"input_tokens":1e3}',
        '{"input_tokens":5.0}',
        '{"input_tokens":99999999999999999999}',
    ],
)
def test_texts_that_sql_leaves_to_the_scanner(text: str | None) -> None:
    assert read_by_sql([text])[0][1] is False


def test_an_unknown_counter_is_refused() -> None:
    with pytest.raises(ValueError, match="total_tokens"):
        counter_sql("text", "total_tokens")
