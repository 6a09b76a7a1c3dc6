"""The activity report from a real archive: the contract's fixture and its tables of cases.

The golden file is what agentsview 0.37.5 prints for the same archive.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.busy_archive import activity_golden
from tests.support.in_process import Desk
from tests.support.odd_archives.workbench import Workbench

if TYPE_CHECKING:
    from tests.support.in_process import Finished

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("activity report")

GOLDEN = Path(__file__).parent / "golden" / "activity_report.json"
GOLDEN_RANGE = (
    *("--preset", "custom", "--bucket", "1h", "--timezone", "UTC", "--offline"),
    *("--from", "2026-07-03T10:00:00Z", "--to", "2026-07-03T13:00:00Z"),
)
DAY = "2026-06-16"
NEXT, BEFORE = "2026-06-17", "2026-06-15"
_EMPTIED = (
    *("sessions", "messages", "usage_events", "model_pricing", "project_identity_observations"),
    *("worktree_project_mappings", "cursor_usage_events"),
)
A, U = "assistant", "user"

Message = tuple[str, str, str]
"""Time of day or whole text, role and model."""

# Messages of one session -> agent minutes, minutes by model, most at once.
ACTIVITY: dict[str, tuple[list[Message], float | None, dict[str, float], int]] = {
    "the first message's model is never used": (
        [("10:00:00", A, "m1"), ("10:01:00", U, ""), ("10:02:00", A, "m2")],
        2.0,
        {"m2": 1.0},
        1,
    ),
    "a pair without time between does not set the model": (
        [("10:00:00", U, ""), ("10:01:00", A, "m1"), ("10:01:00", A, "m2"), ("10:02:00", U, "")],
        2.0,
        {"m1": 2.0},
        1,
    ),
    "an unreadable time is a hole": (
        [("10:00:00", U, ""), ("garbage", U, ""), ("10:02:00", A, "m1")],
        None,
        {},
        0,
    ),
    "an empty time is bridged": (
        [("10:00:00", U, ""), ("", U, ""), ("10:02:00", A, "m1")],
        2.0,
        {"m1": 2.0},
        1,
    ),
    "a long gap counts five minutes": (
        [("10:00:00", U, ""), ("10:40:00", A, "m1")],
        5.0,
        {"m1": 5.0},
        1,
    ),
    "a session may overlap itself": (
        [("10:00:00", U, ""), ("10:05:00", A, "m"), ("10:01:00", U, ""), ("10:06:00", A, "m")],
        10.0,
        {"m": 10.0},
        2,
    ),
    "an artificial model is a model": (
        [("10:00:00", U, ""), ("10:01:00", A, "<synthetic>")],
        1.0,
        {"<synthetic>": 1.0},
        1,
    ),
    "five minutes end before midnight": (
        [(f"{BEFORE}T23:50:00Z", U, ""), ("00:10:00", A, "m")],
        None,
        {},
        0,
    ),
    "the part within the day counts": (
        [(f"{BEFORE}T23:58:00Z", U, ""), ("00:10:00", A, "m")],
        3.0,
        {"m": 3.0},
        1,
    ),
}

# Columns of a session -> whether it is in the report of the day.
CANDIDATES: dict[str, tuple[dict[str, Any], list[str], bool]] = {
    "ended as the day starts": ({"ended_at": f"{DAY}T00:00:00Z"}, [], True),
    "started as the next day starts": (
        {"started_at": f"{NEXT}T00:00:00Z", "ended_at": f"{NEXT}T01:00:00Z"},
        [],
        False,
    ),
    "ended before, with messages after": (
        {"started_at": f"{BEFORE}T09:00:00Z", "ended_at": f"{BEFORE}T10:00:00Z"},
        [f"{DAY}T09:00:00Z"],
        False,
    ),
    "no end, a message on the day": (
        {"started_at": f"{BEFORE}T09:00:00Z", "ended_at": None},
        [f"{DAY}T09:00:00Z"],
        True,
    ),
    "no end, the latest message before": (
        {"started_at": f"{DAY}T09:00:00Z", "ended_at": None},
        [f"{BEFORE}T09:00:00Z"],
        False,
    ),
    "created on the day, neither start nor end": (
        {"started_at": None, "ended_at": "", "created_at": f"{DAY}T09:00:00Z"},
        [],
        True,
    ),
    "the text is of the next day": (
        {"started_at": f"{NEXT}T01:00:00+02:00", "ended_at": f"{NEXT}T02:00:00+02:00"},
        [],
        False,
    ),
    "only the text is of the day": (
        {"started_at": f"{DAY}T01:00:00+02:00", "ended_at": f"{DAY}T01:30:00+02:00"},
        [],
        True,
    ),
    "a start without a time of day": (
        {"started_at": NEXT, "ended_at": f"{NEXT}T09:00:00Z"},
        [],
        True,
    ),
    "no start, an empty creation time": (
        {"started_at": None, "ended_at": f"{NEXT}T09:00:00Z", "created_at": ""},
        [],
        True,
    ),
    "without messages": ({"message_count": 0}, [], False),
    "in the trash": ({"deleted_at": f"{DAY}T10:00:00Z"}, [], False),
}

TITLES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"display_name": "  ", "session_name": "s", "first_message": "f"}, "  "),
    ({"display_name": "", "session_name": "s", "first_message": "f"}, "s"),
    ({"first_message": "two\nlines <&>"}, "two\nlines <&>"),
    ({}, "titles"),
)


def _fill(bench: Workbench) -> None:
    day = {"started_at": f"{DAY}T00:00:00Z", "ended_at": f"{DAY}T23:00:00Z"}
    for name, (messages, *_) in ACTIVITY.items():
        bench.session(name, name, **day)
        for clock, role, model in messages:
            text = f"{DAY}T{clock}Z" if clock[2:3] == ":" else clock
            bench.message(name, usage="", role=role, model=model, timestamp=text)
    for name, (columns, times, _) in CANDIDATES.items():
        bench.session(name, name, **{**day, **columns})
        for text in times:
            bench.message(name, usage="", timestamp=text)
    for number, (columns, _) in enumerate(TITLES):
        bench.session(f"title {number}", "titles", **day, **columns)
    _fill_usage(bench, day)


def _fill_usage(bench: Workbench, day: dict[str, str]) -> None:
    shared = {"claude_message_id": "m", "claude_request_id": "r"}
    # The later text is the earlier instant, and that one counts here.
    for session, project, clock, tokens in (
        ("first", "repeats", "10:00:00.5Z", 5),
        ("second", "repeats", "10:00:00Z", 9),
        ("elsewhere", "other", "09:00:00Z", 70),
    ):
        bench.session(session, project, **day)
        bench.message(
            session, usage={"output_tokens": tokens}, timestamp=f"{DAY}T{clock}", **shared
        )
    bench.session("models", "models", **day)
    for clock, model in (("10:00:00", "spoken"), ("10:01:00", "spoken")):
        bench.message("models", usage="", timestamp=f"{DAY}T{clock}Z", model=model)
    bench.event("models", model="billed", cost_usd=1.0, occurred_at=f"{DAY}T10:00:00Z")
    bench.session("only billed", "only billed", **day)
    for model, cost in (("cheap", 1.0), ("dear", 3.0), ("unknown", 9.0), ("cheap", 0.5)):
        bench.event("only billed", model=model, cost_usd=cost, occurred_at=f"{DAY}T10:00:00Z")
    bench.session("cancelled", "cancelled", **day)
    for cost in (2.0, -2.0):
        bench.event("cancelled", cost_usd=cost, occurred_at=f"{DAY}T10:00:00Z")
    bench.cursor(occurred_at=f"{DAY}T10:00:00Z")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk.with_sample(tmp_path_factory.mktemp("activity")).starting("2026-06-10")
    bench = Workbench(made.archive)
    with closing(bench.database) as database:
        for table in _EMPTIED:
            database.execute(f"DELETE FROM {table}")
        activity_golden(bench)
        _fill(bench)
    made.materialize()
    return made


def report(desk: Desk, *arguments: str) -> Finished:
    return desk.run("activity", "report", *arguments)


def of_day(desk: Desk, project: str) -> dict[str, Any]:
    found: dict[str, Any] = report(
        *(desk, "--json", "--date", DAY, "--timezone", "UTC", "--project", project)
    ).json
    return found


def test_the_fixture_is_the_golden_document(desk: Desk) -> None:
    done = report(desk, "--json", "--as-of", "2026-07-04T00:00:00Z", *GOLDEN_RANGE)
    assert (done.code, done.err) == (0, "")
    assert done.out == GOLDEN.read_text(encoding="utf-8")


def test_the_fixture_at_noon_is_partial(desk: Desk) -> None:
    found = report(desk, "--json", "--as-of", "2026-07-03T11:02:00.5Z", *GOLDEN_RANGE).json
    assert found["partial"] is True
    assert found["as_of"] == found["effective_end"] == "2026-07-03T11:02:00Z"
    assert (found["bucket_count"], found["elapsed_bucket_count"]) == (3, 2)
    assert found["totals"]["sessions"] == 2
    assert found["totals"]["agent_minutes"] == pytest.approx(5 + 0.5 / 60)
    assert found["totals"]["idle_minutes"] == pytest.approx(57)
    assert found["intervals"][-1]["end"] == "2026-07-03T11:02:00Z"


def test_what_starts_later_today_is_counted_but_untimed(desk: Desk) -> None:
    found = report(desk, "--json", "--as-of", "2026-07-03T09:00:00Z", *GOLDEN_RANGE).json
    assert found["as_of"] == "2026-07-03T10:00:00Z"
    assert found["elapsed_bucket_count"] == 0
    totals = found["totals"]
    assert (totals["sessions"], totals["untimed_sessions"], totals["idle_minutes"]) == (2, 2, 0)
    assert (found["intervals"], found["by_project"], totals["cost"]) == ([], [], 0)


@pytest.mark.parametrize("name", ACTIVITY)
def test_spans_of_messages(desk: Desk, name: str) -> None:
    _, minutes, by_model, most = ACTIVITY[name]
    found = of_day(desk, name)
    assert found["by_session"][0]["agent_minutes"] == minutes
    assert {row["key"]: row["agent_minutes"] for row in found["by_model"]} == by_model
    assert found["peak"]["agents"] == most
    assert found["by_session"][0]["timing_quality"] == ("timed" if minutes else "untimed")


@pytest.mark.parametrize("name", CANDIDATES)
def test_sessions_of_a_day(desk: Desk, name: str) -> None:
    assert of_day(desk, name)["totals"]["sessions"] == int(CANDIDATES[name][-1])


def test_titles_are_the_first_name_that_is_not_empty(desk: Desk) -> None:
    found = of_day(desk, "titles")["by_session"]
    assert [row["title"] for row in found] == [title for _, title in TITLES]


def test_of_repeats_the_earliest_of_the_chosen_sessions_counts(desk: Desk) -> None:
    found = of_day(desk, "repeats")
    assert {row["session_id"]: row["output_tokens"] for row in found["by_session"]} == {
        "first": 0,
        "second": 9,
    }
    every = report(desk, "--json", "--date", DAY, "--timezone", "UTC").json["by_session"]
    tokens = {row["session_id"]: row["output_tokens"] for row in every}
    assert [tokens[name] for name in ("first", "second", "elsewhere")] == [0, 0, 70]


def test_a_timed_session_lists_the_models_of_its_spans_only(desk: Desk) -> None:
    found = of_day(desk, "models")
    (row,) = found["by_session"]
    assert (row["primary_model"], row["models"]) == ("spoken", ["spoken"])
    assert [entry["key"] for entry in found["by_model"]] == ["spoken", "billed"]
    assert found["totals"]["distinct_models"] == 1
    assert list(found["pricing"]["models"]) == ["billed"]


def test_an_untimed_session_lists_the_models_that_it_paid_for(desk: Desk) -> None:
    found = of_day(desk, "only billed")
    (row,) = found["by_session"]
    assert (row["primary_model"], row["models"]) == ("dear", ["cheap", "dear"])
    assert [row["agent_minutes"], row["first_active"], row["last_active"]] == [None] * 3
    assert found["totals"]["cost"] == 13.5
    assert {entry["key"]: entry["cost"] for entry in found["by_model"]} == {
        "cheap": 1.5,
        "dear": 3.0,
    }


def test_costs_that_cancel_out_leave_no_row(desk: Desk) -> None:
    found = of_day(desk, "cancelled")
    assert (found["by_project"], found["by_agent"], found["by_model"]) == ([], [], [])
    assert found["by_session"][0]["models"] == ["gpt-5.5"]


def test_an_empty_report_is_complete(desk: Desk) -> None:
    found = of_day(desk, "nowhere")
    assert found["projects"] == {}
    assert found["pricing"]["models"] == {}
    assert found["peak"] == {"agents": 0, "at": None}
    assert (found["totals"]["idle_minutes"], len(found["buckets"])) == (1440, 288)
    assert [found[key] for key in ("by_project", "by_session", "intervals")] == [[], [], []]


def test_the_report_for_people(desk: Desk) -> None:
    done = report(
        *(desk, "--as-of", "2026-07-03T12:00:00Z", "--preset", "day", "--date", "2026-07-03"),
        *("--timezone", "America/New_York"),
    )
    assert done.out == (
        "Activity 2026-07-03 to 2026-07-04 (America/New_York, minute buckets)\n"
        "Partial range, data as of 2026-07-03 08:00\n"
        "\n"
        "Active minutes     6.0\n"
        "Idle minutes       474.0\n"
        "Agent minutes      6.0\n"
        "Sessions           2 (0 untimed)\n"
        "Distinct projects  2\n"
        "Distinct models    2\n"
        "Output tokens      300\n"
        "Cost               $0.02\n"
        "\n"
        "Peak concurrency: 1 agents at 2026-07-03 06:00\n"
        "\n"
        "By project (top 5):\n"
        "  path-project    3.0 min\n"
        "  remote-project  3.0 min\n"
        "\n"
        "By model (top 5):\n"
        "  fixture-model-computed  3.0 min\n"
        "  fixture-model-reported  3.0 min\n"
        "\n"
        "By agent (top 5):\n"
        "  claude  3.0 min\n"
        "  codex   3.0 min\n"
        "\n"
        "Top sessions (top 5):\n"
        "  TITLE           PROJECT         AGENT   MINUTES  COST\n"
        "  path-project    path-project    claude  3.0      $0.01\n"
        "  remote-project  remote-project  codex   3.0      <$0.01\n"
    )


def test_an_empty_report_for_people(desk: Desk) -> None:
    done = report(desk, "--date", DAY, "--timezone", "UTC", "--project", "nowhere")
    assert "\nPeak concurrency: 0 agents at —\n\nBy project (top 5):\n  (none)\n\n" in done.out
    assert done.out.endswith("\nTop sessions (top 5):\n  (none)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--timezone", "utc", "--date", "junk"), "error: invalid timezone: utc\n"),
        (("--date", "junk", "--preset", "year"), "error: invalid date: junk\n"),
        (("--as-of", "now"), "error: invalid as-of: now\n"),
        (
            ("--format", "xml"),
            'fatal: invalid argument "xml" for "--format" flag: must be human or json\n',
        ),
        (("extra",), 'fatal: unknown command "extra" for "agentsview activity report"\n'),
    ],
)
def test_mistakes(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    done = report(desk, *arguments)
    assert (done.code, done.out, done.err) == (1, "", message)


def test_the_group_alone_prints_its_help(desk: Desk) -> None:
    done = desk.run("activity")
    assert done.code == 0
    assert "report" in done.out


def test_the_status_line(desk: Desk) -> None:
    assert desk.run("usage", "statusline").out == "$0.00 today\n"
    assert desk.run("usage", "statusline", "--agent", "nope").out == "$0.00 today (nope)\n"
    assert desk.run("usage", "statusline", "--json").err == "fatal: unknown flag: --json\n"
