"""What every test of the project shares."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.command import SHORT_WAIT
from tests.support.prepared_home import homes_copied_from

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.support.warehouses"]

# How long an example takes says something about the machine, not about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


os.environ.setdefault("AGENTSVIEW_ASSETS_WAIT", SHORT_WAIT)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Has one worker run all tests that share what is made for their module, in seconds."""
    for item in items:
        if isinstance(item, pytest.Function) and _shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


def _shares_with_its_module(test: pytest.Function) -> bool:
    if test.get_closest_marker("xdist_group"):
        return False
    fixtures = test._fixtureinfo.name2fixturedefs.values()  # noqa: SLF001 - nothing else tells
    return any(found.scope == "module" for named in fixtures for found in named)


def pytest_collection_finish() -> None:
    """Leaves what was imported and collected out of every search for garbage, as it stays."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the program has it


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names sets in a fixed order: workers must agree on what a test is called."""
    if isinstance(val, set | frozenset):
        return "{" + ", ".join(sorted(map(repr, val))) + "}"
    return None


@pytest.fixture(scope="session", autouse=True)
def copied_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spares each test the making of a Dagster home of its own."""
    with homes_copied_from(tmp_path_factory.mktemp("home").resolve() / "model"):
        yield
