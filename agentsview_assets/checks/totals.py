"""Whether the reports say the same as the rows that they were made from, and as each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from agentsview_assets.checks.verdict import Verdict, same, table
from agentsview_assets.documents.common.counting import none_of
from agentsview_assets.resources.warehouses.expected import expected_rows
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, Reader
from agentsview_assets.rules.duplicates import OWN, session_order
from agentsview_assets.rules.rates import cost_sql
from agentsview_assets.rules.staleness import (
    OBSERVATIONS,
    VERDICTS,
    Slice,
    Versions,
    input_of,
)

_EARLIEST = -62_135_596_800
"""Year 1: activity before it has no place on the clock, so that buckets leave it out."""
_SHOWN = 20

_TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")


def _sums(reader: Reader, prefix: str, cost: str) -> str:
    tokens = ", ".join(reader.whole_sum(f"{prefix}{name}") for name in _TOKENS)
    return f"{tokens}, SUM({cost})"


# What the rows themselves say, at the rates in force, independent of any report.
_TOKENS_OF_ROW = (
    *("u.input_tokens", "u.billable_output_tokens", "u.cache_creation_tokens"),
    "u.cache_read_tokens",
)
_ROW_COST = f"COALESCE(u.reported_cost_usd, {cost_sql('r', *_TOKENS_OF_ROW)})"
_ROWS = """usage_rows u JOIN model_rates r ON r.archive_id = u.archive_id AND r.model = u.model"""
_REPEATS = f"d.scope = '{OWN}' AND d.counting_row_id <> d.row_id"
_DAY = "CAST({}partition_date AS VARCHAR(10))"
_TIMED = f"u.epoch_seconds BETWEEN {_EARLIEST} AND 253402300799"


def _of_rows(reader: Reader, by: str, condition: str = "1 = 1") -> str:
    counts = none_of(reader, "u", "duplicates", _REPEATS)
    return f"""SELECT u.archive_id, {by}, {_sums(reader, "u.", _ROW_COST)}
FROM {_ROWS} WHERE {counts} AND {condition} GROUP BY u.archive_id, {by}"""


def _of_report(reader: Reader, report: str, by: str) -> str:
    return f"""SELECT archive_id, {by}, {_sums(reader, "", "cost_usd")}
FROM {report} GROUP BY archive_id, {by}"""


def _of_all_models(reader: Reader, report: str) -> str:
    return f"""SELECT archive_id, 'all models', {_sums(reader, "", "cost_usd")}
FROM {report} GROUP BY archive_id"""


def _once_per_session(reader: Reader) -> str:
    """What sessions spent: of the rows of one session that share a key, the first alone.

    Rows on days that are there may belong to sessions that started on days that are not.
    """
    return f"""WITH repeated AS (
    SELECT archive_id, session_id, dedup_key FROM usage_rows WHERE dedup_key IS NOT NULL
    GROUP BY archive_id, session_id, dedup_key HAVING COUNT(*) > 1
), placed AS (
    SELECT r.archive_id, r.row_id, ROW_NUMBER() OVER (
        PARTITION BY r.archive_id, r.session_id, r.dedup_key
        ORDER BY {session_order(reader.binary_order)}) AS place
    FROM usage_rows r JOIN repeated ON repeated.archive_id = r.archive_id
        AND repeated.session_id = r.session_id AND repeated.dedup_key = r.dedup_key
)
SELECT u.archive_id, u.model, {_sums(reader, "u.", _ROW_COST)}
FROM {_ROWS}
WHERE {none_of(reader, "u", "placed", "d.place > 1")}
    AND EXISTS (SELECT 1 FROM {PARTITIONS_TABLE} p
        WHERE p.asset = 'session_model_usage' AND p.archive_id = u.archive_id
            AND p.partition_date = CAST(u.session_date AS VARCHAR(10)))
