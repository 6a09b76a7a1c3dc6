"""What every test of the project shares."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.support.command import SHORT_WAIT

pytest_plugins = ["tests.support.warehouses"]

# How long an example takes says something about the machine, not about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


os.environ.setdefault("AGENTSVIEW_ASSETS_WAIT", SHORT_WAIT)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names sets in a fixed order: workers must agree on what a test is called."""
    if isinstance(val, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, val))) + "}"
    return None
