"""What usage answers over HTTP are narrowed by: filters, windows and zones, without any server."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.common.branches import branches
from agentsview_assets.documents.common.window import Window, load_zone
from agentsview_assets.documents.usage.comparison import prior_window, usage_comparison
from agentsview_assets.documents.usage.daily import usage_daily
from agentsview_assets.documents.usage.filters import EVERYTHING, UsageFilters
from agentsview_assets.documents.usage.http_window import http_window, http_zone
from agentsview_assets.documents.usage.pairwise import narrowed_filters, pairwise_comparison
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.documents.usage.summary import usage_summary
from agentsview_assets.documents.usage.tokenless import missing_tokens
from agentsview_assets.documents.usage.top_sessions import top_sessions
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.julian import julian_day, julian_of_epoch
from tests.support.usage_warehouse import ARCHIVE, SmallWarehouse, Usage, empty_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = Window(None, None)
UTC = load_zone("UTC")
NOW = dt.datetime(2026, 7, 10, 12, 0, 30, tzinfo=dt.UTC)
NOON = "2026-07-01T12:00:00Z"


@pytest.fixture(params=["duckdb", "sqlite"])
def reader(request: pytest.FixtureRequest) -> Iterator[SmallWarehouse]:
    with empty_warehouse(request.param) as opened:
        yield opened


def summary(reader: SmallWarehouse, window: Window = OPEN, **filters: Any) -> Any:
    asked = UsageFilters(**{"include_automated": True, **filters})
    return usage_summary(reader, window=window, zone=UTC, filters=asked, now=NOW)


def sessions(reader: SmallWarehouse, **filters: Any) -> set[str]:
    """The sessions that pass; each has a project of its own name."""
    return set(summary(reader, **filters)["sessionCounts"]["byProject"])


def fill(reader: SmallWarehouse, **rows: dict[str, Any]) -> None:
    """Add sessions by name, each with a message, and what their rows say."""
    reader.add_usage(
        [
            Usage(f"{name}#m0", NOON, "model", session_id=name, project=name, input_tokens=1)
            for name in rows
        ]
    )
    reader.add(
        "sessions",
        (
            {"archive_id": ARCHIVE, "session_id": name, "project": name, "agent": "claude"} | row
            for name, row in rows.items()
        ),
    )


# --- what the texts say --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("all", ()),
        ("bogus", ()),
        ("active,bogus", ("active",)),
        (" clean , awaiting_user", ("clean", "awaiting_user")),
        ("all,stale", ("stale",)),
        ("Active", ()),
    ],
)
def test_words_of_endings(text: str, words: tuple[str, ...]) -> None:
    assert UsageFilters(termination=text).terminations == words


def test_pairs_of_branches() -> None:
    assert branches("a\x1fmain\x1eb\x1f\x1ealone\x1ec\x1fd\x1fe") == [
        ("a", "main"),
        ("b", ""),
        ("c", "d\x1fe"),
    ]


@pytest.mark.parametrize(
    ("filters", "keeps"),
    [
        ({}, True),
        ({"include_automated": True}, True),
        ({"model": "x", "exclude_model": "y"}, True),
        ({"agent": "claude, cursor "}, True),
        ({"agent": "claude"}, False),
        ({"exclude_agent": " cursor"}, False),
        ({"exclude_agent": "claude"}, True),
        ({"termination": "bogus"}, True),
        ({"termination": "clean"}, False),
        ({"project": ","}, False),
        ({"exclude_project": "x"}, False),
        ({"machine": "x"}, False),
        ({"git_branch": "x"}, False),
        ({"active_since": NOON}, False),
        ({"min_user_messages": 1}, False),
        ({"include_one_shot": False}, False),
    ],
)
def test_usage_without_a_session_passes_where_nothing_is_asked_of_sessions(
    filters: dict[str, Any], *, keeps: bool
) -> None:
    assert UsageFilters(**filters).keeps_cursor_events is keeps


# --- which rows pass -----------------------------------------------------------------------------


def test_parts_of_lists_are_exact(reader: SmallWarehouse) -> None:
    fill(reader, a={}, b={}, c={})
    assert sessions(reader, project="a,b") == {"a", "b"}
    assert sessions(reader, project="a, b") == {"a"}
    assert sessions(reader, project=",") == set()
    assert sessions(reader, exclude_project="a,nowhere") == {"b", "c"}
    assert sessions(reader, model="Model") == set()


def test_a_user_s_messages_and_automation(reader: SmallWarehouse) -> None:
    fill(
        reader,
        once={"user_message_count": 1},
        twice={"user_message_count": 2},
        robot={"user_message_count": 1, "is_automated": True},
    )
    assert sessions(reader, include_automated=False) == {"once", "twice"}
    assert sessions(reader, include_one_shot=False) == {"twice", "robot"}
    assert sessions(reader, include_one_shot=False, include_automated=False) == {"twice"}
    assert sessions(reader, min_user_messages=2) == {"twice"}


def test_a_session_whose_row_was_left_out_is_no_automated_one(reader: SmallWarehouse) -> None:
    reader.add_usage([Usage("r", NOON, "model", session_id="unknown", project="unknown")])
    assert sessions(reader, include_automated=False) == {"unknown"}
    assert sessions(reader, min_user_messages=1) == set()


def test_branches_are_of_a_project(reader: SmallWarehouse) -> None:
    fill(reader, a={"git_branch": "main"}, b={"git_branch": "main"}, c={})
    assert sessions(reader, git_branch="a\x1fmain") == {"a"}
    assert sessions(reader, git_branch="a\x1fmain\x1ec\x1f") == {"a", "c"}
    assert sessions(reader, git_branch="main") == set()


def test_the_last_time_is_compared_as_text(reader: SmallWarehouse) -> None:
    fill(
        reader,
        ended={"ended_at_text": "2026-07-01T16:34:49.41Z", "started_at_text": "2026"},
        started={"ended_at_text": "", "started_at_text": "2026-07-01T10:00:00Z"},
        made={"created_at_text": "2026-07-01T09:00:00.000Z"},
    )
    assert sessions(reader, active_since="2026-07-01T16:34:49.4Z") == set()
    assert sessions(reader, active_since="2026-07-01T16:34:49.4") == {"ended"}
    assert sessions(reader, active_since="2026-07-01T09:30") == {"ended", "started"}
    assert sessions(reader, active_since="2026-07-01T1:00:00Z") == set()


def test_endings_by_whole_seconds_before_now(reader: SmallWarehouse) -> None:
    def ago(seconds: float) -> dict[str, Any]:
        moment = NOW - dt.timedelta(seconds=seconds)
        return {"own_activity_julian": julian_day(f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z")}

    flagged = {"termination_status": "truncated"}
    fill(
        reader,
        active=ago(599) | flagged,
        edge=ago(600) | flagged,
        edge_with_fraction=ago(599.5) | flagged,
        stale=ago(3599) | flagged,
        unclean=ago(3600) | flagged,
        clean=ago(3600) | {"termination_status": "clean"},
        never=flagged,
    )
    assert sessions(reader, termination="active") == {"active"}
    assert sessions(reader, termination="stale") == {"edge", "edge_with_fraction", "stale"}
    assert sessions(reader, termination="unclean,clean") == {"unclean", "clean"}
    assert sessions(reader, termination="awaiting_user") == set()


def test_what_nobody_was_there_for_is_automated(reader: SmallWarehouse) -> None:
    reader.add_usage(
        [
            Usage(name, NOON, name, session_id="", agent="cursor", project="", input_tokens=1,
                  row_kind="cursor_event", source="cursor")
            for name in ("attended", "headless", "unknown")
        ]
    )  # fmt: skip
    for name, value in (("attended", "FALSE"), ("headless", "TRUE")):
        reader.connection.execute(
            f"UPDATE usage_rows SET is_headless = {value} WHERE model = '{name}'"
        )
    found = summary(reader, include_automated=False)
    assert {entry["model"] for entry in found["modelTotals"]} == {"attended", "unknown"}
    assert len(summary(reader)["modelTotals"]) == 3


def test_without_filters_it_is_the_command_line_s_document(reader: SmallWarehouse) -> None:
    fill(reader, a={}, robot={"is_automated": True})
    daily = usage_daily(reader, window=OPEN, zone=UTC, breakdown=True)
    found = summary(reader)
    assert {key: found[key] for key in daily} == daily
    assert UsageFilters(include_automated=True) == EVERYTHING


# --- the sessions that cost most -----------------------------------------------------------------


def test_of_copies_of_a_session_the_one_that_counts_tells_its_name(reader: SmallWarehouse) -> None:
    for archive, tokens in (("a", 1), ("b", 2)):
        reader.add_usage([Usage(f"s#m{tokens}", NOON, "m", "s", input_tokens=tokens)], archive)
        reader.add(
            "sessions", [{"archive_id": archive, "session_id": "s", "title": f"of {archive}"}]
        )
        reader.add(
            "session_copies",
            [{"archive_id": archive, "session_id": "s", "canonical_archive_id": "b"}],
        )
    [found] = top_sessions(reader, window=OPEN, zone=UTC, filters=EVERYTHING, now=NOW)
    assert (found["displayName"], found["totalTokens"]) == ("of b", 3)


def test_sessions_of_chance_with_one_id_are_two(reader: SmallWarehouse) -> None:
    for archive in ("a", "b"):
        reader.add_usage([Usage("s#m0", NOON, "m", "s", input_tokens=1)], archive)
        reader.add("sessions", [{"archive_id": archive, "session_id": "s", "title": archive}])
    found = top_sessions(reader, window=OPEN, zone=UTC, filters=EVERYTHING, now=NOW)
    assert [entry["displayName"] for entry in found] == ["a", "b"]


def test_equal_costs_come_by_id_and_no_more_than_were_asked_for(reader: SmallWarehouse) -> None:
    fill(reader, **{f"s{number:02d}": {"title": "t"} for number in range(25)})
    asked = {"window": OPEN, "zone": UTC, "filters": EVERYTHING, "now": NOW}
    assert len(top_sessions(reader, **asked)) == 20
    found = top_sessions(reader, **asked, limit=2)
    assert [entry["sessionId"] for entry in found] == ["s00", "s01"]


# --- comparisons ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "prior"),
    [
        (("2026-07-01", "2026-07-01"), ("2026-06-30", "2026-06-30")),
        (("2026-03-01", "2026-03-31"), ("2026-01-29", "2026-02-28")),
        (("0001-01-01", "0001-01-02"), ("0000-12-30", "0000-12-31")),
    ],
)
def test_the_window_before(window: tuple[str, str], prior: tuple[str, str]) -> None:
    assert prior_window(Window(*window)) == prior


def test_an_open_window_has_none_before(reader: SmallWarehouse) -> None:
    for window in (OPEN, Window("2026-07-01", None), Window(None, "2026-07-01")):
        with pytest.raises(UsageError, match="requires from and to when no_default_range is true"):
            usage_comparison(
                reader, window=window, zone=UTC, filters=EVERYTHING, current_cost=1.0, now=NOW
            )


def test_without_a_prior_cost_there_is_no_change(reader: SmallWarehouse) -> None:
    found = usage_comparison(
        reader,
        window=Window("2026-07-02", "2026-07-03"),
        zone=UTC,
        filters=EVERYTHING,
        current_cost=5.0,
        now=NOW,
    )
    assert found == {
        "priorFrom": "2026-06-30",
        "priorTo": "2026-07-01",
        "priorTotalCost": 0.0,
        "deltaPct": 0.0,
    }


@pytest.mark.parametrize(
    ("asked", "value", "narrowed"),
    [
        ("", " a,b", " a,b"),
        ("a, b", "b ", "b"),
        ("a,b", "c", None),
        (",", "a", None),
        ("b,a", "a,b", "b,a"),
    ],
)
def test_a_side_is_among_what_is_asked_for_anyway(
    asked: str, value: str, narrowed: str | None
) -> None:
    for dimension in ("model", "project"):
        found = narrowed_filters(UsageFilters(**{dimension: asked}), "left", dimension, value)
        assert (found and getattr(found, dimension)) == narrowed


@pytest.mark.parametrize("side", ["left", "right"])
def test_sides_are_models_or_projects(reader: SmallWarehouse, side: str) -> None:
    sides = {"left": ("model", "m"), "right": ("project", "p")} | {side: ("Model", "m")}
    with pytest.raises(UsageError, match=f"^{side}_dimension must be model or project$"):
        pairwise_comparison(reader, window=OPEN, zone=UTC, filters=EVERYTHING, now=NOW, **sides)


def test_a_side_without_sessions_has_no_shares(reader: SmallWarehouse) -> None:
    fill(reader, a={}, b={})
    found = pairwise_comparison(
        reader,
        window=OPEN,
        zone=UTC,
        filters=EVERYTHING,
        left=("model", "model"),
        right=("project", "nowhere"),
        now=NOW,
    )
    assert (found["left"]["sessionCount"], found["left"]["tokensPerSession"]) == (2, 1)
    assert "tokensPerSession" not in found["right"]
    assert found["deltas"]["totalTokensDelta"] == -2
    assert found["deltas"]["totalTokensDeltaRatio"] == -1
    assert found["deltas"]["totalCostDeltaRatio"] is None
    assert found["deltas"]["tokensPerSessionDelta"] is None


# --- windows and zones ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        (("", "", False), ("2026-06-10", "2026-07-10")),
        (("2026-07-01", "", False), ("2026-07-01", "2026-07-10")),
        (("", "2026-03-31", False), ("2026-03-01", "2026-03-31")),
        (("", "", True), (None, None)),
        (("2026-07-01", "", True), ("2026-07-01", None)),
        (("2026-07-01", "2026-07-01", True), ("2026-07-01", "2026-07-01")),
    ],
)
def test_windows(asked: tuple[str, str, bool], window: tuple[str | None, str | None]) -> None:
    assert http_window(*asked, NOW) == window


@pytest.mark.parametrize("asked", [("2099-01-01", "", False), ("2026-07-02", "2026-07-01", True)])
def test_inverted_windows(asked: tuple[str, str, bool]) -> None:
    with pytest.raises(UsageError, match=r"^from must not be after to$"):
        http_window(*asked, NOW)


def test_zones() -> None:
    assert http_zone("").name == "UTC"
    assert http_zone("Asia/Tokyo").name == "Asia/Tokyo"
    assert http_zone("Local", {"TZ": "Asia/Tokyo"}).name == "Asia/Tokyo"
    for name in ("utc", "Nope/Zone", "..", "/etc", "UTC "):
        with pytest.raises(UsageError, match=f"^invalid timezone: {name}$"):
            http_zone(name)


def test_whole_seconds_as_julian_days() -> None:
    assert julian_of_epoch(1_782_864_000) == julian_day("2026-07-01T00:00:00Z")


# --- agents that record no tokens ----------------------------------------------------------------

_ZERO = {"inputTokens": 0, "outputTokens": 0, "cacheCreationTokens": 0, "cacheReadTokens": 0}


@pytest.mark.parametrize(
    ("agents", "totals", "kind"),
    [
        (("copilot", "visualstudio-copilot"), {}, "copilot-no-token-data"),
        (("copilot", "zcode"), {}, "no-token-data"),
        (("windsurf",), {}, "no-token-data"),
        ((), {}, None),
        (("copilot", "claude"), {}, None),
        (("copilot",), {"cacheReadTokens": 1}, None),
        (("copilot",), {"totalCost": 0.5}, None),
    ],
)
def test_what_zeros_stand_for(
    agents: tuple[str, ...], totals: dict[str, Any], kind: str | None
) -> None:
    assert missing_tokens(agents, {**_ZERO, "totalCost": 0.0, **totals}) == kind


@pytest.mark.parametrize(
    ("window", "zone", "text", "holds"),
    [
        ((None, None), "UTC", None, True),
        (("2026-07-01", None), "UTC", None, False),
        (("2026-07-01", "2026-07-01"), "UTC", "2026-07-01T23:59:59Z", True),
        (("2026-07-01", "2026-07-01"), "UTC", "2026-07-02T00:00:00Z", False),
        (("2026-07-02", None), "Asia/Tokyo", "2026-07-01T15:00:00Z", True),
        ((None, "2026-07-01"), "UTC", "", False),
        (("2026-07-01", None), "UTC", "garbage-timestamp", True),
        ((None, "2026-07-01"), "UTC", "garbage-timestamp", False),
        (("2026-07-01", None), "Pacific/Kiritimati", "2026-06-30T10:00:00.5Z", False),
        (("2026-07-01", None), "Pacific/Kiritimati", "2026-06-30T10:00:00Z", True),
    ],
)
def test_time_texts_in_a_window(
    window: tuple[str | None, str | None], zone: str, text: str | None, *, holds: bool
) -> None:
    assert UsageScope("a", Window(*window), load_zone(zone)).holds(text) is holds


def test_answers_of_agents_without_tokens(reader: SmallWarehouse) -> None:
    fill(reader, other={})
    times = '[{"model":"m","times":["2026-07-01T12:00:00Z",null]}]'
    row = {"archive_id": ARCHIVE, "session_id": "s", "agent": "copilot", "answer_times": times}
    reader.add("sessions", [row, {**row, "session_id": "gone", "deleted_at_text": ""}])
    day, later = Window("2026-07-01", "2026-07-01"), Window("2026-07-02", None)
    kind = {"kind": "copilot-no-token-data"}
    assert summary(reader, day, agent="copilot")["unsupportedUsage"] == kind
    assert summary(reader, agent="copilot, zcode")["unsupportedUsage"]["kind"] == "no-token-data"
    for filters in (
        {"agent": "copilot", "window": later},
        {"agent": "copilot", "model": "other"},
        {"agent": "copilot", "exclude_model": "m"},
        {"agent": "copilot", "min_user_messages": 1},
        {"agent": "zcode"},
        {},
    ):
        assert "unsupportedUsage" not in summary(reader, **filters)
