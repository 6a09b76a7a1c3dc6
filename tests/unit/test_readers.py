"""Every reader: the same answers to the same portable SQL."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import exact_total, open_reader
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import ARCHIVE, DAY, frame, frame_of, records

USAGE = CONTRACTS["usage_rows"]
COSTS = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3, 1e-12, None]
# As bytes, capitals come before small letters and accents last; as words they would not.
MODELS = ["b", "B", "a", "_", "é", "Z", "", "\U0001f9a6"]


@pytest.fixture
def reader(warehouse):
    rows = records(USAGE, len(COSTS), occurred_at=datetime(2026, 7, 1, tzinfo=UTC))
    for row, cost, model in zip(rows, COSTS, MODELS, strict=True):
        row |= {"reported_cost_usd": cost, "model": model}
    with open_store(warehouse) as store:
        store.replace(
            USAGE,
            [frame_of(USAGE, rows)],
            Slices((ARCHIVE,), [DAY]),
            [Partition(ARCHIVE, DAY, 8, "", "", "")],
        )
        sessions = CONTRACTS["sessions"]
        store.replace(sessions, [frame(sessions, 2)], Slices((ARCHIVE,), [DAY]), [])
    with open_reader(warehouse) as opened:
        yield opened


def test_texts_are_ordered_by_their_bytes(reader):
    order = reader.binary_order("model")
    found = [model for (model,) in reader.rows(f"SELECT model FROM usage_rows ORDER BY {order}")]
    assert found == sorted(MODELS, key=str.encode)
    after = reader.rows(f"SELECT model FROM usage_rows WHERE {order} > ?", ["Z"])
    assert {model for (model,) in after} == {m for m in MODELS if m.encode() > b"Z"}


def test_an_exact_sum_is_rounded_once(reader):
    total = reader.exact_sum("reported_cost_usd")
    assert reader.rows(f"SELECT {total} FROM usage_rows") == [
        (math.fsum(cost for cost in COSTS if cost is not None),)
    ]
    assert reader.rows(f"SELECT {total}, 7 FROM usage_rows WHERE 1 = 0") == [(0.0, 7)]
    grouped = f"SELECT model, {total} FROM usage_rows WHERE model = ? GROUP BY model"
    assert reader.rows(grouped, [MODELS[-1]]) == [(MODELS[-1], 0.0)]


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([], 0.0),
        (None, 0.0),
        ([0.1] * 10, 1.0),
        ([1.5e308, 1.5e308], math.inf),
        ([1e308, 1e308, -1e308], math.inf),
        ([math.inf, 1.0], math.inf),
    ],
)
def test_what_has_no_exact_sum_is_added_up_as_it_comes(values, total):
    assert exact_total(values) == total


def test_opposite_infinities_are_no_number():
    assert math.isnan(exact_total([math.inf, -math.inf]))


def test_values_have_the_same_types_everywhere(reader):
    (row,) = reader.rows(
        "SELECT is_automated, epoch_seconds, reported_cost_usd, model, dedup_key, "
        "COUNT(*), CAST(SUM(input_tokens) AS BIGINT) FROM usage_rows "
        "CROSS JOIN (SELECT MIN(session_id) AS first FROM sessions) AS one "
        "JOIN sessions ON sessions.session_id = one.first WHERE reported_cost_usd = ? "
        "GROUP BY 1, 2, 3, 4, 5",
        [1.0],
    )
    kinds = [type(value) for value in row]
    assert kinds[:4] == [bool, int, float, str]
    assert kinds[5:] == [int, int]


@pytest.mark.parametrize(
    ("test", "value", "count"),
    [
        ("reported_cost_usd < ?", math.inf, 7),
        ("reported_cost_usd > ?", -math.inf, 7),
        ("reported_cost_usd = ?", 0.1, 1),
        ("epoch_seconds > ?", -(2**62), 8),
        ("model = ?", "\U0001f9a6", 1),
        ("model = ?", "it's 100% sure?", 0),
        ("(SELECT COUNT(*) FROM sessions WHERE is_automated = ?) = 1", True, 8),
        ("model <> 'is this a ?' AND session_id LIKE ?", "%", 8),
        ("session_id LIKE 'session%' AND input_tokens % 2 = ?", 0, 4),
    ],
)
def test_placeholders_take_every_kind_of_value(reader, test, value, count):
    assert reader.rows(f"SELECT COUNT(*) FROM usage_rows WHERE {test}", [value]) == [(count,)]


def test_it_tells_what_is_there(reader):
    assert reader.has_table("usage_rows")
    assert not reader.has_table("nothing")
    assert reader.size() > 0


def test_a_table_that_is_missing_is_told_in_words(reader):
    with pytest.raises(WarehouseError, match=r"nowhere.*run `agentsview-assets materialize` first"):
        reader.rows("SELECT 1 FROM nowhere")
