"""What the page of trust knows without Dagster is what Dagster knows."""

from __future__ import annotations

from agentsview_assets.checks import BLOCKING
from agentsview_assets.rules.staleness import TABLES
from agentsview_assets.web.pages.trust import blocking_checks


def test_the_page_names_the_blocking_checks_of_every_table():
    for table in (*TABLES, "duplicates"):
        assert set(blocking_checks(table)) == {name for _, name in BLOCKING.get(table, set())}
