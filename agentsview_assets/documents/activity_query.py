"""What an activity report reads: its sessions, their spans and their usage, as portable SQL.

What belongs here: which rows take part, and in what order they come. What does not: sums over time,
money, documents. Moments are nanoseconds since the whole second in which the range starts, which
keeps them small enough for 64 bits whatever the year.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.activity_clock import NANOSECONDS
from agentsview_assets.documents.usage_query import Sql
from agentsview_assets.transforms.text import trim
from agentsview_assets.transforms.timestamps import SECONDS_PER_DAY, Instant, format_utc_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentsview_assets.documents.activity_range import ReportRange
    from resources.warehouse import Reader

_PADDING_NS = 14 * 3600 * NANOSECONDS  # what the text test allows for offsets from UTC
_LONGEST_SPAN_SECONDS = 300
_ROWS_PER_PAGE = 60_000
_WIDEST_NS = 366 * SECONDS_PER_DAY * NANOSECONDS

_START = "COALESCE(NULLIF(started_at_text, ''), NULLIF(created_at_text, ''))"
_END = f"COALESCE(NULLIF(ended_at_text, ''), NULLIF(latest_message_text, ''), {_START})"
_PLACE = "epoch_seconds, nanosecond, ordinal, row_kind, row_id"
_USED = (
    "session_id, model, epoch_seconds, nanosecond, ordinal, row_kind, row_id, reported_cost_usd, "
    "input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, billable_output_tokens"
)


class ActivityScope(NamedTuple):
    """Which activity a report is about.

    Attributes:
        archive_id: Archive of the sessions.
        range: Span of time.
        project: Exact project label; empty for all.
        agents: Comma-separated agent names; empty for all.
        machines: Comma-separated machine labels; empty for all.
    """

    archive_id: str
    range: ReportRange
    project: str = ""
    agents: str = ""
    machines: str = ""

    @property
    def origin(self) -> int:
        """The whole second, since 1970, that moments count from."""
        return self.range.start_ns // NANOSECONDS

    @property
    def is_filtered(self) -> bool:
        """Whether sessions are chosen by anything but time."""
        return any((self.project, self.agents, self.machines))

    def moment(self, epoch_ns: int) -> int:
        """Return nanoseconds since 1970 as a moment of this report."""
        return epoch_ns - self.origin * NANOSECONDS


class ActivityQuery:
    """The rows of one report."""

    def __init__(self, reader: Reader, scope: ActivityScope) -> None:
        """Settle which sessions take part; nothing is read yet."""
        self._reader = reader
        self._scope = scope
        self._candidates = _candidates(reader, scope)
        self._is_candidate = (
            f"session_id IN (SELECT session_id FROM sessions WHERE {self._candidates.text})"
        )
        self._moment = f"(epoch_seconds - {scope.origin}) * {NANOSECONDS} + nanosecond"

    def sessions(self) -> list[tuple[Any, ...]]:
        """Return the sessions, ids ascending.

        Each is id, title, project, agent, whether it is automated, and its number of messages.
        """
        return self._reader.rows(
            "SELECT session_id, title, project, agent, is_automated, message_count FROM sessions "
            f"WHERE {self._candidates.text} ORDER BY {self._reader.binary_order('session_id')}",
            self._candidates.params,
        )

    def spans(self, sessions: Iterable[tuple[str, int]]) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the spans that may reach into the range, some sessions at a time.

        Args:
            sessions: Id and number of messages of each session, ids ascending.

        Yields:
            Session id, model, opening moment and length in ns, by session id and message ordinal;
            perhaps of sessions that take no part, too.
        """
        span = self._scope.range
        order = self._reader.binary_order("session_id")
        tests = [
            "archive_id = ?",
            f"epoch_seconds >= {self._scope.origin - _LONGEST_SPAN_SECONDS}",
            f"epoch_seconds <= {span.effective_end_ns // NANOSECONDS}",
        ]
        params: tuple[object, ...] = (self._scope.archive_id,)
        if self._scope.is_filtered:
            tests.append(self._is_candidate)
            params += self._candidates.params
        pages = list(_pages(sessions))
        if len(pages) > 1:
            tests.append(f"{order} >= ? AND {order} <= ?")
        for page in pages:
            yield self._reader.rows(
                f"SELECT session_id, model, {self._moment}, duration_ns FROM activity_intervals "
                f"WHERE {' AND '.join(tests)} ORDER BY {order}, ordinal",
                (*params, *page) if len(pages) > 1 else params,
            )

    def usage(self, starts: Sequence[int], *, one_by_one: bool) -> list[tuple[Any, ...]]:
        """Return the usage that counts, summed as coarsely as its buckets allow.

        Args:
            starts: Moments at which buckets start, ascending.
            one_by_one: Do not sum, and keep to the order in which rows count.

        Returns:
            Session id, model, a moment in the right bucket, whether the cost is reported (0 or 1),
            the sums of input, billable output, cache write, cache read and output tokens, the sum
            of the reported cost in USD, and the least billable output and reported cost.
        """
        rows = self._surviving_rows()
        order = self._row_order()
        labels = "session_id, model, bucket, reported"
        return self._reader.rows(
            f"""
            SELECT {labels}, CAST(SUM(input_tokens) AS BIGINT),
                   CAST(SUM(billable_output_tokens) AS BIGINT),
                   CAST(SUM(cache_creation_tokens) AS BIGINT),
                   CAST(SUM(cache_read_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT),
                   SUM(COALESCE(reported_cost_usd, 0)), MIN(billable_output_tokens),
                   MIN(COALESCE(reported_cost_usd, 0))
            FROM (
                SELECT placed.*, {_bucket_moment("moment", starts)} AS bucket,
                       CASE WHEN reported_cost_usd IS NULL THEN 0 ELSE 1 END AS reported
                FROM (
                    SELECT {_USED}, {self._moment} AS moment FROM ({rows.text}) AS surviving
                ) AS placed
            ) AS counted
            GROUP BY {labels}{f", {_PLACE}" if one_by_one else ""}
            ORDER BY {order if one_by_one else labels}
            """,
            rows.params,
        )

    def _row_order(self) -> str:
        """Return the order in which rows count: of those that share a key, the first one does."""
        binary = self._reader.binary_order
        # Ids of equal rows differ in their last number only: the shorter is the smaller.
        return (
            f"epoch_seconds, nanosecond, {binary('session_id')}, COALESCE(ordinal, -1), "
            f"row_kind, LENGTH(row_id), {binary('row_id')}"
        )

    def _surviving_rows(self) -> Sql:
        rows = self._rows_in_range()
        return Sql(
            f"""
            SELECT {_USED} FROM usage_rows WHERE {rows.text} AND NOT has_duplicates
            UNION ALL
            SELECT {_USED} FROM (
                SELECT {_USED}, ROW_NUMBER() OVER (
                    PARTITION BY dedup_key ORDER BY {self._row_order()}
                ) AS place
                FROM usage_rows WHERE {rows.text} AND has_duplicates
            ) AS repeats WHERE place = 1
            """,
            rows.params * 2,
        )

    def _rows_in_range(self) -> Sql:
        """Return the tests on a usage row: its session, its time as text and as an instant."""
        span = self._scope.range
        text = self._reader.binary_order("timestamp_text")
        tests = (
            "archive_id = ?",
            "row_kind <> 'cursor_event'",
            f"{text} >= ? AND {text} <= ?",
            _from_on(span.start_ns),
            _before(span.effective_end_ns),
            self._is_candidate,
        )
        bounds = (_utc_text(span.start_ns - _PADDING_NS), _utc_text(span.end_ns + _PADDING_NS))
        return Sql(" AND ".join(tests), (self._scope.archive_id, *bounds, *self._candidates.params))


