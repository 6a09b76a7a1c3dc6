"""Spans of activity, one after the other: minutes, and what ran at once.

What belongs here: arithmetic over time. What does not: SQL, money, the shape of the document.
Moments and lengths are nanoseconds; moments count from the origin of `activity_query`. The loops
here run once for every span of a report and are written for speed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agentsview_assets.documents.activity.clock import NANOSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUTE_NS: Final = 60 * NANOSECONDS
# A span in one integer, so that sorting compares start, then end, then session. Spans last five
# minutes at most, which leaves room.
_START_SHIFT: Final = 64
_LENGTH_SHIFT: Final = 25
_LENGTH_MASK: Final = (1 << (_START_SHIFT - _LENGTH_SHIFT)) - 1
_SESSION_MASK: Final = (1 << _LENGTH_SHIFT) - 1


def minutes(length_ns: int) -> float:
    """Return nanoseconds as minutes, rounded as agentsview rounds."""
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
    """What spans add up to within a range, and the spans.

    Attributes:
        keys: Each span in an integer, for `Spans`; in no order yet.
        by_session: Session number -> its activity, for sessions with any.
        bucket_minutes: Minutes in each bucket.
        minutes: Minutes of all spans.
        parts: Minutes of interactive sessions, and of automated ones.
    """

    def __init__(self, bounds: tuple[int, int], edges: Sequence[int]) -> None:
        """Start with nothing.

        Args:
            bounds: Start of the range, and where it ends for now.
            edges: Starts of the buckets and the end of the last one.
        """
        self.keys: list[int] = []
        self.by_session: dict[int, SessionActivity] = {}
        self.bucket_minutes = [0.0] * (len(edges) - 1)
        self.minutes = 0.0
        self.parts = [0.0, 0.0]
        self._bounds = bounds
        self._edges = edges

    def add(self, number: int, automated: bool, rows: Iterable[tuple[Any, ...]]) -> None:  # noqa: FBT001
        """Clip the spans of a session to the range and add up their minutes, in their order."""
        (lower, upper), edges, buckets, keys = (
            self._bounds,
            self._edges,
            self.bucket_minutes,
            self.keys,
        )
        total, part = self.minutes, self.parts[automated]
        session: SessionActivity | None = None
        opened = closed = bucket = 0  # the bucket that the last span was in
        for _, model, start, length in rows:
            end = start + length
            if start < lower or end > upper:
                start, end = max(start, lower), min(end, upper)  # noqa: PLW2901
                if start >= end:
                    continue
            if session is None:
                session = self.by_session[number] = SessionActivity(start, end)
                weights = session.weights
            keys.append(start << _START_SHIFT | end - start << _LENGTH_SHIFT | number)
            worked = (end - start) // MINUTE_NS + (end - start) % MINUTE_NS / MINUTE_NS
            total += worked
            part += worked
            session.minutes += worked
            weights[model] = weights.get(model, 0.0) + worked
            if end > session.last:  # noqa: PLR1730 - a call would cost more than all the rest
                session.last = end
            if start < session.first:  # noqa: PLR1730
                session.first = start
            if start < opened or start >= closed:
                bucket = bisect_right(edges, start) - 1
                opened, closed = edges[bucket], edges[bucket + 1]
            if end <= closed:
                buckets[bucket] += worked
            else:
                self._add_overlaps(bucket, start, end)
        self.minutes, self.parts[automated] = total, part

    def _add_overlaps(self, bucket: int, start: int, end: int) -> None:
        """Add a span that reaches over the end of its first bucket to all that it touches."""
        while start < end:
            until = min(end, self._edges[bucket + 1])
            self.bucket_minutes[bucket] += minutes(until - start)
            start, bucket = until, bucket + 1


def gather(
    pages: Iterable[Sequence[tuple[Any, ...]]],
    sessions: Sequence[tuple[str, bool]],
    bounds: tuple[int, int],
    edges: Sequence[int],
) -> Gathered:
    """Add up spans, in the order of session and message.

    Args:
        pages: Rows of session id, model, start and length, by session id and ordinal; those of
            other sessions do not count. All rows of a session are on one page.
        sessions: Id of each session, and whether it is automated, ids ascending; the place in this
            sequence is the session's number.
        bounds: Start of the range, and where it ends for now.
        edges: Starts of the buckets and the end of the last one.
    """
    numbers = {session_id: number for number, (session_id, _) in enumerate(sessions)}
    sums = Gathered(bounds, edges)
    for page in pages:
        for session_id, rows in groupby(page, itemgetter(0)):
            number = numbers.get(session_id)
            if number is not None:
                sums.add(number, sessions[number][1], rows)
    return sums


class Spans:
    """The spans of a report in the order of start, end and session, kept small."""

    def __init__(self, keys: list[int]) -> None:
        """Sort spans.

        Args:
            keys: Spans as `gather` packs them; the list is emptied.
        """
        keys.sort()
        self.starts = array("q", (key >> _START_SHIFT for key in keys))
        self.lengths = array("q", (key >> _LENGTH_SHIFT & _LENGTH_MASK for key in keys))
        self.sessions = array("I", (key & _SESSION_MASK for key in keys))
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
        # The edge itself comes first, when whatever ends there has ended, and opens nothing.
        moments = chain(
            ((edge, -1),), zip(starts[first:following], sessions[first:following], strict=True)
        )
        for start, session in moments:
            limit = 2 * start + 1
            while ends[closed] <= limit:
                live -= 1
                live_automated -= ends[closed] & 1
                if not live:
                    active += (ends[closed] >> 1) - opened
                closed += 1
            if session >= 0:
                if not live:
                    opened = start
                live += 1
                live_automated += automated[session]
            if live > bucket_peak:
                bucket_peak, automated_at_peak = live, live_automated
                if live > peak:
                    peak, peak_at = live, start
        bucket_peaks.append((bucket_peak, automated_at_peak))
    if live:
        active += (ends[-2] >> 1) - opened
    return Concurrency(peak, peak_at, active, bucket_peaks)
