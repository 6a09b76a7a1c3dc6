"""What a server tells of sessions, activity and the warehouse itself: one from every backend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.activity.over_http import ActivityRequest, settled
from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.documents.common.metrics import metrics, metrics_text
from agentsview_assets.documents.common.restatements import restatements
from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.gojson import encode
from tests.support.in_process import Desk
from tests.support.odd_archives.workbench import apply_edits
from tests.support.published import assert_published
from tests.support.session_rows import EDITS
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentsview_assets.resources.warehouses.reader import Reader
    from tests.support.postgres import Database

NOW = datetime(2026, 11, 8, tzinfo=UTC)
DAY = {"preset": "day", "date": "2026-11-06"}
REQUESTS = (
    ActivityRequest(**DAY),
    ActivityRequest(**DAY, automation="interactive", timezone="America/New_York"),
    ActivityRequest(**DAY, automation="automated", bucket="1h"),
    ActivityRequest(preset="month", date="2026-11-01", agent="claude, codex", machine=","),
)
# What tells of the file and of the moment at which it was written.
MOVING = frozenset({"observed_at", "read_at", "age_seconds"})


def test_what_is_told_is_the_same_to_the_byte(database: Database, tmp_path: Path) -> None:
    urls = {kind: f"{kind}:///{tmp_path / f'w.{kind}'}" for kind in KINDS}
    urls["postgresql"] = database.url()
    desk = Desk.with_sample(tmp_path, AGENTSVIEW_ASSETS_WAREHOUSE=" ".join(urls.values()))
    apply_edits(desk.archive, EDITS)
    desk.starting("2026-10-20").materialize()
    # Prices change, so that there is something to restate.
    prices = '[custom_model_pricing."claude-opus-4-6"]\ninput = 10\noutput = 50\n'
    (desk.archive / "config.toml").write_text(prices, encoding="utf-8")
    desk.starting("2026-10-20").materialize()
    ids = [str(found) for (found,) in desk.ask_archive("SELECT id FROM sessions ORDER BY id")]
    told = {}
    for kind, url in urls.items():
        with open_reader(url) as reader:
            told[kind] = list(_told(reader, ids))
    assert len(told["duckdb"]) > len(ids)
    for kind in ("sqlite", "postgresql"):
        assert told[kind] == told["duckdb"], kind


def _told(reader: Reader, ids: list[str]) -> Iterator[str]:
    for session_id in ids:
        document = session_usage(reader, session_id, breakdown=True)
        if document is not None:
            assert_published("session-usage", document)
        yield encode(document)
    branches = reader.rows("SELECT DISTINCT project, git_branch FROM sessions ORDER BY 1, 2")
    tokens = "\x1e".join(f"{project}\x1f{branch}" for project, branch in branches[::2])
    for request in (*REQUESTS, ActivityRequest(**DAY, git_branch=tokens)):
        yield "".join(settled(request, NOW).made(reader).json_chunks(indent=None))
    whole: Any = restatements(reader)
    assert_published("restatements", whole)
    assert whole["restatements"]
    assert whole["price_changes"]
    first = restatements(reader, limit=3)
    rest = restatements(reader, cursor=first["next_cursor"])
    assert first["restatements"] + rest["restatements"] == whole["restatements"]
    yield encode([_still(row) for row in whole["restatements"]])
    found = completeness(reader, NOW)
    assert_published("completeness", found)
    yield encode([_still(archive) for archive in found["archives"]])
    yield from (
        line for line in metrics_text(metrics(reader, NOW)).split("\n") if "_age" not in line
    )


def _still(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in row.items() if name not in {*MOVING, "restated_at", "run_id"}
    }
