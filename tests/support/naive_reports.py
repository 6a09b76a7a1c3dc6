"""The report tables worked out from observations row by row: slow, plain, and sharing no code."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

Row = dict[str, Any]
Sums = dict[tuple[Any, ...], dict[str, float]]

TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
_RATES = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "cache_read_usd_per_mtok",
)
_BUCKET_NS = 300 * 10**9
_MINUTE_NS = 60 * 10**9


class Prices:
    """What each model costs."""

    def __init__(self, model_rates: Iterable[Row]) -> None:
        self._rates = {row["model"]: row for row in model_rates}

    def cost(self, row: Row) -> float:
        """USD of a usage row: what its source reported, or tokens times rates."""
        if row["reported_cost_usd"] is not None:
            return float(row["reported_cost_usd"])
        rates = self._rates[row["model"]]
        billed = {**row, "output_tokens": row["output_tokens"] or row["reasoning_tokens"]}
        pairs = zip(TOKENS, _RATES, strict=True)
        return float(sum(billed[tokens] * rates[rate] for tokens, rate in pairs)) / 1e6

    def unpriced_tokens(self, row: Row) -> int:
        """Tokens of a usage row for which there is neither a price nor a reported cost."""
        priced = self._rates[row["model"]]["matched_pattern"] is not None
        if priced or row["reported_cost_usd"] is not None:
            return 0
        return sum(row[name] for name in TOKENS)


def daily_usage(usage: Iterable[Row], replaced: Container[str], prices: Prices) -> Sums:
    """Sums by partition, UTC date, project, agent and model; duplicates are counted, not summed.

    Args:
        usage: Rows of an archive.
        replaced: Ids of those that another one counts in place of.
        prices: What models cost.
    """
    sums: Sums = defaultdict(lambda: defaultdict(float))
    for row in usage:
        place = (row["partition_date"], _date(row), row["project"], row["agent"], row["model"])
        if row["row_id"] in replaced:
            sums[place]["duplicate_row_count"] += 1
        else:
            _add(sums[place], row, prices)
    return sums


def session_model_usage(usage: Iterable[Row], prices: Prices) -> Sums:
    """Sums by session and model; of a session's rows with one key only the first is summed."""
    sums: Sums = defaultdict(lambda: defaultdict(float))
    met = set()
    for row in sorted(usage, key=_order):
        if not row["session_id"]:
            continue
        key = (row["session_id"], row["dedup_key"])
        if row["dedup_key"] is not None and key in met:
            continue
        met.add(key)
        spent = any(row[name] for name in (*TOKENS, "reasoning_tokens"))
        if spent or row["reported_cost_usd"] is not None:
            _add(sums[row["session_id"], row["model"]], row, prices)
    return sums


def _add(sums: dict[str, float], row: Row, prices: Prices) -> None:
    sums["usage_row_count"] += 1
    for name in (*TOKENS, "reasoning_tokens"):
        sums[name] += row[name]
    sums["cost_usd"] += prices.cost(row)
    sums["unpriced_tokens"] += prices.unpriced_tokens(row)


def _order(row: Row) -> tuple[bytes, int, str]:
    ordinal = -1 if row["ordinal"] is None else row["ordinal"]
    return ((row["timestamp_text"] or "").encode(), ordinal, row["row_id"])


def _date(row: Row) -> str:
    if row["epoch_seconds"] is not None:
        day = dt.date(1970, 1, 1) + dt.timedelta(days=row["epoch_seconds"] // 86400)
        return day.isoformat()
    text = row["timestamp_text"] or ""
    return text[:10] if len(text.encode()) >= 10 else ""


def buckets(intervals: Iterable[Row]) -> dict[int, dict[str, float]]:
    """Activity by five minutes: number of the bucket since 1970 -> agents, minutes, sessions."""
    pieces: dict[int, list[tuple[int, int, bool, str]]] = defaultdict(list)
    for row in intervals:
        opens = row["epoch_seconds"] * 10**9 + row["nanosecond"]
        closes = opens + row["duration_ns"]
        while opens < closes:
            bucket = opens // _BUCKET_NS
            end = min(closes, (bucket + 1) * _BUCKET_NS)
            pieces[bucket].append((opens, end, row["is_automated"], row["session_id"]))
            opens = end
    return {bucket: _sweep(found) for bucket, found in pieces.items()}


def _sweep(pieces: list[tuple[int, int, bool, str]]) -> dict[str, float]:
    """Looks at every moment at which something begins; activity is constant in between."""
    moments = sorted({p[0] for p in pieces} | {p[1] for p in pieces})
    peak = automated_at_peak = active = 0
    for moment, following in pairwise(moments):
        live = [p for p in pieces if p[0] <= moment < p[1]]
        if len(live) > peak:
            peak, automated_at_peak = len(live), sum(p[2] for p in live)
        active += (following - moment) * bool(live)
    minutes = {kind: sum(e - o for o, e, a, _ in pieces if a is kind) for kind in (True, False)}
    return {
        "max_agents": peak,
        "automated_at_peak": automated_at_peak,
        "interactive_at_peak": peak - automated_at_peak,
        "session_count": len({p[3] for p in pieces}),
        "active_minutes": active / _MINUTE_NS,
        "agent_minutes": sum(minutes.values()) / _MINUTE_NS,
        "automated_agent_minutes": minutes[True] / _MINUTE_NS,
        "interactive_agent_minutes": minutes[False] / _MINUTE_NS,
    }
