"""The `usage daily` document: the worked example, single rules, and a naive second opinion."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsview_assets.documents.common.window import Window, load_zone, prefilter_bounds
from agentsview_assets.documents.usage.daily import usage_daily
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.archives.price_tables import embedded_table
from agentsview_assets.rules.timestamps import local_date
from tests.support.usage_warehouse import (
    ARCHIVE,
    SmallWarehouse,
    Usage,
    empty_warehouse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OPEN = Window(None, None)
GOLDEN_WINDOW = Window("2026-07-01", "2026-07-02")


@pytest.fixture(params=["duckdb", "sqlite"])
def reader(request: pytest.FixtureRequest) -> Iterator[SmallWarehouse]:
    with empty_warehouse(request.param) as opened:
        yield opened


def report(reader: SmallWarehouse, window: Window = OPEN, zone: str = "UTC", **options: Any) -> Any:
    return usage_daily(reader, window=window, zone=load_zone(zone), **options)


def tokens(
    uncached: int = 0, output: int = 0, cache_creation: int = 0, cache_read: int = 0
) -> dict[str, int]:
    return {
        "inputTokens": uncached,
        "outputTokens": output,
        "cacheCreationTokens": cache_creation,
        "cacheReadTokens": cache_read,
    }


def close(cost: float) -> Any:
    return pytest.approx(cost, rel=1e-9)


# --- the contract's worked example ---------------------------------------------------------------

GOLDEN_ROWS = [
    Usage(
        "m1",
        "2026-07-01T10:00:00Z",
        "claude-opus-4-6",
        input_tokens=1000,
        output_tokens=200,
        cache_creation_tokens=400,
        cache_read_tokens=5000,
        dedup_key="claude:m1:r1",
    ),
    Usage(
        "m2",
        "2026-07-01T23:30:00Z",
        "claude-sonnet-4.5",
        ordinal=1,
        input_tokens=10,
        reasoning_tokens=100,
        dedup_key="claude:m2:r2",
    ),
    Usage(
        "m3",
        "2026-07-02T10:00:00Z",
        "claude-opus-4-6",
        session_id="s3",
        input_tokens=1000,
        output_tokens=200,
        cache_creation_tokens=400,
        cache_read_tokens=5000,
        dedup_key="claude:m1:r1",
    ),
    Usage(
        "m4",
        "2026-07-02T09:00:00Z",
        "mystery-model",
        session_id="s3",
        ordinal=1,
        input_tokens=2_000_000,
        dedup_key="source:claude:u9",
    ),
    Usage(
        "e1",
        "2026-07-02T02:00:00Z",
        "gpt-5.5",
        session_id="s2",
        ordinal=None,
        project="beta",
        agent="copilot",
        row_kind="usage_event",
        source="session",
        input_tokens=3_000_000,
        output_tokens=10,
        cache_read_tokens=100,
        reported_cost_usd=0.07,
        dedup_key="usage:s2:session:k",
    ),
    Usage(
        "c1",
        "2026-07-02T12:00:00Z",
        "gpt-5.5",
        session_id="",
        ordinal=None,
        project="",
        agent="cursor",
        row_kind="cursor_event",
        source="cursor",
        input_tokens=5,
        output_tokens=6,
        cache_creation_tokens=7,
        cache_read_tokens=8,
        reported_cost_usd=0.125,
        dedup_key="usage:c1",
    ),
]
OPUS_TOKENS = tokens(1000, 200, 400, 5000)
ALPHA_KEY = "sha256:a4bcb5a3e1f586e1a30b1145e5681b23324bad2c33b8b442d7e775ab53bed000"


@pytest.fixture
def golden(reader: SmallWarehouse) -> SmallWarehouse:
    embedded = embedded_table()
    wanted = {"claude-opus-4-6", "claude-sonnet-4-5", "gpt-5.5"}
    rows = [row for row in embedded.rows if row[0] in wanted]
    reader.add_prices("embedded", rows, version=embedded.version)
    reader.add_usage(GOLDEN_ROWS)
    identity = {
        "archive_id": ARCHIVE,
        "project": "alpha",
        "resolution": "resolved",
        "key": ALPHA_KEY,
        "key_source": "git_remote",
        "normalized_remote": "github.com/Org/Repo",
        "root_path": None,
        "machine_local": False,
    }
    reader.add("project_identities", [identity])
    return reader


def test_the_worked_example(golden: SmallWarehouse) -> None:
    document = report(golden, GOLDEN_WINDOW, breakdown=True, offline=True)

    assert list(document) == [
        "schema_version",
        "pricing",
        "projects",
        "daily",
        "totals",
        "sessionCounts",
    ]
    assert document["schema_version"] == 1
    first, second = document["daily"]
    alpha = {**tokens(1010, 200, 400, 5000), "cost": close(0.01653)}
    assert first == {
        "date": "2026-07-01",
        **tokens(1010, 200, 400, 5000),
        "totalCost": close(0.01653),
        "modelsUsed": ["claude-opus-4-6", "claude-sonnet-4.5"],
        "modelBreakdowns": [
            {"modelName": "claude-opus-4-6", **OPUS_TOKENS, "cost": close(0.015)},
            {"modelName": "claude-sonnet-4.5", **tokens(10), "cost": close(0.00153)},
        ],
        "projectBreakdowns": [{"project": "alpha", **alpha}],
        "agentBreakdowns": [{"agent": "claude", **alpha}],
    }
    by_name = {
        "cursor": {**tokens(5, 6, 7, 8), "cost": close(0.125)},
        "copilot": {**tokens(3_000_000, 10, 0, 100), "cost": close(0.07)},
        "claude": {**tokens(2_000_000), "cost": 0},
    }
    assert second == {
        "date": "2026-07-02",
        **tokens(5_000_005, 16, 7, 108),
        "totalCost": close(0.195),
        "modelsUsed": ["gpt-5.5", "mystery-model"],
        "modelBreakdowns": [
            {"modelName": "gpt-5.5", **tokens(3_000_005, 16, 7, 108), "cost": close(0.195)},
            {"modelName": "mystery-model", **tokens(2_000_000), "cost": 0},
        ],
        "projectBreakdowns": [
            {"project": "", **by_name["cursor"]},
            {"project": "beta", **by_name["copilot"]},
            {"project": "alpha", **by_name["claude"]},
        ],
        "agentBreakdowns": [{"agent": name, **entry} for name, entry in by_name.items()],
    }
    assert document["totals"] == {
        **tokens(5_001_015, 216, 407, 5108),
        "totalCost": close(0.21153),
        "copilotAICredits": close(7),
        "cacheSavings": close(0.022521),
    }
    assert document["sessionCounts"] == {
        "total": 3,
        "byProject": {"alpha": 2, "beta": 1},
        "byAgent": {"claude": 2, "copilot": 1},
    }
    assert document["projects"] == {
        "alpha": {
            "resolution": "resolved",
            "identity": {
                "key": ALPHA_KEY,
                "key_source": "git_remote",
                "normalized_remote": "github.com/Org/Repo",
            },
        },
        "beta": {"resolution": "unknown", "identity": None},
    }
    pricing = document["pricing"]
    assert pricing["cost_source"] == "mixed"
    assert pricing["fallback"]["models"] == ["claude-opus-4-6", "claude-sonnet-4.5", "gpt-5.5"]
    assert {name: entry["cost_source"] for name, entry in pricing["models"].items()} == {
        "claude-opus-4-6": "computed",
        "claude-sonnet-4.5": "computed",
        "gpt-5.5": "reported",
        "mystery-model": "computed",
    }


def test_keys_come_in_the_order_of_the_contract(golden: SmallWarehouse) -> None:
    document = report(golden, GOLDEN_WINDOW, breakdown=True, offline=True)
    counters = list(tokens())
    day = document["daily"][0]
    breakdowns = ["modelBreakdowns", "projectBreakdowns", "agentBreakdowns"]
    assert list(day) == ["date", *counters, "totalCost", "modelsUsed", *breakdowns]
    names = ["modelName", "project", "agent"]
    assert [list(day[key][0]) for key in breakdowns] == [[n, *counters, "cost"] for n in names]
    totals = [*counters, "totalCost", "copilotAICredits", "cacheSavings"]
    assert list(document["totals"]) == totals
    assert list(document["sessionCounts"]) == ["total", "byProject", "byAgent"]
    assert list(document["projects"]["alpha"]) == ["resolution", "identity"]


def test_a_duplicate_counts_when_the_first_row_is_outside_the_window(
    golden: SmallWarehouse,
) -> None:
    document = report(golden, Window("2026-07-02", "2026-07-02"), offline=True)
    (day,) = document["daily"]
    opus = {"modelName": "claude-opus-4-6", **OPUS_TOKENS, "cost": close(0.015)}
    assert opus in day["modelBreakdowns"]
    assert day["totalCost"] == close(0.21)
    assert document["sessionCounts"]["total"] == 2
    assert document["sessionCounts"]["byProject"] == {"alpha": 1, "beta": 1}


def test_another_zone_moves_rows_between_days_but_not_the_totals(golden: SmallWarehouse) -> None:
    document = report(golden, GOLDEN_WINDOW, "Asia/Tokyo", offline=True)
    assert [day["inputTokens"] for day in document["daily"]] == [1000, 5_000_015]
    assert document["totals"]["totalCost"] == close(0.21153)


def test_without_breakdown_the_project_and_agent_lists_are_empty(golden: SmallWarehouse) -> None:
    document = report(golden, GOLDEN_WINDOW, offline=True)
    for day in document["daily"]:
        assert day["projectBreakdowns"] == day["agentBreakdowns"] == []
        assert day["modelsUsed"]
    assert document["totals"]["copilotAICredits"] == close(7)


# --- single rules --------------------------------------------------------------------------------


def test_an_empty_warehouse(reader: SmallWarehouse) -> None:
    document = report(reader)
    assert document["daily"] == []
    assert document["projects"] == document["pricing"]["models"] == {}
    assert document["pricing"]["cost_source"] == "computed"
    assert document["totals"] == {**tokens(), "totalCost": 0.0, "cacheSavings": 0.0}
    assert document["sessionCounts"] == {"total": 0, "byProject": {}, "byAgent": {}}


ODD_TEXTS = {
    None: "",
    "": "",
    "2026-07": "",
    "garbage-timestamp": "garbage-ti",
    "2026-07-01 02:00:00": "2026-07-01",
    "2026-13-01T02:00:00Z": "2026-13-01",
    "2026-7-1T02:00:00Z": "2026-7-1T0",
    "0001-01-01T00:00:00Z": "0000-12-31",
    "2200-07-01T02:00:00Z": "2200-06-30",
    "9999-12-31T23:59:59Z": "9999-12-31",
    "2026-07-01T02:00:00Z": "2026-06-30",
    "1969-12-31T12:00:00Z": "1969-12-31",
    "1970-01-01T12:00:00Z": "1970-01-01",
}


def test_every_time_text_has_its_day_when_the_window_is_open(reader: SmallWarehouse) -> None:
    reader.add_usage([Usage(f"r{i}", text, "m") for i, text in enumerate(ODD_TEXTS)])
    document = report(reader, zone="America/Los_Angeles")
    dates = [day["date"] for day in document["daily"]]
    assert dates == sorted(set(ODD_TEXTS.values()))


@pytest.mark.parametrize(
    ("text", "window", "kept"),
    [
        ("", Window("2026-06-01", None), False),
        ("", Window(None, "2026-08-01"), True),
        (None, Window(None, "2026-08-01"), False),
        (None, Window("2026-06-01", None), False),
        ("garbage-timestamp", Window("2026-06-01", None), True),
        ("garbage-timestamp", Window(None, "2026-08-01"), False),
        ("2026-07-01 02:00:00", Window("2026-07-01", "2026-07-01"), True),
        ("2026-07-01 02:00:00", Window("2026-07-02", "2026-07-02"), False),
    ],
)
def test_texts_that_are_no_times_at_the_window(
    reader: SmallWarehouse, text: str | None, window: Window, *, kept: bool
) -> None:
    reader.add_usage([Usage("r1", text, "m")])
    assert bool(report(reader, window)["daily"]) is kept


@pytest.mark.parametrize(
    ("text", "window", "zone", "kept"),
    [
        ("2026-06-30T10:00:00Z", Window("2026-07-01", None), "Pacific/Kiritimati", True),
        ("2026-06-30T10:00:00.5Z", Window("2026-07-01", None), "Pacific/Kiritimati", False),
        (
            "2026-07-02T20:00:00+14:00",
            Window("2026-07-01", "2026-07-01"),
            "America/Los_Angeles",
            False,
        ),
        ("2026-07-02T20:00:00+14:00", OPEN, "America/Los_Angeles", True),
    ],
)
def test_the_window_is_padded_by_text_before_dates_are_looked_at(
    reader: SmallWarehouse, text: str, window: Window, zone: str, *, kept: bool
) -> None:
    reader.add_usage([Usage("r1", text, "m")])
    assert bool(report(reader, window, zone)["daily"]) is kept


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        ("", {"claude": 1, "codex": 1, "cursor": 3}),
        ("claude", {"claude": 1}),
        ("claude,codex", {"claude": 1, "codex": 1}),
        ("claude, cursor", {"claude": 1, "cursor": 2}),
        ("cursor", {"cursor": 3}),
        ("Claude", {}),
        ("nope", {}),
        (",", {}),
    ],
)
def test_the_agent_filter(reader: SmallWarehouse, agents: str, expected: dict[str, int]) -> None:
    text = "2026-07-01T10:00:00Z"
    admin = {"row_kind": "cursor_event", "source": "cursor", "agent": "cursor"}
    reader.add_usage(
        [
            Usage("m1", text, "m", "s1", agent="claude", input_tokens=1),
            Usage("m2", text, "m", "s2", agent="codex", input_tokens=1),
            Usage("m3", text, "m", "s3", agent="cursor", input_tokens=1),
            Usage("c1", text, "m", "", project="", input_tokens=2, **admin),  # type: ignore[arg-type]
        ]
    )
    days = report(reader, agents=agents, breakdown=True)["daily"]
    found = {item["agent"]: item["inputTokens"] for day in days for item in day["agentBreakdowns"]}
    assert found == expected


def test_a_filter_changes_which_duplicate_counts(reader: SmallWarehouse) -> None:
    text, key = "2026-07-01T10:00:00Z", "claude:m:r"
    reader.add_usage(
        [
            Usage("m1", text, "m", "s1", agent="claude", input_tokens=1, dedup_key=key),
            Usage("m2", text, "m", "s2", agent="codex", input_tokens=2, dedup_key=key),
        ]
    )
    found = {
        name: report(reader, agents=name)["totals"]["inputTokens"]
        for name in ("", "claude", "codex")
    }
    assert found == {"": 1, "claude": 1, "codex": 2}


def test_events_whose_source_is_cursor_count_no_session_but_name_their_project(
    reader: SmallWarehouse,
) -> None:
    reader.add_usage(
        [Usage("e1", "2026-07-01T10:00:00Z", "m", row_kind="usage_event", source="cursor")]
    )
    document = report(reader)
    assert document["sessionCounts"] == {"total": 0, "byProject": {}, "byAgent": {}}
    assert list(document["projects"]) == ["alpha"]


@pytest.mark.parametrize(
    ("costs", "total"),
    [((math.inf, -math.inf), math.nan), ((math.inf, 1.0), math.inf), ((1.7e308,) * 2, math.inf)],
)
def test_reported_costs_that_have_no_sum(
    reader: SmallWarehouse, costs: tuple[float, ...], total: float
) -> None:
    reader.add_usage(
        [
            Usage(f"r{number}", "2026-07-01T10:00:00Z", "m", reported_cost_usd=cost)
            for number, cost in enumerate(costs)
        ]
    )
    assert report(reader)["totals"]["totalCost"] == pytest.approx(total, nan_ok=True)


def test_models_of_equal_cost_come_in_the_order_of_their_bytes(reader: SmallWarehouse) -> None:
    names = ["éé", "aa", "Zz", "cheap"]
    reader.add_usage([Usage(name, "2026-07-01T10:00:00Z", name) for name in names])
    reader.add_usage([Usage("r", "2026-07-01T10:00:00Z", "neg", reported_cost_usd=-1.0)])
    assert report(reader)["daily"][0]["modelsUsed"] == ["Zz", "aa", "cheap", "éé", "neg"]


def test_prices_of_the_archive_come_first_unless_offline(reader: SmallWarehouse) -> None:
    reader.add_prices("stored", [("m", 1.0, 0.0, 0.0, 0.0, "2026-07-01T00:00:00Z")])
    reader.add_prices("embedded", [("m", 2.0, 0.0, 0.0, 0.0, None)], version="v1")
    reader.add_usage([Usage("r1", "2026-07-01T10:00:00Z", "m", input_tokens=1_000_000)])
    assert report(reader)["totals"]["totalCost"] == 1.0
    assert report(reader, offline=True)["totals"]["totalCost"] == 2.0


def test_an_archive_without_prices_falls_back_to_the_embedded_ones(reader: SmallWarehouse) -> None:
    reader.add_prices("embedded", [("m", 2.0, 0.0, 0.0, 0.0, None)], version="v1")
    reader.add_prices("custom", [("n", 3.0, 0.0, 0.0, 0.0, None)])
    rows = [
        Usage(name, "2026-07-01T10:00:00Z", name, input_tokens=1_000_000) for name in ("m", "n")
    ]
    reader.add_usage(rows)
    document = report(reader)
    assert document["totals"]["totalCost"] == 5.0
    assert document["pricing"]["source"] == "custom+embedded"
    assert document["pricing"]["table_version"] == "v1"


def test_several_archives_are_reported_together_or_one_by_its_id(reader: SmallWarehouse) -> None:
    reader.add_usage([Usage("r1", "2026-07-01T10:00:00Z", "m", input_tokens=1)], "one")
    reader.add_usage([Usage("r1", "2026-07-01T10:00:00Z", "m", input_tokens=2)], "two")
    assert report(reader, archive_id="two")["totals"]["inputTokens"] == 2
    assert report(reader)["totals"]["inputTokens"] == 3
    with pytest.raises(WarehouseError, match="no archive three; it holds: one, two"):
        report(reader, archive_id="three")


# --- a second opinion ----------------------------------------------------------------------------

# Whole dollars a token keep every sum exact, so that the order of equal costs is never a toss-up.
RATES = {"m-a": (1e6, 2e6, 3e6, 5e5), "m-b": (2e6, 1e6, 0.0, 0.0)}


def survivors(
    rows: Sequence[Usage], window: Window, zone: str, agents: str
) -> list[tuple[str, Usage]]:
    """Rows that count, with their dates: one pass in row order, as the contract words it."""
    lower, upper = prefilter_bounds(window)
    since, until = window
    seen: set[str] = set()
    kept = []
    for row in sorted(rows, key=lambda row: row.order):
        names = agents.split(",")
        if row.row_kind == "cursor_event":
            passes = not agents or "cursor" in [name.strip() for name in names]
        else:
            passes = not agents or row.agent in names
        if window != OPEN:
            text = row.timestamp_text
            passes = passes and text is not None
            passes = passes and (lower is None or (text or "") >= lower)
            passes = passes and (upper is None or (text or "") <= upper)
        date = local_date(row.timestamp_text or "", load_zone(zone).tzinfo)
        if not passes or (since and date < since) or (until and date > until):
            continue
        if row.dedup_key is not None:
            if row.dedup_key in seen:
                continue
            seen.add(row.dedup_key)
        kept.append((date, row))
    return kept


def cost_of(row: Usage) -> float:
    if row.reported_cost_usd is not None:
        return row.reported_cost_usd
    uncached, output, write, read = RATES.get(row.model, (0.0, 0.0, 0.0, 0.0))
    return (
        row.input_tokens * uncached
        + row.billable_output_tokens * output
        + row.cache_creation_tokens * write
        + row.cache_read_tokens * read
    ) / 1e6


def savings_of(row: Usage) -> float:
    uncached, _, write, read = RATES.get(row.model, (0.0, 0.0, 0.0, 0.0))
    saved = row.cache_read_tokens * (uncached - read) / 1e6
    return saved + row.cache_creation_tokens * (uncached - write) / 1e6


def sums_by(rows: Sequence[tuple[str, Usage]], attribute: str) -> list[tuple[Any, ...]]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for _, row in rows:
        amounts = (
            row.input_tokens,
            row.output_tokens,
            row.cache_creation_tokens,
            row.cache_read_tokens,
            cost_of(row),
        )
        total = sums[getattr(row, attribute)]
        total[:] = [a + b for a, b in zip(total, amounts, strict=True)]
    items = sorted(sums.items(), key=lambda item: (-item[1][4], item[0].encode()))
    return [(name, *total) for name, total in items]


def naive(rows: Sequence[tuple[str, Usage]]) -> dict[str, Any]:
    """Return the parts of a document that rows decide, from every row one by one."""
    dates = sorted(
        {date for date, _ in rows}, key=lambda date: date.encode("utf-8", "surrogateescape")
    )
    daily = {}
    for date in dates:
        of_date = [item for item in rows if item[0] == date]
        daily[date] = {name: sums_by(of_date, name) for name in ("model", "project", "agent")}
    sessions = {row.session_id: row for _, row in rows if row.source != "cursor"}
    credit_agents = {"copilot", "vscode-copilot", "windsurf", "visualstudio-copilot"}
    return {
        "daily": daily,
        "credits": sum(cost_of(row) for _, row in rows if row.agent in credit_agents) / 0.01,
        "savings": sum(savings_of(row) for _, row in rows),
        "sessions": (
            len(sessions),
            {
                p: sum(r.project == p for r in sessions.values())
                for p in _labels(sessions, "project")
            },
            {a: sum(r.agent == a for r in sessions.values()) for a in _labels(sessions, "agent")},
        ),
        "projects": sorted({row.project for _, row in rows} - {""}),
        "models": {
            model: {row.reported_cost_usd is None for _, row in rows if row.model == model}
            for model in sorted({row.model for _, row in rows}, key=str.encode)
        },
    }


def _labels(sessions: dict[str, Usage], attribute: str) -> list[str]:
    return sorted({getattr(row, attribute) for row in sessions.values()})


def essence(document: Any) -> dict[str, Any]:
    """Return the same parts of a real document."""
    kinds = {"computed": {True}, "reported": {False}, "mixed": {True, False}}
    breakdowns = {
        "model": "modelBreakdowns",
        "project": "projectBreakdowns",
        "agent": "agentBreakdowns",
    }
    counts = document["sessionCounts"]
    return {
        "daily": {
            day["date"]: {
                name: [tuple(entry.values()) for entry in day[key]]
                for name, key in breakdowns.items()
            }
            for day in document["daily"]
        },
        "credits": pytest.approx(document["totals"].get("copilotAICredits", 0.0)),
        "savings": document["totals"]["cacheSavings"],
        "sessions": (counts["total"], counts["byProject"], counts["byAgent"]),
        "projects": list(document["projects"]),
        "models": {
            model: kinds[entry["cost_source"]]
            for model, entry in document["pricing"]["models"].items()
        },
    }


TEXTS = st.sampled_from(
    [
        *ODD_TEXTS,
        "2026-03-08T09:59:59Z",
        "2026-03-08T10:00:00Z",
        "2026-03-09T07:00:00Z",
        "2026-03-08T10:00:00.5Z",
        "2026-03-08T23:30:00-08:00",
        "2026-03-08T10:00:00+14:00",
        "2026-11-01T08:59:59.999Z",
        "2026-11-01T09:00:00Z",
        "2026-11-02T07:59:59Z",
        "2026-03-0é and more",
    ]
)
ENDS = st.sampled_from([None, "2026-03-07", "2026-03-08", "2026-03-09", "2026-11-01", "2026-11-02"])
COUNTS = st.integers(0, 3)
LABELS = {
    "s1": ("alpha", "claude"),
    "s2": ("alpha", "codex"),
    "s3": ("", "copilot"),
    "s4": ("béta", "cursor"),
}


@st.composite
def usage(draw: st.DrawFn) -> list[Usage]:
    rows = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["message", "message", "usage_event", "cursor_event"]))
        session = "" if kind == "cursor_event" else draw(st.sampled_from(sorted(LABELS)))
        project, agent = LABELS.get(session, ("", "cursor"))
        sources = {"message": ["message"], "cursor_event": ["cursor"]}
        rows.append(
            Usage(
                row_id=f"r{number:02d}",
                timestamp_text=draw(TEXTS),
                model=draw(st.sampled_from(["m-a", "m-b", "unknown"])),
                session_id=session,
                ordinal=None if kind == "cursor_event" else draw(st.none() | st.integers(-2, 2)),
                project=project,
                agent=agent,
                row_kind=kind,
                source=draw(st.sampled_from(sources.get(kind, ["session", "cursor"]))),
                input_tokens=draw(COUNTS),
                output_tokens=draw(COUNTS),
                cache_creation_tokens=draw(COUNTS),
                cache_read_tokens=draw(COUNTS),
                reasoning_tokens=draw(st.integers(-3, 3)),
                reported_cost_usd=draw(st.none() | st.sampled_from([0.0, 0.25, -1.5])),
                dedup_key=draw(st.none() | st.sampled_from(["k1", "k2", "k3"])),
            )
        )
    return rows


@settings(max_examples=150, deadline=None)
@given(
    rows=usage(),
    since=ENDS,
    until=ENDS,
    zone=st.sampled_from(["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"]),
    agents=st.sampled_from(["", "", "claude", "codex,copilot", "claude, cursor", "cursor"]),
    store=st.sampled_from(["duckdb", "sqlite"]),
)
def test_any_report_equals_one_made_row_by_row(
    *, rows: list[Usage], since: str | None, until: str | None, zone: str, agents: str, store: str
) -> None:
    window = Window(since, until)
    with empty_warehouse(store) as reader:
        reader.add_prices("embedded", [(name, *rates, None) for name, rates in RATES.items()])
        reader.add_usage(rows)
        document = report(
            reader,
            window,
            zone,
            agents=agents,
            breakdown=True,
            archive_id=ARCHIVE if rows else None,
        )
    expected = naive(survivors(rows, window, zone, agents))
    if expected["credits"] <= 0:
        assert "copilotAICredits" not in document["totals"]
        expected["credits"] = 0.0
    assert essence(document) == expected


@settings(max_examples=50, deadline=None)
@given(rows=usage(), zone=st.sampled_from(["UTC", "America/Los_Angeles"]))
def test_breaking_down_changes_nothing_else(rows: list[Usage], zone: str) -> None:
    with empty_warehouse("duckdb") as reader:
        reader.add_prices("embedded", [(name, *rates, None) for name, rates in RATES.items()])
        reader.add_usage(rows)
        plain, full = (report(reader, zone=zone, breakdown=flag) for flag in (False, True))
    for day in full["daily"]:
        day["projectBreakdowns"] = day["agentBreakdowns"] = []
    assert plain == full