def _candidates(reader: Reader, scope: ActivityScope) -> Sql:
    """Return the tests on a session; its bounds are compared as text, cut to seconds."""
    tests = [
        "archive_id = ?",
        "message_count > 0",
        "deleted_at_text IS NULL",
        f"{reader.binary_order(_END)} >= ?",
        f"{reader.binary_order(_START)} < ?",
    ]
    bounds = (scope.range.start_ns, scope.range.end_ns)
    params = [scope.archive_id, *(_utc_text(bound).removesuffix("Z") for bound in bounds)]
    if scope.project:
        tests.append("project = ?")
        params.append(scope.project)
    for column, listed in (("agent", scope.agents), ("machine", scope.machines)):
        names = [name for name in map(trim, listed.split(",")) if name]
        if names:
            tests.append(f"{column} IN ({', '.join('?' * len(names))})")
            params.extend(names)
    return Sql(" AND ".join(tests), tuple(params))


def _utc_text(epoch_ns: int) -> str:
    return format_utc_seconds(Instant(epoch_ns // NANOSECONDS, 0))


def _from_on(epoch_ns: int) -> str:
    second, nanosecond = divmod(epoch_ns, NANOSECONDS)
    if not nanosecond:
        return f"epoch_seconds >= {second}"
    return f"epoch_seconds >= {second} AND (epoch_seconds > {second} OR nanosecond >= {nanosecond})"


def _before(epoch_ns: int) -> str:
    second, nanosecond = divmod(epoch_ns, NANOSECONDS)
    if not nanosecond:
        return f"epoch_seconds < {second}"
    return f"epoch_seconds <= {second} AND (epoch_seconds < {second} OR nanosecond < {nanosecond})"


def _bucket_moment(moment: str, starts: Sequence[int]) -> str:
    """Return the SQL of a moment that all of a part of a bucket share, in the same bucket.

    Buckets of equal width take one expression together, so that a year of days needs few.
    """
    runs = _runs(starts)
    cells = [
        f"{first} + ({moment} - {first}) - ({moment} - {first}) % {width}" for first, width in runs
    ]
    cases = "".join(
        f"WHEN {moment} < {until} THEN {cell} "
        for cell, (until, _) in zip(cells, runs[1:], strict=False)
    )
    return f"CASE {cases}ELSE {cells[-1]} END" if cases else cells[-1]


def _runs(starts: Sequence[int]) -> list[tuple[int, int]]:
    """Return first start and width of each run of buckets of one width.

    The last bucket ends with the range, so its width does not matter.
    """
    widths = [after - start for start, after in pairwise(starts)]
    runs = [(starts[0], widths[0] if widths else _WIDEST_NS)]
    for start, width in zip(starts[1:], widths[1:], strict=False):
        if width != runs[-1][1]:
            runs.append((start, width))
    return runs


def _pages(sessions: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """Yield first and last id of sessions that have a fair number of messages together."""
    first = last = ""
    held = 0
    for session_id, messages in sessions:
        if not held:
            first = session_id
        last = session_id
        held += max(messages, 1)
        if held >= _ROWS_PER_PAGE:
            yield first, last
            held = 0
    if held:
        yield first, last
