"""The session export over small warehouses, in DuckDB and in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.sessions import export
from agentsview_assets.documents.sessions.cursor import CursorReset
from agentsview_assets.documents.sessions.export import (
    SessionExport,
    session_export_all,
    session_export_page,
)
from agentsview_assets.documents.sessions.filters import SessionFilters
from agentsview_assets.errors import WarehouseError
from tests.support.session_warehouse import (
    DATABASE_ID,
    SessionWarehouse,
    Spent,
    Stored,
    session_warehouse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HUMAN = {"exclude_one_shot": True, "automated_scope": "human"}


@pytest.fixture(params=["duckdb", "sqlite"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[SessionWarehouse]:
    with session_warehouse(request.param) as opened:
        yield opened


def everything(warehouse: SessionWarehouse, **filters: Any) -> dict[str, Any]:
    return session_export_all(warehouse, filters=SessionFilters(**filters)).document()


def page(warehouse: SessionWarehouse, cursor: str = "", limit: int = 500, **filters: Any) -> Any:
    return session_export_page(
        warehouse,
        secret=lambda: b"key",
        filters=SessionFilters(**filters),
        cursor=cursor,
        limit=limit,
    ).document()


def ids(document: dict[str, Any]) -> list[str]:
    return [row["id"] for row in document["sessions"]]


def test_nothing_to_export(warehouse: SessionWarehouse) -> None:
    expected = {
        "schema_version": 1,
        "database_id": DATABASE_ID,
        "cursor": {"next": ""},
        "pricing": {},
        "projects": {},
        "sessions": [],
    }
    for document in (everything(warehouse), page(warehouse)):
        assert document == expected
        assert list(document) == list(expected)
    empty = session_export_all(warehouse)
    assert json.loads("".join(empty.json_text())) == expected
    assert "".join(session_export_all(warehouse).ndjson_text()).count("\n") == 1


def test_an_archive_without_identity_is_not_exported(warehouse: SessionWarehouse) -> None:
    warehouse.connection.execute("UPDATE warehouse_archives SET database_id = ' '")
    with pytest.raises(WarehouseError, match=r"^database id missing; restart agentsview serve"):
        everything(warehouse)


# --- who is eligible -----------------------------------------------------------------------------

FAMILY = (
    Stored("root"),
    Stored("continued", relationship_type="continuation", parent_session_id="root"),
    Stored("continued-orphan", relationship_type="continuation", parent_session_id="nobody"),
    Stored("one-shot", user_message_count=1),
    Stored("continued-one-shot", relationship_type="continuation", parent_session_id="one-shot"),
    Stored("helper", relationship_type="subagent", parent_session_id="root", user_message_count=1),
    Stored(
        "helper-of-helper",
        project="other",
        relationship_type="subagent",
        parent_session_id="helper",
    ),
    Stored("helper-orphan", relationship_type="subagent", parent_session_id="nobody"),
    Stored("helper-null", relationship_type="subagent"),
    Stored("automated", is_automated=True),
    Stored("below-automated", relationship_type="fork", parent_session_id="automated"),
    Stored("empty", message_count=0),
    Stored("below-empty", relationship_type="fork", parent_session_id="empty"),
    Stored("trashed", deleted_at_text=""),
    Stored("below-trashed", relationship_type="fork", parent_session_id="trashed"),
    Stored("blank-child", parent_session_id="root", user_message_count=1),
    Stored("circle-a", relationship_type="subagent", parent_session_id="circle-b"),
    Stored("circle-b", relationship_type="subagent", parent_session_id="circle-a"),
    Stored("unplaced", started_at_text="x", ended_at_text="y"),
    Stored("below-unplaced", relationship_type="subagent", parent_session_id="unplaced"),
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (HUMAN, {"root", "continued", "continued-orphan", "continued-one-shot"}),
        (
            {**HUMAN, "include_children": True},
            {"root", "continued", "helper", "helper-of-helper", "blank-child", "below-unplaced"},
        ),
        (
            {**HUMAN, "include_children": True, "project": "alpha", "min_user_messages": 2},
            {"root", "continued", "helper", "helper-of-helper", "blank-child", "below-unplaced"},
        ),
        ({**HUMAN, "include_children": True, "project": "other"}, set()),
        (
            {"automated_scope": "human", "include_children": True, "include_orphans": True},
            {row.session_id for row in FAMILY}
            - {"automated", "below-automated", "empty", "below-empty", "trashed", "below-trashed"}
            - {"circle-a", "circle-b", "unplaced"},
        ),
        (
            {"exclude_one_shot": True, "automated_scope": "all"},
            {"root", "continued", "continued-orphan", "continued-one-shot", "automated"},
        ),
        ({"automated_scope": "automated"}, {"automated"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_families(warehouse: SessionWarehouse, filters: dict[str, Any], expected: set[str]) -> None:
    warehouse.add_sessions(*FAMILY)
    assert set(ids(everything(warehouse, **filters))) == expected
    assert set(ids(page(warehouse, **filters))) == expected


SIGNALS = (
    Stored("a", project="p", machine="m1", git_branch="main", outcome="completed"),
    Stored("b", project="p", machine="m2", agent="codex", health_grade="A", message_count=9),
    Stored("c", project="q", git_branch="main", tool_failure_signal_count=2, secret_leak_count=1),
    Stored(
        "d",
        project="q",
        started_at_text="2026-07-01T23:00:00Z",
        ended_at_text="2026-07-02T01:00:00Z",
        termination_status="clean",
    ),
    Stored("e", project="q", ended_at_text="garbage", tool_failure_signal_count=-1),
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"project": " p "}, "ab"),
        ({"project": " "}, "abcde"),
        ({"exclude_project": "p"}, "cde"),
        ({"machine": "m2, m1,,"}, "ab"),
        ({"agent": "codex"}, "b"),
        ({"git_branch": "p\x1fmain\x1eq\x1fmain\x1ex"}, "ac"),
        ({"git_branch": "p\x1f"}, "b"),
        ({"git_branch": "main"}, ""),
        ({"date": "2026-07-01"}, "abcd"),
        ({"date": "2026-07-02"}, "d"),
        ({"date": "2026-7-2"}, ""),
        ({"date_from": "2026-07-02"}, "d"),
        ({"date_to": "2026-07-01"}, "abcde"),
        ({"date_to": "garbage"}, "abcde"),
        ({"active_since": "2026-07-01T12:00:00.001Z"}, "d"),
        ({"active_since": "2026-07-01 14:00+02:00"}, "abcd"),
        ({"active_since": "2461223"}, "abcd"),
        ({"active_since": "garbage"}, ""),
        ({"min_messages": 5}, "b"),
        ({"max_messages": 4}, "acde"),
        ({"max_messages": -1}, "abcde"),
        ({"min_user_messages": 3}, ""),
        ({"outcome": ("completed", "x")}, "a"),
        ({"health_grade": ("A",)}, "b"),
        ({"min_tool_failures": 0}, "abcd"),
        ({"min_tool_failures": -1}, "abcde"),
        ({"has_secret": True}, "c"),
        ({"termination": "clean,unheard-of"}, "d"),
        ({"termination": "unheard-of"}, "abcde"),
        ({"exclude_automated": True}, "abcde"),
        ({"secrets_rules_versions": ("1",)}, "abcde"),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_filters(warehouse: SessionWarehouse, filters: dict[str, Any], expected: str) -> None:
    warehouse.add_sessions(*SIGNALS)
    assert "".join(sorted(ids(everything(warehouse, **filters)))) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"starred": True}, "f"),
        ({"termination": "clean,stale"}, "d"),
        ({"termination": "unclean"}, "h"),
        ({"has_secret": True, "secrets_rules_versions": ("1",)}, "g"),
        ({"has_secret": True, "secrets_rules_versions": ("2", "1")}, "g"),
        ({"has_secret": True}, "cg"),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_filters_of_cursors_alone(
    warehouse: SessionWarehouse, filters: dict[str, Any], expected: str
) -> None:
    warehouse.add_sessions(
        *SIGNALS,
        Stored("f", starred_at_text="2026-07-02T00:00:00.000Z"),
        Stored("g", secret_leak_count=1, secrets_rules_version="1"),
        Stored("h", termination_status="truncated"),
    )
    assert "".join(sorted(ids(everything(warehouse, **filters)))) == expected


# --- pages and everything ------------------------------------------------------------------------


def _days(warehouse: SessionWarehouse) -> list[Stored]:
    found = [
        Stored(f"s{day:02}", project=f"p{day % 3}", ended_at_text=f"2026-07-{day:02}T12:00:00Z")
        for day in range(1, 8)
    ]
    found.append(Stored("tie", project="", ended_at_text="2026-07-04T12:00:00.000Z"))
    warehouse.add_sessions(*found)
    warehouse.add_spent(
        Spent("s02", "model-a", 1_000_000),
        Spent("s03", "model-a", 5, reported_row_count=1, reported_cost_usd=0.5),
        Spent("s05", "unknown", 5),
        Spent("s05", "Model-B", output_tokens=7),
    )
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 500])
def test_a_walk_is_everything(warehouse: SessionWarehouse, limit: int) -> None:
    _days(warehouse)
    whole = everything(warehouse)
    assert ids(whole) == ["s07", "s06", "s05", "s04", "tie", "s03", "s02", "s01"]
    walked, projects, models, cursor = [], {}, {}, ""
    while True:
        document = page(warehouse, cursor, limit)
        walked += document["sessions"]
        projects |= document["projects"]
        models |= document["pricing"]["models"]
        cursor = document["cursor"]["next"]
        if not cursor:
            break
    assert walked == whole["sessions"]
    assert projects == whole["projects"]
    assert models.keys() == whole["pricing"]["models"].keys()


def test_batches_make_no_difference(
    warehouse: SessionWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _days(warehouse)
    warehouse.add_sessions(*FAMILY)
    for filters in ({}, {"include_children": True}, {"project": "p1", "include_children": True}):
        whole = "".join(
            session_export_all(warehouse, filters=SessionFilters(**filters)).json_text()  # type: ignore[arg-type]
        )
        monkeypatch.setattr(export, "BATCH_ROWS", 2)
        pieces = session_export_all(warehouse, filters=SessionFilters(**filters))  # type: ignore[arg-type]
        assert "".join(pieces.json_text()) == whole
        monkeypatch.undo()


def test_prices_and_projects_of_a_document(warehouse: SessionWarehouse) -> None:
    _days(warehouse)
    document = everything(warehouse)
    pricing = document["pricing"]
    assert pricing["cost_source"] == "mixed"
    assert {name: model["cost_source"] for name, model in pricing["models"].items()} == {
        "Model-B": "computed",
        "model-a": "mixed",
        "unknown": "computed",
    }
    assert list(pricing["models"]) == ["Model-B", "model-a", "unknown"]
    assert list(document["projects"]) == ["", "p0", "p1", "p2"]
    assert document["projects"][""] == {"resolution": "unknown", "identity": None}
    by_id = {row["id"]: row["model_usage"] for row in document["sessions"]}
    assert by_id["s02"]["cost_usd"] == 1.0
    assert by_id["s05"]["models"] == ["Model-B", "unknown"]
    assert by_id["s05"]["has_cost"] is False


def test_ndjson_is_the_same_document_in_lines(warehouse: SessionWarehouse) -> None:
    _days(warehouse)
    head, *rows = map(json.loads, "".join(session_export_all(warehouse).ndjson_text()).splitlines())
    document = json.loads("".join(session_export_all(warehouse).json_text()))
    assert rows == document.pop("sessions")
    assert head == {"type": "meta", **document}
    assert list(head) == ["type", *document]


def test_a_changed_row_ends_a_run_and_an_irrelevant_change_does_not(
    warehouse: SessionWarehouse,
) -> None:
    rows = _days(warehouse)
    cursor = page(warehouse, limit=2)["cursor"]["next"]
    warehouse.change(rows[0], agent="codex", message_count=99, project="moved")
    warehouse.add_sessions(Stored("new", ended_at_text="2026-07-30T12:00:00Z"))
    assert ids(page(warehouse, cursor, 2)) == ["s05", "s04"]
    warehouse.change(rows[0], ended_at_text="2026-07-01T12:00:00.00Z")
    with pytest.raises(CursorReset):
        page(warehouse, cursor, 2)


@pytest.mark.parametrize("is_all", [False, True], ids=["page", "all"])
def test_an_infinite_cost_is_found_before_anything_is_written(
    warehouse: SessionWarehouse, *, is_all: bool
) -> None:
    found = _with_an_infinite_cost(warehouse, is_all=is_all)
    with pytest.raises(ValueError, match=r"unsupported value: \+Inf"):
        next(found.json_text())


@pytest.mark.parametrize("is_all", [False, True], ids=["page", "all"])
def test_lines_before_an_infinite_cost_are_written(
    warehouse: SessionWarehouse, *, is_all: bool
) -> None:
    found, told = _with_an_infinite_cost(warehouse, is_all=is_all), []
    with pytest.raises(ValueError, match=r"unsupported value: \+Inf"):
        told.extend(found.ndjson_text())
    lines = [json.loads(line) for line in "".join(told).splitlines()]
    assert [line["type"] for line in lines[:1]] == ["meta"]
    assert [line["id"] for line in lines[1:]] == ["s07", "s06", "s05"]


def _with_an_infinite_cost(warehouse: SessionWarehouse, *, is_all: bool) -> SessionExport:
    _days(warehouse)
    infinite = float("inf")
    warehouse.add_spent(Spent("s04", "x", reported_row_count=1, reported_cost_usd=infinite))
    if is_all:
        return session_export_all(warehouse)
    return session_export_page(warehouse, secret=lambda: b"key")
