"""Archives of every release, made once for all workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.releases import release_archive

ArchiveOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def releases_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run that all workers share."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root.resolve() / "releases"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def archive_of(releases_folder: Path) -> ArchiveOf:
    """Return the data folder that a release made of the corpus; to be read or copied."""

    def get(version: str) -> Path:
        return release_archive(releases_folder, version)

    return get
