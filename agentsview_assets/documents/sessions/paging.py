"""Pages of the session export: which rows come next, and whether the run still holds.

A run is pinned to its first row, the watermark: newer rows do not disturb it. Everything at or
below the watermark must stay as it was, which the digests in the cursor tell.

What belongs here: positions and cursors. What does not: reading rows, texts of cursors.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.sessions.cursor import ORDER, CursorReset, Position, fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentsview_assets.documents.sessions.cursor import Cursor


class Page(NamedTuple):
    """Rows of a page, and where the next one begins if there is one."""

    positions: Sequence[Position]
    following: Cursor | None


class _Run(NamedTuple):
    """A run at some point.

    Attributes:
        positions: Everything at or below the watermark, in export order.
        watermark: The run's first row; only its text and sort value count.
        done: How many rows were handed out.
    """

    positions: Sequence[Position]
    watermark: Position
    done: int


def turn_page(eligible: Sequence[Position], state: Cursor, limit: int) -> Page:
    """Return the rows that follow.

    Args:
        eligible: Places of all rows that the run's filters let through, in export order.
        state: Where the run stands; of a new one only archive and filters are given.
        limit: Most rows of the page.

    Raises:
        CursorReset: The rows of the run have changed.
    """
    run = _run(eligible, state)
    if run is None:
        return Page((), None)
    end = run.done + limit
    counts = _counts(run, state, end)
    digests = fingerprints(run.positions, counts)
    if not _holds(run, state, digests):
        raise CursorReset(state.database_id)
    page = run.positions[run.done : end]
    if end >= len(run.positions):
        return Page(page, None)
    following = replace(
        state,
        order=ORDER,
        watermark=run.watermark.text,
        watermark_sort=run.watermark.sort,
        last_activity_at=page[-1].text,
        last_activity_sort=page[-1].sort,
        last_id=page[-1].session_id,
        limit=limit,
        snapshot_count=len(run.positions),
        snapshot_digest=digests[len(run.positions)],
        prefix_count=end,
        prefix_digest=digests[end],
    )
    return Page(page, following)


def _run(eligible: Sequence[Position], state: Cursor) -> _Run | None:
    """Return where a run stands; None when it has no rows and never had any."""
    if state.watermark:
        watermark = Position(state.watermark_sort, "", state.watermark)
    elif eligible:
        watermark = eligible[0]
    else:
        return None
    newer = bisect_left(eligible, -watermark.sort, key=lambda position: -position.sort)
    positions = eligible[newer:]
    done = bisect_right(positions, state.last_key, key=lambda position: position.key)
    return _Run(positions, watermark, done if state.has_last else 0)


def _counts(run: _Run, state: Cursor, end: int) -> set[int]:
    """Return how many rows the digests have to cover: those to check and those to write."""
    counts = set()
    if state.has_snapshot:
        counts.add(len(run.positions))
    if state.has_prefix:
        counts.add(run.done)
    if end < len(run.positions):
        counts |= {len(run.positions), end}
    return counts


def _holds(run: _Run, state: Cursor, digests: dict[int, str]) -> bool:
    """Whether the digests of a cursor, as far as it has any, are those of the rows there are."""
    snapshot = prefix = (0, "")
    if state.has_snapshot and run.watermark.sort:
        snapshot = (len(run.positions), digests[len(run.positions)])
    if state.has_prefix and state.last_activity_sort and state.last_id:
        prefix = (run.done, digests[run.done])
    return snapshot == (state.snapshot_count, state.snapshot_digest) and prefix == (
        state.prefix_count,
        state.prefix_digest,
    )
