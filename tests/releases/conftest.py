"""Archives of every release, made once for all workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.releases import release_archive
from tests.support.shared import shared_folder

ArchiveOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def releases_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where archives of the releases are made."""
    return shared_folder(tmp_path_factory, "releases")


@pytest.fixture(scope="session")
def archive_of(releases_folder: Path) -> ArchiveOf:
    """Return the data folder that a release made of the corpus; to be read or copied."""

    def get(version: str) -> Path:
        return release_archive(releases_folder, version)

    return get
