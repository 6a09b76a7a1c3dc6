"""Whose code runs: ours and that of the environment, never that of the folder somebody is in.

A folder is often somebody else's: a checkout, an unpacked download. Python would take modules from
it (`python -m`, an empty entry of PYTHONPATH), Dagster a `.env` and other files. Uses the standard
library alone, because it comes before every other import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableSequence
from pathlib import Path

SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"
PATH_VARIABLE = "PYTHONPATH"
ROOT = str(Path(__file__).resolve().parents[2])
"""The folder that our own packages were loaded from."""
_FOLDERS = ("XDG_DATA_HOME", "DAGSTER_HOME", "AGENTSVIEW_DATA_DIR")
"""Variables whose folders may be named from the current folder."""


def leave_current_folder(path: MutableSequence[str], environ: Mapping[str, str]) -> None:
    """Takes the current folder off the search path, unless it is ours or was named on purpose.

    Args:
        path: The search path, `sys.path`.
        environ: The environment; a folder that `PYTHONPATH` names is there on purpose.
    """
    try:
        here = str(Path.cwd())
    except OSError:  # it was removed; nothing can be found in it
        here = ""
    wanted = {str(Path(named).resolve()) for named in _named(environ)} | {ROOT}
    if here not in wanted:
        path[:] = [entry for entry in path if entry and os.path.realpath(entry) != here]


def safe_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of processes that work in another folder and run nothing of it."""
    safe = {**environ, SAFE_PATH_VARIABLE: "1"}
    for name in _FOLDERS:
        if safe.get(name):
            safe[name] = str(Path(safe[name]).expanduser().absolute())
    paths = [str(Path(named).absolute()) for named in _named(environ)]
    if ROOT not in paths and not _is_installed():
        paths.append(ROOT)
    safe.pop(PATH_VARIABLE, None)
    if paths:
        safe[PATH_VARIABLE] = os.pathsep.join(paths)
    return safe


def _named(environ: Mapping[str, str]) -> list[str]:
    """What `PYTHONPATH` names; an empty entry would be the current folder, and names nothing."""
    return [entry for entry in environ.get(PATH_VARIABLE, "").split(os.pathsep) if entry]


def _is_installed() -> bool:
    """Whether every Python of this environment finds us without being told."""
    return any(Path(prefix) in Path(ROOT).parents for prefix in (sys.prefix, sys.base_prefix))
