"""Reports that would come out as they are, for want of days that are not to be made this time."""

from __future__ import annotations

from collections.abc import Mapping

from agentsview_assets.rules.staleness import (
    MIXED_VERSION,
    OBSERVATIONS,
    REPORTS,
    Expected,
    Slice,
    Versions,
)


def waiting_reports(
    expected: Expected,
    recorded: Mapping[str, Mapping[Slice, Versions]],
    bounds: tuple[str, str],
) -> set[Slice]:
    """The slices whose reports would come out as they are, for want of days outside the bounds.

    Such a day is out of date only because it reads another one that is out of date, and that is
    not to be made this time.

    Args:
        expected: The versions of up-to-date slices.
        recorded: Versions recorded, by table.
        bounds: First and last day to be made.
    """

    def is_observed(place: Slice) -> bool:
        version = expected.observations.get(place, "")
        return all(recorded[name].get(place, ("", ""))[0] == version for name in OBSERVATIONS)

    def is_as_it_can_be(place: Slice) -> bool:
        versions = {recorded[name].get(place, ("", "")) for name in REPORTS}
        full = (expected.inputs.get(place, ""), expected.rates.get(place, ""))
        return versions <= {full, (MIXED_VERSION, full[1])}

    first, last = bounds
    return {
        (archive, day)
        for (archive, day), others in expected.reads.items()
        if is_observed((archive, day))
        and is_as_it_can_be((archive, day))
        and not all(is_observed((archive, other)) for other in others)
        and all(is_observed((archive, other)) or not first <= other <= last for other in others)
    }
