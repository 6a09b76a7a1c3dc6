"""Our own documents about a warehouse: completeness, restatements, figures for Prometheus."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.documents.common.metrics import Metric, Sample, metrics, metrics_text
from agentsview_assets.documents.common.restatements import MAX_LIMIT, restatements
from agentsview_assets.errors import AssetsError, UsageError
from tests.support.published import assert_published
from tests.support.usage_warehouse import ARCHIVE, SmallWarehouse, Usage, empty_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.in_process import Desk

NOW = datetime(2026, 7, 2, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"
OTHER = "archive-2"


@pytest.fixture(params=["duckdb", "sqlite"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[SmallWarehouse]:
    with empty_warehouse(request.param) as found:
        yield found


def _archive(warehouse: SmallWarehouse, archive_id: str, observed_at: str) -> None:
    found = {"archive_id": archive_id, "database_id": "d", "path": f"/{archive_id}", "host": "",
             "user_version": 1, "stamp": "", "observed_at": observed_at}  # fmt: skip
    warehouse.add("warehouse_archives", [found])


def _restated(number: int, **columns: Any) -> dict[str, Any]:
    return {
        "archive_id": ARCHIVE,
        "partition_date": f"2026-07-{1 + number % 3:02d}",
        "project": "alpha",
        "model": f"model-{number % 2}",
        "restated_at": f"2026-07-10T00:00:0{number // 4}.{number % 2}00000Z",
        "reason": "content",
        "old_cost_usd": 1.0,
        "new_cost_usd": float(number),
        "old_tokens": 1,
        "tokens": number,
        "old_pricing_digest": DIGEST,
        "new_pricing_digest": DIGEST,
        "run_id": "r",
        **columns,
    }


def test_an_empty_warehouse_is_complete(warehouse: SmallWarehouse) -> None:
    found = completeness(warehouse.reader, NOW)
    assert_published("completeness", found)
    assert (found["archives"], found["gaps"], found["start_date"]) == ([], [], None)
    assert found["totals"]["age_seconds"] is None
    assert_published("restatements", restatements(warehouse.reader))


def test_each_archive_has_its_age_and_what_is_amiss(warehouse: SmallWarehouse) -> None:
    _archive(warehouse, ARCHIVE, "2026-07-01T12:00:00.000000Z")
    _archive(warehouse, OTHER, "2026-07-01T00:00:00.000000Z")
    reading = {"archive": "/b", "archive_id": OTHER, "reason": "gone",
               "read_at": "2026-07-02T11:59:00.000000Z",
               "failing_since": "2026-07-02T11:59:30.000000Z"}  # fmt: skip
    warehouse.add("warehouse_readings", [reading])
    expected = {"archive_id": ARCHIVE, "part": "daily", "input_version": "v", "models": "[]",
                "reads": "[]", "expected_at": "2026-07-01T12:00:00.000000Z"}  # fmt: skip
    days = ("2026-07-01", "2026-06-01")
    warehouse.add("warehouse_expected", [{**expected, "partition_date": day} for day in days])
    used = {"archive_id": OTHER, "project": "p", "agent": "a", "model": "m", "input_tokens": 7,
            "unpriced_tokens": 5, "pricing_digest": DIGEST}  # fmt: skip
    warehouse.add("daily_usage", [used])
    lost = {"archive_id": OTHER, "source_table": "messages", "session_id": "s", "row_name": "1",
            "reason": "?"}  # fmt: skip
    warehouse.add("warehouse_left_out", [lost])
    found = completeness(warehouse.reader, NOW)
    assert_published("completeness", found)
    first, second = found["archives"]
    assert (first["archive_id"], second["archive_id"]) == (ARCHIVE, OTHER)
    assert (first["age_seconds"], second["age_seconds"]) == (86_400.0, 60.0)
    assert (first["failing_since"], second["failing_since"]) == (None, "2026-07-02T11:59:30Z")
    assert (first["days_out_of_date"], first["first_day_out_of_date"]) == (2, "2026-06-01")
    assert (second["tokens"], second["unpriced_tokens"]) == (7, 5)
    assert (second["unpriced_models"], second["rows_left_out"]) == (["m"], 1)
    assert found["totals"] == {
        "archives": 2,
        "failing_archives": 1,
        "age_seconds": 86_400.0,
        "days_out_of_date": 2,
        "tokens": 7,
        "unpriced_tokens": 5,
        "rows_left_out": 1,
    }
    assert any("never made" in line for line in found["gaps"])


def test_an_archive_that_another_one_followed_does_not_grow_old(warehouse: SmallWarehouse) -> None:
    _archive(warehouse, ARCHIVE, "2020-07-01T12:00:00.000000Z")
    _archive(warehouse, OTHER, "2026-07-02T11:59:00.000000Z")
    followed = {"archive_id": ARCHIVE, "path": "/a", "succeeded_by": OTHER,
                "found_at": "2026-07-01T00:00:00.000000Z"}  # fmt: skip
    warehouse.add("warehouse_successions", [followed])
    found = completeness(warehouse.reader, NOW)
    assert [entry["succeeded_by"] for entry in found["archives"]] == [OTHER, None]
    assert found["totals"]["age_seconds"] == 60.0
    shown = [sample.labels for sample in metrics(warehouse.reader, NOW)[0].samples]
    assert shown == [(("archive_id", OTHER),)]


def test_one_archive_can_be_asked_for(warehouse: SmallWarehouse) -> None:
    for name in (ARCHIVE, OTHER):
        _archive(warehouse, name, "2026-07-01T12:00:00.000000Z")
        warehouse.add_usage([Usage("s1#m0", "2026-07-01T12:00:00Z", "m")], name)
    found = completeness(warehouse.reader, NOW, OTHER)
    assert [entry["archive_id"] for entry in found["archives"]] == [OTHER]
    with pytest.raises(AssetsError, match="no archive nowhere"):
        completeness(warehouse.reader, NOW, "nowhere")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 100])
def test_pages_follow_each_other_whatever_their_length(
    warehouse: SmallWarehouse, limit: int
) -> None:
    warehouse.add("restatements", [_restated(number) for number in range(12)])
    whole = restatements(warehouse.reader)
    assert len(whole["restatements"]) == 12
    times = [row["restated_at"] for row in whole["restatements"]]
    assert times == sorted(times, reverse=True)
    pages, cursor = [], ""
    while True:
        page = restatements(warehouse.reader, limit=limit, cursor=cursor)
        assert_published("restatements", page)
        assert 0 < len(page["restatements"]) <= limit
        pages += page["restatements"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert pages == whole["restatements"]


def test_what_is_added_meanwhile_moves_no_page(warehouse: SmallWarehouse) -> None:
    warehouse.add("restatements", [_restated(number) for number in range(8)])
    whole = restatements(warehouse.reader)["restatements"]
    first = restatements(warehouse.reader, limit=3)
    warehouse.add("restatements", [_restated(0, restated_at="2026-07-11T00:00:00.000000Z")])
    rest = restatements(warehouse.reader, cursor=first["next_cursor"])
    assert first["restatements"] + rest["restatements"] == whole


def test_days_bound_what_is_told(warehouse: SmallWarehouse) -> None:
    warehouse.add("restatements", [_restated(number) for number in range(6)])
    asked = restatements(warehouse.reader, from_="2026-07-02", to="2026-07-02")
    assert {row["date"] for row in asked["restatements"]} == {"2026-07-02"}
    assert restatements(warehouse.reader, to="2026-06-30")["restatements"] == []


def test_rates_come_with_what_other_prices_restated(warehouse: SmallWarehouse) -> None:
    rates: dict[str, Any] = {
        "archive_id": ARCHIVE, "matched_pattern": None, "source": None, "run_id": "r",
        "pricing_digest": DIGEST, "valid_to": None,
    }  # fmt: skip
    changes = [
        {**rates, "model": model, "valid_from": f"2026-07-0{day}T00:00:00.000000Z"}
        for model in ("model-0", "model-1")
        for day in (2, 1)
    ]
    warehouse.add("price_changes", changes)
    warehouse.add("restatements", [_restated(0), _restated(1, reason="price")])
    found = restatements(warehouse.reader)
    assert_published("restatements", found)
    told = [(row["model"], row["valid_from"]) for row in found["price_changes"]]
    assert told == [("model-1", "2026-07-01T00:00:00Z"), ("model-1", "2026-07-02T00:00:00Z")]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"from_": "2026-07-02", "to": "2026-07-01"}, "from must not be after to"),
        ({"limit": 0}, "limit must be from 1 to 1000"),
        ({"limit": MAX_LIMIT + 1}, "limit must be from 1 to 1000"),
        *(({"cursor": cursor}, "invalid cursor") for cursor in ("x", "é", "e30", "W10", "WzFd")),
        ({"cursor": "WyIxIiwiMiIsIjMiLCI0IiwiNSIsMV0"}, "invalid cursor"),
        ({"cursor": "\udcff"}, "invalid cursor"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    warehouse: SmallWarehouse, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=f"^{words}$"):
        restatements(warehouse.reader, **asked)


# A line of the text format: a name, labels whose values escape three characters, a value.
_LINE = re.compile(r'([a-z_]+)(?:\{([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"\})? (\S+)')
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def _parsed(text: str) -> list[tuple[str, str | None, float]]:
    """Name, value of the label and value of each line; what is declared comes first."""
    assert text.endswith("\n")
    found, declared = [], set()
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert kind == "gauge"
            assert name not in declared
            declared.add(name)
        elif not line.startswith("# HELP "):
            parts = _LINE.fullmatch(line)
            assert parts, line
            name, _, label, value = parts.groups()
            assert name in declared
            label = label and re.sub(r"\\.", lambda escape: _UNESCAPED[escape[0]], label)
            found.append((name, label, float(value)))
    return found


@pytest.mark.parametrize("label", ["plain", 'q"\\\n{}=, #', "é\u2028", "", "\\n"])
@pytest.mark.parametrize("value", [0.0, -1.5, 1e300, 12345678901234567890.0, math.inf, 5])
def test_the_text_for_prometheus_reads_back(label: str, value: float) -> None:
    samples = (Sample(value, (("archive_id", label),)), Sample(value))
    text = metrics_text([Metric("a_b", "What it\nis \\", samples)])
    assert text.startswith("# HELP a_b What it\\nis \\\\\n# TYPE a_b gauge\n")
    assert _parsed(text) == [("a_b", label, value), ("a_b", None, value)]


def test_what_is_not_a_number_is_said_so() -> None:
    assert metrics_text([Metric("a", "b", (Sample(math.nan),))]).endswith("a NaN\n")


def test_the_figures_are_those_of_the_documents(sample_desk: Desk) -> None:
    from agentsview_assets.resources.warehouses.reader import open_reader  # noqa: PLC0415

    with open_reader(str(sample_desk.warehouse)) as reader:
        told, figures = completeness(reader, NOW), metrics(reader, NOW)
    assert_published("completeness", told)
    [archive] = told["archives"]
    read = {name: (label, value) for name, label, value in _parsed(metrics_text(figures))}
    for name in ("days_out_of_date", "unpriced_tokens", "rows_left_out"):
        of_it = read[f"agentsview_assets_archive_{name}"]
        assert of_it == (archive["archive_id"], archive[name])
    assert read["agentsview_assets_warehouse_revision"] == (None, told["revision"])
    assert read["agentsview_assets_archive_failing"][1] == 0
    status = sample_desk.run("status", "--json").json
    assert told["totals"]["unpriced_tokens"] == status["completeness"]["unpriced_tokens"]
    assert told["totals"]["tokens"] == status["completeness"]["tokens"]
    assert archive["pricing_digest"] == status["pricing_digest"]
