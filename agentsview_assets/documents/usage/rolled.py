"""Usage read from the table `daily_usage`, where that says the same as the rows themselves.

A million rows are a few thousand sums there. The sums hold for a window as well, but for rows
whose duplicate outside of it counted: of those the first within it counts, and is added.

What belongs here: when the table may be used, and how its sums become what `read_usage` gives.
What does not: money.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.common.counting import none_of
from agentsview_assets.documents.common.gaps import start_date
from agentsview_assets.documents.common.lookups import ALL_ARCHIVES, of_archive
from agentsview_assets.documents.common.sql import Sql, all_of, any_of, one_of
from agentsview_assets.documents.usage.buckets import (
    IS_REPORTED,
    SUMMED,
    Bucket,
    Usage,
    priced,
    sums,
)
from agentsview_assets.documents.usage.filters import EVERYTHING
from agentsview_assets.resources.warehouses.reader import exact_total
from agentsview_assets.rules.duplicates import ALL, OWN, RULE, text_order

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from agentsview_assets.documents.usage.query import UsageScope
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable
    from agentsview_assets.rules.staleness import Slice

_FILTERED = ("project", "agent", "model")
# Rows that lie elsewhere than under the date that their text begins with, or have no plain instant.
_IRREGULAR = (
    "(epoch_seconds IS NULL OR epoch_seconds < 86400 OR epoch_seconds >= 4102444800 "
    "OR SUBSTR(COALESCE(timestamp_text, ''), 1, 10) <> CAST(partition_date AS VARCHAR(10)))"
)
_COUNTERS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
_PRICED = (
    *("priced_input_tokens", "priced_output_tokens"),
    *("priced_cache_creation_tokens", "priced_cache_read_tokens"),
)
_OWN = f"rule = '{RULE}' AND scope = '{OWN}'"
_CARRIED = (
    "archive_id, partition_date, row_id, row_kind, session_id, source, ordinal, timestamp_text, "
    f"project, agent, model, {', '.join(SUMMED)}, reported_cost_usd"
)
Key = tuple[str, str, str, str]
"""Date, project, agent and model."""


class _Sums(NamedTuple):
    """What the rows of a key come to.

    Attributes:
        rows: How many they are.
        reported: How many of them have a reported cost.
        counters: Tokens of the four counters.
        priced: Those of rows without a reported cost, of output the billable ones.
        usd: The reported costs, of one row of the table each.
    """

    rows: int
    reported: int
    counters: tuple[int, ...]
    priced: tuple[int, ...]
    usd: tuple[float, ...]


class _Added(NamedTuple):
    """Rows that count in a part of the window alone.

    Attributes:
        sums: What they come to, in all parts.
        sessions: Their sessions: part, project, agent and id.
    """

    sums: dict[Key, _Sums]
    sessions: set[tuple[int, str, str, str]]


def rolled_usage(
    reader: Reader, scope: UsageScope, prices: PricingTable, late: Collection[Slice]
) -> Usage | None:
    """Read what `read_usage` reads by project, from the table; None where that may not hold.

    Args:
        reader: The warehouse.
        scope: What the report is about.
        prices: The price rows in force.
        late: The slices of the table that are out of date.
    """
    found = rolled_parts(reader, scope, prices, late, "")
    return found and found[1]


def rolled_parts(
    reader: Reader, scope: UsageScope, prices: PricingTable, late: Collection[Slice], split: str
) -> tuple[Usage, Usage] | None:
    """Read two windows that adjoin, at the cost of little more than one.

    Args:
        reader: The warehouse.
        scope: What the reports are about, its window both of theirs together.
        prices: The price rows in force.
        late: The slices of the table that are out of date.
        split: First day of the second window.
    """
    if not _is_plain(reader, scope, late):
        return None
    added, found = _added(reader, scope, split), _sums(reader, scope)
    if added is None:
        return None
    for key, more in added.sums.items():
        found[key] = _joined(found[key], more) if key in found else more
    buckets: tuple[list[Bucket], list[Bucket]] = ([], [])
    for key in sorted(found):
        parts = _parts(found[key])
        if len(parts) > 1 and prices.price(key[-1]) is None:
            return None  # the output tokens of the two are not told apart
        for is_reported, values in parts:
            amounts, savings = priced(prices, key[-1], is_reported, values)
            buckets[key[0] >= split].append(Bucket(*key, is_reported, amounts, savings))
    first, second = _sessions(reader, scope, split, added.sessions)
    return Usage(buckets[0], first), Usage(buckets[1], second)


def _is_plain(reader: Reader, scope: UsageScope, late: Collection[Slice]) -> bool:
    """Whether the table can answer: its days are those of the report, and nothing is odd."""
    if scope.zone.name != "UTC" or not scope.with_cursor:
        return False
    if replace(scope.filters, project="", agent="", model="") != EVERYTHING:
        return False
    first, last = scope.window.from_date or "", scope.window.to_date or "9999-12-31"
    if any(first <= day <= last for _, day in late):
        return False
    rows, begin = _placed(scope), start_date(reader)
    if begin is None:
        return False
    where = any_of([rows, Sql("partition_date = ?", (begin,))])
    tests = [f"SELECT 1 FROM usage_rows WHERE {where.text} AND {_IRREGULAR} LIMIT 1"]
    if scope.filters.project or scope.filters.agent:
        # These leave out usage without a session, which the table does not tell apart.
        cursor = "row_kind = 'cursor_event'"
        tests.append(f"SELECT 1 FROM usage_rows WHERE {where.text} AND {cursor} LIMIT 1")
    if any(reader.rows(test, where.params) for test in tests):
        return False
    copied = f"SELECT 1 FROM duplicates WHERE scope = '{ALL}' LIMIT 1"
    return scope.archive_id != ALL_ARCHIVES or not reader.rows(copied)


def _placed(scope: UsageScope, column: str = "partition_date") -> Sql:
    """The test on the day of a row of the window."""
    tests = [
        Sql(f"{column} {operator} ?", (bound,))
        for operator, bound in zip((">=", "<="), scope.window, strict=True)
        if bound is not None
    ]
    return all_of(tests)


def _filter(scope: UsageScope, day: str) -> Sql:
    """The tests on archive, day and names."""
    names = [
        one_of(column, chosen.split(","))
        for column in _FILTERED
        if (chosen := getattr(scope.filters, column))
    ]
    return all_of([Sql(*of_archive(scope.archive_id)), _placed(scope, day), *names])


def _sums(reader: Reader, scope: UsageScope) -> dict[Key, _Sums]:
    test = _filter(scope, "usage_date_text")
    columns = ("usage_row_count", "reported_row_count", *_COUNTERS, *_PRICED, "reported_cost_usd")
    found: dict[Key, _Sums] = {}
    for date, project, agent, model, rows, reported, *n, usd in reader.rows(
        f"SELECT usage_date_text, project, agent, model, {', '.join(columns)} "
        f"FROM daily_usage WHERE usage_row_count > 0 AND {test.text}",
        test.params,
    ):
        key = (date, project, agent, model)
        more = _Sums(rows, reported, tuple(n[:4]), tuple(n[4:]), (usd,) if reported else ())
        found[key] = _joined(found[key], more) if key in found else more
    return found


def _part(split: str) -> Sql:
    """The part of the window that a row is in, 0 or 1."""
    return Sql("CASE WHEN partition_date < ? THEN 0 ELSE 1 END", (split,)) if split else Sql("1")


def _added(reader: Reader, scope: UsageScope, split: str) -> _Added | None:
    """The rows that count in a part of the window because what counts else is not in it.

    None where one of them has a reported cost: those sums are rounded once, not twice.
    """
    added = _Added({}, set())
    if scope.is_unlimited:
        return added
    test, members = _filter(scope, "partition_date"), _deprived(scope, split)
    rows = reader.rows(
        f"""
        SELECT CAST(partition_date AS VARCHAR(10)), project, agent, model, session_id, source, part,
               {IS_REPORTED} AS reported, COUNT(*), {sums(reader)}
        FROM (SELECT *, ROW_NUMBER() OVER (
                  PARTITION BY archive_id, counting_row_id, part ORDER BY {_order(reader)}) AS place
              FROM (SELECT u.*, m.counting_row_id, m.part
                    FROM (SELECT {_CARRIED} FROM usage_rows WHERE {test.text}) AS u
                    JOIN ({members.text}) AS m
                    ON m.archive_id = u.archive_id AND m.row_id = u.row_id) AS members) AS ordered
        WHERE place = 1 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        """,
        (*test.params, *members.params),
    )
    for date, project, agent, model, session, source, part, reported, count, *values in rows:
        if reported:
            return None
        uncached, output, created, read, billable = map(int, values[:5])
        key = (date, project, agent, model)
        counters, paid = (uncached, output, created, read), (uncached, billable, created, read)
        more = _Sums(int(count), 0, counters, paid, ())
        added.sums[key] = _joined(added.sums[key], more) if key in added.sums else more
        if source != "cursor":
            added.sessions.add((int(part), project, agent, session))
    return added


def _deprived(scope: UsageScope, split: str) -> Sql:
    """Rows that share a key with one that counts, which is not in their part of the window."""
    placed, archive, part = _placed(scope), Sql(*of_archive(scope.archive_id)), _part(split)
    if any(getattr(scope.filters, column) for column in _FILTERED):
        test = _filter(scope, "partition_date")
        there = test._replace(text=f"usage_rows WHERE {test.text}")
    else:
        # What counts stands in the table itself, which is smaller.
        there = Sql(
            f"duplicates WHERE {_OWN} AND {archive.text} AND {placed.text} "
            "AND row_id = counting_row_id",
            (*archive.params, *placed.params),
        )
    return Sql(
        f"SELECT archive_id, row_id, counting_row_id, {part.text} AS part FROM duplicates "
        f"WHERE {_OWN} AND {archive.text} AND {placed.text} "
        f"AND (archive_id, counting_row_id, {part.text}) NOT IN "
        f"(SELECT archive_id, row_id, {part.text} FROM {there.text})",
        (
            *(*part.params, *archive.params, *placed.params),
            *(*part.params, *part.params, *there.params),
        ),
    )


def _order(reader: Reader) -> str:
    return text_order(reader.binary_order)


def _joined(one: _Sums, other: _Sums) -> _Sums:
    return _Sums(
        one.rows + other.rows,
        one.reported + other.reported,
        tuple(map(sum, zip(one.counters, other.counters, strict=True))),
        tuple(map(sum, zip(one.priced, other.priced, strict=True))),
        one.usd + other.usd,
    )


def _parts(found: _Sums) -> list[tuple[bool, Sequence[Any]]]:
    """The sums of rows without and with a reported cost, as `priced` takes them.

    Where there are both, all output is told with the former: only their costs are told apart.
    """
    uncached, output, created, read = found.counters
    paid_input, billable, paid_created, paid_read = found.priced
    if not found.reported:
        return [(False, (uncached, output, created, read, billable, 0.0))]
    if found.reported == found.rows:
        return [(True, (uncached, output, created, read, 0, exact_total(found.usd)))]
    rest = (
        uncached - paid_input,
        0,
        created - paid_created,
        read - paid_read,
        0,
        exact_total(found.usd),
    )
    return [(False, (paid_input, output, paid_created, paid_read, billable, 0.0)), (True, rest)]


def _sessions(
    reader: Reader, scope: UsageScope, split: str, added: set[tuple[int, str, str, str]]
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """How many sessions of each project and agent a part's rows are of; 0 for Cursor's own."""
    test, placed, part = _filter(scope, "partition_date"), _placed(scope), _part(split)
    repeats = f"{_OWN} AND {placed.text} AND counting_row_id <> row_id"
    found = reader.rows(
        f"""
        SELECT {part.text} AS part, project, agent,
               CASE WHEN source <> 'cursor' THEN session_id END AS session
        FROM usage_rows WHERE {test.text}
            AND {none_of(reader, "usage_rows", "duplicates", repeats)}
        GROUP BY 1, 2, 3, 4
        """,
        (*part.params, *test.params, *placed.params),
    )
    counts: tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]] = ({}, {})
    for which, project, agent, session in (*found, *added.difference(found)):
        part_counts = counts[int(which)]
        part_counts[project, agent] = part_counts.get((project, agent), 0) + (session is not None)
    return counts
