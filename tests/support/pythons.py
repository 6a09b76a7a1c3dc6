"""The Pythons of this machine that the program is for, and the uv that knows them."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.oracle import REPOSITORY

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""What `requires-python` allows."""


def uv() -> str:
    """The uv that `make` uses: the machine's, or the one that it installed."""
    own = REPOSITORY / ".cache" / "uv" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    assert found is not None, "run the tests by `make`, which installs uv"
    return found


@functools.cache
def pythons() -> dict[str, Path]:
    """Interpreters by version; that of the tests is always among them."""
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {this: Path(sys.executable)}
    for version in VERSIONS:
        if version != this and (path := _installed(version)) is not None:
            found[version] = path
    return found


def _installed(version: str) -> Path | None:
    """An interpreter that starts: on the path, where pyenv's links may not, or among pyenv's."""
    named = shutil.which(f"python{version}")
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return next(
        (path for path in (*kept, *([Path(named)] if named else [])) if _starts(path)), None
    )


def _starts(path: Path) -> bool:
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
