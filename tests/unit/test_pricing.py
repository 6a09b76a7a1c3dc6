"""The price table in force: layers, metadata, digests, and the money made of tokens."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.resources.archives.price_tables import embedded_table
from agentsview_assets.rules.pricing import (
    NO_RATES,
    PricingTable,
    Rates,
    cache_savings,
    row_cost,
)
from agentsview_assets.rules.rates import cache_savings_sql, cost_sql

if TYPE_CHECKING:
    from agentsview_assets.rules.pricing import Mode, PriceTuple

EMBEDDED = embedded_table()
OPUS = Rates(5, 25, 6.25, 0.5)
CUSTOM: list[PriceTuple] = [
    ("acme-ultra-2.1", 2, 8, 2.5, 0.2, None),
    ("internal-tiny", 0.2, 0, 0, 0, None),
    ("claude-opus-4-6", 5, 25, 6.25, 0.5, None),
    ("_under", 1, 0, 0, 0, None),
]
NO_ROWS = "sha256:1633902c6cbba5e7770dbed172df754a25078bb76efe1f23474edc87f1a47655"
EMBEDDED_ONLY = "sha256:2119071e9f6ca2fc0d4a68239f7cc9047b126d1de8bbeedf5ddfd9c2f62602fd"


def table(
    stored: list[PriceTuple] | None = None,
    custom: list[PriceTuple] | None = None,
    mode: Mode = "archive",
    embedded: list[PriceTuple] | None = None,
) -> PricingTable:
    """Build a table over the real fallback unless another one is given."""
    fallback = EMBEDDED.rows if embedded is None else embedded
    return PricingTable.build(stored or [], fallback, custom or [], EMBEDDED.version, mode)


def bare(
    stored: list[PriceTuple] | None = None, custom: list[PriceTuple] | None = None
) -> PricingTable:
    """Build a table of stored and custom rows alone, as without a fallback."""
    return table(stored, custom, embedded=[])


# --- digest -----------------------------------------------------------------------------------


def test_the_digest_of_no_rows() -> None:
    assert bare().digest == NO_ROWS


@pytest.mark.parametrize("mode", ["offline", "archive"])
def test_the_digest_of_the_embedded_table(mode: Mode) -> None:
    assert table(mode=mode).digest == EMBEDDED_ONLY


ODD_RATES: PriceTuple = ("m-a", 3.5, 1e-7, 0.1, 2.5e21, "2026-07-01T12:34:56.789Z")


@pytest.mark.parametrize(
    "stored",
    [[ODD_RATES], [("_meta", 1, 1, 1, 1, "2027-01-01T00:00:00Z"), ODD_RATES]],
)
def test_the_digest_of_one_fetched_row_ignores_bookkeeping(stored: list[PriceTuple]) -> None:
    priced = table(stored)
    expected = "sha256:e4ca5cae579dc8268d706bae50e1a18549cda8ac601924daea5f122fa8e6bb20"
    assert priced.digest == expected
    assert priced.effective_row_count == 1


def test_the_digest_of_two_fetched_rows_does_not_depend_on_their_order() -> None:
    rows: list[PriceTuple] = [
        ("fixture-model-reported", 1, 4, 2, 0.25, "2026-07-03T12:00:00Z"),
        ("fixture-model-computed", 2, 8, 3, 0.5, "2026-07-03T12:00:00Z"),
    ]
    expected = "sha256:28ef6086990aaf44088d7bffc0a7f952068e7399c6a042121ce631beb66d901d"
    assert table(rows).digest == expected
    assert table(rows[::-1]).digest == expected


def test_the_digest_of_custom_rows_alone() -> None:
    expected = "sha256:5cf5069b4eec459608865677f9eee5391c5e8268fb26270d529f126e8c6ed6d6"
    assert bare(custom=CUSTOM).digest == expected


def test_the_digest_of_custom_rows_over_the_embedded_table() -> None:
    priced = table(custom=CUSTOM, mode="offline")
    expected = "sha256:25d86c17489fd93b93732ec7afc3c0eab3815fe4e5f107017fdeb02961faf190"
    assert priced.digest == expected
    assert priced.source == "custom+embedded"
    assert priced.effective_row_count == 2429


def test_the_digest_of_custom_rows_over_a_stored_row_that_repeats_the_embedded_table() -> None:
    stored: list[PriceTuple] = [("claude-opus-4-7", *OPUS, "2026-07-01T00:00:00.000Z")]
    priced = table(stored, CUSTOM)
    expected = "sha256:1a023c6f22081f3a23da810773d6466610a46dcc6af2522c93d8ade97c1825c4"
    assert priced.digest == expected
    assert priced.effective_row_count == 5
    assert priced.rows["claude-opus-4-7"].source == "embedded"


def test_the_digest_truncates_times_and_knows_no_negative_zero() -> None:
    late: list[PriceTuple] = [("m", 0, 0, 0, 0, "2026-07-01T00:00:00.999Z")]
    early: list[PriceTuple] = [("m", -0.0, 0, 0, -0.0, "2026-07-01T02:00:00+02:00")]
    assert bare(late).digest == bare(early).digest


def test_the_digest_changes_with_every_member_of_a_row() -> None:
    rows: list[PriceTuple] = [
        ("m", 1, 2, 3, 4, "2026-07-01T00:00:00Z"),
        ("n", 1, 2, 3, 4, "2026-07-01T00:00:00Z"),
        ("m", 9, 2, 3, 4, "2026-07-01T00:00:00Z"),
        ("m", 1, 9, 3, 4, "2026-07-01T00:00:00Z"),
        ("m", 1, 2, 9, 4, "2026-07-01T00:00:00Z"),
        ("m", 1, 2, 3, 9, "2026-07-01T00:00:00Z"),
        ("m", 1, 2, 3, 4, "2026-07-01T00:00:01Z"),
        ("m", 1, 2, 3, 4, None),
    ]
    digests = {bare([row]).digest for row in rows} | {bare(custom=rows[-1:]).digest}
    assert len(digests) == len(rows) + 1


@pytest.mark.parametrize("rate", [math.inf, math.nan])
def test_the_digest_refuses_a_rate_that_is_not_finite(rate: float) -> None:
    priced = bare([("m", rate, 0, 0, 0, None)])
    with pytest.raises(ValueError, match="canonical JSON cannot encode non-finite number"):
        _ = priced.digest


# --- layers and metadata ----------------------------------------------------------------------

SEEDED: list[PriceTuple] = [
    (*row[:5], f"2026-07-01T00:00:{i % 60:02}Z") for i, row in enumerate(EMBEDDED.rows)
]
FETCHED: list[PriceTuple] = [
    ("stored-only", 1, 2, 3, 4, "2026-07-01T00:00:00Z"),
    ("claude-opus-4-7", 9, 9, 9, 9, "2026-08-01T00:00:00Z"),
]
FOUR: list[PriceTuple] = [(f"own-{i}", i, 0, 0, 0, None) for i in range(4)]


@pytest.mark.parametrize(
    ("priced", "source", "version", "latest", "counts"),
    [
        (table(mode="offline"), "embedded", EMBEDDED.version, None, (0, 2426)),
        (table(), "embedded", EMBEDDED.version, None, (0, 2426)),
        (table(SEEDED), "embedded", EMBEDDED.version, "2026-07-01T00:00:59Z", (0, 2426)),
        (
            table(FETCHED, CUSTOM, "offline"),
            "custom+fetched",
            "2026-07-01T00:00:00Z",
            "2026-07-01T00:00:00Z",
            (4, 2430),
        ),
        (
            table(FETCHED, CUSTOM),
            "custom+fetched",
            "2026-08-01T00:00:00Z",
            "2026-08-01T00:00:00Z",
            (4, 6),
        ),
        (bare(custom=CUSTOM), "custom", "custom", None, (4, 4)),
        (table(custom=FOUR), "custom+embedded", EMBEDDED.version, None, (4, 2430)),
        (bare(), "", "", None, (0, 0)),
        (table([("x", 1, 0, 0, 0, "")]), "fetched", "fetched", None, (0, 1)),
        (table([("x", 1, 0, 0, 0, None)]), "fetched", "fetched", None, (0, 1)),
        (table([("", 1, 0, 0, 0, None)]), "fetched", "fetched", None, (0, 1)),
        (table([("_x", 1, 0, 0, 0, None)]), "embedded", EMBEDDED.version, None, (0, 2426)),
        (table([("x_y", 1, 0, 0, 0, None)]), "fetched", "fetched", None, (0, 1)),
    ],
)
def test_what_a_table_says_of_itself(
    priced: PricingTable, source: str, version: str, latest: str | None, counts: tuple[int, int]
) -> None:
    assert priced.source == source
    assert priced.table_version == version
    assert priced.latest_row_updated_at == latest
    assert (priced.custom_override_count, priced.effective_row_count) == counts


def test_offline_the_embedded_row_replaces_a_stored_one_even_if_that_is_newer() -> None:
    opus = table(FETCHED, mode="offline").rows["claude-opus-4-7"]
    assert opus == ("claude-opus-4-7", OPUS, "embedded", None)
    assert table(FETCHED).rows["claude-opus-4-7"].rates == (9, 9, 9, 9)


def test_a_custom_row_replaces_all_of_a_row_and_its_time() -> None:
    custom: list[PriceTuple] = [("stored-only", 0.2, 0, 0, 0, None)]
    assert table(FETCHED, custom).rows["stored-only"] == (
        "stored-only",
        (0.2, 0, 0, 0),
        "custom",
        None,
    )


def test_a_custom_row_counts_even_if_it_repeats_another() -> None:
    custom: list[PriceTuple] = [("claude-opus-4-7", *OPUS, None)]
    assert table(custom=custom).rows["claude-opus-4-7"].source == "custom"


def test_a_stored_row_is_embedded_only_if_all_four_rates_are_equal() -> None:
    near = Rates(5, 25, 6.25, math.nextafter(0.5, 1))
    stored: list[PriceTuple] = [("claude-opus-4-7", *near, "2026-07-01T00:00:00Z")]
    assert table(stored).rows["claude-opus-4-7"].source == "fetched"


@pytest.mark.parametrize(
    ("updated_at", "latest", "version"),
    [
        ("2026-07-01T12:34:56.789Z", "2026-07-01T12:34:56.789Z", "2026-07-01T12:34:56Z"),
        ("2026-07-02T01:00:00+02:00", "2026-07-01T23:00:00Z", "2026-07-01T23:00:00Z"),
        ("2026-07-01T00:00:00.120Z", "2026-07-01T00:00:00.12Z", "2026-07-01T00:00:00Z"),
        ("2026-07-01T2:00:00,5Z", "2026-07-01T02:00:00.5Z", "2026-07-01T02:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2026-07-02 01:00:00", None, "fetched"),
        ("garbage", None, "fetched"),
    ],
)
def test_the_time_of_an_update(updated_at: str, latest: str | None, version: str) -> None:
    priced = bare([("m", 1, 2, 3, 4, updated_at), ("n", 1, 2, 3, 4, "")])
    assert priced.latest_row_updated_at == latest
    assert priced.table_version == version


def test_the_latest_update_is_the_latest_instant_not_the_greatest_text() -> None:
    priced = bare(
        [
            ("a", 1, 0, 0, 0, "2026-07-02T01:00:00+09:00"),
            ("b", 1, 0, 0, 0, "2026-07-01T20:00:00.5Z"),
            ("c", 1, 0, 0, 0, "2026-07-01T20:00:00Z"),
        ]
    )
    assert priced.latest_row_updated_at == "2026-07-01T20:00:00.5Z"


# --- prices -----------------------------------------------------------------------------------


def test_a_price_is_the_row_of_the_pattern_that_the_model_means() -> None:
    priced = table(custom=CUSTOM)
    opus = priced.price("Claude-Opus-4.7[1m]")
    assert opus is not None
    assert (opus.model_pattern, opus.rates, opus.source) == ("claude-opus-4-7", OPUS, "embedded")
    assert priced.price("Claude-Opus-4.7[1m]") is opus


def test_an_unknown_model_has_no_price() -> None:
    assert table().price("mystery-model") is None
    assert bare([("", 1, 1, 1, 1, None)]).price("") is None


def test_bookkeeping_rows_price_nothing_but_custom_names_may_begin_with_an_underscore() -> None:
    assert table([("_hidden", 1, 1, 1, 1, None), ("m", 1, 1, 1, 1, None)]).price("_hidden") is None
    assert bare(custom=CUSTOM).price("_under") is not None


# --- money ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "tokens", "cost"),
    [
        (OPUS, (1000, 200, 400, 5000), 0.015),
        (Rates(3, 15, 3.75, 0.3), (10, 100, 0, 0), 0.00153),
        (Rates(0, 25, 0, 0), (0, -1_000_000, 0, 0), -25.0),
        (NO_RATES, (2_000_000, 5, 5, 5), 0.0),
    ],
)
def test_the_cost_of_a_row(rates: Rates, tokens: tuple[int, int, int, int], cost: float) -> None:
    spent = row_cost(
        rates,
        input_tokens=tokens[0],
        billable_output_tokens=tokens[1],
        cache_creation_tokens=tokens[2],
        cache_read_tokens=tokens[3],
    )
    assert spent == cost


COUNTS = st.integers(0, 2_000_000)
RATE = st.floats(0, 1000)


@given(st.builds(Rates, RATE, RATE, RATE, RATE), COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_cost_is_added_from_left_to_right(
    rates: Rates, plain: int, output: int, written: int, read: int
) -> None:
    total = plain * rates.input
    total += output * rates.output
    total += written * rates.cache_write
    total += read * rates.cache_read
    spent = row_cost(
        rates,
        input_tokens=plain,
        billable_output_tokens=output,
        cache_creation_tokens=written,
        cache_read_tokens=read,
    )
    assert spent == total / 1_000_000


def test_savings_are_what_the_same_tokens_had_cost_as_input() -> None:
    assert cache_savings(OPUS, cache_creation_tokens=0, cache_read_tokens=5000) == 0.0225
    assert cache_savings(OPUS, cache_creation_tokens=400, cache_read_tokens=0) == -0.0005
    assert cache_savings(OPUS, cache_creation_tokens=400, cache_read_tokens=5000) == 0.0225 - 0.0005


def test_a_days_savings_add_up_as_published() -> None:
    gpt = Rates(5, 30, 0, 0.5)
    parts = [
        cache_savings(OPUS, cache_creation_tokens=400, cache_read_tokens=5000),
        cache_savings(gpt, cache_creation_tokens=0, cache_read_tokens=100),
        cache_savings(gpt, cache_creation_tokens=7, cache_read_tokens=8),
    ]
    assert sum(parts) == pytest.approx(0.022521, rel=1e-12)


@given(st.tuples(*[COUNTS] * 4), st.builds(Rates, *[RATE] * 4))
def test_sql_costs_what_python_does(tokens: tuple[int, ...], rates: Rates) -> None:
    """Tables are priced in SQL, documents in Python: with the same numbers, to the last bit."""
    uncached, output, created, read = tokens
    columns = (
        *("input_usd_per_mtok", "output_usd_per_mtok", "cache_write_usd_per_mtok"),
        "cache_read_usd_per_mtok",
    )
    priced = ", ".join(f"{rate!r} AS {name}" for name, rate in zip(columns, rates, strict=True))
    held = f"{created} AS cache_creation_tokens, {read} AS cache_read_tokens"
    with closing(sqlite3.connect(":memory:")) as database:
        [found] = database.execute(
            f"SELECT {cost_sql('r', *map(str, tokens))}, {cache_savings_sql('u', 'r')} "
            f"FROM (SELECT {held}) u, (SELECT {priced}) r"
        ).fetchall()
    cost = row_cost(
        rates,
        input_tokens=uncached,
        billable_output_tokens=output,
        cache_creation_tokens=created,
        cache_read_tokens=read,
    )
    saved = cache_savings(rates, cache_creation_tokens=created, cache_read_tokens=read)
    assert found[0] == cost
    # Python divides each part, as agentsview does.
    assert found[1] == pytest.approx(saved, rel=1e-9, abs=1e-9 * cost)
