"""Rows: model usage, and text that is what the general encoder would write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.documents.sessions.rows import (
    SESSION_COLUMNS,
    SessionRow,
    rows_text,
)
from agentsview_assets.documents.sessions.usage import (
    NO_USAGE,
    USAGE_COLUMNS,
    ModelUsage,
    SessionUsage,
    model_usage,
)
from agentsview_assets.rules.gojson import encode
from agentsview_assets.rules.pricing import PricingTable
from tests.support.session_warehouse import Spent, Stored

PRICES = PricingTable.build(
    [("m", 10.0, 20.0, 30.0, 40.0, None)], [], [], "embedded-version", "archive"
)


def row(stored: Stored, usage: SessionUsage = NO_USAGE) -> SessionRow:
    record = stored.record()
    return SessionRow.of([record[name] for name in SESSION_COLUMNS], usage)


def priced(spent: Spent) -> ModelUsage:
    record = spent.record()
    return model_usage([record[name] for name in USAGE_COLUMNS], PRICES)


def test_an_open_session_lasts_until_its_last_activity() -> None:
    stored = Stored("s", started_at_text="2026-07-01T08:00:00Z", ended_at_text=None)
    record = stored.record() | {"last_activity_text": "2026-07-01T08:01:40Z"}
    found = SessionRow.of([record[name] for name in SESSION_COLUMNS], NO_USAGE)
    assert (found.duration_seconds, found.ended_at) == (100, None)


def test_an_object_has_the_contracts_members_in_order() -> None:
    found = row(Stored("s", cwd="/w", git_branch="b")).as_object()
    assert tuple(found) == (
        *("id", "project", "machine", "agent", "cwd", "git_branch", "started_at", "ended_at"),
        *("last_activity_at", "duration_seconds", "message_count", "user_message_count"),
        *("assistant_message_count", "turn_count", "classification", "is_automated"),
        *("model_usage", "parent_session_id", "relationship_type", "worktree"),
        *("total_output_tokens", "peak_context_tokens", "has_total_output_tokens"),
        "has_peak_context_tokens",
    )
    counters = (
        *("input_tokens", "output_tokens", "cache_creation_input_tokens"),
        *("cache_read_input_tokens", "reasoning_tokens", "cost_usd", "has_cost"),
    )
    assert tuple(found["model_usage"]) == ("models", *counters, "by_model")
    assert tuple(priced(Spent("s", "m"))._asdict()) == ("model", *counters, "cost_source")


def test_what_is_empty_and_what_is_null() -> None:
    found = row(
        Stored("s", started_at_text="", parent_session_id="", relationship_type="")
    ).as_object()
    assert "cwd" not in found
    assert "git_branch" not in found
    assert (found["started_at"], found["parent_session_id"]) == ("", "")
    assert found["relationship_type"] is None
    assert found["worktree"] is None
    assert found["model_usage"]["models"] == []
    assert found["model_usage"]["by_model"] == {}
    named = row(Stored("s", worktree_name="nm")).as_object()
    assert named["worktree"] == {"name": "nm", "root_path": None}


@pytest.mark.parametrize(
    ("spent", "cost", "has_cost", "source"),
    [
        (Spent("s", "m", 1, 2, 3, 4), 0.000_3, True, "computed"),
        (Spent("s", "m", reasoning_tokens=25), 0.000_5, True, "computed"),
        (Spent("s", "x", 1), 0.0, False, "computed"),
        (Spent("s", "x", 1, reported_row_count=1, reported_cost_usd=-1.5), -1.5, True, "reported"),
        (Spent("s", "x", 1, usage_row_count=2, reported_row_count=1), 0.0, False, "mixed"),
        (
            Spent("s", "m", 10, usage_row_count=2, reported_row_count=1, reported_cost_usd=1.0),
            1.000_1,
            True,
            "mixed",
        ),
    ],
)
def test_cost_of_a_model(spent: Spent, cost: float, has_cost: bool, source: str) -> None:  # noqa: FBT001
    found = priced(spent)
    assert found.cost_usd == pytest.approx(cost, rel=1e-9)
    assert (found.has_cost, found.cost_source) == (has_cost, source)


def test_a_session_has_a_cost_only_if_each_model_has() -> None:
    models = [priced(Spent("s", "m", 1_000_000)), priced(Spent("s", "x", 5))]
    usage = SessionUsage.of(models)
    assert (usage.cost_usd, usage.has_cost, usage.input_tokens) == (10.0, False, 1_000_005)
    assert SessionUsage.of([]).has_cost is False
    assert list(usage.as_object()["by_model"]) == ["m", "x"]


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (2.0, "2"),
        (1e16, "10000000000000000"),
        (1e21, "1e+21"),
        (1.5e22, "1.5e+22"),
        (0.00001, "0.00001"),
        (9.9e-7, "9.9e-7"),
        (1e-7, "1e-7"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.00014000000000000001, "0.00014000000000000001"),
    ],
)
def test_costs_are_written_as_agentsview_writes_them(cost: float, text: str) -> None:
    spent = Spent("s", "x", usage_row_count=1, reported_row_count=1, reported_cost_usd=cost)
    found = row(Stored("s"), SessionUsage.of([priced(spent)]))
    assert rows_text([found], "").count(f'"cost_usd":{text},') == 2


def test_an_infinite_cost_cannot_be_written() -> None:
    spent = Spent("s", "x", usage_row_count=1, reported_row_count=1, reported_cost_usd=float("inf"))
    with pytest.raises(ValueError, match=r"json: unsupported value: \+Inf"):
        rows_text([row(Stored("s"), SessionUsage.of([priced(spent)]))], "")


texts = st.text(max_size=12) | st.sampled_from(("b<&>", '"\\\b\f\n\r\t\x00\x7f', "\u2028é\u2029"))
maybe = st.none() | texts
tokens = st.integers(-5, 10**12)
spendings = st.builds(
    Spent,
    session_id=st.just("s"),
    model=texts,
    input_tokens=tokens,
    output_tokens=tokens,
    reported_cost_usd=st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    stored=st.builds(
        Stored,
        session_id=texts,
        project=texts,
        cwd=texts,
        git_branch=texts,
        started_at_text=maybe,
        ended_at_text=maybe,
        parent_session_id=maybe,
        relationship_type=texts,
        worktree_name=maybe,
        worktree_root_path=maybe,
        total_output_tokens=tokens,
        is_automated=st.booleans(),
    ),
    spent=st.lists(spendings, max_size=3, unique_by=lambda spent: spent.model),
)
def test_text_is_what_the_general_encoder_writes(stored: Stored, spent: list[Spent]) -> None:
    found = row(stored, SessionUsage.of([priced(one) for one in spent]))
    assert rows_text([found], "\n") == encode(found.as_object())
