"""What docs/ shows is what the commands print on the bundled sample, to the last byte."""

from __future__ import annotations

import os
import re
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.published import load

if TYPE_CHECKING:
    from pathlib import Path

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("sample")

DOCS = REPOSITORY / "docs"
_RANGE = ("--from", "2026-11-06T14:00:00Z", "--to", "2026-11-06T16:00:00Z")
EXAMPLES: dict[str, tuple[str, ...]] = {
    "usage-daily.json": (
        *("usage", "daily", "--json", "--timezone", "UTC", "--breakdown"),
        *("--since", "2026-11-05", "--until", "2026-11-06"),
    ),
    "activity-report.json": (
        *("activity", "report", "--json", "--timezone", "UTC", "--bucket", "1h"),
        *("--preset", "custom", *_RANGE),
    ),
    "session-export.json": ("export", "sessions", "--all", "--date", "2026-11-06"),
    "session-export.ndjson": (
        *("export", "sessions", "--all", "--date", "2026-11-06", "--format", "ndjson"),
    ),
}
PAGES = {
    "usage-daily": "usage-daily",
    "activity-report": "activity-report",
    "session-export": "session-export-page",
}


@pytest.fixture
def desk(sample_desk: Desk) -> Desk:
    return sample_desk


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_the_command_prints(desk: Desk, name: str) -> None:
    done = desk.run(*EXAMPLES[name])
    assert (done.code, done.err) == (0, "")
    assert done.out == (DOCS / "examples" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_page_says_how_its_example_is_made(name: str) -> None:
    page = (DOCS / f"{name.partition('.')[0]}.md").read_text(encoding="utf-8")
    assert f"(examples/{name})" in page
    assert (
        f"$ agentsview-assets {' '.join(EXAMPLES[name]).removesuffix(' --format ndjson')}" in page
    )


def test_the_python_example_runs_and_prints_what_it_says(desk: Desk, tmp_path: Path) -> None:
    page = (DOCS / "contracts.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```.*?```text\n(.*?)```", page, re.DOTALL)
    assert found
    environ = {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        "TZ": "UTC",
    }
    printed = StringIO()
    with mock.patch.dict(os.environ, environ), redirect_stdout(printed):
        exec(found[1], {})  # noqa: S102 - our own page
    assert printed.getvalue() == found[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_describes_every_member(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    page += (DOCS / "usage-daily.md").read_text(encoding="utf-8")  # pricing and projects
    named = set(re.findall(r"[A-Za-z_]+", " ".join(re.findall(r"`[^`\n]+`", page))))
    prefixes = {word for word in named if word.endswith("_")}
    missing = {
        member
        for member in _members(load(PAGES[name]))
        if member not in named and not any(member.startswith(prefix) for prefix in prefixes)
    }
    assert missing == set()


def _members(schema: Any) -> set[str]:
    """Return the names of the members of all objects in a schema."""
    parts = schema.values() if isinstance(schema, dict) else schema
    if not isinstance(schema, dict | list):
        return set()
    own = set(schema["properties"]) if "properties" in schema else set()
    return own.union(*map(_members, parts))
