"""What a look at an archive is asked, and what is known before it.

What belongs here: plain values, at no import cost. What does not: looking (`archives.looking`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.known import LeftOut
    from agentsview_assets.resources.warehouses.ledger import Entry
    from agentsview_assets.rules.windows import DayWindow, Span

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it goes."""


class Options(NamedTuple):
    """How to look at archives.

    Attributes:
        with_titles: Whether session titles may fall back to first messages.
        progress: Told how far the reading is.
        is_verified: Read and compare everything, whatever session rows say.
        opening: Called before an archive is opened, as something may have changed in it.
        queue: The queue of the run that looks, whose archives alone are read; None where a command
            reads all that it names.
    """

    with_titles: bool = True
    progress: Progress | None = None
    is_verified: bool = False
    opening: Callable[[], None] | None = None
    queue: str | None = None


class Needed(NamedTuple):
    """Days of which all sessions are needed, changed or not."""

    span: Span
    window: DayWindow


class Known(NamedTuple):
    """What a warehouse knows of an archive before it is looked at.

    Attributes:
        entries: The ledger.
        left_out: Rows that could not be read.
    """

    entries: Sequence[Entry]
    left_out: Sequence[LeftOut]
