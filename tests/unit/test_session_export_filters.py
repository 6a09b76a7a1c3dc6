"""Filters: their canonical form, as cursors carry it."""

from __future__ import annotations

from typing import Any

import pytest

from agentsview_assets.documents.sessions.filters import SessionFilters


@pytest.mark.parametrize(
    ("given", "members"),
    [
        ({}, {"automated_scope": "all"}),
        (
            {"exclude_one_shot": True, "automated_scope": "human"},
            {"exclude_one_shot": True, "automated_scope": "human"},
        ),
        (
            {"automated_scope": "all", "include_children": True},
            {"automated_scope": "all", "include_children": True},
        ),
        (
            {
                "machine": " b , a ,b,m",
                "outcome": ("z", " a ", "unknown"),
                "min_tool_failures": 0,
                "min_messages": -2,
                "exclude_one_shot": True,
                "automated_scope": "human",
            },
            {
                "machine": "a,b,b,m",
                "min_messages": -2,
                "exclude_one_shot": True,
                "automated_scope": "human",
                "outcome": ("a", "unknown", "z"),
                "min_tool_failures": 0,
            },
        ),
        ({"automated_scope": " automated "}, {"automated_scope": "automated"}),
        ({"automated_scope": "robots"}, {"automated_scope": "all"}),
        ({"exclude_automated": True}, {"automated_scope": "all"}),
        ({"termination": " all "}, {"automated_scope": "all"}),
        ({"termination": " clean "}, {"automated_scope": "all", "termination": "clean"}),
        ({"agent": "Zed,zed,éd,\U0001f600,\uffee"}, {"agent": "Zed,zed,éd,\uffee,\U0001f600"}),
    ],
    ids=str,
)
def test_canonical_members(given: dict[str, Any], members: dict[str, Any]) -> None:
    found = SessionFilters(**given).canonical().members()
    expected = {"automated_scope": "all", **members}
    assert found == expected
    assert list(found) == [name for name in SessionFilters.__dataclass_fields__ if name in found]


@pytest.mark.parametrize("name", ["project", "exclude_project", "date", "date_to", "active_since"])
def test_texts_are_trimmed_of_white_space_alone(name: str) -> None:
    padded = SessionFilters(**{name: "\t\u00a0 x\u2003\x1f "}).canonical()
    assert getattr(padded, name) == "x\u2003\x1f"
    assert getattr(SessionFilters(**{name: " \x85"}).canonical(), name) == ""


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("b\x1fmain\x1e a\x1fmain ", "a\x1fmain\x1eb\x1fmain"),
        ("p\x1f", "p\x1f"),
        (" ", ""),
        ("\x1e \x1e", ""),
        ("no pair", "no pair"),
    ],
)
def test_branches_are_a_list_of_their_own(text: str, canonical: str) -> None:
    assert SessionFilters(git_branch=text).canonical().git_branch == canonical


@pytest.mark.parametrize("name", ["machine", "agent", "outcome", "health_grade"])
def test_lists_without_words_are_no_filter(name: str) -> None:
    empty: Any = (" ", "") if name in {"outcome", "health_grade"} else " ,,"
    assert name not in SessionFilters(**{name: empty}).canonical().members()


def test_the_canonical_form_is_its_own() -> None:
    once = SessionFilters(project=" p ", machine="b,a", outcome=("b", "a")).canonical()
    assert once.canonical() == once
