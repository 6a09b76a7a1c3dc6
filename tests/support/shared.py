"""A folder for what is made once: for all workers of a run, or for several runs that name it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

VARIABLE = "AGENTSVIEW_ASSETS_TEST_SHARED"
"""Names the folder that several runs of the tests share; they must be of the same code."""


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder that all workers share; whoever makes something in it holds a lock."""
    named = os.environ.get(VARIABLE)
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = (Path(named) if named else root).resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
