"""What stands beside every total: how complete the warehouse is, and which prices it used.

What belongs here: saying so in a few words. What does not: finding it out, which
`documents.common` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.resources.warehouses.reader import META_TABLE
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.schemas.pricing import EFFECTIVE_PRICING
from agentsview_assets.web.pages.formats import age, counted, digest, moment, name, percent, short
from agentsview_assets.web.pages.page import Ask

_QUIET_SECONDS = 36 * 3600
"""After so long without being read an archive is said to be silent."""
_MOST_NAMES = 3


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


def known(ask: Ask) -> dict[str, Any]:
    """The completeness document, worked out once a minute for a state."""
    minute = int(ask.now.timestamp() // 60)
    archive = ask.scope.archive_id
    found: dict[str, Any] = ask.kept(
        ("completeness", archive, minute),
        lambda: completeness(ask.reader, ask.now, archive),
    )
    return found


def remarks(ask: Ask) -> list[Remark]:
    """What is to be known of every total of a page."""
    found = known(ask)
    return [_unpriced(found), _archives(ask, found), _late(found), _prices(ask), _restated(ask)]


def _unpriced(found: dict[str, Any]) -> Remark:
    tokens, lacking = found["totals"]["tokens"], found["totals"]["unpriced_tokens"]
    models = {model for archive in found["archives"] for model in archive["unpriced_models"]}
    if not lacking:
        return Remark("Prices", "every token has a price", path="/models")
    names = sorted(models, key=utf8_bytes)
    listed = ", ".join(name(model) for model in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    part = percent(lacking / tokens) if tokens else ""
    text = f"{short(lacking)} tokens of all days ({part}) have none: {listed}{more}"
    return Remark("Prices", text, is_warning=True, path="/models")


def _archives(ask: Ask, found: dict[str, Any]) -> Remark:
    alive = [archive for archive in found["archives"] if archive["succeeded_by"] is None]
    if not alive:
        return Remark("Archives", "none was read yet", is_warning=True)
    ages = {a["archive_id"]: _age(ask, a["read_at"]) for a in alive}
    silent = [
        archive["archive_id"]
        for archive in alive
        if archive["failing_since"] or ages[archive["archive_id"]] > _QUIET_SECONDS
    ]
    text = f"{counted(len(alive), 'archive')}, last read {age(min(ages.values()))} ago"
    if silent:
        oldest = age(max(ages.values()))
        text = f"{len(silent)} of {len(alive)} not heard from; the oldest was read {oldest} ago"
    return Remark("Archives", text, is_warning=bool(silent))


def _age(ask: Ask, read_at: str) -> float:
    return max((ask.now - datetime.fromisoformat(read_at)).total_seconds(), 0.0)


def _late(found: dict[str, Any]) -> Remark:
    late = found["totals"]["days_out_of_date"]
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
