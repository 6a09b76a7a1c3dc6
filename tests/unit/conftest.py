"""What test files of several subjects begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.staged import Staged

if TYPE_CHECKING:
    from tests.support.in_process import Desk


@pytest.fixture(scope="module")
def staged(made: Desk, tmp_path_factory: pytest.TempPathFactory) -> Staged[Desk]:
    """The finished warehouse that a file calls `made`, with a history of its own, put back."""
    folder = tmp_path_factory.mktemp("staged")
    return Staged(folder, lambda place: made.observed_at(place / "desk"))
