"""Which slices are out of date: what is recorded of them, against what is expected.

What belongs here: comparing. What does not: what is expected (`rules.staleness`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agentsview_assets.rules.staleness import (
    OBSERVATIONS,
    PRICES,
    PROJECTS,
    ExpectedRow,
    Slice,
    Versions,
    observed_slices,
)
from agentsview_assets.rules.windows import DayWindow, Span


def unread_archives(
    rows: Iterable[ExpectedRow],
    recorded: Mapping[str, Mapping[Slice, Versions]],
    window: DayWindow,
    outdated: Mapping[str, Collection[Slice]],
) -> set[str]:
    """The archives that have to be opened to bring some slice of their observations up to date.

    Args:
        rows: What was found in archives.
        recorded: The versions that each table's slices were made from.
        window: The days that partitions exist for.
        outdated: Slices that other rules made, by table.
    """
    found = list(rows)
    whole = {
        PROJECTS: ("project_observations", "machines"),
        PRICES: ("model_pricing",),
    }
    read = (*OBSERVATIONS, *(table for tables in whole.values() for table in tables))
    behind = {
        row.archive_id
        for row in found
        for table in whole.get(row.part, ())
        if recorded.get(table, {}).get((row.archive_id, ""), ("", ""))[0] != row.version
    }
    archives = {row.archive_id for row in found}
    observed = observed_slices(found, window)
    expected = {place: (version, "") for place, version in observed.items()}
    for table in OBSERVATIONS:
        mine = {p: v for p, v in recorded.get(table, {}).items() if p[0] in archives}
        behind |= {archive for archive, _ in stale_slices(expected, mine)}
    made_otherwise = {archive for table in read for archive, _ in outdated.get(table, ())}
    return behind | (made_otherwise & archives)


def stale_slices(
    expected: Mapping[Slice, Versions], recorded: Mapping[Slice, Versions]
) -> set[Slice]:
    """The slices whose recorded versions are not the expected ones.

    A slice that should hold nothing and was never written is up to date.
    """
    missing = {place for place, versions in expected.items() if recorded.get(place) != versions}
    left_over = {
        place for place, found in recorded.items() if place not in expected and found[0] != ""
    }
    return missing | left_over


def outdated_elsewhere(
    expected: Mapping[Slice, str], recorded: Mapping[Slice, Versions], span: Span
) -> list[Slice]:
    """The slices outside of some days that hold something else than is expected of them.

    Args:
        expected: The versions that up-to-date slices of some archives have recorded.
        recorded: Those that the slices of a table have recorded.
        span: The days.
    """
    archives = {archive for archive, _ in expected}
    return [
        (archive, day)
        for (archive, day), (version, _) in sorted(recorded.items())
        if archive in archives
        and not span.first <= day <= span.last
        and expected.get((archive, day)) != version
    ]
