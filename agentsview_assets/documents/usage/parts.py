"""The parts that usage documents share: days, totals, counts of sessions.

What belongs here: their shape and order. What does not: sums (`buckets`), which rows count
(`query`).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.usage.buckets import Amounts, by_cost, entries
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.money import added_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agentsview_assets.documents.usage.buckets import Bucket, Usage

SCHEMA_VERSION = 1
USD_PER_CREDIT = 0.01
CREDIT_AGENTS = frozenset({"copilot", "vscode-copilot", "windsurf", "visualstudio-copilot"})


def day_entries(usage: Usage, *, breakdown: bool) -> list[dict[str, Any]]:
    """Return `daily`: the days on which rows count, oldest first.

    Args:
        usage: The rows.
        breakdown: Fill the break-downs by project and agent.
    """
    days: dict[str, list[Bucket]] = {}
    for bucket in usage.buckets:
        days.setdefault(bucket.date, []).append(bucket)
    return [
        _day_entry(date, days[date], breakdown=breakdown) for date in sorted(days, key=utf8_bytes)
    ]


def _day_entry(date: str, buckets: Sequence[Bucket], *, breakdown: bool) -> dict[str, Any]:
    models = _by_cost(buckets, attrgetter("model"))
    total = Amounts()
    for _, amounts in models:
        total.add(amounts)
    shown = buckets if breakdown else ()
    return {
        "date": date,
        **total.entry("totalCost"),
        "modelsUsed": [name for name, _ in models],
        "modelBreakdowns": entries("modelName", models),
        "projectBreakdowns": entries("project", _by_cost(shown, attrgetter("project"))),
        "agentBreakdowns": entries("agent", _by_cost(shown, attrgetter("agent"))),
    }


def _by_cost(
    buckets: Iterable[Bucket], name_of: Callable[[Bucket], str]
) -> list[tuple[str, Amounts]]:
    return by_cost(buckets, name_of, attrgetter("amounts"))


def totals_entry(daily: Iterable[Mapping[str, Any]], usage: Usage) -> dict[str, Any]:
    """Return `totals`: sums over days, in their order."""
    totals = Amounts().entry("totalCost")
    for day in daily:
        for key, value in totals.items():
            total = value + day[key]
            totals[key] = int64(total) if isinstance(total, int) else total
    credit = _credits(usage.buckets)
    if credit > 0:
        totals["copilotAICredits"] = credit
    totals["cacheSavings"] = usage.savings
    return totals


def _credits(buckets: Iterable[Bucket]) -> float:
    """Return the AI credits that the cost of the agents with credits stands for."""
    costs: dict[tuple[str, str], float] = {}
    for bucket in buckets:
        if bucket.agent in CREDIT_AGENTS:
            key = (bucket.date, bucket.agent)
            costs[key] = costs.get(key, 0.0) + bucket.amounts.cost
    return added_up(cost / USD_PER_CREDIT for cost in costs.values())


def session_entry(usage: Usage) -> dict[str, Any]:
    """Return `sessionCounts`."""
    counts = usage.sessions
    return {
        "total": sum(counts.values()),
        "byProject": _counted((project, count) for (project, _), count in counts.items()),
        "byAgent": _counted((agent, count) for (_, agent), count in counts.items()),
    }


def _counted(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up the counts of each label, labels in byte order, those without any left out."""
    sums: dict[str, int] = {}
    for label, count in counts:
        if count:
            sums[label] = sums.get(label, 0) + count
    return {label: sums[label] for label in sorted(sums, key=utf8_bytes)}
