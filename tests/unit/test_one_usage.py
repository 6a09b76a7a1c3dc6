"""What one session used: which session, which rows, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.errors import AssetsError
from tests.support.usage_warehouse import SmallWarehouse, Usage, empty_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = "2026-07-01T12:00:00Z"
LEAST, GREATEST = "archive-1", "archive-2"


@pytest.fixture(params=["duckdb", "sqlite"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[SmallWarehouse]:
    with empty_warehouse(request.param) as found:
        found.add_prices("stored", [("model-a", 1.0, 2.0, 3.0, 4.0, NOON)])
        yield found


def _session(warehouse: SmallWarehouse, archive_id: str = LEAST, **columns: Any) -> None:
    known = {"session_id": "s1", "agent": "claude", "project": "alpha", "created_at_text": NOON}
    warehouse.add("sessions", [{**known, "archive_id": archive_id, **columns}])


def _asked(warehouse: SmallWarehouse, **options: Any) -> dict[str, Any]:
    found = session_usage(warehouse.reader, "s1", **{"breakdown": True, **options})
    assert found is not None
    return found


def test_without_the_session_there_is_no_document(warehouse: SmallWarehouse) -> None:
    assert session_usage(warehouse.reader, "s1", breakdown=True) is None
    _session(warehouse, deleted_at_text="")
    assert session_usage(warehouse.reader, "s1", breakdown=True) is None
    assert session_usage(warehouse.reader, "", breakdown=True) is None


def test_bytes_that_are_no_text_name_no_session(warehouse: SmallWarehouse) -> None:
    assert session_usage(warehouse.reader, "\udcff\0", breakdown=False) is None


def test_a_session_that_used_nothing(warehouse: SmallWarehouse) -> None:
    _session(warehouse, total_output_tokens=7, has_peak_context_tokens=True)
    assert _asked(warehouse) == {
        "session_id": "s1",
        "agent": "claude",
        "project": "alpha",
        "total_output_tokens": 7,
        "peak_context_tokens": 0,
        "has_token_data": True,
        "cost_usd": 0.0,
        "has_cost": False,
        "models": [],
        "unpriced_models": [],
        "breakdown_count": 0,
        "breakdown": [],
        "server_running": True,
    }


def test_rows_are_told_only_where_they_are_asked_for(warehouse: SmallWarehouse) -> None:
    _session(warehouse)
    warehouse.add_usage([Usage("s1#m0", NOON, "model-a", input_tokens=1_000_000)])
    whole = _asked(warehouse)
    assert (whole["cost_usd"], whole["breakdown_count"]) == (1.0, 1)
    assert _asked(warehouse, breakdown=False) == {**whole, "breakdown": []}


def test_one_model_without_a_price_leaves_no_cost(warehouse: SmallWarehouse) -> None:
    _session(warehouse, agent="copilot")
    rows = [
        Usage("s1#m0", NOON, "model-a", input_tokens=1_000_000, agent="copilot"),
        Usage("s1#m1", NOON, "unknown", ordinal=1, input_tokens=1, agent="copilot"),
    ]
    warehouse.add_usage(rows)
    found = _asked(warehouse)
    assert (found["cost_usd"], found["has_cost"], "ai_credits" in found) == (0.0, False, False)
    assert found["unpriced_models"] == ["unknown"]
    assert [row["cost_usd"] for row in found["breakdown"]] == [1.0, 0.0]


def test_a_row_of_nothing_takes_its_key(warehouse: SmallWarehouse) -> None:
    _session(warehouse)
    rows = [
        Usage("s1#m0", NOON, "model-a", dedup_key="k"),
        Usage("s1#m1", NOON, "model-a", ordinal=1, input_tokens=5, dedup_key="k"),
    ]
    warehouse.add_usage(rows)
    assert _asked(warehouse)["breakdown_count"] == 0


def test_events_of_one_moment_go_by_source_key_and_number(warehouse: SmallWarehouse) -> None:
    _session(warehouse)
    kinds: dict[str, Any] = {"row_kind": "usage_event", "input_tokens": 1, "ordinal": None}
    rows = [
        Usage("s1#e10", NOON, "model-a", source="b", **kinds),
        Usage("s1#e9", NOON, "model-a", source="b", **kinds),
        Usage("s1#e1", NOON, "model-a", source="b", dedup_key="usage:s1:b:z", **kinds),
        Usage("s1#e2", NOON, "model-a", source="b", dedup_key="usage:s1:b:a", **kinds),
        Usage("s1#e3", NOON, "model-a", source="", **kinds),
        Usage("s1#m0", NOON, "model-a", input_tokens=1),
    ]
    for number, row in enumerate(rows):  # which is which shows by its tokens
        warehouse.add_usage([Usage(**{**row.__dict__, "cache_read_tokens": number})])
    found = _asked(warehouse)["breakdown"]
    assert [row["cache_read_input_tokens"] for row in found] == [4, 3, 1, 0, 2, 5]
    assert [row["label"] for row in found] == ["usage", "b", "b", "b", "b", "Prompt 1"]
    assert "message_ordinal" not in found[0]


def test_numbers_go_as_texts_where_the_warehouse_knows_how(warehouse: SmallWarehouse) -> None:
    _session(warehouse)
    kinds: dict[str, Any] = {"row_kind": "usage_event", "source": "b", "ordinal": None}
    rows = [
        Usage("s1#e0", NOON, "model-a", input_tokens=9, event_key_order=2, **kinds),
        Usage("s1#e1", NOON, "model-a", input_tokens=10, event_key_order=0, **kinds),
        Usage("s1#e2", NOON, "model-a", input_tokens=11, event_key_order=1,
              dedup_key="usage:s1:b:id:10x", **kinds),
        Usage("s1#e3", NOON, "model-a", input_tokens=12, dedup_key="usage:s1:b:ic", **kinds),
        Usage("s1#e4", NOON, "model-a", input_tokens=13, dedup_key="usage:s1:b:ie", **kinds),
    ]  # fmt: skip
    warehouse.add_usage(rows)
    found = _asked(warehouse)["breakdown"]
    assert [row["input_tokens"] for row in found] == [12, 10, 11, 9, 13]


def test_of_several_archives_the_least_one_counts(warehouse: SmallWarehouse) -> None:
    _session(warehouse, GREATEST, project="beta")
    _session(warehouse, LEAST)
    warehouse.add_usage([Usage("s1#m0", NOON, "model-a", input_tokens=1)], LEAST)
    warehouse.add_usage([Usage("s1#m0", NOON, "model-b", input_tokens=1)], GREATEST)
    assert _asked(warehouse)["models"] == ["model-a"]
    assert _asked(warehouse, archive_id=GREATEST)["models"] == ["model-b"]


def test_of_copies_the_one_that_counts_elsewhere_counts_here(warehouse: SmallWarehouse) -> None:
    _session(warehouse, LEAST)
    _session(warehouse, GREATEST, project="beta")
    warehouse.add_usage([Usage("s1#m0", NOON, "model-a", input_tokens=1)], LEAST)
    warehouse.add_usage([Usage("s1#m0", NOON, "model-a", input_tokens=1)], GREATEST)
    copies = [
        {"archive_id": archive, "session_id": "s1", "canonical_archive_id": GREATEST}
        for archive in (LEAST, GREATEST)
    ]
    warehouse.add("session_copies", copies)
    assert _asked(warehouse)["project"] == "beta"
    assert _asked(warehouse, archive_id=LEAST)["project"] == "alpha"


def test_an_archive_that_is_not_there_is_refused(warehouse: SmallWarehouse) -> None:
    with pytest.raises(AssetsError, match="no archive nowhere"):
        session_usage(warehouse.reader, "s1", breakdown=False, archive_id="nowhere")
