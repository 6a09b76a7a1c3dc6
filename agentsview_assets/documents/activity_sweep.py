"""Spans of activity, one after the other: minutes, and what ran at once.

What belongs here: arithmetic over time. What does not: SQL, money, the shape of the document.
Moments and lengths are nanoseconds; moments count from the origin of `activity_query`. The loops
here run once for every span of a report and are written for speed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agentsview_assets.documents.activity_clock import NANOSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUTE_NS: Final = 60 * NANOSECONDS
# A span in one integer, so that sorting compares start, then end, then session.
_START_SHIFT: Final = 64
_LENGTH_SHIFT: Final = 25
_LENGTH_MASK: Final = (1 << (_START_SHIFT - _LENGTH_SHIFT)) - 1
_SESSION_MASK: Final = (1 << _LENGTH_SHIFT) - 1


def minutes(length_ns: int) -> float:
    """Return nanoseconds as minutes, rounded as the reference program rounds."""
    whole, rest = divmod(length_ns, MINUTE_NS)
    return whole + rest / MINUTE_NS


class SessionActivity:
    """When one session was active, and with which models.

    Attributes:
        minutes: Sum of its spans, which may overlap each other.
        first: Moment of the earliest start.
        last: Moment of the latest end.
        weights: Model -> minutes.
    """

    __slots__ = ("first", "last", "minutes", "weights")

    def __init__(self, start: int, end: int) -> None:
        """Start with the bounds of one span, which still has to be added."""
        self.minutes = 0.0
        self.first = start
        self.last = end
        self.weights: dict[str, float] = {}


class Gathered:
    """What spans add up to within the range, and the spans.

    Attributes:
        keys: Each span in an integer, for `Spans`; in no order yet.
        by_session: Session number -> its activity, for sessions with any.
        bucket_minutes: Minutes in each bucket.
        minutes: Minutes of all spans.
        parts: Minutes of interactive sessions, and of automated ones.
    """

    def __init__(self, buckets: int) -> None:
        """Start with nothing in a number of buckets."""
        self.keys: list[int] = []
        self.by_session: dict[int, SessionActivity] = {}
        self.bucket_minutes = [0.0] * buckets
        self.minutes = 0.0
        self.parts = [0.0, 0.0]


def gather(
    pages: Iterable[Sequence[tuple[Any, ...]]],
    sessions: Sequence[tuple[str, bool]],
    bounds: tuple[int, int],
    edges: Sequence[int],
) -> Gathered:
    """Clip spans to the range and add up their minutes, in the order of session and message.

    Args:
        pages: Rows of session id, model, start and length, by session id and ordinal; those of
            other sessions do not count.
        sessions: Id of each session, and whether it is automated, ids ascending; the place in this
            sequence is the session's number.
        bounds: Start of the range, and where it ends for now.
        edges: Starts of the buckets and the end of the last one.
    """
    numbers = {session_id: number for number, (session_id, _) in enumerate(sessions)}
    sums = Gathered(len(edges) - 1)
    keys, buckets, parts, by_session = sums.keys, sums.bucket_minutes, sums.parts, sums.by_session
    lower, upper = bounds
    current: str | None = None
    for page in pages:
        for session_id, model, start, length in page:
            end = start + length
            if start < lower or end > upper:
                start, end = max(start, lower), min(end, upper)  # noqa: PLW2901
                if start >= end:
                    continue
            if session_id != current:
                current, number = session_id, numbers.get(session_id, -1)
                session, automated = SessionActivity(start, end), sessions[number][1]
                if number >= 0:
                    by_session[number] = session
            if number < 0:
                continue
            keys.append(start << _START_SHIFT | end - start << _LENGTH_SHIFT | number)
            worked = (end - start) // MINUTE_NS + (end - start) % MINUTE_NS / MINUTE_NS
            sums.minutes += worked
            parts[automated] += worked
            session.minutes += worked
            session.weights[model] = session.weights.get(model, 0.0) + worked
            if start < session.first:  # noqa: PLR1730 - calls would cost more than all the rest
                session.first = start
            if end > session.last:  # noqa: PLR1730
                session.last = end
            bucket = bisect_right(edges, start) - 1
            if end <= edges[bucket + 1]:
                buckets[bucket] += worked
            else:
                _add_overlaps(buckets, edges, bucket, (start, end))
    return sums


def _add_overlaps(
    buckets: list[float], edges: Sequence[int], bucket: int, span: tuple[int, int]
) -> None:
    """Add a span that reaches over the end of its first bucket to all that it touches."""
    start, end = span
    while start < end:
        until = min(end, edges[bucket + 1])
        buckets[bucket] += minutes(until - start)
        start, bucket = until, bucket + 1


class Spans:
    """The spans of a report in the order of start, end and session, kept small."""

    def __init__(self, keys: list[int]) -> None:
        """Sort spans.

        Args:
            keys: Spans as `gather` packs them; the list is emptied.
        """
        keys.sort()
        self.starts = array("q", [key >> _START_SHIFT for key in keys])
        self.lengths = array("q", [key >> _LENGTH_SHIFT & _LENGTH_MASK for key in keys])
        self.sessions = array("l", [key & _SESSION_MASK for key in keys])
        keys.clear()

    def __len__(self) -> int:
        return len(self.starts)


class Concurrency(NamedTuple):
    """What ran at once.

    Attributes:
        peak: Most spans alive at one moment.
        peak_at: The first such moment; None without spans.
        active_ns: Length of the time in which any was alive.
        bucket_peaks: Most spans alive in each bucket, and how many of these were automated.
    """

    peak: int
    peak_at: int | None
    active_ns: int
    bucket_peaks: list[tuple[int, int]]


def sweep(spans: Spans, automated: Sequence[bool], edges: Sequence[int]) -> Concurrency:
    """Follow the number of live spans through time, ends before starts at the same moment.

    Args:
        spans: The spans.
        automated: Whether each session is automated, by its number.
        edges: Starts of the buckets and the end of the last one.
    """
    starts, sessions = spans.starts, spans.sessions
    # Twice the moment, plus one for automated sessions.
    ends = [
        2 * (start + length) + automated[session]
        for start, length, session in zip(starts, spans.lengths, sessions, strict=True)
    ]
    ends.sort()
    ends.append(2 * (edges[-1] + 1))
    live = live_automated = closed = peak = active = opened = 0
    peak_at: int | None = None
    bucket_peaks: list[tuple[int, int]] = []
    following = 0
    for edge, next_edge in pairwise(edges):
        first, following = following, bisect_left(starts, next_edge, following)
        bucket_peak, automated_at_peak = -1, 0
        # The edge itself is looked at first, when whatever ends there has ended.
        for at in range(first - 1, following):
            start = starts[at] if at >= first else edge
            limit = 2 * start + 1
            while ends[closed] <= limit:
                live -= 1
                live_automated -= ends[closed] & 1
                if not live:
                    active += (ends[closed] >> 1) - opened
                closed += 1
            if at >= first:
                if not live:
                    opened = start
                live += 1
                live_automated += automated[sessions[at]]
            if live > bucket_peak:
                bucket_peak, automated_at_peak = live, live_automated
                if live > peak:
                    peak, peak_at = live, start
        bucket_peaks.append((bucket_peak, automated_at_peak))
    if live:
        active += (ends[-2] >> 1) - opened
    return Concurrency(peak, peak_at, active, bucket_peaks)
