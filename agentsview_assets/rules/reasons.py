"""Why what was published of a day is no longer so: pure, over what is recorded of slices.

A day counts as published once its report was written after the day was over; until then it grows,
and nothing is restated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from agentsview_assets.rules.staleness import INHERITED_VERSION, Slice

PRICE, CONTENT, REMOVAL, RULE = "price", "content", "removal", "rule"
DUPLICATE, UPGRADE = "duplicate", "upgrade"

_ANOTHER_RELEASE = ("upgraded", INHERITED_VERSION)
"""Recorded of slices whose archive, or warehouse, was taken over from an earlier release."""


class Record(NamedTuple):
    """What is recorded of a report's slice.

    Attributes:
        content: Version of what it was made from: observations, and what counts of them.
        rates: Version of its rates.
        rules: Digests of its own rules and of those by which sessions landed, by a space.
        written_at: When it was written, in UTC, as `YYYY-MM-DD` and a time.
    """

    content: str
    rates: str
    rules: str
    written_at: str = ""


def reason_of(before: Record, after: Record) -> str | None:
    """Why a slice says something else than its tokens' prices; None where only these moved.

    Args:
        before: What was recorded of it.
        after: What is to be recorded now; its day does not matter.
    """
    if before.content == after.content and before.rules == after.rules:
        return None
    if before.content in _ANOTHER_RELEASE or not before.rules:
        return UPGRADE
    if before.rules != after.rules:
        return RULE
    observed, _, _ = before.content.partition("+")
    return DUPLICATE if observed == after.content.partition("+")[0] else CONTENT


def is_published(day: str, record: Record) -> bool:
    """Whether a day was over when its report was written."""
    return day < record.written_at[:10]


class Moved(NamedTuple):
    """A slice of which something else is published from now on.

    Attributes:
        place: The archive and the day.
        reason: Why, but for prices; None where only these moved.
        is_repriced: Whether it has other rates.
    """

    place: Slice
    reason: str | None
    is_repriced: bool


def moved_slices(
    before: Mapping[Slice, Record], after: Mapping[Slice, Record], since: Mapping[Slice, str]
) -> list[Moved]:
    """The slices of a report that are restated by writing them anew.

    Args:
        before: What is recorded of each slice.
        after: What is to be recorded of those written now; of one without, nothing is left.
        since: Since when each day is expected to hold what it does, as text.
    """
    nothing = Record("", "", "")
    published = _published(before)
    found = []
    for place in sorted(after.keys() | before.keys()):
        old, new = before.get(place), after.get(place, nothing)
        if old is None:
            first, last = published.get(place[0], ("", ""))
            if first and place[1] < last[:10] and since.get(place, "") > first:
                found.append(Moved(place, CONTENT, is_repriced=False))
            continue
        # A slice that nothing is left of has no rules of its own: it keeps those that it had.
        new = new if new.content else new._replace(rules=old.rules, rates=old.rates)
        reason = reason_of(old, new) if is_published(place[1], old) else None
        if reason is not None or old.rates != new.rates:
            found.append(Moved(place, reason, old.rates != new.rates))
    return found


def _published(records: Mapping[Slice, Record]) -> dict[str, tuple[str, str]]:
    """When the first and the last slice of each archive was written."""
    found: dict[str, tuple[str, str]] = {}
    for (archive, _), record in records.items():
        first, last = found.get(archive, (record.written_at, record.written_at))
        found[archive] = (min(first, record.written_at), max(last, record.written_at))
    return found
