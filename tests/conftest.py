"""What every test of the project shares."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

# The activity report and the session export are still being built: their tests are run by name
# (`pytest tests/unit/test_activity_range.py`) and join the suite when the commands are finished.
collect_ignore_glob = [
    "unit/test_activity_*.py",
    "unit/test_session_export_*.py",
    "conformance/test_activity_*.py",
    "conformance/test_session_export*.py",
]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names sets in a fixed order: workers must agree on what a test is called."""
    if isinstance(val, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, val))) + "}"
    return None