GROUP BY u.archive_id, u.model"""


class _Comparison(NamedTuple):
    """Two queries that must say the same, once the tables they read are made of the same."""

    name: str
    made: str
    of: str
    tables: tuple[str, ...]


def totals_agree(reader: Reader) -> Verdict:
    """Compares the totals of all reports with the rows; tokens exactly, costs to 1e-9."""
    rows = "usage_rows"
    comparisons = (
        _Comparison(
            "daily_usage by model",
            _of_report(reader, "daily_usage", "model"),
            _of_rows(reader, "u.model"),
            (rows, "daily_usage"),
        ),
        _Comparison(
            "activity_buckets by day",
            _of_report(reader, "activity_buckets", _DAY.format("")),
            _of_rows(reader, _DAY.format("u."), _TIMED),
            (rows, "activity_buckets"),
        ),
        _Comparison(
            "session_model_usage by model",
            _of_report(reader, "session_model_usage", "model"),
            _once_per_session(reader),
            (rows, "session_model_usage"),
        ),
        _Comparison(
            "session_summaries in all",
            _of_all_models(reader, "session_summaries"),
            _of_all_models(reader, "session_model_usage"),
            ("session_model_usage", "session_summaries"),
        ),
    )
    recorded = _recorded(reader)
    told, wrong, waiting = [], [], []
    for comparison in comparisons:
        behind = _behind(recorded, comparison.tables)
        if behind:
            waiting.append(f"{comparison.name}: {len(behind)} days are of another observation")
            continue
        costs = not _repriced(recorded, comparison.tables)
        compared, differing = _compare(reader, comparison, with_costs=costs)
        told.append(f"{comparison.name} ({compared:,} totals{'' if costs else ', tokens only'})")
        wrong += [(comparison.name, *difference) for difference in differing]
    return _verdict(told, wrong, waiting)


def _verdict(told: list[str], wrong: list[tuple[object, ...]], waiting: list[str]) -> Verdict:
    agreed = "; ".join(told) or "nothing"
    numbers: dict[str, Any] = {"totals_that_differ": len(wrong), "not_compared": len(waiting)}
    if wrong:
        head = ("report", "archive", "of", "what", "report says", "rows say")
        numbers["differences"] = table(head, wrong[:_SHOWN])
        name, _, of, what, says, rows = wrong[0]
        return Verdict(
            passed=False,
            words=f"{len(wrong)} totals differ from the rows that they were made from, the first "
            f"in {name}, {of}, {what}: {says} instead of {rows}",
            numbers=numbers,
            is_wrong=True,
        )
    if waiting:
        return Verdict(
            passed=False,
            words=f"compared with the rows and equal: {agreed}. Not compared, because days are "
            "out of date (run `agentsview-assets materialize`, or the job `update`): "
            f"{'; '.join(waiting)}",
            numbers=numbers,
        )
    return Verdict(
        passed=True,
        words=f"equal to the rows that they were made from, tokens exactly and costs to nine "
        f"digits: {agreed}",
        numbers=numbers,
    )


Recorded = dict[str, dict[Slice, Versions]]


def _recorded(reader: Reader) -> Recorded:
    """Versions of what each slice was made from, and of its rates, by table.

    That of usage rows is told together with what counts of them now.
    """
    verdicts = {
        (row.archive_id, row.day): row.version
        for row in expected_rows(reader.rows, None)
        if row.part == VERDICTS
    }
    found: Recorded = {}
    for name, archive, day, version, rates in reader.rows(
        "SELECT asset, archive_id, partition_date, input_version, rates_version "
        f"FROM {PARTITIONS_TABLE}"
    ):
        counts = verdicts.get((archive, day), "") if name in OBSERVATIONS else ""
        found.setdefault(name, {})[archive, day] = (input_of(version, counts), rates)
    return found


def _behind(recorded: Recorded, tables: Iterable[str]) -> set[Slice]:
    """Slices that the tables have of different observations, or that one of them lacks."""
    versions = [{d: v for d, (v, _) in recorded.get(name, {}).items()} for name in tables]
    days = {day for by_day in versions for day in by_day}
    return {
        day
        for day in days
        if len({by_day.get(day, "") for by_day in versions}) > 1
        or "mixed" in {by_day.get(day) for by_day in versions}
    }


def _repriced(recorded: Recorded, tables: Iterable[str]) -> bool:
    """Whether some day has been priced with rates that another of the reports does not have yet."""
    reports = ("daily_usage", *(name for name in tables if name != "usage_rows"))
    by_report = [{d: r for d, (_, r) in recorded.get(name, {}).items()} for name in reports]
    days = {day for rates in by_report for day in rates}
    return any(len({rates.get(day) for rates in by_report if day in rates}) > 1 for day in days)


def _compare(
    reader: Reader, comparison: _Comparison, *, with_costs: bool
) -> tuple[int, list[tuple[object, ...]]]:
    """The number of totals compared, and the ones that differ."""
    made, of = (
        {(a, b): sums for a, b, *sums in reader.rows(sql)}
        for sql in (comparison.made, comparison.of)
    )
    differing: list[tuple[object, ...]] = []
    for key in sorted(made.keys() | of.keys()):
        zeros = [0] * (len(_TOKENS) + 1)
        left, right = made.get(key, zeros), of.get(key, zeros)
        pairs = zip(_TOKENS, left[:-1], right[:-1], strict=True)
        differing += [(*key, name, a, b) for name, a, b in pairs if int(a) != int(b)]
        if with_costs and not same(float(left[-1]), float(right[-1])):
            differing.append((*key, "cost_usd", left[-1], right[-1]))
    return len(made.keys() | of.keys()), differing
