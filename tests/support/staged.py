"""What many tests begin with, made once and put back for each of them, always at one place.

A warehouse that was copied elsewhere has to look at its archives anew, which costs as much as many
a test; one that is put back does not: its files are the same ones, down to their numbers.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")


class Staged(Generic[Made]):
    """A folder for one test after the other; what was made in it has to be closed by then."""

    def __init__(self, folder: Path, make: Callable[[Path], Made]) -> None:
        """Makes it.

        Args:
            folder: An empty one, for this alone.
            make: Makes what tests begin with in the place that it is given, and returns it.
        """
        self._place, self._copies, self._files = (folder / n for n in ("place", "copies", "files"))
        self._place.mkdir()
        self._made = make(self._place)
        shutil.copytree(self._place, self._copies, symlinks=True)
        shutil.copytree(self._place, self._files, symlinks=True, copy_function=os.link)

    def anew(self) -> Made:
        """Puts everything back and returns what was made."""
        shutil.rmtree(self._place)
        shutil.copytree(self._copies, self._place, symlinks=True, copy_function=self._put_back)
        return self._made

    def _put_back(self, copy: str, target: str) -> None:
        file = self._files / Path(copy).relative_to(self._copies)
        shutil.copyfile(copy, file)
        shutil.copystat(copy, file)
        os.link(file, target)
