"""Usage from the table of daily sums: where it answers at all, it says what the rows say."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.documents.common.lookups import load_prices, resolve_archives
from agentsview_assets.documents.common.window import UTC_ZONE, Window
from agentsview_assets.documents.usage.buckets import Usage, read_usage
from agentsview_assets.documents.usage.filters import EVERYTHING
from agentsview_assets.documents.usage.query import UsageScope
from agentsview_assets.documents.usage.rolled import rolled_usage
from agentsview_assets.resources.warehouses.reader import Reader, open_reader
from tests.conformance.recipes import RECIPES

if TYPE_CHECKING:
    from tests.conformance.conftest import PairOf

COUNT = 60
# In the others times lie where no day of theirs is, or costs are no numbers: the rows are read.
ANSWERED = ("sample", "golden", "custom-prices", "stored-prices")
_DAYS = "SELECT DISTINCT CAST(partition_date AS VARCHAR(10)) FROM usage_rows ORDER BY 1"
_NAMES = "SELECT DISTINCT project, agent, model FROM usage_rows ORDER BY 1, 2, 3"


def scopes(reader: Reader, seed: str) -> list[UsageScope]:
    """Windows of the archive's days with and without names chosen."""
    draw = random.Random(seed)
    archive = resolve_archives(reader, None)
    days = [day for (day,) in reader.rows(_DAYS)] or ["2026-07-01"]
    names = reader.rows(_NAMES) or [("", "", "")]
    found = []
    for _ in range(COUNT):
        first, last = sorted(draw.choices(days, k=2))
        if draw.random() < 0.2:
            last = (dt.date.fromisoformat(last) + dt.timedelta(days=40)).isoformat()
        window = Window(
            first if draw.random() < 0.8 else None, last if draw.random() < 0.8 else None
        )
        chosen = {
            column: ",".join(sorted({draw.choice(names)[place] for _ in range(2)}))
            for place, column in enumerate(("project", "agent", "model"))
            if draw.random() < 0.25
        }
        filters = EVERYTHING.__class__(**{**_everything(), **chosen})
        found.append(UsageScope(archive, window, UTC_ZONE, filters))
    return found


def _everything() -> dict[str, Any]:
    return {name: getattr(EVERYTHING, name) for name in EVERYTHING.__slots__}


def told(usage: Usage) -> tuple[Any, ...]:
    """The usage by date, project, agent and model: tokens, money and savings; and its sessions."""
    sums: dict[tuple[str, ...], list[float]] = {}
    for bucket in usage.buckets:
        amounts = bucket.amounts
        key = (bucket.date, bucket.project, bucket.agent, bucket.model)
        values = (
            *(amounts.input_tokens, amounts.output_tokens, amounts.cache_creation_tokens),
            *(amounts.cache_read_tokens, amounts.cost, bucket.savings),
        )
        for place, value in enumerate(values):
            sums.setdefault(key, [0.0] * len(values))[place] += value
    return sums, dict(usage.sessions)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in ANSWERED]
)
def test_daily_sums_say_what_the_rows_say(pair_of: PairOf, name: str) -> None:
    answered = 0
    with open_reader(pair_of(name).ours.warehouse) as reader:
        for scope in scopes(reader, name):
            prices = load_prices(reader, scope.archive_id, offline=False)
            found = rolled_usage(reader, scope, prices, ())
            if found is None:
                continue
            answered += 1
            expected = read_usage(reader, scope, prices, by_project=True)
            (mine, sessions), (theirs, others) = told(found), told(expected)
            assert sessions == others, scope
            assert mine.keys() == theirs.keys(), scope
            for key, values in theirs.items():
                for one, other in zip(mine[key], values, strict=True):
                    assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12), (scope, key)
    assert answered > COUNT // 4, RECIPES[name]
