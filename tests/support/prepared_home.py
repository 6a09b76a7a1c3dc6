"""Fresh Dagster homes, copied instead of made, which would cost every test that needs one a second.

Only what is missing altogether is copied; what is there, whole or not, is left to the real code.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING
from unittest import mock

import yaml

from agentsview_assets.resources.dagster_home import history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK, _MARK = ".lock", ".prepared"


@contextlib.contextmanager
def homes_copied_from(model: Path) -> Iterator[None]:
    """While this is open, a home that has to be made in this process is a copy of a real one.

    Args:
        model: Folder for that one, made by the real code when the first is asked for.
    """
    make = history._make_home  # noqa: SLF001 - the real one

    def copy(home: Path) -> None:
        if {entry.name for entry in home.iterdir()} - {_LOCK}:
            make(home)
            return
        if not (model / _MARK).exists():
            model.mkdir(exist_ok=True)
            make(model)
        for name in ("history", "schedules"):
            shutil.copytree(model / name, home / name)
        config = history._instance_config(home)  # noqa: SLF001 - it names the home's own folder
        (home / history.CONFIG_FILE).write_text(yaml.safe_dump(config, sort_keys=False))
        (home / _MARK).touch()

    with mock.patch.object(history, "_make_home", copy):
        yield
