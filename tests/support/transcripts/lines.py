"""The shape of one generated session: its lines, where it belongs and when it happened."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

Line = dict[str, Any]


@dataclass(frozen=True)
class Workplace:
    """Where a session works: a folder and the branch checked out in it."""

    folder: str
    branch: str


@dataclass
class Recording:
    """A finished session.

    Attributes:
        session_id: The agent's own id of the session.
        place: Where it worked.
        start: First moment (UTC).
        end: Moment after the last line (UTC).
        lines: JSON lines, or raw text for a line that is deliberately broken.
        priced: Number of token-bearing messages in it, duplicates included.
    """

    session_id: str
    place: Workplace
    start: dt.datetime
    end: dt.datetime
    lines: list[Line | str] = field(default_factory=list)
    priced: int = 0


def write_lines(path: Path, lines: Sequence[Line | str], modified: dt.datetime) -> None:
    """Write a JSON-lines file and set its modification time, so that a sync is repeatable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (
        line if isinstance(line, str) else json.dumps(line, separators=(",", ":")) for line in lines
    )
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    os.utime(path, (modified.timestamp(), modified.timestamp()))
