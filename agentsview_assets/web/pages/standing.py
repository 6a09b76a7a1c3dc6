"""What stands beside every total: how complete the warehouse is, and which prices it used.

What belongs here: saying so in a few words. What does not: finding it out, which
`documents.common` does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from agentsview_assets.documents.common.gaps import last_readings
from agentsview_assets.documents.common.gaps import moment as moment_of
from agentsview_assets.documents.common.tokens import ArchiveTokens, archive_tokens
from agentsview_assets.resources.warehouses.known import successions
from agentsview_assets.resources.warehouses.reader import ARCHIVES_TABLE, META_TABLE
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.schemas.pricing import EFFECTIVE_PRICING
from agentsview_assets.web.pages.figures import late_days
from agentsview_assets.web.pages.formats import age, counted, digest, moment, name, percent, short
from agentsview_assets.web.pages.page import Ask

_QUIET_SECONDS = 36 * 3600
"""After so long without being read an archive is said to be silent."""
_MOST_NAMES = 3
_OBSERVED = f"SELECT archive_id, CAST(observed_at AS VARCHAR(40)) FROM {ARCHIVES_TABLE}"


class Remark(NamedTuple):
    """A sentence beside a total.

    Attributes:
        title: What it is about.
        text: What is so.
        is_warning: Whether a total may be wrong or too low because of it.
        path: Page that says more.
    """

    title: str
    text: str
    is_warning: bool = False
    path: str = "/trust"


class _Archive(NamedTuple):
    """What is known of an archive that is still read.

    Attributes:
        archive_id: Which one.
        read_at: When it was last read, in seconds since 1970.
        is_failing: Whether it cannot be read now.
    """

    archive_id: str
    read_at: float
    is_failing: bool


def remarks(ask: Ask) -> list[Remark]:
    """What is to be known of every total of a page."""
    return [_unpriced(ask), _archives(ask), _late(ask), _prices(ask), _restated(ask)]


def _is_meant(ask: Ask, archive_id: str) -> bool:
    return ask.scope.archive_id in (None, archive_id)


def _unpriced(ask: Ask) -> Remark:
    known: dict[str, list[Any]] = ask.kept(("tokens",), lambda: archive_tokens(ask.reader))
    found = [ArchiveTokens(*one) for archive, one in known.items() if _is_meant(ask, archive)]
    tokens, lacking = sum(one.tokens for one in found), sum(one.unpriced for one in found)
    models = {model for one in found for model in one.unpriced_models}
    if not lacking:
        return Remark("Prices", "every token has a price", path="/models")
    names = sorted(models, key=utf8_bytes)
    listed = ", ".join(name(model) for model in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    part = percent(lacking / tokens) if tokens else ""
    text = f"{short(lacking)} tokens of all days ({part}) have none: {listed}{more}"
    return Remark("Prices", text, is_warning=True, path="/models")


def _archives(ask: Ask) -> Remark:
    known = [_Archive(*one) for one in ask.kept(("archives",), lambda: _alive(ask))]
    alive = [archive for archive in known if _is_meant(ask, archive.archive_id)]
    if not alive:
        return Remark("Archives", "none was read yet", is_warning=True)
    ages = [max(ask.now.timestamp() - archive.read_at, 0.0) for archive in alive]
    silent = sum(
        archive.is_failing or old > _QUIET_SECONDS for archive, old in zip(alive, ages, strict=True)
    )
    if silent:
        text = f"{silent} of {len(alive)} not heard from; the oldest was read {age(max(ages))} ago"
        return Remark("Archives", text, is_warning=True)
    return Remark("Archives", f"{counted(len(alive), 'archive')}, last read {age(min(ages))} ago")


def _alive(ask: Ask) -> list[list[Any]]:
    """The archives whose place no other one took, and when each was last read."""
    gone = {found.archive_id for found in successions(ask.reader.rows)}
    readings = {found.archive_id: found for found in last_readings(ask.reader)}
    alive = []
    for archive, observed in sorted(ask.reader.rows(_OBSERVED)):
        reading = readings.get(archive)
        read_at = reading.read_at if reading and reading.read_at else moment_of(observed)
        is_failing = bool(reading and reading.failing_since)
        if archive not in gone:
            alive.append([archive, read_at.timestamp(), is_failing])
    return alive


def _late(ask: Ask) -> Remark:
    late = len([day for archive, day in late_days(ask) if _is_meant(ask, archive)])
    if late:
        words = "is out of date" if late == 1 else "are out of date"
        return Remark("Days", f"{counted(late, 'day')} {words}", is_warning=True)
    return Remark("Days", "all are up to date")


def _prices(ask: Ask) -> Remark:
    rows = ask.reader.rows(
        f"SELECT pricing_digest, COUNT(*), CAST(MAX(updated_at) AS VARCHAR(40)) "
        f"FROM {EFFECTIVE_PRICING.relation} GROUP BY pricing_digest ORDER BY 1"
    )
    if not rows:
        return Remark("Price table", "none", is_warning=True, path="/models")
    if len(rows) > 1:
        return Remark("Price table", f"{len(rows)} are in force, by archive", path="/models")
    [(found, count, updated)] = rows
    when = f", newest price of {updated[:10]}" if updated else ""
    return Remark("Price table", f"{digest(found)}, {count:,} prices{when}", path="/models")


def _restated(ask: Ask) -> Remark:
    [(last, count)] = ask.reader.rows(
        "SELECT CAST(MAX(restated_at) AS VARCHAR(40)), COUNT(*) FROM restatements"
    )
    if not count:
        return Remark("Restated", "never", path="/changes")
    return Remark("Restated", f"last on {last[:10]}, {count:,} figures so far", path="/changes")


def footing(ask: Ask) -> dict[str, str]:
    """What the foot of a page says of the state that it shows."""
    revision = ask.reader.rows(f"SELECT MAX(revision) FROM {META_TABLE}")[0][0]
    prices = ask.reader.rows(f"SELECT MAX(pricing_digest) FROM {EFFECTIVE_PRICING.relation}")[0][0]
    taken = ask.state.taken_at
    return {
        "state": ask.state.name,
        "revision": f"{int(revision or 0):,}",
        "prices": digest(prices or "none"),
        "taken": moment(taken) if taken else "",
    }
