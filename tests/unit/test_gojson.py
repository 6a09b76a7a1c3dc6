"""JSON text: numbers, escapes, layout and the canonical form."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.rules.gojson import canonical_json, encode, format_number, utf8_bytes

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

NUMBERS = [
    (2.0, "2"),
    (-2.0, "-2"),
    (3, "3"),
    (-7, "-7"),
    (10**18, "1000000000000000000"),
    (0.0, "0"),
    (0.5, "0.5"),
    (0.1 + 0.2, "0.30000000000000004"),
    (7.000000000000001, "7.000000000000001"),
    (1e15, "1000000000000000"),
    (1e16, "10000000000000000"),
    (1.5e16, "15000000000000000"),
    (-1.2345678901234567e20, "-123456789012345670000"),
    (1e20, "100000000000000000000"),
    (1e21, "1e+21"),
    (2.5e21, "2.5e+21"),
    (-1.5e22, "-1.5e+22"),
    (1e100, "1e+100"),
    (0.0001, "0.0001"),
    (0.00001, "0.00001"),
    (0.000012345, "0.000012345"),
    (0.000001, "0.000001"),
    (-0.0000015, "-0.0000015"),
    (9.9e-7, "9.9e-7"),
    (9.99e-7, "9.99e-7"),
    (1e-7, "1e-7"),
    (-1e-7, "-1e-7"),
    (9.999999999999999e-14, "9.999999999999999e-14"),
    (5e-324, "5e-324"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_a_number_has_the_shortest_text_that_reads_back(number: float, text: str) -> None:
    assert format_number(number) == text
    assert encode(number) == text
    assert canonical_json(number) == text


def test_a_negative_zero_keeps_its_sign_in_documents_only() -> None:
    assert format_number(-0.0) == "-0"
    assert encode([-0.0]) == "[-0]"
    assert canonical_json([-0.0, 0.0]) == "[0,0]"


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    for write in (format_number, encode):
        with pytest.raises(ValueError, match="json: unsupported value: "):
            write(number)
    message = "canonical JSON cannot encode non-finite number"
    with pytest.raises(ValueError, match=f"^{message}$"):
        canonical_json({"rows": [number]})


@given(FINITE)
def test_number_texts_are_plain_in_the_plain_range_and_always_exact(x: float) -> None:
    text = format_number(x)
    assert float(text) == x
    plain = x == 0 or 1e-6 <= abs(x) < 1e21
    grammar = r"-?(0|[1-9]\d*)(\.\d*[1-9])?" if plain else r"-?\d(\.\d*[1-9])?e[+-][1-9]\d*"
    assert re.fullmatch(grammar, text)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ('say "x"\\', r'"say \"x\"\\"'),
        ("\b\f\n\r\t", r'"\b\f\n\r\t"'),
        ("\x00\x01\x1f", r'"\u0000\u0001\u001f"'),
        ("b<&>", r'"b\u003c\u0026\u003e"'),
        ("a\u2028b\u2029", r'"a\u2028b\u2029"'),
        ("/\x7f\u00e9\u0085\U0001f600", '"/\x7f\u00e9\u0085\U0001f600"'),
        ("\ufffd", '"\ufffd"'),
        (b"ba\xffd\xc3(".decode("utf-8", "surrogateescape"), r'"ba\ufffdd\ufffd("'),
        (b"q\xe2\x82z".decode("utf-8", "surrogateescape"), r'"q\ufffd\ufffdz"'),
        ("\ud800", r'"\ufffd"'),
    ],
)
def test_strings_are_escaped_as_in_go(text: str, encoded: str) -> None:
    assert encode(text) == encoded
    assert encode({text: text}) == f"{{{encoded}:{encoded}}}"


def test_markup_stays_literal_where_the_caller_or_the_canonical_form_wants_it() -> None:
    assert encode("<&>\u2028", escape_html=False) == '"<&>\\u2028"'
    assert canonical_json("<&>/\u2028\u2029\b") == '"<&>/\\u2028\\u2029\\b"'


def test_compact_text_has_no_spaces_and_keeps_the_order_of_keys() -> None:
    value = {"b": [1, 2.0, (True, None)], "a": {}, "c": [], "d": {"e": False}}
    assert encode(value) == '{"b":[1,2,[true,null]],"a":{},"c":[],"d":{"e":false}}'


def test_indented_text_breaks_after_every_member_but_not_within_empty_ones() -> None:
    value = {"b": [1, {"x": []}], "a": {}, "c": [[]], "d": "<"}
    assert encode(value, indent=2) == (
        "{\n"
        '  "b": [\n'
        "    1,\n"
        "    {\n"
        '      "x": []\n'
        "    }\n"
        "  ],\n"
        '  "a": {},\n'
        '  "c": [\n'
        "    []\n"
        "  ],\n"
        '  "d": "\\u003c"\n'
        "}"
    )


def test_canonical_keys_are_sorted_by_their_utf8_bytes() -> None:
    emoji, private = "\U0001f600", "\uffff"
    raw_byte = "\udc80"
    value = {emoji: 1, raw_byte: 2, "a": 3, private: 4, "B": {"y": 1, "x": 2}}
    assert sorted(value, key=utf8_bytes) == ["B", "a", raw_byte, private, emoji]
    assert canonical_json(value) == (
        f'{{"B":{{"x":2,"y":1}},"a":3,"\\ufffd":2,"{private}":4,"{emoji}":1}}'
    )


def test_subclasses_of_json_types_are_written_as_their_base() -> None:
    class Name(str):
        __slots__ = ()

    class Ratio(float):
        def __repr__(self) -> str:
            return "a ratio"

    class Members(dict[str, int]):
        pass

    assert encode([Name("n"), Ratio(2.5), Members(a=1)]) == '["n",2.5,{"a":1}]'


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x", object()])
def test_other_types_are_refused(value: object) -> None:
    for write in (encode, canonical_json):
        with pytest.raises(TypeError):
            write(value)


@given(JSON_VALUES)
def test_every_text_reads_back_as_the_value(value: object) -> None:
    texts = [
        encode(value),
        encode(value, indent=2),
        encode(value, escape_html=False),
        canonical_json(value),
    ]
    # Large floats are written as whole numbers, so every number is read back as a float.
    assert [json.loads(text, parse_int=float) for text in texts] == [value] * 4
