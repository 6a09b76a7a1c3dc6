"""The embedded table and the user's own prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import ConfigError
from agentsview_assets.resources.archives.price_tables import custom_prices, embedded_table
from agentsview_assets.rules.pricing import PricingTable

if TYPE_CHECKING:
    from pathlib import Path


def write(data_dir: Path, text: str) -> Path:
    """Put a configuration with a secret into the directory and return the directory."""
    text = f'cursor_secret = "s3cr3t-value"\n{text}'
    (data_dir / "config.toml").write_text(text, encoding="utf-8")
    return data_dir


def refusal(data_dir: Path, text: str) -> str:
    """Return the message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        custom_prices(write(data_dir, text))
    message = str(caught.value)
    assert str(data_dir / "config.toml") in message
    assert "s3cr3t" not in message
    return message


def test_the_embedded_table_is_the_one_of_the_contract() -> None:
    embedded = embedded_table()
    assert embedded.version == "litellm-398a0b15378c"
    assert len(embedded.rows) == 2426
    patterns = [row[0].encode() for row in embedded.rows]
    assert patterns == sorted(set(patterns))
    table = PricingTable.build([], embedded.rows, [], embedded.version, "offline")
    expected = "sha256:2119071e9f6ca2fc0d4a68239f7cc9047b126d1de8bbeedf5ddfd9c2f62602fd"
    assert table.digest == expected


def test_embedded_rows_are_in_the_order_of_the_rates() -> None:
    rows = {row[0]: row for row in embedded_table().rows}
    assert rows["claude-opus-4-7"] == ("claude-opus-4-7", 5.0, 25.0, 6.25, 0.5, None)
    assert {type(value) for row in rows.values() for value in row[1:5]} == {float}


def test_without_a_file_there_are_no_prices(tmp_path: Path) -> None:
    assert custom_prices(tmp_path) == []
    assert custom_prices(tmp_path / "nowhere") == []


@pytest.mark.parametrize("text", ["", "[other]\ninput = 1\n", "[custom_model_pricing]\n"])
def test_without_the_table_there_are_no_prices(tmp_path: Path, text: str) -> None:
    assert custom_prices(write(tmp_path, text)) == []


def test_prices_are_read_whole_with_zero_for_what_is_left_out(tmp_path: Path) -> None:
    text = """
        [custom_model_pricing."acme-ultra-2.1"]
        input = 2.0
        output = 8
        cache_creation = 2.5
        cache_read = 0.2
        note = "unknown keys do not matter"
        [custom_model_pricing."internal-tiny"]
        input = 0.2
        [custom_model_pricing._under]
        output = -1
        [custom_model_pricing.""]
    """
    assert custom_prices(write(tmp_path, text)) == [
        ("acme-ultra-2.1", 2.0, 8.0, 2.5, 0.2, None),
        ("internal-tiny", 0.2, 0.0, 0.0, 0.0, None),
        ("_under", 0.0, -1.0, 0.0, 0.0, None),
        ("", 0.0, 0.0, 0.0, 0.0, None),
    ]


def test_names_match_in_any_case_but_not_in_another_spelling(tmp_path: Path) -> None:
    text = """
        [Custom_Model_Pricing.Acme]
        Input = 1
        CACHE_READ = 2
        cacheCreation = 3
    """
    assert custom_prices(write(tmp_path, text)) == [("Acme", 1.0, 0.0, 0.0, 2.0, None)]


@pytest.mark.parametrize("text", ["input = 1\nInput = 2\n", "Input = 2\ninput = 1\n"])
def test_the_exact_spelling_wins_over_another_case(tmp_path: Path, text: str) -> None:
    prices = custom_prices(write(tmp_path, f"[custom_model_pricing.m]\n{text}"))
    assert prices == [("m", 1.0, 0.0, 0.0, 0.0, None)]


def test_tables_spelled_in_two_cases_are_taken_together(tmp_path: Path) -> None:
    text = "[custom_model_pricing.a]\n[Custom_Model_Pricing.b]\noutput = 3\n"
    assert [row[0] for row in custom_prices(write(tmp_path, text))] == ["a", "b"]


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[custom_model_pricing.m]\ninput = 0x10\n")
    assert custom_prices(tmp_path) == [("m", 16.0, 0.0, 0.0, 0.0, None)]


@pytest.mark.parametrize("value", ['"1"', "true", "[1]", "2026-01-01", "{ a = 1 }"])
def test_a_price_of_the_wrong_type_is_refused(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path, f'[custom_model_pricing."m.1"]\nOutput = {value}\n')
    assert "custom_model_pricing.'m.1'.Output" in message
    assert "must be a number" in message


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400"])
def test_a_price_that_is_not_finite_is_refused(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path, f"[custom_model_pricing.m]\ninput = {value}\n")
    assert "custom_model_pricing.'m'.input" in message
    assert "digest cannot encode a non-finite number" in message


def test_a_whole_number_beyond_the_exact_doubles_is_refused(tmp_path: Path) -> None:
    largest = 2**53 - 1
    text = f"[custom_model_pricing.m]\ninput = {largest}\noutput = -{largest}\n"
    assert custom_prices(write(tmp_path, text)) == [("m", largest, -largest, 0.0, 0.0, None)]
    message = refusal(tmp_path, f"[custom_model_pricing.m]\ninput = {largest + 1}\n")
    assert "out of the safe range" in message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[custom_model_pricing]\nm = 1\n", "custom_model_pricing.'m'"),
        ("[[custom_model_pricing.m]]\ninput = 1\n", "custom_model_pricing.'m'"),
        ("custom_model_pricing = 1\n", "custom_model_pricing"),
    ],
)
def test_prices_that_are_no_table_are_refused(tmp_path: Path, text: str, key: str) -> None:
    assert f"{key} must be a table" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["[custom_model_pricing.m\n", "x = \n", "a = 1\na = 1\n", 'cursor_secret = "s3cr3t"\n']
)
def test_broken_toml_is_refused_without_a_word_of_its_content(tmp_path: Path, text: str) -> None:
    assert "is not valid TOML" in refusal(tmp_path, text)


def test_a_refusal_does_not_carry_the_file_along(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        custom_prices(write(tmp_path, "x = \n"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'x = "\xff"\n')
    with pytest.raises(ConfigError, match=r"config\.toml is not UTF-8 text"):
        custom_prices(tmp_path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*config\.toml"):
        custom_prices(tmp_path)
