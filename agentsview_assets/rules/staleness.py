"""Which slices of which tables are out of date: pure, over versions by archive and day."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from agentsview_assets.rules.rates import ModelRate, model_rates, price_tables, rates_version
from agentsview_assets.rules.windows import DayWindow

OBSERVATIONS = ("sessions", "usage_rows", "activity_intervals")
REPORTS = ("daily_usage", "activity_buckets", "session_model_usage", "session_summaries")
DAILY_TABLES = (*OBSERVATIONS, *REPORTS)
PROJECT_TABLES = ("project_observations", "machines", "project_identities")
PRICE_TABLES = ("model_pricing", "effective_pricing")
RATES_TABLE = "model_rates"
TABLES = (*DAILY_TABLES, *PROJECT_TABLES, *PRICE_TABLES, RATES_TABLE)
"""Every table that can be out of date."""

UPSTREAM: Mapping[str, tuple[str, ...]] = {
    "daily_usage": ("usage_rows",),
    "activity_buckets": ("activity_intervals", "usage_rows"),
    "session_model_usage": ("usage_rows",),
    "session_summaries": ("sessions", "session_model_usage"),
}
"""The tables that each report is made from."""
READING_OTHER_DAYS = ("activity_buckets", "session_model_usage")
"""Reports of a day that read other days as well: over midnight, and over days of a session."""

DAILY, VERDICTS, PROJECTS, PRICES = "daily", "verdicts", "projects", "prices"
"""What is expected of an archive: of its days, of what counts on them, of tables without days."""

MIXED_VERSION = "mixed"
"""Recorded of a day made from tables of which some were out of date: no version ever equals it."""
MOVED_VERSION = "moved"
"""Recorded of a slice of which rows were written to another day: likewise."""
INHERITED_VERSION = "inherited"
"""Recorded of a slice that holds rows of the archive before: no version ever equals it either."""

Slice = tuple[str, str]
"""An archive and a day; '' for the day of a table without days."""
Versions = tuple[str, str]
"""The version of what a slice was made from, and that of the rates that priced it."""


class ExpectedRow(NamedTuple):
    """What was found of an archive, of one day or in all.

    Attributes:
        archive_id: The archive.
        part: `DAILY`, `VERDICTS`, `PROJECTS` or `PRICES`.
        day: UTC day; '' of rows without one, and of what has no days.
        version: Version of it.
        models: Models whose prices the reports of the day need.
        reads: Other UTC days that reports of the day read.
    """

    archive_id: str
    part: str
    day: str
    version: str
    models: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


class Expected(NamedTuple):
    """The versions that up-to-date slices have recorded.

    Attributes:
        observations: Version of the observations.
        inputs: Version of what reports are made from: observations, and what counts of them.
        rates: Version of the rates.
        reads: Other partitions that a slice's reports read.
        projects: Version of the project observations, by archive.
        prices: Version of the price rows, by archive.
        all_rates: Version of the rates of all models seen, by archive.
    """

    observations: Mapping[Slice, str]
    inputs: Mapping[Slice, str]
    rates: Mapping[Slice, str]
    reads: Mapping[Slice, Collection[str]]
    projects: Mapping[str, str]
    prices: Mapping[str, str]
    all_rates: Mapping[str, str]

    @property
    def archives(self) -> frozenset[str]:
        """The archives that anything is expected of."""
        return frozenset(self.prices)

    def of(self, table: str) -> dict[Slice, Versions]:
        """The versions of every slice of a table."""
        if table in OBSERVATIONS:
            return {place: (version, "") for place, version in self.observations.items()}
        if table in REPORTS:
            return {place: (version, self.rates[place]) for place, version in self.inputs.items()}
        if table in PROJECT_TABLES:
            return {(archive, ""): (version, "") for archive, version in self.projects.items()}
        rates = self.all_rates if table == RATES_TABLE else {}
        return {
            (archive, ""): (version, rates.get(archive, ""))
            for archive, version in self.prices.items()
        }


def by_day(versions: Mapping[Slice, str]) -> dict[str, str]:
    """One version for each day, of which archives there are and of the version of each."""
    found: dict[str, list[str]] = defaultdict(list)
    for (archive, day), version in sorted(versions.items()):
        found[day].append(f"{archive}:{version}")
    return {day: _digest(of) for day, of in sorted(found.items())}


def made_days(recorded: Mapping[Slice, Versions]) -> dict[str, str]:
    """The same of what a table's slices were made from."""
    return by_day({place: version for place, (version, _) in recorded.items() if version})


def expected_slices(
    rows: Iterable[ExpectedRow], prices: Iterable[tuple[object, ...]], window: DayWindow
) -> Expected:
    """What the slices of some archives should have recorded.

    Args:
        rows: What was found in the archives.
        prices: Rows of `model_pricing` of these archives.
        window: The days that partitions exist for.
    """
    found = list(rows)
    models = {(row.archive_id, model) for row in found for model in row.models}
    return expected_of(found, current_rates(models, prices), window)


def expected_where_priced(
    rows: Iterable[ExpectedRow], prices: Iterable[tuple[object, ...]], window: DayWindow
) -> Expected:
    """The same, without rates of archives whose prices have not been made yet."""
    held = list(prices)
    priced = {str(row[0]) for row in held}
    known = [row if row.archive_id in priced else row._replace(models=()) for row in rows]
    return expected_slices(known, held, window)


