"""The `pricing` object of the v1 documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.archives.price_tables import embedded_table
from agentsview_assets.rules.gojson import encode
from agentsview_assets.rules.pricing import PricingTable

if TYPE_CHECKING:
    from agentsview_assets.rules.pricing import Mode, PriceTuple

EMBEDDED = embedded_table()
COMPUTED, REPORTED, MIXED = (True, False), (False, True), (True, True)


def table(
    stored: list[PriceTuple], custom: list[PriceTuple] | None = None, mode: Mode = "offline"
) -> PricingTable:
    """Build a table over the embedded one."""
    return PricingTable.build(stored, EMBEDDED.rows, custom or [], EMBEDDED.version, mode)


def test_the_block_of_the_published_example() -> None:
    models = {
        "mystery-model": COMPUTED,
        "gpt-5.5": REPORTED,
        "claude-sonnet-4.5": COMPUTED,
        "claude-opus-4-6": COMPUTED,
    }
    assert encode(pricing_block(table([]), models)) == (
        '{"source":"embedded","table_version":"litellm-398a0b15378c","latest_row_updated_at":null,'
        '"custom_override_count":0,"effective_row_count":2426,'
        '"digest":"sha256:2119071e9f6ca2fc0d4a68239f7cc9047b126d1de8bbeedf5ddfd9c2f62602fd",'
        '"cost_source":"mixed",'
        '"fallback":{"used":true,"models":["claude-opus-4-6","claude-sonnet-4.5","gpt-5.5"]},'
        '"models":{"claude-opus-4-6":{"matched_pattern":"claude-opus-4-6",'
        '"input_cost_per_mtok":5,"output_cost_per_mtok":25,"cache_write_cost_per_mtok":6.25,'
        '"cache_read_cost_per_mtok":0.5,"cost_source":"computed"},'
        '"claude-sonnet-4.5":{"matched_pattern":"claude-sonnet-4-5",'
        '"input_cost_per_mtok":3,"output_cost_per_mtok":15,"cache_write_cost_per_mtok":3.75,'
        '"cache_read_cost_per_mtok":0.3,"cost_source":"computed"},'
        '"gpt-5.5":{"matched_pattern":"gpt-5.5",'
        '"input_cost_per_mtok":5,"output_cost_per_mtok":30,"cache_write_cost_per_mtok":0,'
        '"cache_read_cost_per_mtok":0.5,"cost_source":"reported"},'
        '"mystery-model":{"matched_pattern":null,'
        '"input_cost_per_mtok":0,"output_cost_per_mtok":0,"cache_write_cost_per_mtok":0,'
        '"cache_read_cost_per_mtok":0,"cost_source":"computed"}}}'
    )


def test_without_models_the_cost_is_computed_and_no_fallback_is_used() -> None:
    block = pricing_block(table([]), {})
    assert block["cost_source"] == "computed"
    assert block["fallback"] == {"used": False, "models": []}
    assert block["models"] == {}
    assert block["effective_row_count"] == 2426


@pytest.mark.parametrize(
    ("costs", "overall"),
    [
        ([COMPUTED, COMPUTED], "computed"),
        ([REPORTED, REPORTED], "reported"),
        ([REPORTED, COMPUTED], "mixed"),
        ([MIXED], "mixed"),
    ],
)
def test_the_cost_source_unites_those_of_the_models(
    costs: list[tuple[bool, bool]], overall: str
) -> None:
    models = {f"m{i}": cost for i, cost in enumerate(costs)}
    block = pricing_block(table([]), models)
    assert block["cost_source"] == overall
    entries = block["models"]
    assert isinstance(entries, dict)
    words = {COMPUTED: "computed", REPORTED: "reported", MIXED: "mixed"}
    assert [entry["cost_source"] for entry in entries.values()] == [words[c] for c in costs]


def test_models_are_sorted_by_their_bytes() -> None:
    names = ["éé", "aa", "Zz", "\U0001f600", "\uffff", ""]
    block = pricing_block(table([]), dict.fromkeys(names, COMPUTED))
    entries = block["models"]
    assert isinstance(entries, dict)
    assert list(entries) == ["", "Zz", "aa", "éé", "\uffff", "\U0001f600"]


def test_the_fallback_names_models_priced_by_embedded_rows_of_a_fetched_table() -> None:
    stored: list[PriceTuple] = [
        ("claude-opus-4-7", 5, 25, 6.25, 0.5, "2026-07-01T00:00:00Z"),
        ("new-model", 1, 2, 3, 4, "2026-07-02T00:00:00Z"),
    ]
    custom: list[PriceTuple] = [("gpt-5.5", 5, 30, 0, 0.5, None)]
    models = {"Claude-Opus-4.7": REPORTED, "new-model": COMPUTED, "gpt-5.5": COMPUTED}
    block = pricing_block(table(stored, custom, "archive"), models)
    assert block["source"] == "custom+fetched"
    assert block["fallback"] == {"used": True, "models": ["Claude-Opus-4.7"]}


def test_a_negative_zero_of_the_user_keeps_its_sign() -> None:
    block = pricing_block(table([], [("m", -0.0, 1, 0, 0, None)]), {"m": COMPUTED})
    assert '"input_cost_per_mtok":-0,"output_cost_per_mtok":1,' in encode(block)


def test_a_rate_that_is_not_finite_is_named() -> None:
    priced = table([("broken", math.inf, 0, 0, 0, None)], mode="archive")
    with pytest.raises(WarehouseError, match=r"cannot encode non-finite number.*'broken'"):
        pricing_block(priced, {})
