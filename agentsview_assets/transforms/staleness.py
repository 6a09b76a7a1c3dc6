"""Which partitions of which tables are out of date: pure, over versions by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agentsview_assets.transforms.rates import ModelRate, model_rates, price_tables, rates_version

OBSERVATIONS = ("sessions", "usage_rows", "activity_intervals")
REPORTS = ("daily_usage", "activity_buckets", "session_model_usage", "session_summaries")
DAILY_TABLES = (*OBSERVATIONS, *REPORTS)
PROJECT_TABLES = ("project_observations", "machines", "project_identities")
PRICE_TABLES = ("model_pricing", "effective_pricing")
RATES_TABLE = "model_rates"
TABLES = (*DAILY_TABLES, *PROJECT_TABLES, *PRICE_TABLES, RATES_TABLE)
"""Every table that can be out of date."""

MIXED_VERSION = "mixed"
"""Noted of a day made from tables of which some were out of date: no version ever equals it."""

Versions = tuple[str, str]
"""The version of the observations and that of the rates that a partition was made from."""


class Expected(NamedTuple):
    """The versions that an up-to-date warehouse has noted.

    Attributes:
        observations: Version of the observations by day.
        rates: Version of the rates by day.
        projects: Version of the project observations.
        prices: Version of the price rows.
        all_rates: Version of the rates of all models seen.
    """

    observations: Mapping[str, str]
    rates: Mapping[str, str]
    projects: str
    prices: str
    all_rates: str

    def of(self, table: str) -> dict[str, Versions]:
        """The versions of every partition of a table, '' being the only one of a whole table."""
        if table in OBSERVATIONS:
            return {day: (version, "") for day, version in self.observations.items()}
        if table in REPORTS:
            return {day: (version, self.rates[day]) for day, version in self.observations.items()}
        if table in PROJECT_TABLES:
            return {"": (self.projects, "")}
        return {"": (self.prices, self.all_rates if table == RATES_TABLE else "")}


def expected_versions(
    observations: Mapping[str, str],
    models: Mapping[str, list[tuple[str, str]]],
    prices: Iterable[tuple[object, ...]],
    projects_version: str,
    prices_version: str,
) -> Expected:
    """What the warehouse should have noted, given what was observed.

    Args:
        observations: Version of the observations by day.
        models: Archive and model pairs whose rates each day's reports need.
        prices: Rows of `model_pricing`.
        projects_version: Version of the project observations.
        prices_version: Version of the price rows.
    """
    rates = current_rates({pair for pairs in models.values() for pair in pairs}, prices)
    return Expected(
        observations,
        {day: rates_version(models.get(day, ()), rates) for day in observations},
        projects_version,
        prices_version,
        rates_version(rates, rates),
    )


def current_rates(
    models: Iterable[tuple[str, str]], prices: Iterable[tuple[object, ...]]
) -> dict[tuple[str, str], ModelRate]:
    """The rates in force of some models, by archive and model."""
    seen = [(archive_id, model, 0) for archive_id, model in models]
    return {(r.archive_id, r.model): r for r in model_rates(seen, price_tables(prices))}


def stale_partitions(expected: Mapping[str, Versions], noted: Mapping[str, Versions]) -> set[str]:
    """The partitions whose noted versions are not the expected ones.

    A partition that should hold nothing and was never written is up to date.
    """
    missing = {day for day, versions in expected.items() if noted.get(day) != versions}
    left_over = {day for day in noted if day not in expected and noted[day][0] != ""}
    return missing | left_over


def waiting_reports(
    expected: Expected,
    noted: Mapping[str, Mapping[str, Versions]],
    reaches: Mapping[str, Iterable[str]],
    bounds: tuple[str, str],
) -> set[str]:
    """The days whose reports would come out as they are, for want of days outside the bounds.

    Such a day is out of date only because it reads another one that is out of date, and that is
    not to be made this time.

    Args:
        expected: The versions of an up-to-date warehouse.
        noted: Versions noted, by table and day.
        reaches: Other days that each day's reports read.
        bounds: First and last day to be made.
    """

    def is_observed(day: str) -> bool:
        version = expected.observations.get(day, "")
        return all(noted[name].get(day, ("", ""))[0] == version for name in OBSERVATIONS)

    def is_as_it_can_be(day: str) -> bool:
        versions = {noted[name].get(day, ("", "")) for name in REPORTS}
        full = (expected.observations.get(day, ""), expected.rates.get(day, ""))
        return versions <= {full, (MIXED_VERSION, full[1])}

    first, last = bounds
    return {
        day
        for day, others in reaches.items()
        if is_observed(day)
        and is_as_it_can_be(day)
        and not all(is_observed(other) for other in others)
        and all(is_observed(other) or not first <= other <= last for other in others)
    }
