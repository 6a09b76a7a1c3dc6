"""What every test of the project shares."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.support.warehouses"]

# How long an example takes says something about the machine, not about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names sets in a fixed order: workers must agree on what a test is called."""
    if isinstance(val, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, val))) + "}"
    return None