def expected_of(
    rows: Iterable[ExpectedRow], rates: Mapping[tuple[str, str], ModelRate], window: DayWindow
) -> Expected:
    """The same at rates that are known, by archive and model."""
    parts: dict[str, list[ExpectedRow]] = defaultdict(list)
    for row in rows:
        parts[row.part].append(row)
    daily = parts[DAILY]
    observations = _by_partition(daily, window)
    models = _models(daily, window)
    seen: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for archive, model in (pair for pairs in models.values() for pair in pairs):
        seen[archive].add((archive, model))
    priced = {row.archive_id: row.version for row in parts[PRICES]}
    return Expected(
        observations,
        with_verdicts(observations, parts[VERDICTS]),
        _rates_versions(observations, models, rates),
        _reads(daily, window),
        {row.archive_id: row.version for row in parts[PROJECTS]},
        priced,
        {archive: rates_version(seen[archive], rates) for archive in priced},
    )


def _rates_versions(
    places: Iterable[Slice],
    models: Mapping[Slice, set[tuple[str, str]]],
    rates: Mapping[tuple[str, str], ModelRate],
) -> dict[Slice, str]:
    """The version of the rates of each slice; most days have the same models as others."""
    found: dict[Slice, str] = {}
    known: dict[frozenset[tuple[str, str]], str] = {}
    for place in places:
        pairs = frozenset(models.get(place, ()))
        if pairs not in known:
            known[pairs] = rates_version(pairs, rates)
        found[place] = known[pairs]
    return found


def observed_slices(rows: Iterable[ExpectedRow], window: DayWindow) -> dict[Slice, str]:
    """The versions of the observations of every partition that holds something."""
    return _by_partition([row for row in rows if row.part == DAILY], window)


def with_verdicts(
    observations: Mapping[Slice, str], verdicts: Iterable[ExpectedRow]
) -> dict[Slice, str]:
    """The versions of what reports are made from."""
    found = {(row.archive_id, row.day): row.version for row in verdicts}
    return {
        place: input_of(version, found.get(place, "")) for place, version in observations.items()
    }


def input_of(observed: str, verdicts: str) -> str:
    """The version of observations together with what counts of them ('' where all does)."""
    return f"{observed}+{verdicts}" if verdicts else observed


def _by_partition(daily: Iterable[ExpectedRow], window: DayWindow) -> dict[Slice, str]:
    """The version of every partition that holds something.

    The session day in a usage row moves with the window when the session started before it.
    """
    outside: dict[Slice, int] = defaultdict(int)
    held: dict[Slice, list[ExpectedRow]] = defaultdict(list)
    for row in daily:
        held[row.archive_id, window.place(row.day)].append(row)
        if not window.holds(row.day):
            for other in row.reads:
                outside[row.archive_id, other] += 1
    found = {}
    for (archive, day), rows in held.items():
        texts = [
            f"{row.day}:{row.version}"
            + (f":{n}x{window.first}" if (n := outside.get((archive, row.day), 0)) else "")
            for row in rows
        ]
        is_plain = texts == [f"{day}:{rows[0].version}"]
        found[archive, day] = rows[0].version if is_plain else _digest(sorted(texts))
    return found


def _models(daily: Iterable[ExpectedRow], window: DayWindow) -> dict[Slice, set[tuple[str, str]]]:
    found: dict[Slice, set[tuple[str, str]]] = defaultdict(set)
    for row in daily:
        place = (row.archive_id, window.place(row.day))
        found[place].update((row.archive_id, model) for model in row.models)
    return found


def _reads(daily: Iterable[ExpectedRow], window: DayWindow) -> dict[Slice, set[str]]:
    found: dict[Slice, set[str]] = defaultdict(set)
    for row in daily:
        day = window.place(row.day)
        others = {window.place(other) for other in row.reads} - {day}
        if others:
            found[row.archive_id, day].update(others)
    return found


def _digest(texts: Iterable[str]) -> str:
    return hashlib.md5(",".join(texts).encode(), usedforsecurity=False).hexdigest()


def current_rates(
    models: Iterable[tuple[str, str]], prices: Iterable[tuple[object, ...]]
) -> dict[tuple[str, str], ModelRate]:
    """The rates in force of some models, by archive and model."""
    seen = [(archive_id, model, 0) for archive_id, model in models]
    return {(r.archive_id, r.model): r for r in model_rates(seen, price_tables(prices))}


def made_from(
    place: Slice,
    table: str,
    recorded: Mapping[str, Mapping[Slice, Versions]],
    expected: Expected,
) -> str:
    """The version to record of a report's slice, or that it is made from a mixture.

    Args:
        place: The slice.
        table: The report.
        recorded: The recorded versions of the tables that it is made from.
        expected: What is expected now, read before the rows were.
    """
    archive, _ = place
    versions = {_observed(recorded[name].get(place, ("", ""))[0]) for name in UPSTREAM[table]}
    others = expected.reads.get(place, ()) if table in READING_OTHER_DAYS else ()
    is_whole = all(
        recorded[name].get((archive, other), ("", ""))[0]
        == expected.observations.get((archive, other), "")
        for other in others
        for name in UPSTREAM[table]
    )
    if len(versions) > 1 or not is_whole:
        return MIXED_VERSION
    _, _, verdicts = expected.inputs.get(place, "").partition("+")
    return input_of(versions.pop(), verdicts)


def _observed(version: str) -> str:
    """The version of the observations alone."""
    return version.partition("+")[0]
