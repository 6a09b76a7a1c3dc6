"""The usage rows that count for a window, a zone and some filters, as portable SQL.

Duplicates make this delicate: of the rows that share a key the first one counts, but only among
those that pass the filter and the window, so neither test may be applied after the choice.

What belongs here: which rows count, and their local dates. What does not: sums, money, documents.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.common.counting import counts, is_single, shared_rows
from agentsview_assets.documents.common.lookups import ALL_ARCHIVES, of_archive
from agentsview_assets.documents.common.sql import Sql, all_of, any_of, marks, one_of, stepwise
from agentsview_assets.documents.common.window import date_days, offset_segments, prefilter_bounds
from agentsview_assets.documents.usage.conditions import row_tests
from agentsview_assets.documents.usage.filters import EVERYTHING
from agentsview_assets.rules.duplicates import text_order
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.timestamps import (
    SECONDS_PER_DAY,
    format_date,
    local_date,
)

if TYPE_CHECKING:
    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader

__all__ = ["CountedRows", "Sql", "UsageScope", "row_filter"]

# Within these instants a zone has few offsets and local seconds are never negative. Rows beyond are
# rare and take the slow way of rows without an instant: by their distinct texts, in Python.
_PLAIN_FROM = SECONDS_PER_DAY
_PLAIN_UNTIL = 4_102_444_800  # 2100-01-01T00:00:00Z
_IS_PLAIN = f"epoch_seconds >= {_PLAIN_FROM} AND epoch_seconds < {_PLAIN_UNTIL}"
_IS_ODD = (
    f"(epoch_seconds IS NULL OR epoch_seconds < {_PLAIN_FROM} OR epoch_seconds >= {_PLAIN_UNTIL})"
)
# The date of an unreadable text is made of its first ten bytes, so ten characters are enough.
_ODD_TIME = (
    "CASE WHEN epoch_seconds IS NULL THEN SUBSTR(COALESCE(timestamp_text, ''), 1, 10) "
    "ELSE timestamp_text END"
)
_DATE = re.compile("-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}")
_CARRIED = (
    "archive_id, row_id, session_id, source, ordinal, timestamp_text, project, agent, machine, "
    "model, input_tokens, output_tokens, "
    "cache_creation_tokens, cache_read_tokens, billable_output_tokens, reported_cost_usd, "
    "local_seconds, odd_time"
)


class UsageScope(NamedTuple):
    """Which usage a report is about.

    Attributes:
        archive_id: Archive of the rows, or `ALL_ARCHIVES`.
        window: Local dates, both ends included.
        zone: Zone of the local dates.
        filters: What else rows are chosen by.
        now: The present in whole seconds since 1970, for filters that depend on it.
        with_cursor: Whether usage without a session takes part, also in what duplicates what.
    """

    archive_id: str
    window: Window
    zone: Zone
    filters: UsageFilters = EVERYTHING
    now: int = 0
    with_cursor: bool = True

    @property
    def is_unlimited(self) -> bool:
        """Whether nothing is left out."""
        return self.with_cursor and self.filters == EVERYTHING and self.window == (None, None)

    def holds(self, text: str | None) -> bool:
        """Whether a time text is in the window; where that is open, all are, and none as well."""
        if self.window == (None, None):
            return True
        if text is None or not (date := local_date(text, self.zone.tzinfo)):
            return False
        first, last = self.window
        lower, upper = prefilter_bounds(self.window)
        bounds = ((lower or "", text), (text, upper or text), (first or "", date), (date, last))
        return all(b is None or utf8_bytes(a) <= utf8_bytes(b) for a, b in bounds)


class CountedRows:
    """A subquery of the rows that count, and the reading of its local times.

    Its columns are the row's id, labels, tokens and reported cost, and either `local_seconds` (the
    local clock, in seconds since 1970-01-01) or `odd_time`, the text of a row without such a clock.
    """

    def __init__(self, reader: Reader, scope: UsageScope) -> None:
        """Look up what the SQL text depends on: the zone's offsets in use and the odd texts."""
        self._scope = scope
        self._reader = reader
        self._filter = row_filter(reader, scope)
        self._dates: dict[int, str] = {}
        self._odd_dates = self._read_odd_dates()
        self.sql = self._every_row() if scope.is_unlimited else self._first_of_each_key()

    def local_date(self, midnight: int | None, odd_time: str | None) -> str:
        """Return the local date of a row.

        Args:
            midnight: `local_seconds` without the time of day, or None.
            odd_time: The text, where `midnight` is None.
        """
        if midnight is None:
            return self._odd_dates[odd_time or ""]
        if midnight not in self._dates:
            self._dates[midnight] = format_date(midnight // SECONDS_PER_DAY)
        return self._dates[midnight]

    def on_date(self, date: str) -> Sql:
        """Return the test on rows of `sql` that they are of a local date."""
        tests = []
        if _is_date(date):
            start = _midnight(date)
            tests.append(
                Sql("(local_seconds >= ? AND local_seconds < ?)", (start, start + SECONDS_PER_DAY))
            )
        odd = [text for text, found in self._odd_dates.items() if found == date]
        if odd:
            tests.append(one_of("odd_time", odd))
        return any_of(tests)

    def _read_odd_dates(self) -> dict[str, str]:
        condition = self._filter
        rows = self._reader.rows(
            f"SELECT DISTINCT {_ODD_TIME} FROM usage_rows WHERE {condition.text} AND {_IS_ODD}",
            condition.params,
        )
        return {text: local_date(text, self._scope.zone.tzinfo) for (text,) in rows}

    def _dated(self) -> str:
        """Return the select list that gives filtered rows their local time."""
        shifted = f"epoch_seconds + {self._offset}"
        if not self._odd_dates:
            return f"{shifted} AS local_seconds, CAST(NULL AS VARCHAR) AS odd_time"
        return (
            f"CASE WHEN {_IS_PLAIN} THEN {shifted} END AS local_seconds, "
            f"CASE WHEN {_IS_ODD} THEN {_ODD_TIME} END AS odd_time"
        )

    @cached_property
    def _offset(self) -> str:
        """The SQL of the zone's offset, with only the changes that the rows can meet."""
        ((first, last),) = self._reader.rows(
            f"SELECT MIN(epoch_seconds), MAX(epoch_seconds) FROM usage_rows "
            f"WHERE {self._filter.text} AND {_IS_PLAIN}",
            self._filter.params,
        )
        if first is None:
            return "0"
        return stepwise("epoch_seconds", offset_segments(self._scope.zone, first, last))

    def _every_row(self) -> Sql:
        """Nothing is left out, so the stored verdict on duplicates holds."""
        return Sql(
            f"SELECT *, {self._dated()} FROM usage_rows "
            f"WHERE {self._filter.text} AND {counts(self._reader, of_all=self._is_of_all)}",
            self._filter.params,
        )

    @property
    def _is_of_all(self) -> bool:
        return self._scope.archive_id == ALL_ARCHIVES

    def _first_of_each_key(self) -> Sql:
        """Choose anew among the rows of the report: the stored verdict may be on one left out."""
        single = self._rows_in_report("usage_rows", is_single(self._reader, of_all=self._is_of_all))
        repeats = self._rows_in_report(f"{shared_rows(of_all=self._is_of_all)} AS usage_rows")
        return Sql(
            f"""
            SELECT {_CARRIED} FROM ({single.text}) AS single
            UNION ALL
            SELECT {_CARRIED} FROM (
                SELECT {_CARRIED}, ROW_NUMBER() OVER (
                    PARTITION BY shared_by ORDER BY {self._row_order()}
                ) AS place
                FROM ({repeats.text}) AS repeats
            ) AS ordered WHERE place = 1
            """,
            single.params + repeats.params,
        )

    def _rows_in_report(self, relation: str, condition: str = "1 = 1") -> Sql:
        window = self._in_window()
        return Sql(
            f"SELECT * FROM (SELECT *, {self._dated()} FROM {relation} "
            f"WHERE {self._filter.text} AND {condition}) AS dated WHERE {window.text}",
            (*self._filter.params, *window.params),
        )

    def _row_order(self) -> str:
        """Return the order in which the first row of a key counts."""
        binary = self._reader.binary_order
        # Copies are equal up to here.
        return text_order(binary, first=binary("archive_id") if self._is_of_all else "")

    def _in_window(self) -> Sql:
        """Return the test on the local date."""
        first, last = self._scope.window
        tests = []
        if first is not None:
            tests.append(f"local_seconds >= {_midnight(first)}")
        if last is not None:
            tests.append(f"local_seconds < {_midnight(last) + SECONDS_PER_DAY}")
        kept = [
            text
            for text, date in self._odd_dates.items()
            if (first is None or date >= first) and (last is None or date <= last)
        ]
        plain = " AND ".join(tests) or "local_seconds IS NOT NULL"
        if not kept:
            return Sql(f"({plain})")
        return Sql(f"({plain} OR odd_time IN ({marks(kept)}))", tuple(kept))


def row_filter(reader: Reader, scope: UsageScope) -> Sql:
    """Return the tests that need no local date: archive, filters, and the window's text bounds."""
    archive = Sql(*of_archive(scope.archive_id))
    tests = [
        archive,
        *row_tests(reader, archive, scope.filters, now=scope.now, with_cursor=scope.with_cursor),
    ]
    lower, upper = prefilter_bounds(scope.window)
    text = reader.binary_order("timestamp_text")
    tests += [
        Sql(f"{text} {operator} ?", (bound,))
        for operator, bound in ((">=", lower), ("<=", upper))
        if bound is not None
    ]
    return all_of(tests)


def _is_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text)) and format_date(date_days(text)) == text


def _midnight(date: str) -> int:
    return date_days(date) * SECONDS_PER_DAY
