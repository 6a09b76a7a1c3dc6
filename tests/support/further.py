"""Further inputs of a test whose first ones say the same in less time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def further(*inputs: Any) -> Iterator[Any]:
    """Return inputs that `make endurance` tries, but not `make test` or `make hostile`."""
    return (pytest.param(value, marks=pytest.mark.endurance) for value in inputs)
