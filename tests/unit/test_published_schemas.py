"""The JSON Schemas in schemas/v1: made from the models, in step with them, and true."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from agentsview_assets.documents.common.models import DOCUMENTS
from docs import make_schemas
from tests.support.in_process import Desk
from tests.support.published import FOLDER, assert_published, load

if TYPE_CHECKING:
    from collections.abc import Iterator

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("sample")

GOLDEN = Path(__file__).parent / "golden"
PAGE = ("export", "sessions", "--limit", "5", "--include-children")


@pytest.fixture
def desk(sample_desk: Desk) -> Desk:
    return sample_desk


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_what_the_model_says(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == make_schemas.render(name), (
        "run `make docs`"
    )


def test_every_file_has_its_model() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_valid_and_says_which_dialect(name: str) -> None:
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_usage_daily(desk: Desk) -> None:
    assert_published("usage-daily", desk.run("usage", "daily", "--json", "--all").json)
    document = desk.run("usage", "daily", "--json", "--since", "2026-11-01", "--breakdown").json
    assert_published("usage-daily", document)
    assert document["daily"][0]["projectBreakdowns"]


def test_usage_daily_with_credits(desk: Desk) -> None:
    document = desk.run("usage", "daily", "--json", "--all", "--agent", "copilot").json
    assert "copilotAICredits" in document["totals"]
    assert_published("usage-daily", document)


def test_the_status_line(desk: Desk) -> None:
    assert_published("usage-statusline", desk.run("usage", "statusline").out.rstrip("\n"))


@pytest.mark.parametrize("date", ["2026-11-05", "2000-01-01", "2100-01-01"])
def test_activity_report(desk: Desk, date: str) -> None:
    document = desk.run("activity", "report", "--json", "--preset", "month", "--date", date).json
    assert_published("activity-report", document)


def test_session_export(desk: Desk) -> None:
    page = desk.run(*PAGE).json
    assert page["cursor"]["next"]
    assert len(page["sessions"]) == 5
    assert_published("session-export-page", page)
    assert_published("session-export-page", desk.run("export", "sessions", "--all").json)


def test_session_export_without_sessions(desk: Desk) -> None:
    page = desk.run("export", "sessions", "--project", "nowhere").json
    assert page["pricing"] == {}
    assert_published("session-export-page", page)


def test_session_export_line_by_line(desk: Desk) -> None:
    meta, *sessions = map(json.loads, desk.run(*PAGE, "--format", "ndjson").out.splitlines())
    assert_published("session-export-meta", meta)
    assert len(sessions) == 5
    for session in sessions:
        assert_published("session-export-session", session)


def test_a_cursor_that_holds_no_longer(desk: Desk) -> None:
    done = desk.run("export", "sessions", "--cursor", "gone")
    assert (done.code, done.out) == (4, "")
    assert_published("cursor-reset", json.loads(done.err))


@pytest.mark.parametrize(
    ("name", "file"),
    [("activity-report", "activity_report.json"), ("session-export-page", "session_export.json")],
)
def test_golden_documents(name: str, file: str) -> None:
    assert_published(name, json.loads((GOLDEN / file).read_bytes()))


def test_additions_are_allowed_and_losses_are_not() -> None:
    """Readers that validate must not break when a member is added under version 1."""
    golden = json.loads((GOLDEN / "session_export.json").read_bytes())
    validator = Draft202012Validator(load("session-export-page"))
    validator.validate({**golden, "new": 1})
    for name in golden:
        assert not validator.is_valid({key: golden[key] for key in golden if key != name})


def test_every_object_is_checked_for_its_members() -> None:
    golden = json.loads((GOLDEN / "activity_report.json").read_bytes())
    for place in _objects(golden):
        for name in list(place):
            kept = copy.deepcopy(place[name])
            place[name] = {"odd": object()}
            with pytest.raises(AssertionError):
                assert_published("activity-report", golden)
            place[name] = kept


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else ():
        yield from _objects(part)
    for part in value[:1] if isinstance(value, list) else ():
        yield from _objects(part)
