"""The usage that an activity report counts, as portable SQL.

What belongs here: which usage rows take part, and in what order. What does not: spans (`spans`),
money, documents. Long ranges are read piece by piece, so that memory does not grow with them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.common.counting import is_single, shared_rows
from agentsview_assets.documents.common.lookups import of_archive
from agentsview_assets.documents.common.sql import Sql, stepwise
from agentsview_assets.rules.duplicates import instant_order
from agentsview_assets.rules.timestamps import SECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentsview_assets.documents.activity.scope import ActivityScope
    from agentsview_assets.resources.warehouses.reader import Reader

_SLICE_NS: Final = 32 * SECONDS_PER_DAY * NANOSECONDS
_WIDEST_NS: Final = 366 * SECONDS_PER_DAY * NANOSECONDS

_LABELS: Final = "session_id, model, bucket, reported"
_PLACE: Final = "epoch_seconds, nanosecond, ordinal, row_kind, row_id, archive_id"
_USED: Final = (
    f"session_id, model, {_PLACE}, reported_cost_usd, input_tokens, output_tokens, "
    "cache_creation_tokens, cache_read_tokens, billable_output_tokens"
)
_SUMMED: Final = (
    *("input_tokens", "billable_output_tokens", "cache_creation_tokens", "cache_read_tokens"),
    "output_tokens",
)


class UsageQuery:
    """The usage rows of one report."""

    def __init__(self, reader: Reader, scope: ActivityScope) -> None:
        """Settle which sessions take part; nothing is read yet."""
        self._reader = reader
        self._scope = scope
        self._takes_part = scope.takes_part(reader)
        self._moment = f"(epoch_seconds - {scope.origin}) * {NANOSECONDS} + nanosecond"

    def usage_sums(self, starts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield the usage that counts, summed by session, model, bucket and kind of cost.

        Args:
            starts: Moments at which buckets start, ascending.

        Yields:
            Session id, model, a moment in the bucket, whether the cost is reported (0 or 1), the
            sums of input, billable output, cache write, cache read and output tokens, the sum of
            the reported cost in USD, and the least billable output and reported cost; perhaps of
            sessions that take no part, too. A sum may come in several parts.
        """
        span = self._scope.range
        yield from self._usage(starts, self._first_of_each_key())
        for begin in range(span.start_ns, span.effective_end_ns, _SLICE_NS):
            rows = self._rows(begin, min(begin + _SLICE_NS, span.effective_end_ns))
            single = Sql(
                f"SELECT {_USED} FROM usage_rows WHERE {rows.text} AND {self._is_single}",
                rows.params,
            )
            yield from self._usage(starts, single)

    def usage_one_by_one(self, starts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield the same, a row at a time, in the order in which rows count."""
        span = self._scope.range
        rows, repeats = self._rows(span.start_ns, span.effective_end_ns), self._first_of_each_key()
        every = Sql(
            f"SELECT {_USED} FROM usage_rows WHERE {rows.text} AND {self._is_single} "
            f"UNION ALL {repeats.text}",
            rows.params + repeats.params,
        )
        yield from self._usage(starts, every, one_by_one=True)

    def _usage(
        self, starts: Sequence[int], rows: Sql, *, one_by_one: bool = False
    ) -> list[tuple[Any, ...]]:
        placed = f"SELECT {_USED}, {self._moment} AS moment FROM ({rows.text}) AS surviving"
        sums = _sums_sql(self._reader, placed, starts)
        group, order = (f"{_LABELS}, {_PLACE}", self._row_order()) if one_by_one else (_LABELS,) * 2
        return self._reader.rows(f"{sums} GROUP BY {group} ORDER BY {order}", rows.params)

    def _first_of_each_key(self) -> Sql:
        """Of rows that share a key, the first one counts, among those of this report only."""
        span = self._scope.range
        rows = self._rows(span.start_ns, span.effective_end_ns)
        return Sql(
            f"""
            SELECT {_USED} FROM (
                SELECT {_USED}, ROW_NUMBER() OVER (
                    PARTITION BY shared_by ORDER BY {self._row_order()}
                ) AS place
                FROM {shared_rows(of_all=self._scope.is_of_all)} AS usage_rows
                WHERE {rows.text} AND {self._takes_part.text}
            ) AS repeats WHERE place = 1
            """,
            rows.params + self._takes_part.params,
        )

    def _row_order(self) -> str:
        binary = self._reader.binary_order
        last = binary("archive_id") if self._scope.is_of_all else ""
        return instant_order(binary, last=last)

    @property
    def _is_single(self) -> str:
        return is_single(self._reader, of_all=self._scope.is_of_all)

    def _rows(self, begin_ns: int, end_ns: int) -> Sql:
        """Return the tests on the time of a usage row, as text and as an instant, and its filter.

        Without a filter, rows of sessions that take no part pass: telling them apart is cheaper
        for the sums than for the rows.
        """
        text = self._reader.binary_order("timestamp_text")
        archive, found = of_archive(self._scope.archive_id)
        tests = [
            archive,
            "row_kind <> 'cursor_event'",
            f"{text} >= ? AND {text} <= ?",
            _at_least(begin_ns),
            _less_than(end_ns),
        ]
        params: tuple[object, ...] = (*found, *self._scope.usage_texts())
        if any(self._scope.chosen):
            tests.append(self._takes_part.text)
            params += self._takes_part.params
        return Sql(" AND ".join(tests), params)


def _sums_sql(reader: Reader, placed: str, starts: Sequence[int]) -> str:
    """SQL of the sums of usage rows, to be grouped.

    Args:
        reader: The warehouse.
        placed: SQL of the rows, each with its `moment`.
        starts: Moments at which buckets start, ascending.
    """
    return f"""
        SELECT {_LABELS}, {", ".join(map(reader.whole_sum, _SUMMED))},
               {reader.exact_sum("reported_cost_usd")}, MIN(billable_output_tokens),
               MIN(COALESCE(reported_cost_usd, 0))
        FROM (
            SELECT placed.*, {_bucket_moment("moment", starts)} AS bucket,
                   CASE WHEN reported_cost_usd IS NULL THEN 0 ELSE 1 END AS reported
            FROM ({placed}) AS placed
        ) AS counted"""


def _at_least(epoch_ns: int) -> str:
    second, nanosecond = divmod(epoch_ns, NANOSECONDS)
    if not nanosecond:
        return f"epoch_seconds >= {second}"
    later = f"epoch_seconds > {second} OR nanosecond >= {nanosecond}"
    return f"epoch_seconds >= {second} AND ({later})"


def _less_than(epoch_ns: int) -> str:
    second, nanosecond = divmod(epoch_ns, NANOSECONDS)
    if not nanosecond:
        return f"epoch_seconds < {second}"
    earlier = f"epoch_seconds < {second} OR nanosecond < {nanosecond}"
    return f"epoch_seconds <= {second} AND ({earlier})"


def _bucket_moment(moment: str, starts: Sequence[int]) -> str:
    """Return the SQL of a moment that all of a part of a bucket share, in the same bucket.

    Buckets of equal width take one expression together, so that a year of days needs few.
    """
    return stepwise(
        moment,
        [
            (first, f"{first} + ({moment} - {first}) - ({moment} - {first}) % {width}")
            for first, width in _runs(starts)
        ],
    )


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
