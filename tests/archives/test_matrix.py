"""Every kind of warehouse, every kind of source, an old and a new release: the same documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.archives.mirrors import VERSIONS, assert_equal, bench_over, documents, made
from tests.support.warehouses import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.postgres import Server

SOURCES = ("archive", "duckdb", "postgresql")


@pytest.mark.matrix
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
def test_documents_do_not_depend_on_where_things_are_kept(
    version: str,
    source: str,
    kind: str,
    originals: Path,
    postgres_server: Server,
    warehouse_url: Callable[[str], str],
    tmp_path: Path,
) -> None:
    mirror = source if source != "archive" else "duckdb"
    pushed = made(version, mirror, originals, postgres_server.database(), tmp_path.resolve())
    expected = documents(bench_over(tmp_path / "plain", pushed.archive))
    named = pushed.archive if source == "archive" else pushed.url
    bench = bench_over(tmp_path / "other", named, AGENTSVIEW_ASSETS_WAREHOUSE=warehouse_url(kind))
    found = documents(bench)
    if source == "archive":
        assert found == expected
    else:
        assert_equal(found, expected, pushed)
