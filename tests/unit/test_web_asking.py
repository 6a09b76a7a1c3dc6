"""Queries and parameters of the server, read as agentsview reads them; it was asked for them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.errors import UsageError
from agentsview_assets.web.asking import parameters
from agentsview_assets.web.asking.negotiation import json_name, takes_gzip
from agentsview_assets.web.asking.parameters import read_parameters
from agentsview_assets.web.asking.query import Query


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("a=1", "1"),
        ("a=1&a=2", "1"),
        ("a=&a=2", ""),
        ("A=1", ""),
        ("%61=1", "1"),
        ("b=1&a=2", "2"),
        ("&&b=1&&a=2", "2"),
        ("a=1;b=2", "1;b=2"),
        ("a=b=c", "b=c"),
        ("a=x+y%2B", "x y+"),
        ("a=%zz", ""),
        ("a=%4", ""),
        ("a", "true"),
        ("b&a", "true"),
        ("x=1&a", "true"),
        ("a&x=1", ""),
        ("a&x", "true"),
        ("x&a=2", "2"),
        ("=1&a=2", "2"),
        ("a=%ff", "\udcff"),
        ("", ""),
    ],
)
def test_a_value_is_found_where_agentsview_finds_it(query, value):
    assert Query(query.encode()).value("a") == value


@given(st.binary(max_size=200))
def test_no_query_is_too_odd_to_be_read(raw):
    assert isinstance(Query(raw).value("a"), str)


def test_a_query_of_ampersands_is_read_in_no_time():
    assert Query(b"&" * 65_536 + b"a=1").value("a") == "1"
    assert Query(b"a&" * 32_768).value("a") == "true"


def refusal(parameter, text):
    with pytest.raises(UsageError) as refused:
        read_parameters(Query(f"a={text}".encode()), [parameter])
    return str(refused.value)


def value(parameter, text):
    return read_parameters(Query(f"a={text}".encode()), [parameter])["a"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1_0", 10.0), ("0x1p-2", 0.25), ("%2B5", 5.0), (".5", 0.5), ("5.", 5.0)),
        *(("1e1_0", 1e10), ("Inf", math.inf), ("-infinity", -math.inf), ("1e-5000", 0.0)),
        ("0X_1P2", 4.0),
    ],
)
def test_numbers_are_read_as_go_reads_them(text, number):
    assert value(parameters.number("a", ""), text) == number


@pytest.mark.parametrize("text", ["1__0", "_1", "1_", "1e309", "0x1", "x", "1_.5", "1e", ".", "٣"])
def test_other_numbers_are_refused(text):
    assert refusal(parameters.number("a", ""), text) == f"invalid float (query.a: {text})"


def test_a_number_that_is_none_is_read_too():
    assert math.isnan(value(parameters.number("a", ""), "NaN"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-1", "expected number >= 0"),
        ("101", "expected number <= 100"),
        ("1.5", "invalid integer"),
        ("0x10", "invalid integer"),
        ("1_0", "invalid integer"),
        ("9223372036854775808", "invalid integer"),
        ("9" * 5000, "invalid integer"),
    ],
)
def test_whole_numbers_have_bounds(text, said):
    bounded = parameters.integer("a", "", default=20, least=0, most=100)
    assert refusal(bounded, text) == f"{said} (query.a: {text})"


@pytest.mark.parametrize("text", ["1", "t", "T", "true", "True", "TRUE"])
def test_truth_has_six_spellings(text):
    assert value(parameters.boolean("a", "", default=False), text) is True


@pytest.mark.parametrize("text", ["yes", "tRUE", "x", " "])
def test_other_words_are_no_truth(text):
    said = refusal(parameters.boolean("a", "", default=False), text)
    assert said == f"invalid boolean (query.a: {text})"


@pytest.mark.parametrize(
    "text", ["2026-11-31", "2026-1-1", "x", "20261110", "0000-00-00", "²026-01-01"]
)
def test_dates_are_real_days(text):
    assert refusal(parameters.date("a", ""), text) == (
        f"expected string to be RFC 3339 date (query.a: {text})"
    )


def test_all_that_is_wrong_is_named_in_the_order_of_the_parameters():
    declared = [
        parameters.date("from", ""),
        parameters.boolean("breakdowns", "", default=True),
        parameters.choice("preset", "", ("day", "week")),
        parameters.text("left", "", is_required=True),
    ]
    with pytest.raises(UsageError) as refused:
        read_parameters(Query(b"preset=year&breakdowns=x&from=y&left="), declared)
    assert str(refused.value) == (
        "expected string to be RFC 3339 date (query.from: y); invalid boolean (query.breakdowns: "
        'x); expected value to be one of "day, week" (query.preset: year); required query '
        "parameter is missing (query.left: )"
    )


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("json", "json"),
        ("text/html, json;q=0.5", "json"),
        ("application/json, json", "application/json"),
        ("json;q=0.9, application/json;q=0.8", "json"),
        ("APPLICATION/JSON", "application/json"),
        ("json;q=x", "application/json"),
    ],
)
def test_json_is_sent_under_the_name_that_is_preferred(accept, name):
    assert json_name(accept) == name


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        ("gzip", True),
        ("GZIP;q=0", True),
        ("br, gzip", True),
        ("x-gzip", False),
        ("*", False),
        ("", False),
    ],
)
def test_bodies_are_compressed_for_the_word_gzip(header, is_taken):
    assert takes_gzip(header) is is_taken
