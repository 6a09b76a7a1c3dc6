"""The contract's worked example, from a real archive through the warehouse to the last byte.

The golden files are what agentsview 0.37.5 prints for the same archive.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.in_process import Desk
from tests.support.odd_archives.golden_export import golden_export
from tests.support.odd_archives.workbench import Workbench

if TYPE_CHECKING:
    from tests.support.in_process import Finished

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("export golden")

GOLDEN = Path(__file__).parent / "golden"
RESET = (
    '{"error":"cursor_reset","message":"session export cursor is no longer valid; restart the '
    'export","database_id":"00000000-0000-4000-8000-000000000001"}\n'
)
_EMPTIED = (
    *("sessions", "messages", "usage_events", "model_pricing", "project_identity_observations"),
    *("worktree_project_mappings", "cursor_usage_events"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk.with_sample(tmp_path_factory.mktemp("golden"))
    bench = Workbench(made.archive)
    with closing(bench.database) as database:
        for table in _EMPTIED:
            database.execute(f"DELETE FROM {table}")
        golden_export(bench)
    made.starting("2026-06-25").materialize()
    return made


def export(desk: Desk, *arguments: str) -> Finished:
    return desk.run("export", "sessions", *arguments)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_page_is_the_golden_one(desk: Desk, form: str) -> None:
    done = export(desk, "--limit", "2", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out == (GOLDEN / f"session_export.{form}").read_text(encoding="utf-8")


def test_the_golden_cursor_leads_to_the_other_two(desk: Desk) -> None:
    cursor = json.loads((GOLDEN / "session_export.json").read_bytes())["cursor"]["next"]
    rest = export(desk, "--cursor", cursor).json
    assert [row["id"] for row in rest["sessions"]] == ["remote-yesterday", "unknown-older"]
    assert rest["cursor"] == {"next": ""}
    assert rest["projects"]["unknown-project"] == {"resolution": "unknown", "identity": None}
    assert [*export(desk, "--all").json["sessions"]] == [
        *export(desk, "--limit", "2").json["sessions"],
        *rest["sessions"],
    ]


@pytest.mark.parametrize("cursor", ["bad", " ", "a.b", ".", "é"])
def test_a_forged_cursor_ends_with_one_object_on_stderr(desk: Desk, cursor: str) -> None:
    done = export(desk, "--cursor", cursor)
    assert (done.code, done.out, done.err) == (4, "", RESET)


def test_without_a_secret_of_the_archive_one_of_ours_signs(desk: Desk) -> None:
    config = desk.archive / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.unlink()
    try:
        cursor = export(desk, "--limit", "1").json["cursor"]["next"]
        assert len(export(desk, "--cursor", cursor).json["sessions"]) == 3
        assert not config.exists()
    finally:
        config.write_text(text, encoding="utf-8")
    assert export(desk, "--cursor", cursor).code == 4


def test_a_secret_that_is_not_base64_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('cursor_secret = "!"', encoding="utf-8")
    done = export(desk, "--archive", str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "fatal: open local archive: invalid cursor secret: illegal base64 data at input byte 0\n"
    )
    (tmp_path / "config.toml").write_text("cursor_secret = 5", encoding="utf-8")
    assert export(desk, "--archive", str(tmp_path)).err.startswith("fatal: loading config: ")


def test_a_missing_warehouse_is_told(desk: Desk) -> None:
    done = export(desk, "--warehouse", "/nowhere/at.duckdb", "--cursor", "bad")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("fatal: warehouse /nowhere/at.duckdb: no such file")
